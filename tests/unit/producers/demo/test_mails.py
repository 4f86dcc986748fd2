"""The demo's mails are valid, and show what they are said to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from producers.demo.mails import cases
from producers.demo.names import NOBODY
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from pathlib import Path


def test_all_four_are_valid_and_their_attachments_exist(tmp_path: Path) -> None:
    mails = [(case, parse(case.message)) for case in cases(tmp_path)]

    assert [case.name for case, _ in mails] == ["plain text", "HTML + file", "ISO-8859-1", "refused"]
    assert all((tmp_path / name).is_file() for _, mail in mails for name in mail.attachments)


def test_only_the_one_to_nobody_is_expected_to_fail(tmp_path: Path) -> None:
    for case in cases(tmp_path):
        assert case.success is (NOBODY not in str(case.message["to"]))
        assert case.is_met_by(success=case.success, code=case.code)
        assert not case.is_met_by(success=not case.success, code=case.code)
