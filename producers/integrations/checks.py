"""What is wrong with a letter as far as that is seen here, so that it is said before anything is queued."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from producers.integrations.words import (
    FIELDS,
    HEADERS,
    LANES,
    MAX_ATTACHMENTS,
    MAX_FILE_NAME,
    MAX_LINE,
    MAX_RECIPIENTS,
    MAX_TIMEOUT,
    MIN_TIMEOUT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MIB: Final = 1024 * 1024
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_KEY: Final = re.compile(r"[!-~]{1,255}")
_OFFSET: Final = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\Z")
_ADDRESS: Final = re.compile(r"[^@]*[^@\s]@[^\s@<>,;]+>?", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


def problems_of(
    fields: Mapping[str, Any], files: Sequence[Any], *, lane: str, max_bytes: int
) -> Iterator[str]:
    """Yield a sentence for everything that is wrong; none repeats an address, a subject or a file name."""
    for name in sorted(set(fields) - FIELDS):
        yield f"{name}: is an unknown field; known are {', '.join(sorted(FIELDS))}"
    if lane not in LANES:
        yield f"lane: is unknown; must be one of {', '.join(LANES)}"
    yield from _about_addresses(fields)
    yield from _about_text(fields)
    yield from _about_headers(fields.get("headers", {}))
    yield from _about_options(fields)
    yield from _about_files(files, max_bytes)
    if len(fields.get("attachments", ())) + len(files) > MAX_ATTACHMENTS:
        yield f"attachments: are more than {MAX_ATTACHMENTS}; send fewer"


def _about_addresses(fields: Mapping[str, Any]) -> Iterator[str]:
    lists = {name: fields.get(name, ()) for name in ("to", "cc", "bcc")}
    if not any(address.strip() for address in lists["to"]):
        yield "to: names nobody; at least one recipient is required there, beside cc and bcc"
    if sum(map(len, lists.values())) > MAX_RECIPIENTS:
        yield f"to, cc, bcc: have more than {MAX_RECIPIENTS} recipients; send several mails"
    sender = [fields["sender"]] if fields.get("sender") else []
    for name, addresses in {**lists, "reply_to": fields.get("reply_to", ()), "sender": sender}.items():
        for number, address in enumerate(addresses, start=1):
            if _CONTROL.search(address):
                yield f"{name}: entry {number} contains control characters; remove them"
            elif address.strip() and not _ADDRESS.fullmatch(_QUOTED.sub("q", address.strip())):
                yield f"{name}: entry {number} is not one email address; expected name@domain"


def _about_text(fields: Mapping[str, Any]) -> Iterator[str]:
    subject = fields.get("subject", "").strip()
    if not subject:
        yield "subject: is blank; a subject is required"
    if _CONTROL.search(subject.replace("\t", " ")):
        yield "subject: contains line breaks or control characters; it must be a single line"
    if len(subject) > MAX_LINE:
        yield f"subject: has {len(subject)} characters; it must have at most {MAX_LINE}"
    if not fields.get("body"):
        yield "body: is empty; a body or an HTML body is required"
    for name in ("body", "text_body"):
        if _BROKEN.search(fields.get(name, "")):
            yield f"{name}: contains characters that cannot be sent; remove NUL and lone surrogates"


def _about_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        folded = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            yield "headers: a name is no header name; letters, digits and hyphens only"
        elif folded not in HEADERS and not folded.startswith("x-"):
            yield f"headers: {name} may not be set; use X-* or one of {', '.join(sorted(HEADERS))}"
        elif not value.strip() or len(value) > MAX_LINE or _CONTROL.search(value):
            yield f"headers: {name} must be one line of 1 to {MAX_LINE} characters"


def _about_options(fields: Mapping[str, Any]) -> Iterator[str]:
    timeout = fields.get("timeout", MIN_TIMEOUT)
    if not isinstance(timeout, int) or not MIN_TIMEOUT <= timeout <= MAX_TIMEOUT:
        yield f"timeout: must be {MIN_TIMEOUT} to {MAX_TIMEOUT}, in milliseconds"
    key = fields.get("idempotency_key")
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        yield "idempotency_key: must be 1 to 255 printable ASCII characters without spaces"
    moment = fields.get("expires_at")
    if isinstance(moment, str) and not _OFFSET.search(moment):
        yield "expires_at: has no offset; expected such as 2030-01-31T12:00:00Z, or an aware datetime"


def _about_files(files: Sequence[Any], max_bytes: int) -> Iterator[str]:
    for number, file in enumerate(files, start=1):
        name = file.name
        if not isinstance(file.content, bytes):
            yield f"attachments: entry {number} is no bytes; give its content as bytes"
        if not name or name in {".", ".."} or "/" in name or "\\" in name or _CONTROL.search(name):
            yield f"attachments: entry {number} has a name that cannot be used; give a plain file name"
        elif len(name.encode()) > MAX_FILE_NAME:
            yield f"attachments: entry {number} has a long name; at most {MAX_FILE_NAME} bytes"
    size = sum(len(file.content) for file in files)
    if size > max_bytes:
        yield (
            f"attachments: have {size / _MIB:.1f} MiB together and may have {max_bytes / _MIB:.1f}; send a "
            "link, or raise max_attachment_bytes together with the worker's POSTROOM_MAX_MESSAGE_BYTES"
        )
