"""What the how-to pages show is what the examples have, and every command of theirs works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from producers.integrations.bundle import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.web_apps.conftest import Postroom

ROOT = Path(__file__).parents[3]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = ["django", "flask", "fastapi", "node"]
#: Run by the fixture.
SERVED = {"postroom web"}

pytestmark = pytest.mark.xdist_group("web_apps")


def blocks(page: str, *languages: str) -> list[str]:
    text = (ROOT / "docs" / "howto" / f"{page}.md").read_text()
    return [block for language, block in FENCE.findall(text) if language in languages]


def commands(page: str) -> Iterator[str]:
    for block in blocks(page, "sh"):
        yield from (line.partition(" #")[0].strip() for line in block.splitlines())


def flattened(code: str) -> str:
    return "\n".join(line.strip() for line in code.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_stands_in_its_example(page: str) -> None:
    example = "\n\n".join(
        flattened(file.read_text())
        for file in sorted((ROOT / "examples" / page).rglob("*.*"))
        if file.suffix in {".py", ".mjs"}
    )
    shown = blocks(page, "python", "js")

    assert shown
    assert [block for block in shown if flattened(textwrap.dedent(block)).strip() not in example] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_works(
    page: str, app_of: Callable[..., Any], needs: Callable[[str], str]
) -> None:
    app = app_of(page, "over_http")
    (app.folder / "invoice.pdf").write_bytes(b"%PDF-1.7")
    (app.folder / "order.sh").write_bytes((ROOT / "examples" / "curl" / "order.sh").read_bytes())
    (app.folder / "order.sh").chmod(0o755)
    environment = app.environment | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    typed = [command for command in commands(page) if command not in SERVED]

    for command in typed:
        needs({"node": "node", "./order.sh": "curl"}.get(command.split()[0], "sh"))
        done = subprocess.run(  # noqa: S603 (our own pages)
            ["/bin/sh", "-c", command],
            cwd=app.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)

    assert typed[0].startswith("postroom key create" if page == "node" else f"postroom integration {page} >")


def test_the_plain_file_does_what_its_page_says(tmp_path: Path, postroom: Postroom) -> None:
    assert "postroom integration plain > postroom.py" in commands("web-apps")
    [code] = [block for block in blocks("web-apps", "python") if "Client(" in block]
    (tmp_path / "postroom.py").write_text(bundle("plain"))

    done = subprocess.run(  # noqa: S603 (our own page)
        [sys.executable, "-S", "-c", code.replace("redis://127.0.0.1:6379/0", postroom.broker)],
        cwd=tmp_path,
        env=postroom.environment("by_name"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("sent\n", "")
