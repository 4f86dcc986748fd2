"""Wrong options and arguments, told in the house's words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typer import BadParameter
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterator


class PlainGroup(TyperGroup):
    """
    A group of commands whose users are told nothing in pydantic's words.

    typer converts options and arguments with pydantic, and shows what that says: "Input should be a valid
    integer, unable to parse string as an integer".
    """

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the options before a command's name."""
        with _in_plain_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Read what follows, and do it."""
        with _in_plain_words():
            return super().invoke(ctx)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except BadParameter as wrong:
        from pydantic import ValidationError  # noqa: PLC0415 - a help page does not need it

        from tasks.contract.wording import complaint  # noqa: PLC0415 - as above

        if isinstance(wrong.__cause__, ValidationError):
            wrong.message = complaint(wrong.__cause__.errors(include_url=False, include_input=False)[0])
        raise
