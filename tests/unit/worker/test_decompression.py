"""A bomb is found out without being set off."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING

import pytest
from kombu.compression import decompress

from worker.decompression import is_bounded

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = {"gzip": zlib.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize(("name", "compress"), KINDS.items(), ids=KINDS)
def test_what_fits_passes_and_what_does_not_does_not(name: str, compress: Callable[[bytes], bytes]) -> None:
    content = compress(b"x" * 1000)

    assert decompress(content, name) == b"x" * 1000
    assert is_bounded(content, name, most=1001)
    assert not is_bounded(content, name, most=999)


@pytest.mark.parametrize(("name", "compress"), KINDS.items(), ids=KINDS)
def test_a_second_stream_is_refused(name: str, compress: Callable[[bytes], bytes]) -> None:
    assert not is_bounded(compress(b"x") + compress(b"x" * 1000), name, most=100)


@pytest.mark.parametrize(("name", "compress"), KINDS.items(), ids=KINDS)
def test_a_broken_or_short_stream_is_refused(name: str, compress: Callable[[bytes], bytes]) -> None:
    assert not is_bounded(compress(b"x" * 1000)[:-5], name, most=10_000)
    assert not is_bounded(b"nonsense", name, most=10_000)


def test_a_stream_that_asks_for_gigabytes_is_refused() -> None:
    # In the old format the dictionary's size stands in five plain bytes, whatever the content needs.
    small = lzma.compress(b"x", format=lzma.FORMAT_ALONE)
    greedy = small[:1] + (1 << 30).to_bytes(4, "little") + small[5:]

    assert is_bounded(small, "lzma", most=100)
    assert not is_bounded(greedy, "lzma", most=100)


@pytest.mark.parametrize("name", ["zip", "", None, 7, ["gzip"]], ids=str)
def test_a_kind_that_is_not_known_is_refused(name: object) -> None:
    assert not is_bounded(b"x", name, most=100)
