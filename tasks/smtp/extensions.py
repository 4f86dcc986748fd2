"""What a server offers, as its answer to EHLO says (RFC 5321, section 4.1.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.smtp.replies import RawReply

_OLD_AUTH: Final = "AUTH="


@dataclass(frozen=True)
class Extensions:
    """The keywords that a server announced, upper-case, with their parameters."""

    keywords: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, raw: RawReply) -> Extensions:
        """Read the answer to EHLO, whose first line is a greeting."""
        keywords: dict[str, tuple[str, ...]] = {}
        for line in raw.lines[1:]:
            text = line.decode("ascii", "replace").upper()
            if text.startswith(_OLD_AUTH):
                # Before RFC 2554 was out, servers wrote "AUTH=LOGIN"; some still write both.
                text = text.replace("=", " ", 1)
            word, *parameters = text.split() or [""]
            keywords[word] = (*keywords.get(word, ()), *parameters)
        return cls(keywords)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @cached_property
    def mechanisms(self) -> frozenset[str]:
        """The SASL mechanisms offered for AUTH (RFC 4954)."""
        return frozenset(self.keywords.get("AUTH", ()))

    @cached_property
    def size_limit(self) -> int | None:
        """Bytes of the largest mail that the server takes, None where it names none (RFC 1870)."""
        return _positive(self.keywords.get("SIZE", ())[:1])

    @cached_property
    def most_recipients(self) -> int | None:
        """Recipients that the server takes in one mail, where it says so (RFC 9422, RCPTMAX)."""
        return self._limit("RCPTMAX=")

    @cached_property
    def most_mails(self) -> int | None:
        """Mails that the server takes over one connection, where it says so (RFC 9422, MAILMAX)."""
        return self._limit("MAILMAX=")

    def _limit(self, name: str) -> int | None:
        return _positive(
            [p.removeprefix(name) for p in self.keywords.get("LIMITS", ()) if p.startswith(name)]
        )


def _positive(texts: tuple[str, ...] | list[str]) -> int | None:
    for text in texts:
        if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:  # noqa: PLR2004  # fits 64 bits
            return int(text)
    return None
