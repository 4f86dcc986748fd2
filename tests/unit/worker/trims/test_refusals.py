"""A channel rests where Redis refuses, goes on by itself, and says each thing once."""

from __future__ import annotations

import logging

import pytest
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError, ResponseError

from worker.trims.refusals import Refusals


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [100.0]
    monkeypatch.setattr("worker.trims.refusals.time.monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def calls() -> list[float]:
    return []


@pytest.fixture
def refusals(calls: list[float], now: list[float]) -> Refusals:
    del now
    return Refusals(calls.append)


def test_after_a_refusal_it_rests_for_a_second_and_is_woken_then(
    refusals: Refusals, calls: list[float], now: list[float]
) -> None:
    assert not refusals.is_resting
    refusals.add("heard", OutOfMemoryError())
    now[0] += 0.9
    assert refusals.is_resting
    now[0] += 0.2
    assert not refusals.is_resting

    assert calls == [1.0]


def test_each_thing_is_told_once_until_it_is_done_again(
    refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refusals.end("heard")
    for _ in range(2):
        for _ in range(3):
            refusals.add("heard", OutOfMemoryError("canary"))
            refusals.add("fetched", OutOfMemoryError("canary"))
        refusals.end("heard")

    assert caplog.messages == [
        "nothing heard, since Redis refused",
        "nothing fetched, since Redis refused",
        "heard again",
        "nothing heard, since Redis refused",
        "heard again",
    ]


@pytest.mark.parametrize("error", [ReadOnlyError(), MasterDownError("Link with MASTER is down")], ids=repr)
def test_where_another_server_may_not_refuse_it_does_not_rest(
    error: ResponseError, refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(type(error)):
        refusals.add("heard", error)

    assert not refusals.is_resting
    assert caplog.messages == []
