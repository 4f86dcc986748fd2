"""Where the journal keeps what it knows: the names of its keys in Redis."""

from __future__ import annotations

from typing import Final

#: A hash for each mail.
MAIL: Final = "postroom:mail:"
#: The mails that are not settled, by the moment at which the sweeper looks at them.
OPEN: Final = "postroom:open"
#: For each lane the newest publication that a worker has met.
WATERMARKS: Final = "postroom:watermarks"
#: A hash for each idempotency key.
IDEMPOTENCY: Final = "postroom:key:"
#: A stream of the records of mails that ended and whose end is to be told (step.lua, cancel.lua).
ENDED: Final = "postroom:hooks:ended"
