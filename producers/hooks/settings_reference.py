"""
The reference of the senders' settings, written from the settings themselves.

`python -m producers.hooks.settings_reference docs/reference` writes the published page anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from producers.hooks.settings import HooksSettings
from producers.web.settings_reference import table

_HEAD: Final = """\
# Settings of the senders of webhooks

`postroom hooks run` reads them from the environment and from `.env` in the current folder.
The environment wins, and options of the command win over both.
The journal is found as by [the command line](cli.md#where-the-queue-is).
API keys are in the file that `POSTROOM_WEB_KEYS_FILE` names.
Authorities of certificates other than the public ones are named by `SSL_CERT_FILE` or `SSL_CERT_DIR`.
What webhooks are is in [be told of the end](../howto/webhooks.md).
Times are in seconds.

"""


def page() -> str:
    """Return the reference as Markdown."""
    return "".join([_HEAD, *table(HooksSettings, "POSTROOM_HOOKS_")])


def write(folder: Path) -> Path:
    """Write the reference into *folder* and return the file."""
    file = folder / "hooks.md"
    file.write_text(page(), encoding="utf-8")
    return file


if __name__ == "__main__":
    write(Path(*sys.argv[1:]))
