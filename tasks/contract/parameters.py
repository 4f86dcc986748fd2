"""What a `send_email` carries: the fourteen inputs and ours on top (contract, sections 1 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tasks.contract import addresses, charsets, choices, hosts, integers, text
from tasks.contract.addresses import Mailbox
from tasks.contract.attachments import parse_attachments
from tasks.contract.choices import EmailFormat, OnUnknown
from tasks.contract.errors import refusal
from tasks.contract.headers import parse_headers
from tasks.contract.limits import DEFAULT_TIMEOUT, MAX_ACCOUNT, MAX_USER_NAME
from tasks.contract.metadata import parse_key, parse_metadata
from tasks.contract.moments import parse_moment
from tasks.contract.security import Security
from tasks.contract.trust import Trust, parse_trust
from tasks.contract.wire import Written, to_json, write

_MILLISECONDS: Final = 1000.0
#: Fields in which "" says something: unsecure, or that what is required is missing.
_BLANK_SPEAKS: Final = frozenset({"smtp_authentication", "to", "subject", "body", "idempotency_key"})


def _parse_user_name(value: object) -> str:
    return text.line(value, longest=MAX_USER_NAME)


def _parse_account(value: object) -> str:
    return text.line(value, longest=MAX_ACCOUNT)


_Mailboxes: TypeAlias = Annotated[tuple[Mailbox, ...], PlainValidator(addresses.parse_list)]
_Lines: TypeAlias = Annotated[str, PlainValidator(text.parse_body)]


class SendEmail(BaseModel):
    """
    One mail to be sent, with every value parsed.

    It is built from what stands on the wire, best by `tasks.contract.validation.parse`, which also accepts
    the connector's labels and names all errors at once. None means that the field was left out, and that the
    account's value holds where it has one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    smtp_authentication: Annotated[Security | None, PlainValidator(choices.parse_security)] = None
    smtp_host: Annotated[str, PlainValidator(hosts.parse_host)] | None = None
    smtp_port: Annotated[int, PlainValidator(integers.parse_port)] | None = None
    user_name: Annotated[str, PlainValidator(_parse_user_name)] | None = Field(default=None, repr=False)
    smtp_ssl_trust: Annotated[Trust, PlainValidator(parse_trust)] | None = None
    to: _Mailboxes = Field(repr=False)
    cc: _Mailboxes = Field(default=(), repr=False)
    bcc: _Mailboxes = Field(default=(), repr=False)
    subject: Annotated[str, PlainValidator(text.parse_subject)] = Field(repr=False)
    body: _Lines = Field(repr=False)
    attachments: Annotated[tuple[str, ...], PlainValidator(parse_attachments)] = Field(default=(), repr=False)
    timeout: Annotated[int, PlainValidator(integers.parse_timeout)] = DEFAULT_TIMEOUT
    email_format: Annotated[EmailFormat, PlainValidator(choices.parse_format)] = "plain"
    encoding: Annotated[str, PlainValidator(charsets.canonical)] = "utf-8"
    account: Annotated[str, PlainValidator(_parse_account)] | None = None
    sender: Annotated[Mailbox, PlainValidator(addresses.parse_one)] | None = Field(default=None, repr=False)
    reply_to: _Mailboxes = Field(default=(), repr=False)
    text_body: _Lines | None = Field(default=None, repr=False)
    headers: Annotated[Mapping[str, str], PlainValidator(parse_headers)] = Field(
        default_factory=dict, repr=False
    )
    idempotency_key: Annotated[str, PlainValidator(parse_key)] | None = Field(default=None, repr=False)
    expires_at: Annotated[datetime, PlainValidator(parse_moment)] | None = None
    on_unknown: Annotated[OnUnknown, PlainValidator(choices.parse_on_unknown)] | None = None
    metadata: Annotated[Mapping[str, str], PlainValidator(parse_metadata)] = Field(
        default_factory=dict, repr=False
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blanks(cls, data: Any) -> Any:
        """Treat null and blank text as not given, so that an empty cell or form field changes nothing."""
        if not isinstance(data, Mapping):
            return data
        return {name: value for name, value in data.items() if not _is_left_out(name, value)}

    @field_validator("smtp_ssl_trust", mode="after")
    @classmethod
    def _trust_needs_tls(cls, trust: Trust, info: ValidationInfo) -> Trust:
        if info.data.get("smtp_authentication") is Security.NONE:
            raise refusal("has no effect without TLS or SSL", "remove it, or choose TLS")
        return trust

    @field_validator("to", mode="after")
    @classmethod
    def _somebody_is_written_to(cls, to: tuple[Mailbox, ...]) -> tuple[Mailbox, ...]:
        if not to:
            raise refusal("names nobody", "at least one recipient is required")
        return to

    @field_validator("cc", "bcc", mode="after")
    @classmethod
    def _not_too_many(cls, found: tuple[Mailbox, ...], info: ValidationInfo) -> tuple[Mailbox, ...]:
        before = sum(len(info.data.get(name, ())) for name in ("to", "cc"))
        addresses.refuse_too_many(before + len(found))
        return found

    @field_validator("text_body", mode="after")
    @classmethod
    def _text_belongs_to_html(cls, text_body: str, info: ValidationInfo) -> str:
        if info.data.get("email_format") == "plain":
            raise refusal("has no effect beside a plain text body", "remove it, or set Email Format to HTML")
        return text_body

    @property
    def security(self) -> Security | None:
        """The transport security that the message asks for; None leaves it to the account."""
        return self.smtp_authentication

    @property
    def timeout_seconds(self) -> float:
        """The time budget in seconds, as everything behind the wire counts it."""
        return self.timeout / _MILLISECONDS

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """Whom the envelope names: TO, CC and BCC in this order, each address once."""
        return self.each_once if len(self.to) > 1 or self.cc or self.bcc else self.to

    @cached_property
    def each_once(self) -> tuple[Mailbox, ...]:
        """What `recipients` has where there are several, which takes longer to find out."""
        named = (*self.to, *self.cc, *self.bcc)
        return tuple([box for box, first in addresses.unique(named) if first])

    @property
    def merged(self) -> tuple[str, ...]:
        """The addresses, masked, that were given again and merged into the first of their kind."""
        named = (*self.to, *self.cc, *self.bcc)
        if len(named) == len(self.recipients):
            return ()
        return tuple(box.masked for box, first in addresses.unique(named) if not first)

    def to_message(self) -> dict[str, JsonValue]:
        """Return the keyword arguments that travel in the queue: what was set, in its canonical form."""
        values = self.__dict__
        return {name: to_json(values[name]) for name in sorted(self.model_fields_set)}

    def written(self) -> Written:
        """
        Return the mail as JSON text, for the queue and for comparison.

        The canonical form leaves out the idempotency key, and every field that has its default value.
        """
        fields, values = self.to_message(), self.__dict__
        telling = {name for name in fields if values[name] != _DEFAULTS[name]}
        return write(fields, essential=telling - {"idempotency_key"})

    def canonical(self) -> bytes:
        """Return the bytes that two requests for the same mail have in common, whatever their spelling."""
        return self.written().canonical


_DEFAULTS: Final = {
    name: field.get_default(call_default_factory=True) for name, field in SendEmail.model_fields.items()
}


def _is_left_out(name: str, value: object) -> bool:
    if isinstance(value, str):
        return name not in _BLANK_SPEAKS and not value.strip(" \t\r\n")
    return value is None and name != "smtp_authentication"
