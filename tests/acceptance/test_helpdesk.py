"""A help desk's day, by the page that shows how: an export, single resets, a batch, the record."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tasks.testing.server import ScriptedServer
from tests.acceptance.howto import HowTo, postroom_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def howto(
    valkey: str, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[tuple[HowTo, ScriptedServer]]:
    port = str(free_port())
    with ScriptedServer() as server:
        settings = {**postroom_settings(valkey, server, database=11), "POSTROOM_WEB_PORT": port}
        reader = HowTo("helpdesk-resets.md", tmp_path, {"8080": port}, settings)
        try:
            yield reader, server
        finally:
            reader.close()


@pytest.mark.timeout(150)
def test_the_page_leads_from_an_export_to_the_record(
    howto: tuple[HowTo, ScriptedServer], eventually: Callable[..., None]
) -> None:
    if not shutil.which("curl"):
        if os.environ.get("CI"):
            pytest.fail("there is no curl")
        pytest.skip("there is no curl")
    reader, server = howto
    export, settings, worker, single, inactive, gateway, curl, dry, batch, report, record = reader.blocks()
    for block in (export, settings):
        reader.run(block)
    assert "directory csv: 3 users" in reader.run(worker)
    assert "  sent  250" in reader.run(single)
    told = reader.run(inactive)
    assert "the user's account is not active" in told
    assert "exit code 1" in told
    reader.run(gateway)
    reader.wait_for("Uvicorn running")
    assert json.loads(reader.run(curl))["state"] == "queued"
    assert "3 rows: 3 can be sent, 0 are wrong" in reader.run(dry)
    assert "2 sent, 1 failed" in reader.run(batch)
    reader.run(report)
    page = (reader.folder / "report.html").read_text()
    assert page.count("<tr>") == 4
    assert "ann@example.com" not in page

    told = reader.run(record)
    assert "locked out" in told
    asked = json.loads(told[told.index('{"resets"') :])["resets"]
    assert {each["actor"] for each in asked} == {"ben"}
    eventually(lambda: len(server.mails) == 5, "four resets and a notice", seconds=40)
    assert Counter(mail.recipients[0] for mail in server.mails) == {
        "ann@example.com": 2,
        "bob@example.com": 2,
        "ben@example.com": 1,
    }
