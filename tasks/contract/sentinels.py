"""A Redis behind sentinels, as one URL names it; kombu and redis-py each want it told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

#: The scheme of each part of such a URL.
SCHEME: Final = "sentinel"

_PORT: Final = 26379
_OPTIONS: Final = ("master_name", "sentinel_user", "sentinel_password")

#: Seconds for which a sentinel is asked; the next one is asked then.
_PATIENCE: Final = 1.0

_EXPECTED: Final = (
    "expected sentinel://[user:password@]host[:port];sentinel://host[:port]/database?master_name=name, with "
    "the special characters of a password percent-encoded"
)


@dataclass(frozen=True, slots=True)
class Sentinels:
    """A Redis behind sentinels, which know its master; secrets are never shown."""

    addresses: tuple[tuple[str, int], ...]
    master_name: str
    database: int = 0
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_user: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Sentinels:
        """
        Return what *url* says; user and password may stand in any of its parts.

        Raises:
            ValueError: it cannot be used; it is not repeated.
        """
        try:
            parts = [urlsplit(part) for part in url.split(";") if part]
            addresses = tuple((part.hostname or "", part.port or _PORT) for part in parts)
            options = dict(parse_qsl(parts[-1].query, strict_parsing=True)) if parts[-1].query else {}
            database = int(parts[-1].path.strip("/") or 0)
        except (ValueError, IndexError):
            raise ValueError(f"is no URL of sentinels; {_EXPECTED}") from None
        if any(part.scheme != SCHEME or not part.hostname for part in parts) or any(map(is_cut_short, parts)):
            raise ValueError(f"is no URL of sentinels; {_EXPECTED}")
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise ValueError(f"has the unknown option {unknown[0]}; known are {', '.join(_OPTIONS)}")
        if not options.get("master_name"):
            raise ValueError(f"names no master; {_EXPECTED}")
        return cls(addresses, options.pop("master_name"), database, *_login(parts), **options)

    def __str__(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self.addresses) + f" ({self.master_name})"

    @property
    def sentinel_options(self) -> dict[str, Any]:
        """What connections to the sentinels themselves are made with."""
        login = {"username": self.sentinel_user, "password": self.sentinel_password}
        patience = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _PATIENCE)
        return patience | {name: value for name, value in login.items() if value}

    @property
    def celery_url(self) -> str:
        """The URL as Celery wants it: everything in each part, and no options."""
        return ";".join(
            f"{SCHEME}://{self._login}{f'[{host}]' if ':' in host else host}:{port}/{self.database}"
            for host, port in self.addresses
        )

    @property
    def _login(self) -> str:
        if not self.password:
            return ""
        return f"{quote(self.user_name or '', safe='')}:{quote(self.password, safe='')}@"

    @property
    def celery_options(self) -> dict[str, Any]:
        """The transport options of Celery's broker and result backend."""
        return {"master_name": self.master_name, "sentinel_kwargs": self.sentinel_options}


def _login(parts: list[SplitResult]) -> tuple[str | None, str | None]:
    for part in parts:
        if part.password:
            return unquote(part.username or "") or None, unquote(part.password)
    return None, None


def is_cut_short(parts: SplitResult) -> bool:
    """Whether a bare '/', '?' or '#' in a password ended the host."""
    return "@" in parts.path + parts.query + parts.fragment
