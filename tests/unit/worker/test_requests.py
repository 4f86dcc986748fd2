"""Which messages are requests that Celery can take."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from producers.app import producer_app
from producers.stencils import cut
from worker.envelopes import Flaw
from worker.requests import check

HEADERS = {"task": "send_email", "id": "m"}


@dataclass
class Message:
    """What is looked at of kombu's message."""

    content: Any = field(default_factory=lambda: [[], {}, {}])
    headers: Any = field(default_factory=lambda: dict(HEADERS))
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def payload(self) -> Any:
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


def flaw(message: Message) -> str:
    with pytest.raises(Flaw) as caught:
        check(message)
    return str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        Message(),
        Message(([], {}, None)),
        Message(headers={**HEADERS, "timelimit": [None, None], "retries": 0, "shadow": "", "group": None}),
        Message(headers={**HEADERS, "timelimit": [10, 2.5], "eta": "2030-01-01T00:00:00+00:00"}),
        Message(headers={**HEADERS, "expires": "2030-01-01T00:00:00", "timelimit": [], "unheard-of": [{}]}),
        Message([[], {}, {"callbacks": [{"task": "t"}], "errbacks": None, "chain": [], "chord": {}}]),
        Message({"task": "send_email", "id": "m"}, headers={}),
        Message({"args": [], "kwargs": {}, "retries": 1}),
    ],
    ids=["least", "no embed", "usual", "limits", "expires", "following", "protocol 1", "hybrid"],
)
def test_requests_pass(message: Message) -> None:
    check(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message(RecursionError()), "body: cannot be decoded (RecursionError)"),
        (Message(7), "body: must be a list of arguments, keyword arguments and what is to follow"),
        (Message([[], {}]), "body: must be a list of arguments, keyword arguments and what is to follow"),
        (Message(["", {}, {}]), "body: the arguments must be a list"),
        (Message([[], [], {}]), "body: the keyword arguments must be an object"),
        (Message([[], {}, []]), "body: what is to follow must be an object"),
        (Message([[], {}, {"errbacks": [7]}]), "body: errbacks must be a list of signatures"),
        (Message([[], {}, {"chord": "c"}]), "body: chord must be a signature"),
        (Message({"kwargs": {}}), "body: args is missing"),
        (Message({"id": "m"}, headers={}), "headers.task: is missing"),
        (Message(headers={"id": "m"}), "headers.task: is missing"),
        (Message(headers={"task": {}, "id": "m"}), "headers.task: has a wrong value"),
        (Message(headers={**HEADERS, "id": "a\nb"}), "headers.id: has a wrong value"),
        (Message(headers={**HEADERS, "timelimit": ["1", None]}), "headers.timelimit: has a wrong value"),
        (Message(headers={**HEADERS, "eta": 7}), "headers.eta: has a wrong value"),
        (Message(headers={**HEADERS, "kwargsrepr": {}}), "headers.kwargsrepr: has a wrong value"),
        (Message(headers={**HEADERS, "ignore_result": "no"}), "headers.ignore_result: has a wrong value"),
        (Message(headers={**HEADERS, "stamps": []}), "headers.stamps: has a wrong value"),
        (Message(properties={"reply_to": 7}), "properties.reply_to: has a wrong value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(message: Message, expected: str) -> None:
    assert flaw(message) == expected


@pytest.mark.parametrize(
    "moment",
    ["soon", "", "0001-01-01T00:00:00+14:00", "1969-12-31T00:00:00Z", 7, ["2030"], {"__type__": "datetime"}],
    ids=str,
)
def test_moments_that_celery_could_not_reckon_with(moment: object) -> None:
    assert flaw(Message(headers={**HEADERS, "eta": moment})) == "headers.eta: has a wrong value"


@pytest.mark.parametrize(
    "limit",
    ["soon", [1], [1, 2, 3], [-1, 1], [float("inf"), 1], [float("nan"), 1], [True, 1], 7, {}],
    ids=str,
)
def test_time_limits_that_would_end_the_worker(limit: object) -> None:
    assert flaw(Message(headers={**HEADERS, "timelimit": limit})) == "headers.timelimit: has a wrong value"


def test_a_message_of_our_own_producer_is_vouched_for_by_one_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload = json.loads(cut(producer_app("redis://127.0.0.1:1/0"), "default").fill("0" * 32, "{}"))
    message = Message(headers=payload["headers"], properties=payload["properties"])
    monkeypatch.setattr("worker.requests._OPTIONAL", {"origin": lambda _: False})
    check(message)

    wrong = {**dict.fromkeys(("id", "root_id", "origin"), "\0"), "argsrepr": 7, "kwargsrepr": 7}
    for name, value in wrong.items():
        message.headers[name], right = value, message.headers[name]
        with pytest.raises(Flaw):
            check(message)
        message.headers[name] = right
