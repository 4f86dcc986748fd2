"""What `postroom tail` does at a gateway, once its options are read."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from producers.cli.tail_lines import Printer, complain, printing
from producers.errors import QueueUnavailable, RateLimited
from producers.over_http.watch import Watch

if TYPE_CHECKING:
    from producers.cli.gateways import Remote
    from producers.tailing import Wanted

#: Seconds for each request of the look before, so that the gateway has one a second, however long looks are.
_PAUSE: Final = 1.0


def run(remote: Remote, wanted: Wanted, *, last: int, is_following: bool, as_json: bool) -> None:
    """
    Print what happens to the newest emails of the API key until Ctrl-C, which is how it ends well.

    Raises:
        QueueUnavailable: the gateway is away from the beginning; later it is waited for.
        KeyRejected, GatewayError: it does not know the key, or is no gateway.
    """
    try:
        with printing(as_json=as_json) as printer, closing(Watch(remote.url, remote.key, wanted)) as watch:
            found, is_whole = watch.last(last)
            printer.print(found)
            if not is_whole:
                complain("there are more mails than are looked through; earlier ones may be missing above")
            if is_following:
                _follow(watch, printer)
    except RateLimited:
        raise
    except QueueUnavailable as away:
        raise QueueUnavailable(f"{away} at {remote.place}: start it, or name another with --url") from away


def _follow(watch: Watch, printer: Printer) -> None:
    pages, is_away = 1, False
    while not printer.is_stopped:
        time.sleep(_PAUSE * pages)
        try:
            look = watch.news()
        except QueueUnavailable as away:
            if not is_away:
                complain(f"{away}; trying again")
            pages, is_away = 1, True
            continue
        if is_away:
            complain("following again")
        pages, is_away = look.pages, False
        printer.print(look.happened)
        for gap in look.gaps:
            complain(gap)
