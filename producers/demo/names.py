"""What the demo's parts must agree on."""

from __future__ import annotations

from typing import Final

#: The only address that anything of the demo listens on.
LOOPBACK: Final = "127.0.0.1"
#: The local part that the demo's mail server refuses.
NOBODY: Final = "nobody"
