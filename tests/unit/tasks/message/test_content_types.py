from __future__ import annotations

import pytest

from tasks.message.content_types import content_type_of


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("report.pdf", "application/pdf"),
        ("REPORT.PDF", "application/pdf"),
        ("table.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("notes.txt", "text/plain"),
        ("backup.tar.gz", "application/gzip"),
        ("old.Z", "application/octet-stream"),
        ("forwarded.eml", "application/octet-stream"),
        ("page.mhtml", "application/octet-stream"),
        ("unknown.zzz", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
    ids=lambda value: value or "empty",
)
def test_the_content_type_follows_from_the_name(name: str, content_type: str) -> None:
    assert content_type_of(name) == content_type
