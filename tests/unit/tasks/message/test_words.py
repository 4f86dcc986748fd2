from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.message.words import encoded_words


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
@example("=?utf-8?q?a?=")
@example("a_b c=d?")
def test_text_comes_back_from_its_words(text: str) -> None:
    words = encoded_words(text)

    assert str(make_header(decode_header(" ".join(words)))) == text


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_no_word_is_too_long_or_ends_inside_a_character(text: str) -> None:
    words = encoded_words(text)

    assert all(word.isascii() and len(word) <= 60 for word in words)
    assert "".join(str(make_header(decode_header(word))) for word in words) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your café is open", ["=?utf-8?q?Your_caf=C3=A9_is_open?="]),
        ("日本語", ["=?utf-8?b?5pel5pys6Kqe?="]),
    ],
    ids=["mostly latin stays legible", "everything else is short"],
)
def test_the_shorter_encoding_is_taken(text: str, words: list[str]) -> None:
    assert encoded_words(text) == words
