"""What the accounts of the big providers have in common (docs/howto/microsoft-365-and-gmail.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "microsoft365": {
        "host": "smtp.office365.com",
        "port": 587,
        "security": "TLS",
        "oauth": {
            "token_url": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "scope": "https://outlook.office365.com/.default",
        },
    },
    "gmail": {
        "host": "smtp.gmail.com",
        "port": 587,
        "security": "TLS",
        "oauth": {"token_url": "https://oauth2.googleapis.com/token"},
    },
}


def with_preset(account: Any) -> Any:
    """Return the fields of an account with those of its preset where it has none of its own."""
    if not isinstance(account, Mapping) or account.get("preset") not in PRESETS:
        return account
    preset = dict(PRESETS[account["preset"]])
    usual = preset.pop("oauth")
    given = account.get("oauth")
    oauth = {"oauth": {**usual, **given}} if isinstance(given, Mapping) else {}
    return {**preset, **account, **oauth}
