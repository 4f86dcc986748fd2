"""The HTML of a caught mail as it may be shown: by itself, in a sandbox, with its own images only."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from producers.web.inbox.decoding import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from producers.web.inbox.message import Caught, Part

#: No script, no form, no window, nothing from elsewhere; and no origin, so that it could read nothing.
POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

_IMAGES: Final = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_MOST_IMAGE_BYTES: Final = 8 * 1024 * 1024
_CID: Final = re.compile(r"cid:([^\"'\s<>)\\]{1,250})", re.IGNORECASE)
_AHEAD: Final = re.compile(r"<(link|i?frame|frameset|portal|fencedframe)(?=[\s/>])", re.IGNORECASE)
#: The type of the document stays in front: without, browsers show it as those of 1997 did.
_BEGINNING: Final = re.compile(r"\A\s*(<!doctype[^>]*>)?", re.IGNORECASE)
_NO_WAY_OUT: Final = '<base target="_blank">'
_URL: Final = re.compile(r"https?://[^\s<>\"'()\[\]{}]{1,2000}")
_REMOTE: Final = re.compile(
    r"(src|srcset|background)\s*=\s*[\"']?\s*(https?:)?//|url\(\s*[\"']?(https?:)?//", re.IGNORECASE
)
_LINK_SCHEMES: Final = {"http", "https", "mailto"}
_MOST_LINKS: Final = 50


def document(html: str, parts: Sequence[Part]) -> str:
    """
    Return *html* with the images that the mail brings along in their places.

    The policy lets nothing load, but browsers connect ahead to where a link or a frame would lead: such tags
    become others, which mean nothing, and a click would open a window, which the sandbox forbids.
    """
    images = _images(parts)
    harmless = _AHEAD.sub(r"<x-\1", html)
    shown = _CID.sub(lambda found: images.get(unquote(found[1]), found[0]), harmless)
    return _BEGINNING.sub(lambda found: f"{found[0]}{_NO_WAY_OUT}", shown, count=1)


def has_remote_images(html: str) -> bool:
    """Whether *html* asks for images from elsewhere, which are not loaded."""
    return bool(_REMOTE.search(html))


def links(caught: Caught) -> list[str]:
    """Return where the mail's links lead, each once and in order: a click in the sandbox leads nowhere."""
    finder = _Links()
    if caught.html:
        finder.feed(caught.html)
    found = (*finder.found, *(url.rstrip(".,;:!?") for url in _URL.findall(caught.text or "")))
    return [visible(url) for url in _once(found) if _is_link(url)][:_MOST_LINKS]


def _images(parts: Iterable[Part]) -> dict[str, str]:
    found: dict[str, str] = {}
    left = _MOST_IMAGE_BYTES
    for part in parts:
        if part.content_id and part.media_type in _IMAGES and len(part.content) <= left:
            left -= len(part.content)
            found[part.content_id] = (
                f"data:{part.media_type};base64,{base64.b64encode(part.content).decode('ascii')}"
            )
    return found


def _once(urls: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(urls))


def _is_link(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in _LINK_SCHEMES
    except ValueError:
        return False


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        if tag in {"a", "area"}:
            self.found += [value.strip() for name, value in attrs if name == "href" and value]
