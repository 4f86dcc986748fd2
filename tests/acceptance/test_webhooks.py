"""From a request to the gateway to the webhook of its key, by the processes of the Procfile."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from producers.web.keyfile import KeyFile
from producers.web.webhook import new_secret
from tests.acceptance.post_office import procfile
from tests.servers.receiver import is_signed, receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.acceptance.post_office import PostOffice
    from tests.servers.receiver import Receiver

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def open_process(office: PostOffice, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a process of the Procfile, without its supervisor."""
    with ExitStack() as stack:

        def start(name: str, **settings: str) -> subprocess.Popen[bytes]:
            line = procfile(name)
            log = stack.enter_context((tmp_path / f"{name}.log").open("ab"))
            process = subprocess.Popen(  # noqa: S603 (the Procfile's own line)
                line[line.index("postroom") :],
                cwd=tmp_path,
                env=office.settings(POSTROOM_WEB_KEYS_FILE=str(tmp_path / "keys.json"), **settings),
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start


@pytest.mark.smtpd(rcpt={"nobody@example.org": "550 no such user"})
def test_who_handed_mails_in_is_told_how_they_ended_though_the_gateway_died(  # noqa: PLR0913, PLR0917 (what it takes)
    office: PostOffice,
    receiver: Receiver,
    open_process: Callable[..., subprocess.Popen[bytes]],
    eventually: Callable[..., None],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    secret = new_secret().get_secret_value()
    webhook = {"url": f"{receiver.url}/200", "secrets": [{"secret": secret}]}
    _, token = KeyFile(tmp_path / "keys.json").create(name="shop", webhook=webhook)
    port = str(free_port())
    gateway = open_process("web", POSTROOM_WEB_PORT=port)
    eventually(lambda: _answers(port), "the gateway")

    ids = {name: _hand_in(port, str(token), f"{name}@example.org") for name in ("ann", "nobody")}
    gateway.kill()
    office.open()
    eventually(lambda: all(office.is_over(mail_id) for mail_id in ids.values()), "both results")
    open_process("hooks")
    posted = receiver.wait_for(2, within=30.0)

    told = {json.loads(each.body)["data"]["id"]: json.loads(each.body) for each in posted}
    assert told[ids["ann"]]["type"] == "email.sent"
    assert told[ids["ann"]]["data"]["success"] is True
    assert told[ids["nobody"]]["type"] == "email.not_sent"
    assert told[ids["nobody"]]["data"]["code"] == 550
    assert all(is_signed(each, secret) for each in posted)
    assert b"nobody@example.org" not in b"".join(each.body for each in posted)
    assert secret not in "".join(log.read_text() for log in tmp_path.glob("*.log"))


def _hand_in(port: str, token: str, to: str) -> str:
    mail = {"to": to, "subject": "Hello", "body": "How are you?"}
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/emails", json=mail, headers=headers)
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["id"]
    return found


def _answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False
