"""Server texts without what they echo of a mail: addresses are masked, links of the body are cut."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"([^\s<>()\[\]:;,\"'@])[^\s<>()\[\]:;,\"'@]*@([\w.-]+\w)")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

#: Characters of a server's text that a result holds.
LONGEST_TEXT: Final = 500


def redact(text: str, *, body: str) -> str:
    """
    Return *text* fit for a result: one line, capped, addresses masked, links that stand in *body* cut.

    Other links stay, since servers explain their refusals on pages of their own. A server that echoes a
    reset link must not put it where operators and Flower can read it (contract, section 4).
    """
    if text.isprintable() and "@" not in text and "://" not in text:
        return text[:LONGEST_TEXT].strip()
    line = _CONTROL.sub(" ", text)
    line = _LINK.sub(lambda link: _unless_echoed(link.group(), body), line)
    return _ADDRESS.sub(r"\1***@\2", line)[:LONGEST_TEXT].strip()


def _unless_echoed(link: str, body: str) -> str:
    bare = link.rstrip(".,;:!?)")
    return "[link]" if bare in body else link
