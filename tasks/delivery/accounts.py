"""Accounts: the six credential parameters that never travel, and what the operator allows with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from tasks.contract import hosts
from tasks.contract.addresses import Mailbox, parse_one
from tasks.contract.choices import OnUnknown, parse_security
from tasks.contract.errors import Refused
from tasks.contract.security import Security
from tasks.contract.trust import Trust, parse_trust
from tasks.delivery.oauth import Command, OAuth
from tasks.delivery.presets import with_preset
from tasks.smtp.login import Mechanism

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

#: The ports that a message may name beside its account's own, unless the operator lists "host:port".
SUBMISSION_PORTS = frozenset({25, 465, 587, 2525})


def _parsed_by(parse: Callable[[object], T], kind: type[T]) -> BeforeValidator:
    return BeforeValidator(lambda value: value if value is None or isinstance(value, kind) else parse(value))


def _listed(value: object) -> object:
    """Accept "a; b" or "a, b" where a list is meant: environment variables have no lists."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.replace(",", ";").split(";") if part.strip())
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Account(BaseModel):
    """
    One named record of the worker's configuration (contract, section 2).

    The seed's six credential parameters are *host* (Email Server), *port*, *user_name*, *password* (or
    *password_file*, read anew at each login, *password_command* or *oauth*), *authentication* (whether to
    log in) and *security*. The rest says what messages may do with the account.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    name: str
    preset: Literal["microsoft365", "gmail"] | None = None
    host: Annotated[str, BeforeValidator(hosts.parse_host)]
    port: int | None = Field(default=None, ge=1, le=65535, description="Default by security: 25, 587 or 465.")
    security: Annotated[Security, BeforeValidator(parse_security)] = Security.STARTTLS
    user_name: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    password_command: Command = ()
    oauth: OAuth | None = None
    authentication: bool = True
    mechanism: Mechanism = Mechanism.AUTO
    sender: Annotated[Mailbox | None, _parsed_by(parse_one, Mailbox)] = None
    trust: Annotated[Trust | None, _parsed_by(parse_trust, Trust)] = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    local_hostname: str = "localhost"
    on_unknown: OnUnknown = "report"
    allow_plaintext_auth: bool = False
    allow_unverified_tls: bool = False
    allowed_senders: Names = ()
    allowed_hosts: Names = ()
    allowed_recipient_domains: Names = ()
    blocked_recipient_domains: Names = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, fields: Any) -> Any:
        return with_preset(fields)

    @model_validator(mode="after")
    def _credentials_belong_together(self) -> Self:
        if sum(map(bool, self._secrets)) > 1:
            raise ValueError("there is more than one of password, password_file, password_command and oauth")
        if self.has_secret and not self.user_name:
            raise ValueError("a password or oauth is set without user_name")
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key is set without client_certificate")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether there is anything to log in with."""
        return any(self._secrets)

    @property
    def _secrets(self) -> tuple[object, ...]:
        return self.password, self.password_file, self.password_command, self.oauth

    @property
    def logs_in(self) -> bool:
        """Whether this account logs in at its server."""
        return self.authentication and self.has_secret

    @property
    def effective_port(self) -> int:
        """The port, by convention of *security* where none is set."""
        return self.port or self.security.default_port

    @property
    def default_sender(self) -> Mailbox | None:
        """The sender of mails that name none: *sender*, else the user name where that is an address."""
        if self.sender or not self.user_name:
            return self.sender
        try:
            return parse_one(self.user_name)
        except Refused:
            return None

    def allows_sender(self, sender: Mailbox) -> bool:
        """
        Whether mails may come from *sender*.

        *allowed_senders* names addresses, "@domain" or "*"; without it, the default sender's domain counts.
        """
        default = self.default_sender
        if sender == default and not self.allowed_senders:
            return True
        allowed = self.allowed_senders or ((f"@{default.domain}",) if default else ("*",))
        own = {"*", sender.key, f"@{sender.domain}"}
        return bool(own.intersection(entry.lower() for entry in allowed))

    def allows_target(self, host: str, port: int) -> bool:
        """Whether messages may be sent through another server, without this account's password."""
        allowed = {entry.lower() for entry in self.allowed_hosts}
        return f"{host}:{port}" in allowed or (host in allowed and port in SUBMISSION_PORTS)

    def forbidden_domain(self, recipients: Iterable[Mailbox]) -> str | None:
        """Return the first recipient domain that the operator does not allow, or None."""
        if not self.allowed_recipient_domains and not self.blocked_recipient_domains:
            return None
        allowed = {domain.lower() for domain in self.allowed_recipient_domains}
        blocked = {domain.lower() for domain in self.blocked_recipient_domains}
        for domain in (mailbox.domain for mailbox in recipients):
            if domain in blocked or (allowed and domain not in allowed):
                return domain
        return None


class Accounts:
    """The accounts of a worker; the default one serves messages that name none."""

    def __init__(self, accounts: Iterable[Account], *, default: str = "default") -> None:
        self._by_name = {account.name: account for account in accounts}
        self._default = default

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def named(self, name: str | None) -> Account | None:
        """Return the account called *name*, the default one for None; None if there is none."""
        return self._by_name.get(self._default if name is None else name)

    def of_user(self, user_name: str) -> Account | None:
        """Return the account that logs in as *user_name*, or None."""
        matching = (a for a in self._by_name.values() if a.user_name and a.user_name == user_name)
        return next(matching, None)
