"""Log lines: one JSON object each, and nothing in it that a mail says."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from worker.logs import formatter
from worker.settings import Settings


def line(record: logging.LogRecord, form: str = "json") -> str:
    return formatter(Settings.model_validate({"log_format": form})).format(record)


def record(message: str, **extra: Any) -> logging.LogRecord:
    return logging.getLogger("postroom").makeRecord(
        "postroom", logging.INFO, "file.py", 1, message, (), None, extra=extra
    )


def test_a_line_is_an_object_with_its_facts() -> None:
    written = json.loads(line(record("mail settled", code=250, mail_id="m")))

    assert written["event"] == "mail settled"
    assert (written["code"], written["mail_id"], written["level"]) == (250, "m", "info")
    assert written["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_celery_hangs_on_its_lines_is_dropped(form: str) -> None:
    celerys = {
        "data": {"kwargs": "canary"},
        "args": ("canary",),
        "kwargs": "canary",
        "return_value": "canary",
    }
    with_arguments = record("Task failed")
    with_arguments.__dict__.update(celerys)
    with_arguments.args = ()

    assert "canary" not in line(with_arguments, form)
