"""Who may look at Flower: logins from the environment, refused where they protect nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The variables that may hold `user:password`, several joined by commas; the first that is set counts.
VARIABLES = ("POSTROOM_FLOWER_BASIC_AUTH", "FLOWER_BASIC_AUTH")
#: The same, but each names a file that holds it.
FILE_VARIABLES = tuple(f"{name}_FILE" for name in VARIABLES)
#: A shorter password is refused; so is every default that is in use.
SHORTEST_PASSWORD = 12
_PLACEHOLDERS = ("change", "example", "password", "secret", "default")
_ADVICE = "set FLOWER_BASIC_AUTH=user:password, with a password of your own"


class LoginRefused(ValueError):
    """Flower must not start with these logins; the text says why and names no password."""


def logins(environment: Mapping[str, str]) -> list[str]:
    """
    Return the logins, each `user:password`, that *environment* sets.

    Raises:
        LoginRefused: there is none, or one of them is empty, short or a well-known default.
    """
    found = [login.strip() for login in _configured(environment).split(",")]
    for login in found:
        _check(login)
    return found


def _configured(environment: Mapping[str, str]) -> str:
    for name in VARIABLES:
        if value := environment.get(name):
            return value
    for name in FILE_VARIABLES:
        if path := environment.get(name):
            return _read(path, name)
    raise LoginRefused(f"Flower needs a login: {_ADVICE}")


def _read(path: str, name: str) -> str:
    try:
        return Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise LoginRefused(f"the file that {name} names cannot be read: {type(exc).__name__}") from exc


def _check(login: str) -> None:
    user, _, password = login.partition(":")
    if not (user and password):
        raise LoginRefused(f"a login of Flower has no user or no password: {_ADVICE}")
    # Flower compares with hmac.compare_digest, which takes ASCII text only.
    if not login.isascii():
        raise LoginRefused(f"a login of Flower has letters outside ASCII: {_ADVICE}")
    if password.lower().startswith(_PLACEHOLDERS) or password == user:
        raise LoginRefused(f"the password of Flower's user {user!r} is a default: {_ADVICE}")
    if len(password) < SHORTEST_PASSWORD:
        raise LoginRefused(
            f"the password of Flower's user {user!r} has fewer than {SHORTEST_PASSWORD} letters: {_ADVICE}"
        )
