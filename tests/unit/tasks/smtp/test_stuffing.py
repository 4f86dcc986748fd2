"""What is between the headers and the dot is cut so that nothing large is copied, and nothing can end it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.envelope import Encoded
from tasks.failures import PermanentFailure
from tasks.smtp.stuffing import stuffed

HEAD = b"Subject: x\r\n\r\n"
LINE = b"e" * 76 + b"\r\n"
LARGE = Encoded(LINE * 1000)
TAIL = b"--x--\r\n"


def test_a_small_content_goes_out_with_its_dot() -> None:
    small = Encoded(LINE * 100)

    assert stuffed([HEAD, small, TAIL]) == ((), HEAD + small + TAIL)


def test_a_large_file_goes_out_before_the_dot_may_and_is_not_copied() -> None:
    (head, file), last = stuffed([HEAD, LARGE, TAIL])

    assert (head, last) == (HEAD, TAIL)
    assert file is LARGE


@pytest.mark.parametrize("pieces", [[LINE * 1000], [HEAD, LARGE]], ids=["a text", "a file"])
def test_nothing_large_is_left_for_the_dot(pieces: list[bytes]) -> None:
    assert stuffed(pieces) == (tuple(pieces), b"")


@pytest.mark.parametrize("place", [0, 2], ids=["before", "behind"])
@pytest.mark.parametrize("bad", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r\n.\n.\r\n"])
def test_a_second_mail_can_stand_neither_before_nor_behind_a_file(bad: bytes, place: int) -> None:
    pieces = [HEAD, LARGE, TAIL]
    pieces[place] = bad

    with pytest.raises(PermanentFailure):
        stuffed(pieces)


@given(st.lists(st.lists(st.sampled_from([b".", b"a", b".."]), max_size=3), min_size=1, max_size=4))
def test_the_dots_of_pieces_are_stuffed_as_those_of_the_whole(texts: list[list[bytes]]) -> None:
    pieces = [b"".join(line + b"\r\n" for line in lines) or b"\r\n" for lines in texts]
    (bulk, last), (_, whole) = stuffed([*pieces, LARGE, *pieces]), stuffed([b"".join(pieces)])

    assert b"".join([*bulk, last]) == whole + LARGE + whole
