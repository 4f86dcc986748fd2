"""What Postroom's contract allows, as far as a copied file knows it; a test holds both to the same."""

from __future__ import annotations

from typing import Final

#: The queues, in the order in which workers empty them.
LANES: Final = ("reset", "default", "bulk")
#: Everything that a letter may say.
FIELDS: Final = frozenset(
    {
        "smtp_authentication",
        "smtp_host",
        "smtp_port",
        "user_name",
        "smtp_ssl_trust",
        "to",
        "cc",
        "bcc",
        "subject",
        "body",
        "attachments",
        "timeout",
        "email_format",
        "encoding",
        "account",
        "sender",
        "reply_to",
        "text_body",
        "headers",
        "idempotency_key",
        "expires_at",
        "on_unknown",
        "metadata",
    }
)
#: Headers that a mail may add beside X-*, in lower case.
HEADERS: Final = frozenset(
    {
        "in-reply-to",
        "references",
        "list-archive",
        "list-help",
        "list-id",
        "list-owner",
        "list-post",
        "list-subscribe",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "archived-at",
        "auto-submitted",
        "comments",
        "feedback-id",
        "importance",
        "keywords",
        "organization",
        "precedence",
        "priority",
        "sensitivity",
        "thread-index",
        "thread-topic",
    }
)
MAX_RECIPIENTS: Final = 100
MAX_LINE: Final = 998
MAX_ATTACHMENTS: Final = 20
MAX_FILE_NAME: Final = 255
MIN_TIMEOUT: Final = 1_000
MAX_TIMEOUT: Final = 3_600_000
