"""From Django's messages to mails."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any, Final

from django.conf import global_settings, settings

from producers.integrations.failures import Refused
from producers.integrations.mails import File, Mail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.core.mail import EmailMessage

#: Headers that speak to us; they are taken out of the mail.
_OURS: Final = {
    "x-postroom-lane": "lane",
    "x-postroom-account": "account",
    "x-postroom-timeout": "timeout",
    "x-postroom-idempotency-key": "idempotency_key",
    "x-postroom-expires-at": "expires_at",
    "x-postroom-reference": "reference",
}
_PREFIX: Final = "x-postroom-"
#: Django's own defaults, which are no addresses: with them the account's sender is meant.
_NOBODY: Final = frozenset({global_settings.DEFAULT_FROM_EMAIL, global_settings.SERVER_EMAIL})
_UNKNOWN_TYPE: Final = "application/octet-stream"


def mail_of(message: EmailMessage, chosen: Mapping[str, Any]) -> Mail:
    """
    Return *message* as a mail; *chosen* are the options in force where it says nothing else.

    Raises:
        Refused: it has what cannot be sent; with everything of that kind.
    """
    problems: list[str] = []
    options, headers = _sorted_out(message.extra_headers, problems)
    options = {**chosen, **options}
    options |= _bodies(message, problems)
    files = _files(message.attachments, problems)
    sender = str(headers.pop("from", "") or message.from_email)
    reply_to = headers.pop("reply-to", "") or message.reply_to
    if problems:
        raise Refused(*problems)
    reference = options.pop("reference", None)
    if reference is not None:
        options["metadata"] = {**options.get("metadata", {}), "reference": str(reference)}
    encoding = str(message.encoding or settings.DEFAULT_CHARSET)
    return Mail(
        to=_given(message.to),
        cc=_given(message.cc),
        bcc=_given(message.bcc),
        reply_to=_given([reply_to] if isinstance(reply_to, str) else reply_to),
        subject=str(message.subject),
        sender=None if sender in _NOBODY else sender,
        headers=headers,
        attachments=files,
        more={} if encoding.lower() == "utf-8" else {"encoding": encoding},
        **options,
    )


def _given(addresses: Sequence[object]) -> list[str]:
    return [str(address) for address in addresses if address]


def _sorted_out(extra: Mapping[str, object], problems: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options among the headers, and the headers proper."""
    options: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for name, value in extra.items():
        folded = name.lower()
        if folded in _OURS:
            text = str(value)
            options[_OURS[folded]] = int(text) if folded.endswith("timeout") and text.isdecimal() else text
        elif folded.startswith(_PREFIX):
            problems.append(f"headers: {name} is unknown; known are {', '.join(map(str.title, _OURS))}")
        else:
            headers[folded if folded in {"from", "reply-to"} else name] = str(value)
    return options, headers


def _bodies(message: EmailMessage, problems: list[str]) -> dict[str, str]:
    body = str(message.body)
    if message.content_subtype not in {"plain", "html"}:
        problems.append(f"content_subtype: {message.content_subtype} cannot be sent; use plain or html")
    found = {"html": body} if message.content_subtype == "html" else {"body": body}
    for content, kind in getattr(message, "alternatives", ()):
        if kind != "text/html" or "html" in found:
            problems.append("alternatives: only one of type text/html, beside a plain body, can be sent")
        else:
            found["html"] = content.decode() if isinstance(content, bytes) else str(content)
    return found


def _files(attachments: Sequence[Any], problems: list[str]) -> list[File]:
    files = []
    for number, attachment in enumerate(attachments, start=1):
        if not isinstance(attachment, tuple):
            problems.append(
                f"attachments: entry {number} is a MIME part, such as an inline image; attach a file by its "
                "name and content instead"
            )
            continue
        name, content, kind = attachment
        wrong = list(_wrong(content, kind or ""))
        problems += [f"attachments: entry {number} {each}" for each in wrong]
        if not wrong:
            data = content.encode() if isinstance(content, str) else bytes(content)
            files.append(File(_name(name, kind or _UNKNOWN_TYPE, number), data))
    return files


def _wrong(content: object, kind: str) -> Iterator[str]:
    if not isinstance(content, (str, bytes, bytearray, memoryview)):
        yield "is a message or another object; attach its bytes"
    if ";" in kind:
        yield "has a content type with parameters; the type is made from the file's name"


def _name(name: object, kind: str, number: int) -> str:
    """Return the file's name, ending as its content type asks where it has no ending of its own."""
    text = str(name) if name else f"attachment-{number}"
    has_type = "." in text.strip(".") or kind == _UNKNOWN_TYPE
    return text if has_type else text + (mimetypes.guess_extension(kind) or "")
