"""How the demo's mails look on a terminal of 80 columns, and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from producers.demo.play import Scene

_SHORT: Final = 8


def table(scenes: Sequence[Scene]) -> Table:
    """Return the mails as a table: id, success, code, message."""
    found = Table(header_style="bold", pad_edge=False)
    found.add_column("id", no_wrap=True, min_width=_SHORT)
    found.add_column("mail", no_wrap=True)
    found.add_column("success", no_wrap=True)
    found.add_column("code", no_wrap=True, justify="right")
    found.add_column("message", overflow="fold")
    for scene in scenes:
        code = scene.status.code
        found.add_row(
            scene.status.mail_id[:_SHORT],
            scene.case.name,
            _success(scene),
            "" if code is None else str(code),
            # As text: brackets in it are the server's, not markup.
            Text(scene.status.message or ""),
        )
    return found


def ending(scenes: Sequence[Scene], folder: Path) -> Iterator[str]:
    """Yield lines that say where the caught mails lie, with the full ids."""
    yield "Where they are now:"
    for scene in scenes:
        yield f"  {scene.status.mail_id}  {scene.case.name}"
        yield f"    {scene.caught or 'not caught: the server refused it'}"
    yield f"Logs of broker, mail catcher and worker: {folder}"


def as_json(scenes: Sequence[Scene], folder: Path) -> dict[str, JsonValue]:
    """Return the whole demo as one object."""
    return {
        "as_expected": all(scene.is_as_expected for scene in scenes),
        "folder": str(folder),
        "mails": [_scene_json(scene) for scene in scenes],
    }


def _success(scene: Scene) -> Text:
    result = scene.status.result
    if result is None:
        return Text(scene.status.state.value, style="yellow")
    return Text("true", style="green") if result.success else Text("false", style="red")


def _scene_json(scene: Scene) -> dict[str, JsonValue]:
    status: dict[str, JsonValue] = scene.status.model_dump(mode="json")
    return {
        "mail": scene.case.name,
        "expected": {"success": scene.case.success, "code": scene.case.code},
        "as_expected": scene.is_as_expected,
        "caught": str(scene.caught) if scene.caught else None,
        **status,
    }
