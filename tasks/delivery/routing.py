"""Which server a mail goes to, as whom, and whether the operator allows it (contract, sections 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Never

from tasks.contract.codes import LocalCode
from tasks.contract.security import Security
from tasks.contract.trust import Trust, TrustKind
from tasks.delivery.logins import login_of
from tasks.failures import PermanentFailure, Reply
from tasks.smtp.route import Route
from tasks.smtp.trust import ClientCertificate, ServerTrust

if TYPE_CHECKING:
    from tasks.contract.addresses import Mailbox
    from tasks.contract.parameters import SendEmail
    from tasks.delivery.accounts import Account, Accounts
    from tasks.smtp.login import Login


#: The fields of a message that change its way.
_OVERRIDES: Final = frozenset({"smtp_authentication", "smtp_host", "smtp_port", "smtp_ssl_trust"})


@dataclass(frozen=True, slots=True)
class Direction:
    """Where a mail goes and whom it comes from."""

    account: Account
    route: Route
    sender: Mailbox


class Router:
    """
    Finds the way of each mail.

    *ca_folder* is where messages may name CA bundles; None refuses them. A stored password goes to its own
    host and port only, under no weaker protection than the account's: whatever a message overrides, it
    never takes the password along.
    """

    def __init__(self, accounts: Accounts, *, ca_folder: Path | None = None) -> None:
        self.accounts = accounts
        self._ca_folder = ca_folder
        self._logins = {account.name: login_of(account) for account in accounts}
        # Made once where nothing on a disk can change them.
        self._own = {
            account.name: self.route_of(account)
            for account in accounts
            if account.trust is None or account.trust.kind is not TrustKind.CA_FILE
        }

    def direct(self, request: SendEmail) -> Direction:
        """
        Return the way of *request*.

        Raises:
            PermanentFailure: 602 where the operator does not allow it, 600 where a value is missing.
        """
        account = self._account(request)
        sender = _sender(request, account)
        domain = account.forbidden_domain(request.recipients)
        if domain is not None:
            _refuse(f"recipients at {domain} are not allowed for account {account.name}")
        return Direction(account, self._route(request, account), sender)

    def route_of(self, account: Account) -> Route:
        """Return the way to the account's own server."""
        trust = self._own_trust(account)
        login = self._logins[account.name]
        return _route(account, account.host, account.effective_port, account.security, trust, login=login)

    def _own_trust(self, account: Account) -> ServerTrust:
        """Return the account's trust; its CA file is the operator's word, wherever it lies."""
        return _server_trust(account.trust, account.host, Path("/"))

    def _account(self, request: SendEmail) -> Account:
        account = self.accounts.named(request.account)
        if request.user_name is not None and (account is None or account.user_name != request.user_name):
            if request.account is not None:
                _refuse("User Name: is not the user of this account; leave one of the two out")
            account = self.accounts.of_user(request.user_name)
            if account is None:
                _refuse("User Name: no account has this user; use one that the worker's configuration names")
        if account is None:
            name = request.account or "default"
            _refuse(f"Account: {name!r} is not configured; name one of the worker's accounts")
        return account

    def _route(self, request: SendEmail, account: Account) -> Route:
        own = self._own.get(account.name)
        if own and _OVERRIDES.isdisjoint(request.model_fields_set):
            return own
        host = request.smtp_host or account.host
        security = account.security if request.security is None else request.security
        if security is Security.NONE and account.security is not Security.NONE:
            _refuse(f"Smtp Authentication: account {account.name} is never used without TLS; use TLS or SSL")
        port = request.smtp_port or _port(account, host, security)
        is_own = (host, port) == (account.host, account.effective_port)
        if not is_own and not account.allows_target(host, port):
            _refuse(
                f"Smtp Host: {host} port {port} is not in the allowed list; account {account.name} is bound "
                f"to {account.host} port {account.effective_port}; the operator can add it to allowed_hosts"
            )
        trust = self._trust(request, account, host, is_own=is_own)
        login = self._logins[account.name] if is_own else None
        return _route(account, host, port, security, trust, login=login)

    def _trust(self, request: SendEmail, account: Account, host: str, *, is_own: bool) -> ServerTrust:
        wanted = request.smtp_ssl_trust
        if wanted is None or wanted == account.trust:
            return self._own_trust(account) if is_own else _server_trust(None, host)
        trust = _server_trust(wanted, host, self._ca_folder)
        if not trust.is_checked and not account.allow_unverified_tls:
            _refuse(
                "Smtp SSL Trust: accepting unverified certificates is disabled; "
                f"the operator can set allow_unverified_tls for account {account.name}"
            )
        if is_own and account.logs_in and trust != self._own_trust(account):
            _refuse(
                f"Smtp SSL Trust: the password of account {account.name} is sent only under the account's "
                "own trust; leave the parameter out"
            )
        return trust


def _sender(request: SendEmail, account: Account) -> Mailbox:
    sender = request.sender or account.default_sender
    if sender is None:
        message = f"Sender: is missing and account {account.name} has none; give one or configure it"
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, message))
    if not account.allows_sender(sender):
        _refuse(f"Sender: {sender.masked} is not an allowed sender of account {account.name}")
    return sender


def _port(account: Account, host: str, security: Security) -> int:
    is_unchanged = host == account.host and security is account.security
    return account.effective_port if is_unchanged else security.default_port


def _route(  # noqa: PLR0913 (the six things that make a route)
    account: Account, host: str, port: int, security: Security, trust: ServerTrust, *, login: Login | None
) -> Route:
    is_own = (host, port) == (account.host, account.effective_port)
    certificate = account.client_certificate if is_own else None
    return Route(
        account=account.name,
        host=host,
        port=port,
        security=security,
        trust=trust,
        login=login,
        local_hostname=account.local_hostname,
        client_certificate=ClientCertificate(certificate, account.client_key) if certificate else None,
        allow_plaintext_auth=account.allow_plaintext_auth,
    )


def _server_trust(trust: Trust | None, host: str, ca_folder: Path | None = None) -> ServerTrust:
    match trust:
        case None:
            return ServerTrust()
        case Trust(kind=TrustKind.CA_FILE):
            return ServerTrust(ca_file=_ca_file(trust.ca_file, ca_folder))
        case Trust(kind=TrustKind.PINS):
            return ServerTrust(sha256_pins=trust.pins)
        case _:
            return ServerTrust(verify=not trust.skips_verification(host))


def _ca_file(name: str, folder: Path | None) -> Path:
    if folder is None:
        _refuse("Smtp SSL Trust: no folder for CA files is configured (POSTROOM_CA_FOLDER)")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        _refuse("Smtp SSL Trust: the CA file is not in the configured folder (POSTROOM_CA_FOLDER)")
    return path


def _refuse(text: str) -> Never:
    raise PermanentFailure(Reply(LocalCode.POLICY, text))
