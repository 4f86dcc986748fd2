"""The names under which producers may give a field: its own, and the label that people know it by."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The fourteen inputs of the connector's page, in its order.
SEED_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "smtp_authentication": "Smtp Authentication",
        "smtp_host": "Smtp Host",
        "smtp_port": "Smtp Port",
        "user_name": "User Name",
        "smtp_ssl_trust": "Smtp SSL Trust",
        "to": "Email Recipients (TO) List",
        "cc": "Email Recipients (CC) List",
        "bcc": "Email Recipients (BCC) List",
        "subject": "Subject",
        "body": "Body",
        "attachments": "Attachments",
        "timeout": "Timeout",
        "email_format": "Email Format",
        "encoding": "Encoding",
    }
)

#: What this product adds to them; all optional.
EXTRA_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "Account",
        "sender": "Sender",
        "reply_to": "Reply To",
        "text_body": "Text Body",
        "headers": "Headers",
        "idempotency_key": "Idempotency Key",
        "expires_at": "Expires At",
        "on_unknown": "On Unknown",
        "metadata": "Metadata",
    }
)

#: Every field with its label.
LABELS: Final[Mapping[str, str]] = MappingProxyType({**SEED_LABELS, **EXTRA_LABELS})


def squeeze(name: str) -> str:
    """Return *name* in the form in which names are compared: lower case, without spaces and underscores."""
    return re.sub(r"[\s_]+", "", name).lower()


_FIELDS: Final = {squeeze(name): field for field, label in LABELS.items() for name in (field, label)}


def label_of(field: str) -> str:
    """Return the label of *field*; a name that is no field is its own label."""
    return LABELS.get(field, field)


def field_of(name: str) -> str | None:
    """Return the field that *name*, a field's name or a label in any case and spacing, stands for."""
    return name if name in LABELS else _FIELDS.get(squeeze(name))
