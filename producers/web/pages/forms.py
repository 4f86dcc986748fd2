"""What browsers send: forms, and whether they are our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from producers.web import bodies, problems
from producers.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from producers.web.bodies import Share

#: Bytes of a form without a mail in it.
SMALL: Final = 16 * 1024
#: The field in which a session's forms prove that they are its own.
TOKEN: Final = "form"  # noqa: S105 (a name)

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 10


def require_same_origin(request: Request) -> None:
    """
    Make sure that a page of ours sent *request*.

    Raises:
        Problem: it was another site's, or the browser does not say.
    """
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    is_own = site == "same-origin" if site else origin and origin == request.headers.get("host")
    if not is_own:
        raise Problem(
            problems.FOREIGN,
            "nothing was changed; open the page itself and try again. A proxy must pass on the header Host.",
        )


async def body_of(request: Request, share: Share, *, most: int = SMALL) -> bytes:
    """
    Return the body of a form of at most *most* bytes.

    Raises:
        Problem: it is no form, too large or too slow.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0]
    if media_type.strip().lower() != _FORM:
        raise Problem(problems.MEDIA, f"send the form as {_FORM}")
    within = request.app.state.gateway.settings.body_timeout
    return await bodies.read(request, share, most=most, within=within)


def fields_of(body: bytes) -> Mapping[str, str]:
    """
    Return the fields of a form.

    Raises:
        Problem: it cannot be read.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise Problem(problems.MALFORMED, "the form cannot be read; send it from the page itself") from None
    return dict(pairs)
