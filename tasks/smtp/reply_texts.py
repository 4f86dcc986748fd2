"""What servers write into the text of their replies: queue ids, and when to come again."""

from __future__ import annotations

import re
from typing import Final

#: The longest pause that a server's text can ask for, in seconds.
LONGEST_PAUSE: Final = 86_400.0

_QUEUE_IDS: Final = (
    re.compile(r"queued (?:mail )?as:? <?([\w.:-]{4,128})", re.IGNORECASE),  # Postfix, Haraka, Stalwart
    re.compile(r"\bid=([\w-]{6,64})"),  # Exim
    re.compile(r"\bInternalId=(\d+)"),  # Exchange
    re.compile(r"^([A-Za-z0-9]{8,32}) Message accepted for delivery"),  # Sendmail
    re.compile(r"^ok:? (\d+ qp \d+)", re.IGNORECASE),  # qmail
    re.compile(r"^OK\s+(\d{8,} \S+) - gsmtp"),  # Gmail
    re.compile(r"^Ok ([0-9a-f][0-9a-f-]{30,80})$", re.IGNORECASE),  # Amazon SES
)
# Behind these, digits belong to something longer: a decimal, a thousand, an IP address, a date. What stands
# behind "at" and the like is the time of a clock that is not ours.
_ALONE: Final = r"\b(?<!\.)(?<!\d[,:])(?<!::)"
_PAUSE: Final = re.compile(
    r"\b(?:again|retry|wait|back|delay(?:ed)?|greylist(?:ed|ing)?)\b.{0,40}?" + _ALONE + r"(?:"
    r"(?<!\d\d )(?<!\b(?:at|by)[ =:])(?<!\b(?:at|by)[=:] )(?<!\btill )(?<!\buntil )(?<!\bbefore )"
    r"(?P<h>\d{1,2}):(?P<m>\d{2}):(?P<s>\d{2})\b(?!:[\w:])|"
    r"(?P<n>\d{1,6})\s*(?P<unit>[smh]|secs?|seconds?|mins?|minutes?|hrs?|hours?)\b)",
    re.IGNORECASE,
)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def queue_id(text: str) -> str | None:
    """Return the id under which the server queued the mail, where *text*, its final reply's, names one."""
    for form in _QUEUE_IDS:
        if found := form.search(text):
            return found[1]
    return None


def retry_after(text: str) -> float | None:
    """Return the pause in seconds that *text*, of a 4yz reply, asks for, if it does."""
    found = _PAUSE.search(" ".join(text.split()))
    if not found:
        return None
    if found["n"]:
        seconds = int(found["n"]) * _SECONDS[found["unit"][0].lower()]
    else:
        seconds = int(found["h"]) * 3600 + int(found["m"]) * 60 + int(found["s"])
    return min(float(seconds), LONGEST_PAUSE)
