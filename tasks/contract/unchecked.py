"""Making models of values that need no look, since this program made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def unchecked(kind: Callable[P, T]) -> Callable[P, T]:
    """
    Return what makes a model of *kind* like its class, but takes all its values as they are.

    The type checker sees to the values instead, and every field must be given. It does what pydantic's
    `model_construct` does at the end, without what that does before, which takes longer than a validation
    (docs/decisions/0056).

    Raises:
        TypeError: by what is returned, where a field is missing or unknown.
    """
    model: Any = kind
    make, fields = model.__new__, set(model.model_fields)

    def made(*_: P.args, **values: P.kwargs) -> T:
        if values.keys() != fields:
            raise TypeError(f"exactly these fields are expected: {', '.join(sorted(fields))}")
        one: Any = make(model)
        object.__setattr__(one, "__dict__", values)
        object.__setattr__(one, "__pydantic_fields_set__", set(values))
        object.__setattr__(one, "__pydantic_extra__", None)
        object.__setattr__(one, "__pydantic_private__", None)
        found: T = one
        return found

    return made
