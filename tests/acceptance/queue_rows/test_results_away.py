"""The result backend is another Redis, and is away when mails end (row R14)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from celery import Celery

from tests import sizes
from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.queue_rows.conftest import OpenOffice


@pytest.mark.rounds(1)
@pytest.mark.timeout(600)
def test_r14_the_journal_has_the_result_at_once_and_celery_when_its_backend_is_back(
    open_office: OpenOffice, tmp_path: Path
) -> None:
    ill = open_office()
    with RedisServer(tmp_path / "results") as results:
        ill.open(POSTROOM_RESULT_BACKEND=results.url)
        first = ill.office.enqueue(2)
        ill.wait_until(lambda: all(map(ill.office.is_over, first)), "a worker")
        results.end()
        away = time.monotonic()
        ids = ill.office.enqueue(3)
        outcomes = [ill.office.mailer.wait(mail_id, timeout=15) for mail_id in ids]
        time.sleep(max(0.0, away + sizes.scaled(40, once=3) - time.monotonic()))
        results.start()

        assert {outcome.code for outcome in outcomes} == {250}
        with Celery("shop", backend=results.url, set_as_current=False) as app:
            found = [app.AsyncResult(mail_id).get(timeout=30)["code"] for mail_id in ids]
    assert found == [250] * 3
    assert len(ill.office.server.dots) == 5
