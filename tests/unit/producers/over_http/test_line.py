"""A line to a gateway that is no gateway's, carried over a fork."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

from producers.over_http import line as module
from producers.over_http.line import Line
from producers.over_http.tries import Ask

if TYPE_CHECKING:
    import pytest

ASK = Ask("GET", "/v1/emails", {})


def test_a_forked_child_does_not_wait_for_a_thread_that_its_parent_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That thread connects, which takes its time: what it holds meanwhile, nobody lets go of in the child."""
    connecting, may_go_on = threading.Event(), threading.Event()
    line = Line("http://gateway.example", SecretStr("key"))
    codes: list[int] = []

    def slowly() -> httpx.MockTransport:
        connecting.set()
        may_go_on.wait(10)
        return at_once()

    def at_once() -> httpx.MockTransport:
        return httpx.MockTransport(lambda _: httpx.Response(204))

    def ask() -> None:
        codes.append(line.ask(ASK).status)

    monkeypatch.setattr(module, "BoundedTransport", slowly)
    parent = threading.Thread(target=ask)
    parent.start()
    assert connecting.wait(10)
    monkeypatch.setattr(module, "BoundedTransport", at_once)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    child = threading.Thread(target=ask)
    child.start()
    child.join(5)
    answered = list(codes)
    may_go_on.set()
    for thread in (parent, child):
        thread.join()
    line.close()

    assert answered == [204]
