"""A real worker does with mails what operators of Celery expect, and lets none suffer for another."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from tasks.contract.status import MailState
from tasks.journal.keys import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAIL = {"subject": "canarysubject", "body": "canarybody"}


@pytest.fixture
def inspect(post: Any) -> Any:
    """What asks the worker about itself; one answer is all there can be."""
    return post.app.control.inspect(timeout=10.0, limit=1)


def only(answers: dict[str, Any] | None) -> Any:
    """Return what the one worker said."""
    assert answers
    [answer] = answers.values()
    return answer


def told(post: Any, command: str, *arguments: Any, **options: Any) -> None:
    """Tell the worker something, and return when it has heard."""
    answers = getattr(post.app.control, command)(*arguments, reply=True, timeout=10.0, limit=1, **options)
    assert "ok" in only(answers[0])


def test_mails_behind_one_that_hangs_do_not_wait_for_it(post: Any) -> None:
    quick = [{**MAIL, "to": f"quick{number}@example.org"} for number in range(60)]
    for mail_id in post.mailer.enqueue_many(quick).ids:
        post.mailer.wait(mail_id, timeout=20)  # So that turns are long again.
    hanging = {**MAIL, "to": "mute@example.org", "timeout": 9_000}
    behind = [{**MAIL, "to": f"behind{number}@example.org"} for number in range(30)]
    first, *ids = post.mailer.enqueue_many([hanging, *behind]).ids
    results = [post.mailer.wait(mail_id, timeout=7.0) for mail_id in ids]

    assert all(result.success for result in results)
    assert not post.mailer.poll(first).state.is_terminal
    assert [post.mails_to(mail["to"]) for mail in behind] == [1] * 30


def test_a_revoked_mail_is_cancelled_and_never_sent(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail_id = str(uuid.uuid4())
    told(post, "revoke", mail_id)
    mail = {**MAIL, "to": "revoked@example.org"}
    post.app.send_task("send_email", kwargs=mail, task_id=mail_id, queue="default")

    # Celery stores a state of its own as soon as it hears of the revocation; the result takes its place.
    def stored() -> Any:
        return post.app.backend.get_task_meta(mail_id, cache=False)["result"]

    eventually(lambda: isinstance(stored(), dict))
    result = post.app.AsyncResult(mail_id).get(timeout=5)
    assert (result["success"], result["code"], result["delivery"]) == (False, 650, "not_sent")
    assert post.mailer.poll(mail_id).state is MailState.CANCELLED
    with Redis.from_url(post.url) as redis:
        assert redis.zscore(OPEN, mail_id) is None, "or the sweeper would publish it again"
    assert post.mails_to("revoked@example.org") == 0


def test_what_is_under_way_is_shown_truthfully_and_without_its_arguments(
    post: Any, inspect: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail_id = post.mailer.enqueue(**MAIL, to="mute@example.org", timeout=2500)
    # The consumer hears a few milliseconds after the journal that a mail was taken up.
    eventually(lambda: mail_id in {each["id"] for each in only(inspect.active())})
    active = only(inspect.active())
    [found] = [each for each in active if each["id"] == mail_id]
    assert post.mailer.poll(mail_id).state is MailState.SENDING
    state, queried = only(inspect.query_task(mail_id))[mail_id]

    assert (found["name"], found["acknowledged"]) == ("send_email", False)
    assert found["time_start"] is not None
    assert found["worker_pid"] == only(inspect.stats())["pid"]
    assert (state, queried["id"]) == ("active", mail_id)
    assert "canary" not in json.dumps([active, queried])
    assert mail_id not in {each["id"] for each in only(inspect.reserved())}
    post.mailer.wait(mail_id, timeout=20)
    eventually(lambda: mail_id not in {each["id"] for each in only(inspect.active())})


def test_stats_tell_of_the_senders_and_revoked_of_what_was_revoked(post: Any, inspect: Any) -> None:
    told(post, "revoke", "some mail")
    stats = only(inspect.stats())

    assert stats["pool"]["implementation"] == "worker.dispatch.pool:SenderPool"
    assert stats["pool"]["senders"]["all"] == stats["pool"]["max-concurrency"] == 4
    assert stats["total"]["send_email"] >= 1
    assert "some mail" in only(inspect.revoked())


def test_a_rate_limit_holds_mails_back_until_it_is_lifted(post: Any) -> None:
    told(post, "rate_limit", "send_email", "60/m")
    try:
        began = time.monotonic()
        held = [post.send(**MAIL, to=f"limited{number}@example.org") for number in range(3)]
        assert held[0].get(timeout=20)["success"]
        assert held[1].get(timeout=20)["success"]
        assert time.monotonic() - began >= 0.9
        assert post.mails_to("limited2@example.org") == 0
    finally:
        told(post, "rate_limit", "send_email", "0")
    assert post.send(to="free@example.org").get(timeout=20)["success"]
    assert post.mails_to("limited2@example.org") == 0, "the free one waited for nobody"
    assert held[2].get(timeout=20)["success"]


def test_the_pool_grows_and_shrinks(post: Any, inspect: Any) -> None:
    told(post, "pool_grow", 3)
    assert only(inspect.stats())["pool"]["senders"]["all"] == 7
    told(post, "pool_shrink", 3)

    assert only(inspect.stats())["pool"]["senders"]["all"] == 4
    assert post.send().get(timeout=20)["success"]


@pytest.fixture
def events(post: Any) -> Iterator[list[dict[str, Any]]]:
    """The events of tasks, as a monitor gets them."""
    told(post, "enable_events")
    heard: list[dict[str, Any]] = []
    listens = threading.Event()

    def hear(event: dict[str, Any]) -> None:
        listens.set()
        if event["type"].startswith("task-"):
            heard.append(event)

    with post.app.connection_for_read() as connection:
        receiver = post.app.events.Receiver(connection, handlers={"*": hear})
        thread = threading.Thread(target=receiver.capture, kwargs={"wakeup": False}, daemon=True)
        thread.start()
        assert listens.wait(10.0), "no heartbeat came"
        yield heard
        receiver.should_stop = True
        thread.join(10.0)
    told(post, "disable_events")


def test_monitors_hear_of_each_mail_in_order_and_not_what_it_says(
    post: Any, events: list[dict[str, Any]], eventually: Callable[[Callable[[], object]], None]
) -> None:
    sent = [post.send(**MAIL, to=f"watched{number}@example.org").id for number in range(20)]
    refused = post.send(**MAIL, to="nobody@example.org").id

    def of(mail_id: str) -> list[str]:
        return [event["type"] for event in events if event["uuid"] == mail_id]

    eventually(lambda: all(len(of(mail_id)) >= 3 for mail_id in [*sent, refused]))
    assert {tuple(of(mail_id)) for mail_id in sent} == {("task-received", "task-started", "task-succeeded")}
    assert of(refused) == ["task-received", "task-started", "task-failed"]
    assert "canary" not in json.dumps(events)
    assert {event["kwargs"] for event in events if event["type"] == "task-received"} == {"{…}"}
    clocks = [[event["clock"] for event in events if event["uuid"] == mail_id] for mail_id in sent]
    assert all(each == sorted(each) for each in clocks)


def test_a_worker_whose_connections_are_killed_goes_on(post: Any) -> None:
    with Redis.from_url(post.url) as redis:
        # Its bells, what it fetches by, and what its threads keep; not those of the tests' own app.
        of_worker = [each for each in redis.client_list() if each["cmd"] in {"blmove", "evalsha"}]
        for each in of_worker:
            redis.client_kill_filter(_id=each["id"])
    assert len(of_worker) >= 4
    recipients = [f"resumed{number}@example.org" for number in range(10)]
    ids = [post.mailer.enqueue(**MAIL, to=recipient) for recipient in recipients]

    assert all(post.mailer.wait(mail_id, timeout=20).success for mail_id in ids)
    assert [post.mails_to(recipient) for recipient in recipients] == [1] * 10
    assert post.worker.poll() is None
