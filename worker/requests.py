"""
Whether a message is a request that Celery can take, found out before Celery acts on it. Pure.

What is wrong with the parameters of a mail is not looked for here: such a mail gets its result.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Protocol

from celery.utils.time import maybe_iso8601

from tasks.contract.names import TASK_NAME
from tasks.contract.queue import PUBLISH_OPTIONS
from worker.envelopes import Flaw, is_count, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_RETRIES: Final = 2**31
_MOST_SECONDS: Final = 2**31
#: Arguments, keyword arguments, and what is to follow.
_BODY_PARTS: Final = 3


class Received(Protocol):
    """What is looked at of kombu's `Message`."""

    headers: Any
    properties: Any

    @property
    def payload(self) -> Any:
        """The decoded body."""


def check(message: Received) -> None:
    """
    Look *message* through; its body is decoded by it.

    Raises:
        Flaw: Celery could not take it.
    """
    content = _content(message)
    if isinstance(content, dict):
        _check_object(message.headers, content)
    else:
        _check_headers(message.headers)
        _check_list(content)
    for name in ("correlation_id", "reply_to"):
        _demand(message.properties, name, is_optional_name, "properties.")


def are_usual(headers: Mapping[str, Any]) -> bool:
    """Whether *headers* are those of a mail that asks nothing of Celery but to be carried."""
    return (
        {**headers, **_VARYING} == _USUAL
        and is_name(headers["id"])
        and (headers["root_id"] == headers["id"] or is_name(headers["root_id"]))
        and is_name(headers["origin"])
        and isinstance(headers["argsrepr"], str)
        and isinstance(headers["kwargsrepr"], str)
    )


def is_optional_name(value: object) -> bool:
    """Whether *value* is a name, or none is given."""
    return value is None or value == "" or is_name(value)


def _content(message: Received) -> Any:
    try:
        return message.payload
    except Exception as error:  # noqa: BLE001 - whatever a decoder may raise
        raise Flaw(f"body: cannot be decoded ({type(error).__name__})") from None


def _check_list(content: Any) -> None:
    """Celery's message protocol 2: the headers say what is to be done, and the body with what."""
    if not isinstance(content, list | tuple) or len(content) != _BODY_PARTS:
        raise Flaw("body: must be a list of arguments, keyword arguments and what is to follow")
    arguments, keywords, following = content
    _check_arguments(arguments, keywords)
    if following is not None:
        _check_following(following)


def _check_object(headers: Mapping[str, Any], content: dict[str, Any]) -> None:
    """Celery's message protocol 1: the body says it all; or something between the two."""
    if "task" in headers and "args" not in content:
        raise Flaw("body: args is missing")
    _check_headers({**content, **headers})
    _check_arguments(content.get("args", ()), content.get("kwargs", {}))
    _check_following(content)


def _check_arguments(arguments: Any, keywords: Any) -> None:
    if not isinstance(arguments, list | tuple):
        raise Flaw("body: the arguments must be a list")
    if not isinstance(keywords, dict):
        raise Flaw("body: the keyword arguments must be an object")


def _check_following(following: Any) -> None:
    if not isinstance(following, dict):
        raise Flaw("body: what is to follow must be an object")
    for name in ("callbacks", "errbacks", "chain"):
        if not _is_list_of(following.get(name), dict):
            raise Flaw(f"body: {name} must be a list of signatures")
    if not isinstance(following.get("chord"), dict | None):
        raise Flaw("body: chord must be a signature")


def _check_headers(headers: Mapping[str, Any]) -> None:
    # Nearly all are so: what one comparison vouches for need not be looked at one by one.
    if are_usual(headers):
        return
    for name in ("task", "id"):
        _demand(headers, name, is_name)
    for name, is_right in _OPTIONAL.items():
        # Null is right for each of them.
        value = headers.get(name)
        if value is not None and not is_right(value):
            raise Flaw(f"headers.{name}: has a wrong value")


def _demand(
    values: Mapping[str, Any], name: str, is_right: Callable[[Any], bool], where: str = "headers."
) -> None:
    if not is_right(values.get(name)):
        raise Flaw(f"{where}{name}: {'has a wrong value' if name in values else 'is missing'}")


def _is_optional_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_optional_count(value: object) -> bool:
    return value is None or is_count(value, most=_MOST_RETRIES)


def _is_optional_limit(value: Any) -> bool:
    if value is None:
        return True
    is_pair = isinstance(value, list | tuple) and len(value) in {0, 2}
    return is_pair and all(limit is None or _is_seconds(limit) for limit in value)


def _is_seconds(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= _MOST_SECONDS


def _is_optional_moment(value: object) -> bool:
    if value is None:
        return True
    try:
        moment = maybe_iso8601(value) if isinstance(value, str) else None
        return moment is not None and moment.astimezone(UTC).timestamp() >= 0
    except (ValueError, TypeError, OverflowError, OSError):
        return False


def _is_list_of(value: Any, kind: type) -> bool:
    return value is None or (
        isinstance(value, list | tuple) and all(isinstance(part, kind) for part in value)
    )


def _is_optional_object(value: object) -> bool:
    return isinstance(value, dict | None)


#: What differs between the headers of ordinary mails, and those headers but for that.
_VARYING: Final = dict.fromkeys(("id", "root_id", "origin", *PUBLISH_OPTIONS))
_USUAL: Final[dict[str, Any]] = {
    **dict.fromkeys(
        ("shadow", "eta", "expires", "group", "group_index", "parent_id", "stamped_headers", "ignore_result")
    ),
    **_VARYING,
    "lang": "py",
    "task": TASK_NAME,
    "retries": 0,
    "timelimit": [None, None],
    "replaced_task_nesting": 0,
    "stamps": {},
}

#: What Celery reads of a request beside its task and id, and takes for granted.
_OPTIONAL: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("lang", "root_id", "parent_id", "group", "shadow", "origin"), is_optional_name),
    **dict.fromkeys(("argsrepr", "kwargsrepr"), _is_optional_text),
    **dict.fromkeys(("retries", "group_index", "replaced_task_nesting"), _is_optional_count),
    **dict.fromkeys(("eta", "expires"), _is_optional_moment),
    "timelimit": _is_optional_limit,
    "ignore_result": lambda value: isinstance(value, bool | None),
    "stamped_headers": lambda value: _is_list_of(value, str),
    "stamps": _is_optional_object,
}
