"""How reports on accounts look: as JSON for programs, as tables for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from tasks.contract.codes import LocalCode
from tasks.contract.security import Security
from tasks.delivery.redaction import redact
from tasks.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from tasks.delivery.accounts import Account
    from tasks.smtp.verification import Certificate, Verification
    from worker.verifying import Report

_SECURITY = {
    Security.NONE: "none (plain text)",
    Security.STARTTLS: "STARTTLS",
    Security.IMPLICIT_TLS: "implicit TLS",
}


def as_json(report: Report) -> dict[str, JsonValue]:
    """Return *report* as JSON; null where something is not known or does not apply."""
    account = report.account
    head: dict[str, JsonValue] = {
        "account": account.name,
        "ok": report.is_usable,
        "host": account.host,
        "port": account.effective_port,
        "smtp_authentication": account.security.value,
    }
    if isinstance(report.outcome, Failure):
        return {**head, "error": _failure_json(report.outcome)}
    return {**head, **_facts_json(report.outcome)}


def as_table(report: Report) -> Table:
    """Return *report* as a table of two columns."""
    table = Table(show_header=False, title_justify="left", expand=False)
    table.title = f"account {report.account.name}"
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(report):
        table.add_row(name, value)
    return table


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    account = report.account
    yield "result", "usable" if report.is_usable else "NOT USABLE"
    yield "server", f"{account.host} port {account.effective_port}"
    yield "security", _SECURITY[account.security]
    if isinstance(report.outcome, Failure):
        yield from _failure_rows(report.outcome)
    else:
        yield from _fact_rows(report.outcome, account)


def _failure_rows(failure: Failure) -> Iterator[tuple[str, str]]:
    yield "code", f"{failure.reply.code} ({_source_of(failure)})"
    if failure.phase:
        yield "phase", failure.phase.value
    yield "text", _text(failure)
    if failure.hint:
        yield "hint", failure.hint


def _fact_rows(facts: Verification, account: Account) -> Iterator[tuple[str, str]]:
    yield "address", facts.address
    if facts.tls_version:
        yield "TLS", f"{facts.tls_version}, {facts.cipher}"
    if facts.certificate:
        yield from _certificate_rows(facts.certificate)
    yield "login", _login(facts, account)
    yield "size limit", f"{facts.size_limit:,} bytes" if facts.size_limit else "none announced"
    yield "pipelining", "yes" if _pipelines(facts) else "no"


def _certificate_rows(certificate: Certificate) -> Iterator[tuple[str, str]]:
    yield "certificate", "verified" if certificate.is_verified else "NOT VERIFIED"
    if certificate.names:
        yield "names", ", ".join(certificate.names)
    if certificate.expires:
        days = (certificate.expires - datetime.now(UTC)).days
        yield "expires", f"{certificate.expires:%Y-%m-%d %H:%M} UTC, in {days} days"
    yield "sha256", certificate.sha256


def _login(facts: Verification, account: Account) -> str:
    if facts.mechanism:
        return f"accepted, {facts.mechanism.value}"
    return "none: no password is configured" if not account.has_secret else "none: not wanted"


def _pipelines(facts: Verification) -> bool:
    return "PIPELINING" in facts.extensions


def _text(failure: Failure) -> str:
    status = f"{failure.reply.enhanced_status} " if failure.reply.enhanced_status else ""
    return status + redact(failure.reply.text, body="")


def _source_of(failure: Failure) -> str:
    reply = failure.reply
    return LocalCode(reply.code).name.lower().replace("_", " ") if reply.is_local else "the server's"


def _failure_json(failure: Failure) -> dict[str, JsonValue]:
    return {
        "code": failure.reply.code,
        "message": _text(failure),
        "phase": failure.phase.value if failure.phase else None,
        "hint": failure.hint or None,
    }


def _facts_json(facts: Verification) -> dict[str, JsonValue]:
    return {
        "address": facts.address,
        "tls_version": facts.tls_version,
        "cipher": facts.cipher,
        "certificate": _certificate_json(facts.certificate) if facts.certificate else None,
        "mechanism": facts.mechanism.value if facts.mechanism else None,
        "size_limit": facts.size_limit,
        "pipelining": _pipelines(facts),
        "extensions": list(facts.extensions),
    }


def _certificate_json(certificate: Certificate) -> dict[str, JsonValue]:
    return {
        "verified": certificate.is_verified,
        "names": list(certificate.names),
        "expires": certificate.expires.isoformat() if certificate.expires else None,
        "sha256": certificate.sha256,
    }
