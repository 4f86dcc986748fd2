"""Looking names up for no longer than a caller has time."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from tasks.patience import Patience

if TYPE_CHECKING:
    from tasks.deadline import Deadline

_PATIENCE: Final = Patience()


def addresses(host: str, port: int, deadline: Deadline) -> list[str]:
    """
    Return the addresses of *host*, each once.

    Raises:
        OSError: it has none, or the name service did not answer in time.
    """
    found = _PATIENCE.call(
        (host, port), lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), deadline
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
