"""What the URLs of queue, results and journal say."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.places import celery_settings, celery_url, check, is_rabbitmq, is_redis, queue_arguments
from tasks.contract.queue import PRODUCER_SETTINGS, WORKER_SETTINGS
from tasks.contract.sentinels import Sentinels

SENTINELS = "sentinel://postroom:p%40ss@one:1;sentinel://two/3?master_name=post&sentinel_password=s%40nt"


def test_sentinels_are_read_from_one_url() -> None:
    place = Sentinels.parse(SENTINELS)

    assert place.addresses == (("one", 1), ("two", 26379))
    assert (place.master_name, place.database) == ("post", 3)
    assert (place.user_name, place.password) == ("postroom", "p@ss")
    assert place.sentinel_options["password"] == "s@nt"
    assert str(place) == "one:1, two:26379 (post)"


def test_celery_is_told_everything_in_each_part() -> None:
    assert celery_url(SENTINELS) == (
        "sentinel://postroom:p%40ss@one:1/3;sentinel://postroom:p%40ss@two:26379/3"
    )


def test_no_secret_of_sentinels_is_shown() -> None:
    shown = f"{Sentinels.parse(SENTINELS)!r} {Sentinels.parse(SENTINELS)}"

    assert "p@ss" not in shown
    assert "s@nt" not in shown


@given(password=st.text(min_size=1), user=st.text())
def test_any_password_survives_the_way_through_the_url(password: str, user: str) -> None:
    place = Sentinels((("h", 1),), "m", user_name=user or None, password=password)

    read = Sentinels.parse(place.celery_url + "?master_name=m")

    assert (read.user_name, read.password) == (user or None, password)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sentinel://h:1/0", "names no master"),
        ("sentinel://h:1;redis://i/0?master_name=m", "is no URL of sentinels"),
        ("sentinel://h:x/0?master_name=m", "is no URL of sentinels"),
        ("sentinel://h/zero?master_name=m", "is no URL of sentinels"),
        ("sentinel://:canary/x@h/0?master_name=m", "is no URL of sentinels"),
        ("sentinel://;sentinel://h?master_name=m", "is no URL of sentinels"),
        ("sentinel://h/0?master=m", "has the unknown option master;"),
        ("redis://:canary/x@h/0", "is no URL that can be used"),
        ("redis://h:99999/0", "is no URL that can be used"),
        ("canary", "is no URL that can be used"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained_and_not_repeated(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        check(url)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://:p@h:1/0", "unix:///run/r.sock", "amqps://u:p@h//", SENTINELS])
def test_a_url_that_can_be_used_is_taken(url: str) -> None:
    check(url)


def test_rabbitmq_gets_quorum_queues_and_confirms_what_it_got() -> None:
    settings = celery_settings(WORKER_SETTINGS, "amqp://h//", "redis://h/0")

    assert queue_arguments("amqp://h//") == {"x-queue-type": "quorum"}
    assert settings["broker_transport_options"] == {"confirm_publish": True}
    assert settings["result_backend_transport_options"] == WORKER_SETTINGS["result_backend_transport_options"]


def test_rabbitmqs_answers_are_waited_for_as_long_as_is_said() -> None:
    settings = celery_settings(PRODUCER_SETTINGS, "amqp://h//", patience=1.5)

    options = settings["broker_transport_options"]
    assert options == {"confirm_publish": True, "read_timeout": 1.5, "write_timeout": 1.5}
    assert celery_settings(PRODUCER_SETTINGS, "redis://h/0", patience=1.5) == PRODUCER_SETTINGS


def test_sentinels_are_told_whose_master_is_meant_and_keep_the_other_options() -> None:
    settings = celery_settings(WORKER_SETTINGS, SENTINELS, SENTINELS)

    for name in ("broker_transport_options", "result_backend_transport_options"):
        assert settings[name] == settings[name] | WORKER_SETTINGS[name]
        assert settings[name]["master_name"] == "post"


def test_a_redis_that_stands_alone_changes_nothing() -> None:
    assert celery_settings(PRODUCER_SETTINGS, "redis://h/0") == PRODUCER_SETTINGS
    assert queue_arguments("redis://h/0") == {}
    assert celery_url("redis://h/0") == "redis://h/0"


def test_a_socket_has_another_name_for_celery() -> None:
    url = celery_url("unix://:p@/run/redis.sock?db=2")

    assert (urlsplit(url).scheme, urlsplit(url).query) == ("redis+socket", "virtual_host=2")


def test_kinds_are_told_by_the_scheme_in_any_case() -> None:
    assert is_redis("REDISS://h")
    assert is_rabbitmq("amqps://h")
    assert not is_redis("amqp://h")
    assert not is_rabbitmq("h")
