"""How large a compressed body becomes, found out without letting it become so large."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


_MOST_MEMORY: Final = 128 * 1024 * 1024

#: By each name that kombu's `compression` header may have for it.
_DECOMPRESSORS: Final[dict[str, Callable[[], _Decompressor]]] = {
    **dict.fromkeys(("application/x-gzip", "gzip", "zlib"), zlib.decompressobj),
    **dict.fromkeys(("application/x-bz2", "bzip2", "bzip"), bz2.BZ2Decompressor),
    # The header of a stream may ask for gigabytes before there is any content.
    **dict.fromkeys(
        ("application/x-lzma", "lzma", "xz"), lambda: lzma.LZMADecompressor(memlimit=_MOST_MEMORY)
    ),
}


def is_bounded(content: bytes, compression: object, *, most: int) -> bool:
    """Whether *content* is compressed as *compression* says, and at most *most* bytes when it is not."""
    make = _DECOMPRESSORS.get(compression) if isinstance(compression, str) else None
    if make is None:
        return False
    decompressor = make()
    try:
        decompressor.decompress(content, most)
    except (zlib.error, lzma.LZMAError, OSError, EOFError):
        return False
    # A second stream behind the first would be decompressed with it.
    return decompressor.eof and not decompressor.unused_data
