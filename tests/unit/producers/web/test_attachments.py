"""Storing files for emails to attach."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tasks.journal.blobs import BlobStore

if TYPE_CHECKING:
    from redis import Redis


def test_a_stored_file_can_be_attached(call: Any, mail: dict[str, Any], redis: Redis, outbox: Any) -> None:
    stored = call("POST", "/v1/attachments", files={"file": ("figures; 2030.csv", b"a;b")})
    reference = stored.json()["reference"]
    accepted = call("POST", "/v1/emails", json={**mail, "attachments": [reference]})

    digest = hashlib.sha256(b"a;b").hexdigest()
    assert stored.status_code == 201
    assert stored.json()["size"] == 3
    assert reference == f"stored:{digest}/figures; 2030.csv"
    assert BlobStore(redis).get(digest) == b"a;b"
    assert accepted.status_code == 202
    assert outbox.published[0][1].attachments == (reference,)


@pytest.mark.parametrize(
    ("sent", "name"),
    [("C:\\docs\\a.pdf", "a.pdf"), ("../../etc/passwd", "passwd")],
    ids=["Windows", "path"],
)
def test_of_a_path_the_files_name_is_kept(call: Any, sent: str, name: str) -> None:
    stored = call("POST", "/v1/attachments", files={"file": (sent, b"x")})

    assert stored.json()["reference"].endswith(f"/{name}")


@pytest.mark.parametrize(
    "form",
    [
        {"files": {"other": ("a.txt", b"x")}},
        {"files": {"file": ("..", b"x")}},
        {"files": {"file": ("x" * 300, b"x")}},
    ],
    ids=["another part", "dots", "long name"],
)
def test_a_form_that_is_wrong_says_what_it_must_be(call: Any, form: dict[str, Any]) -> None:
    refused = call("POST", "/v1/attachments", **form)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/file"


@pytest.mark.parametrize(
    "request_",
    [
        {"data": {"file": "text"}, "files": {"file": ("a", b"x")}},
        {"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]},
        {
            "content": b"--x\r\nno header\r\n\r\n",
            "headers": {"Content-Type": "multipart/form-data; boundary=x"},
        },
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
    ],
    ids=["a field", "two files", "nonsense", "no boundary"],
)
def test_a_form_that_cannot_be_read_is_a_problem(call: Any, request_: dict[str, Any]) -> None:
    refused = call("POST", "/v1/attachments", **request_)

    assert refused.status_code == 400
    assert refused.json()["type"] == "urn:postroom:problem:malformed-request"


def test_another_media_type_is_refused(call: Any) -> None:
    assert call("POST", "/v1/attachments", json={}).status_code == 415


def test_a_file_above_the_limit_is_refused_before_it_is_read_whole(
    settings: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    settings["max_body_bytes"] = 100_000
    call = request.getfixturevalue("call")

    refused = call("POST", "/v1/attachments", files={"file": ("a", b"x" * 200_000)})

    assert refused.status_code == 413
    assert refused.headers["connection"] == "close"


def test_a_large_file_takes_more_of_the_rate(call: Any) -> None:
    stored = call("POST", "/v1/attachments", files={"file": ("a", b"x" * 10 * 64 * 1024)})

    assert stored.headers["ratelimit"].startswith('"requests";r=190;')
