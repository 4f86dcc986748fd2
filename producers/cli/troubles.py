"""How an exception is told: a name, a sentence, the fields that are wrong, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from producers.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tasks.contract.errors import FieldError

_HOW_TO_SEE_MORE = "; run it again with --debug, or with POSTROOM_DEBUG=1, to see where"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is said instead of a traceback; *code* is a name that programs can rely on."""

    exit_code: ExitCode
    code: str
    message: str
    fields: tuple[FieldError, ...] = ()

    def as_json(self) -> dict[str, JsonValue]:
        """Return the value of the key "error" in JSON output."""
        return {"code": self.code, "message": self.message, "fields": [_field(f) for f in self.fields]}

    def lines(self) -> list[str]:
        """Return what people are told, a line for each field."""
        return [error.message for error in self.fields] or [self.message]


def trouble_of(error: BaseException) -> Trouble:
    """Return how to tell *error*."""
    if isinstance(error, typer.TyperException):
        return Trouble(ExitCode.INVALID, "usage", error.format_message())
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return Trouble(ExitCode.INTERRUPTED, "interrupted", "interrupted")
    return _own(error) or Trouble(
        ExitCode.INTERNAL,
        "internal",
        f"an error of this program ({type(error).__name__}){_HOW_TO_SEE_MORE}",
    )


def _own(error: BaseException) -> Trouble | None:
    # Imported here: these load the contract, which a help page does not need.
    from producers import errors  # noqa: PLC0415
    from producers.demo.processes import ProcessFailed  # noqa: PLC0415
    from tasks.contract.errors import InvalidInput  # noqa: PLC0415

    if isinstance(error, InvalidInput):
        return Trouble(ExitCode.INVALID, error.code.name.lower(), str(error), error.errors)
    known: dict[type[BaseException], tuple[ExitCode, str]] = {
        errors.IdempotencyConflict: (ExitCode.INVALID, "idempotency_conflict"),
        errors.TooManyResets: (ExitCode.INVALID, "too_many_resets"),
        errors.MailNotFound: (ExitCode.NO_SUCH_MAIL, "no_such_mail"),
        errors.EntryNotFound: (ExitCode.NO_SUCH_MAIL, "no_such_entry"),
        errors.NotRequeued: (ExitCode.INVALID, "not_requeued"),
        errors.DeliveryNotFound: (ExitCode.NO_SUCH_MAIL, "no_such_delivery"),
        errors.NoWebhook: (ExitCode.INVALID, "no_webhook"),
        errors.ReceiverDisabled: (ExitCode.INVALID, "webhook_disabled"),
        errors.AlreadyOnItsWay: (ExitCode.UNSETTLED, "already_on_its_way"),
        errors.AlreadySent: (ExitCode.INVALID, "already_sent"),
        errors.ParametersDiffer: (ExitCode.INVALID, "parameters_differ"),
        errors.WouldDouble: (ExitCode.UNSETTLED, "would_double"),
        errors.WaitTimeout: (ExitCode.UNSETTLED, "unsettled"),
        errors.RateLimited: (ExitCode.QUEUE_UNAVAILABLE, "rate_limited"),
        errors.KeyRejected: (ExitCode.INVALID, "key_rejected"),
        errors.GatewayError: (ExitCode.QUEUE_UNAVAILABLE, "gateway_error"),
        errors.QueueUnavailable: (ExitCode.QUEUE_UNAVAILABLE, "queue_unavailable"),
        ProcessFailed: (ExitCode.NOT_SENT, "demo_failed"),
    }
    found = next((known[kind] for kind in type(error).__mro__ if kind in known), None)
    return Trouble(*found, str(error)) if found else None


def _field(error: FieldError) -> JsonValue:
    return {
        "field": error.field,
        "label": error.label,
        "code": int(error.code),
        "problem": error.problem,
        "advice": error.advice,
    }
