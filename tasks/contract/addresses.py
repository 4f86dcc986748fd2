"""Addresses: the one parser whose result stands in the header and in the envelope alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.addr_spec import ordinary, quote_local, validated
from tasks.contract.address_syntax import split, take_apart, take_apart_simple
from tasks.contract.errors import Problem, Refused, kind, refusal
from tasks.contract.limits import MAX_ADDRESS_ENTRY, MAX_ADDRESS_LIST, MAX_DISPLAY_NAME, MAX_RECIPIENTS
from tasks.contract.text import as_text, has_control, has_surrogate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SEPARATE: Final = "separate addresses with ';'"
_EXPECTED: Final = "must be a string with ';' between addresses, or a list"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """
    A parsed address; made by this module's parsers, which vouch for it.

    *local* is without quotes, *domain* in lower-case A-labels. *addr_spec* is the address itself, as header
    and envelope have it: the local part quoted where it must be. Neither `str` nor `repr` shows the address.
    """

    display_name: str
    local: str
    domain: str
    addr_spec: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Written once, since every step on the way of a mail reads it.
        object.__setattr__(self, "addr_spec", f"{quote_local(self.local)}@{self.domain}")

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 can take it (RFC 6531)."""
        return not self.local.isascii()

    @property
    def key(self) -> str:
        """What two spellings of one recipient have in common."""
        return self.addr_spec.lower()

    @property
    def masked(self) -> str:
        """The address as results and logs may show it: first character and domain."""
        return f"{self.local[:1]}***@{self.domain}"

    def format(self) -> str:
        """Return `"Display Name" <address>`, which the parsers read back as the same value."""
        if not self.display_name:
            return self.addr_spec
        name = self.display_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{name}" <{self.addr_spec}>'

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Mailbox({self.masked})"


def parse_list(value: object) -> tuple[Mailbox, ...]:
    """
    Return the addresses of a list: a string with ';' between them, or a sequence with one in each element.

    Empty entries are ignored, so the result may be empty.

    Raises:
        Refused: with a problem for each entry that is wrong, named by its number ("entry 2 …").

    """
    # Most mails have one recipient, whose address is plain: there is no list to be taken apart.
    alone = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    if isinstance(alone, str) and (plain := ordinary(alone)):
        return (Mailbox("", *plain),)
    found: list[Mailbox] = []
    problems: list[Problem] = []
    for number, entry in enumerate(_entries(value), start=1):
        try:
            found.append(_mailbox(entry))
        except Refused as refused:
            problems += _of_entry(number, refused)
    if problems:
        raise Refused(*problems)
    return tuple(found)


def parse_one(value: object) -> Mailbox:
    """
    Return a single address.

    Raises:
        Refused: it is none, or more than one.

    """
    entries = [entry for entry in split(_checked(value)) if entry.strip(" ")]
    if len(entries) != 1:
        raise refusal(f"has {len(entries)} addresses", "must have exactly one")
    return _mailbox(entries[0].strip(" "))


def unique(mailboxes: Iterable[Mailbox]) -> Iterator[tuple[Mailbox, bool]]:
    """Yield each mailbox with whether it is the first of its address, compared without regard to case."""
    seen: set[str] = set()
    for mailbox in mailboxes:
        key = mailbox.key
        yield mailbox, key not in seen
        seen.add(key)


def refuse_too_many(count: int) -> None:
    """
    Check a number of recipients, or of entries of one list, against the limit.

    Raises:
        Refused: there are too many.

    """
    if count > MAX_RECIPIENTS:
        raise refusal(f"makes {count} recipients", f"at most {MAX_RECIPIENTS} recipients over TO, CC and BCC")


def _entries(value: object) -> list[str]:
    entries = _elements(value) if isinstance(value, (list, tuple)) else _split(value)
    found = [entry for entry in entries if entry]
    refuse_too_many(len(found))
    return found


def _split(value: object) -> list[str]:
    if not isinstance(value, str):
        raise refusal(f"is {kind(value)}", _EXPECTED)
    if len(value) > MAX_ADDRESS_LIST:
        raise refusal(f"has {len(value)} characters", f"at most {MAX_RECIPIENTS} recipients")
    return [entry.strip(" ") for entry in split(as_text(value))]


def _elements(value: list[object] | tuple[object, ...]) -> list[str]:
    refuse_too_many(len(value))
    wrong = [number for number, element in enumerate(value, start=1) if not isinstance(element, str)]
    if wrong:
        raise Refused(*(Problem(f"entry {number} is no string", _EXPECTED) for number in wrong))
    return [as_text(element).strip(" ") for element in value]


def _of_entry(number: int, refused: Refused) -> list[Problem]:
    return [
        Problem(f"entry {number} {problem.what}", problem.expected, problem.code)
        for problem in refused.problems
    ]


def _checked(value: object) -> str:
    text = as_text(value)
    if has_control(text):
        raise refusal("contains control characters", "remove them")
    if has_surrogate(text):
        raise refusal("contains characters that cannot be sent", "remove the lone surrogates")
    if len(text) > MAX_ADDRESS_ENTRY:
        raise refusal(f"has {len(text)} characters", "expected name@domain")
    return text


def _mailbox(entry: str) -> Mailbox:
    plain = ordinary(entry)
    if plain is not None:
        return Mailbox("", *plain)
    display_name, addr_spec = take_apart_simple(_checked(entry)) or take_apart(_alone(entry))
    if len(display_name) > MAX_DISPLAY_NAME:
        raise refusal("has a long display name", f"must have at most {MAX_DISPLAY_NAME} characters")
    return Mailbox(display_name, *(ordinary(addr_spec) or validated(addr_spec)))


def _alone(entry: str) -> str:
    """Return the one address of an entry: an element of a list must not bring others with it."""
    named = [part.strip(" ") for part in split(entry) if part.strip(" ")]
    if len(named) > 1:
        raise refusal("has more than one address", "one address in each element of a list")
    return named[0] if named else ""
