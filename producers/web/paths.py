"""Which paths are emails, and which are other resources beside them."""

from __future__ import annotations

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor


class _EmailIds(StringConvertor):
    """Takes any segment for an email's id but the name of another resource that stands beside the emails."""

    regex = "(?!batch(?:/|$))[^/]+"


register_url_convertor("email", _EmailIds())

#: The path of one email; without the convertor `GET /v1/emails/batch` would ask for the email `batch`, and an
#: `Allow` that names the methods of both resources would be true of neither (RFC 9110, 10.2.1).
ONE_EMAIL: Final = "/v1/emails/{email_id:email}"
BATCH: Final = "/v1/emails/batch"
