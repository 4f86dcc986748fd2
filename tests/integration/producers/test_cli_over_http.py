"""The commands that deal with mails, through a gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.gateway import Running

MAIL = ("--to", "ann@example.org", "--subject", "Hello", "--body", "Text")


@pytest.fixture
def postroom(
    gateway: Running,
    queue_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str]]:
    """Run a command against the gateway; give its exit code and what it printed."""
    (tmp_path / "key").write_text(gateway.key + "\n")
    monkeypatch.setenv("POSTROOM_URL", gateway.url)
    monkeypatch.setenv("POSTROOM_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("POSTROOM_BROKER_URL", raising=False)
    assert queue_url

    def run(*arguments: str) -> tuple[int, str]:
        return main([*arguments, "--json"]), capsys.readouterr().out

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Write a file and return its name."""

    def write(name: str, *lines: object) -> str:
        file = tmp_path / name
        file.write_text("\n".join(map(json.dumps, lines)))
        return str(file)

    return write


def test_a_mail_is_handed_in_asked_for_cancelled_and_sent_again(
    postroom: Any, queue_url: str, written: Any
) -> None:
    attached = written("terms.pdf", "content")
    mail = (*MAIL, "--attach", attached)
    code, sent = postroom("send", *mail)
    mail_id = json.loads(sent)["mail_id"]

    assert code == 0
    assert postroom("send", *mail, "--wait", "0.1")[0] == 3
    assert postroom("status", mail_id)[0] == 3
    assert postroom("wait", mail_id, "--timeout", "0.1")[0] == 3
    assert postroom("cancel", mail_id)[0] == 0
    assert postroom("resend", mail_id, *mail)[0] == 0
    assert postroom("status", "6d0b5c6e-0000-4000-8000-000000000000")[0] == 4
    with redis.Redis.from_url(queue_url) as client:
        assert client.llen("default") == 3
        assert len(client.keys("postroom:blob:*")) == 1


def test_many_mails_are_handed_in_and_the_bad_do_not_stop_the_good(postroom: Any, written: Any) -> None:
    mail = {"to": "ann@example.org", "subject": "s", "body": "b"}
    code, output = postroom("send-many", written("mails.jsonl", mail, {}, mail), "--key-prefix", "k")

    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 2
    assert [line.get("error", {}).get("code") for line in lines] == [None, "invalid_input", None]
    assert postroom("send-many", written("mails.jsonl", mail, {}, mail), "--key-prefix", "k")[1] == output


def test_a_gateway_that_lets_nobody_in_or_is_none_is_told_by_its_name(
    postroom: Any, tmp_path: Path, gateway: Running
) -> None:
    (tmp_path / "other").write_text("pr_000000000000_nobody")
    refused = postroom("send", *MAIL, "--url", gateway.url, "--key-file", str(tmp_path / "other"))
    nowhere = postroom("send", *MAIL, "--url", "http://127.0.0.1:1")
    _, token = gateway.keys.create(name="slow", rate=0.01, burst=1, lanes=("default",))
    (tmp_path / "other").write_text(str(token))
    lane = postroom("send", *MAIL, "--lane", "reset", "--key-file", str(tmp_path / "other"))
    slow = [postroom("send", *MAIL, "--key-file", str(tmp_path / "other")) for _ in range(2)][1]

    told = (refused, nowhere, lane, slow)
    assert [code for code, _ in told] == [2, 5, 2, 5]
    names = ["key_rejected", "queue_unavailable", "policy", "rate_limited"]
    assert [name for name, (_, text) in zip(names, told, strict=True) if f'"{name}"' not in text] == []
    assert "at 127.0.0.1:1" in told[1][1]
