"""How much one message may hold; every number that the contract and its error texts share."""

from __future__ import annotations

from typing import Final

#: Recipients over TO, CC and BCC together (RFC 5321, 4.5.3.1.8: every server takes at least 100).
MAX_RECIPIENTS: Final = 100
#: Characters of one address list, above what 100 recipients with long display names need; and of one entry.
MAX_ADDRESS_LIST: Final = 64 * 1024
MAX_ADDRESS_ENTRY: Final = 2000
#: Characters of a display name.
MAX_DISPLAY_NAME: Final = 255
#: Characters of a subject or of a header's value (RFC 5322, 2.1.1).
MAX_LINE: Final = 998
#: Bytes of a body or text body in UTF-8.
MAX_BODY_BYTES: Final = 10 * 1024 * 1024
#: Characters of a whole request, over all its fields.
MAX_REQUEST: Final = 40 * 1024 * 1024
#: Values in a whole request, list elements and map entries included.
MAX_VALUES: Final = 10_000
#: Fields of a request, known or not.
MAX_FIELDS: Final = 100
#: Characters of a user name (64 of a local part, "@", 255 of a domain).
MAX_USER_NAME: Final = 320
#: Characters of the name of an account.
MAX_ACCOUNT: Final = 64
#: Characters of smtp_ssl_trust.
MAX_TRUST: Final = 8 * 1024
#: Attachments of one mail.
MAX_ATTACHMENTS: Final = 20
#: Bytes of one component of an attachment's path, as file systems count them.
MAX_FILE_NAME: Final = 255
#: Characters of an attachment's path.
MAX_PATH: Final = 4096
#: Extra headers of one mail, and characters of a header's name.
MAX_HEADERS: Final = 20
MAX_HEADER_NAME: Final = 64
#: Entries of the metadata, and characters of a key and of a value.
MAX_METADATA: Final = 20
MAX_METADATA_KEY: Final = 40
MAX_METADATA_VALUE: Final = 200
#: Characters of an idempotency key.
MAX_IDEMPOTENCY_KEY: Final = 255
#: The time budget of a delivery, in milliseconds as on the wire.
MIN_TIMEOUT: Final = 1_000
MAX_TIMEOUT: Final = 3_600_000
DEFAULT_TIMEOUT: Final = 60_000
