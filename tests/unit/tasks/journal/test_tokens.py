"""Tokens against Fernet itself, which opens each of them, in whatever order and by whomever they are made."""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal.tokens import Tokens

if TYPE_CHECKING:
    import pytest

KEY = bytes(range(32))
TOKENS = Tokens(KEY)
FERNET = Fernet(urlsafe_b64encode(KEY))

#: Where the IV stands, and the first block of what was encrypted.
IV = slice(9, 25)
FIRST_BLOCK = slice(25, 41)


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_fernet_opens_every_token_alone_whatever_was_made_before(contents: list[bytes]) -> None:
    tokens = [TOKENS.make(content) for content in contents]

    assert [FERNET.decrypt(token) for token in reversed(tokens)] == contents[::-1]


def test_a_token_says_when_it_was_made() -> None:
    before = int(time.time())
    made = FERNET.extract_timestamp(TOKENS.make(b"x"))

    assert before <= made <= time.time()


def test_a_token_is_as_long_as_fernets_own() -> None:
    assert [len(TOKENS.make(bytes(size))) for size in range(40)] == [
        len(FERNET.encrypt(bytes(size))) for size in range(40)
    ]


def test_no_two_tokens_of_the_same_content_have_an_iv_or_a_block_in_common() -> None:
    raw = [urlsafe_b64decode(TOKENS.make(bytes(16))) for _ in range(200)]

    assert len({token[IV] for token in raw}) == 200
    assert len({token[FIRST_BLOCK] for token in raw}) == 200


def test_the_iv_is_not_what_anybody_saw_before() -> None:
    """Going on where the last token ended would make its last block the next IV, which can be foreseen."""
    blocks = set()
    for _ in range(100):
        token = urlsafe_b64decode(TOKENS.make(b"content"))

        assert token[IV] not in blocks
        blocks |= {token[start : start + 16] for start in range(9, len(token) - 32, 16)}


def test_both_sides_of_a_fork_make_different_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork copies where an encryptor stands; what goes into it next is random on each side."""
    sides = [Tokens(KEY), Tokens(KEY)]
    with monkeypatch.context() as without_chance:
        without_chance.setattr(os, "urandom", bytes)
        before = {urlsafe_b64decode(side.make(b"before"))[IV] for side in sides}
    after = {urlsafe_b64decode(side.make(b"after"))[IV] for side in sides}

    assert (len(before), len(after)) == (1, 2)


def test_threads_share_a_key() -> None:
    contents = [f"mail {number}".encode() * 500 for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(TOKENS.make, contents))

    assert [FERNET.decrypt(token) for token in tokens] == contents
