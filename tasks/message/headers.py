"""The header block of a message, folded and in ASCII, or in UTF-8 for a server with SMTPUTF8."""

from __future__ import annotations

import re
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure, Reply
from tasks.message.words import encoded_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tasks.contract.addresses import Mailbox
    from tasks.contract.parameters import SendEmail
    from tasks.message.identity import Identity

#: Columns to fold at (RFC 5322, section 2.1.1; 76 where there are encoded words, RFC 2047, section 2).
_WIDTH = 76
#: Longest word in bytes that may stand in a line unencoded; a line has room for 998.
_LONGEST = 900

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_NAME = re.compile(r"[!-9;-~]{1,76}")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: Headers that this module or the content writes; nobody else may.
_OURS = re.compile(
    "from|to|cc|bcc|reply-to|sender|return-path|subject|date|message-id|mime-version|content-.*",
    re.IGNORECASE,
)


def header_block(mail: SendEmail, *, sender: Mailbox, identity: Identity, smtputf8: bool = False) -> str:
    """
    Return the headers of *mail* without those of its content, each line ending in CRLF.

    BCC is no part of it. With *smtputf8* the text stands in it as it is (RFC 6532); else text beyond ASCII
    is encoded, and a mailbox that only such a server can reach is shown as an empty group (RFC 6857).
    Raises `PermanentFailure` for a control character, which the contract refuses long before.
    """
    return "".join(_headers(mail, sender, identity, smtputf8=smtputf8))


def _headers(mail: SendEmail, sender: Mailbox, identity: Identity, *, smtputf8: bool) -> Iterator[str]:
    yield _addresses("From", (sender,), smtputf8=smtputf8)
    for name, mailboxes in (("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
        if mailboxes:
            yield _addresses(name, mailboxes, smtputf8=smtputf8)
    yield _unstructured("Subject", mail.subject, smtputf8=smtputf8)
    yield f"Date: {_date(identity.date)}\r\n"
    yield f"Message-ID: {identity.message_id}\r\n"
    yield "MIME-Version: 1.0\r\n"
    for name, value in mail.headers.items():
        if not _NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, "Headers: a name that may not be set"))
        yield _unstructured(name, value, smtputf8=smtputf8)


@lru_cache(maxsize=64)
def _date(moment: datetime) -> str:
    """Return *moment* as RFC 5322 has it (section 3.3); mails of one second have it in common."""
    return format_datetime(moment)


def _unstructured(name: str, value: str, *, smtputf8: bool) -> str:
    _refuse_controls(name, value)
    if not _stays_as_it_is(value, smtputf8=smtputf8):
        return _fold(name, encoded_words(value))
    if len(name) + 2 + len(value) <= _WIDTH:
        return f"{name}: {value}\r\n"
    words = value.split(" ")
    # An empty word is a run of spaces, which must not end up at the end of a line, where relays strip it.
    if "" in words or max(len(word.encode()) for word in words) > _LONGEST:
        return _fold(name, encoded_words(value))
    return _fold(name, words)


def _stays_as_it_is(text: str, *, smtputf8: bool) -> bool:
    return (text.isascii() or smtputf8) and "=?" not in text and "\t" not in text and text == text.strip()


def _addresses(name: str, mailboxes: Sequence[Mailbox], *, smtputf8: bool) -> str:
    tokens: list[str] = []
    for mailbox in mailboxes:
        _refuse_controls(name, mailbox.display_name + mailbox.addr_spec)
        if tokens:
            tokens[-1] += ","
        hidden = mailbox.needs_smtputf8 and not smtputf8
        tokens += _empty_group(mailbox) if hidden else _mailbox(mailbox, smtputf8=smtputf8)
    return _fold(name, tokens)


def _mailbox(mailbox: Mailbox, *, smtputf8: bool) -> list[str]:
    if not mailbox.display_name:
        return [mailbox.addr_spec]
    return [*_phrase(mailbox.display_name, smtputf8=smtputf8), f"<{mailbox.addr_spec}>"]


def _empty_group(mailbox: Mailbox) -> list[str]:
    name = _phrase(mailbox.display_name, smtputf8=False) if mailbox.display_name else []
    return [*name, *encoded_words(mailbox.addr_spec), ":;"]


def _phrase(text: str, *, smtputf8: bool) -> list[str]:
    if not _stays_as_it_is(text, smtputf8=smtputf8) or len(text) > _WIDTH:
        return encoded_words(text)
    if _ATOMS.fullmatch(text):
        return [text]
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{quoted}"']


def _fold(name: str, tokens: Sequence[str]) -> str:
    first, *others = tokens
    lines, line = [], f"{name}: {first}"
    for token in others:
        if len(line) + 1 + len(token) > _WIDTH:
            lines.append(line)
            line = ""
        line += f" {token}"
    return "\r\n".join([*lines, line, ""])


def _refuse_controls(name: str, value: str) -> None:
    if not value.isprintable() and _UNSAFE.search(value):
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, f"{name}: contains control characters"))
