"""Values to try the shipped mails with: for previews, dry runs and the check at start-up."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What every mail is rendered with; a link that nobody issued, under a domain that cannot exist (RFC 2606).
SAMPLE: Final[Mapping[str, object]] = MappingProxyType(
    {
        "product": "Example",
        "support": "help@example.org",
        "name": "Ann Ofori",
        "user": "ann",
        "link": "https://accounts.example.org/reset/this-is-only-a-preview",
        "minutes": 60,
        "actor": "Ben (help desk)",
        "reason": "T-1042",
        "code": 550,
        "message": "5.1.1 no such mailbox",
    }
)
