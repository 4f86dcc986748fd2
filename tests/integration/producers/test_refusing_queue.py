"""A Redis that answers and refuses: the caller is told why, and what was accepted before is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.cli.main import main
from producers.client import Mailer
from producers.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "s", "body": "b"}


def test_a_full_queue_takes_no_mail_and_loses_none(
    new_redis: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_redis().url
    with redis.Redis.from_url(url) as client, Mailer(url) as mailer:
        first = mailer.enqueue(MAIL)
        client.config_set("maxmemory", 1)

        for hand_in in (lambda: mailer.enqueue(MAIL), lambda: mailer.enqueue_many([MAIL] * 3)):
            with pytest.raises(QueueUnavailable, match="the queue has no memory left: raise its maxmemory"):
                hand_in()
        code = main(["send", "--broker", url, "--to", "ann@example.org", "--subject", "s", "--body", "b"])
        told = capsys.readouterr().err

        assert (client.llen("default"), client.zcard("postroom:open")) == (1, 1)
        assert mailer.poll(first).state == "queued"
        client.config_set("maxmemory", 0)
        assert mailer.poll(mailer.enqueue(MAIL)).state == "queued"
    assert code == 5
    assert "no memory left" in told
    assert "start it" not in told


def test_a_queue_that_is_a_replica_takes_no_mail(new_redis: Callable[..., Any]) -> None:
    master, replica = new_redis(), new_redis()
    with redis.Redis.from_url(replica.url) as client, Mailer(replica.url) as mailer:
        client.replicaof("127.0.0.1", str(redis.connection.parse_url(master.url)["port"]))

        with pytest.raises(QueueUnavailable, match="is a replica, which takes nothing"):
            mailer.enqueue(MAIL)


def test_a_queue_that_refuses_the_login_says_so(new_redis: Callable[..., Any]) -> None:
    url = new_redis().url
    with redis.Redis.from_url(url) as client:
        client.config_set("requirepass", "canary")
        with Mailer(url) as mailer, pytest.raises(QueueUnavailable, match="refuses the login") as refused:
            mailer.enqueue(MAIL)
        client.config_set("requirepass", "")
    assert "canary" not in str(refused.value)
