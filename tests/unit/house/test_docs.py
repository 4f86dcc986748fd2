"""What the documents point to exists: files, headings, targets of make, commands and their options."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from producers.cli.main import application

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
#: What the README must lead to, directly or not.
PAGES = sorted(ROOT.glob("docs/**/*.md"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _prose(file: Path) -> str:
    return FENCE.sub("", _text(file))


def _shell(file: Path) -> Iterator[str]:
    """Yield what a reader may type: lines of shell blocks, and code in the prose."""
    for language, block in FENCE.findall(_text(file)):
        if language == "sh":
            yield from (line.partition(" #")[0].strip() for line in block.splitlines())
    yield from SPAN.findall(_prose(file))


def _slug(heading: str) -> str:
    """Return the anchor that a heading has on the usual forges."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _anchors(file: Path) -> set[str]:
    return {_slug(heading) for heading in re.findall(r"^#+ (.+)$", _prose(file), re.MULTILINE)}


def _broken(file: Path) -> Iterator[str]:
    for link in LINK.findall(_prose(file)):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        target = (file.parent / path).resolve() if path else file
        is_page = target.suffix == ".md"
        if not target.exists() or (anchor and not (is_page and anchor in _anchors(target))):
            yield link


def _targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))


def _commands() -> dict[str, Any]:
    group: Any = get_command(application())
    return dict(group.commands)


def _options(command: Any) -> set[str]:
    leaves = getattr(command, "commands", {"": command}).values()
    return {name for leaf in leaves for parameter in leaf.params for name in parameter.opts} | {
        "--help",
        "-h",
    }


def _calls(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of postroom that *file* names, with the long options that follow it."""
    for line in _shell(file):
        for command, rest in re.findall(r"(?:^|[ /])postroom ([a-z][a-z-]*)\b([^|;]*)", line):
            unquoted = re.sub(r"\"[^\"]*\"|'[^']*'", "", rest)
            yield command, re.findall(r"(?<!\S)--[a-z][a-z-]*", unquoted)


@pytest.mark.parametrize("file", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(file: Path) -> None:
    assert list(_broken(file)) == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=_name)
def test_every_target_of_make_exists(file: Path) -> None:
    named = {name for line in _shell(file) for name in re.findall(r"^make ([a-z][a-z-]*)", line)}

    assert named - _targets_of_make() == set()


@pytest.mark.parametrize("file", DOCUMENTS, ids=_name)
def test_every_command_of_postroom_exists_with_its_options(file: Path) -> None:
    commands = _commands()
    missing = [
        (command, option)
        for command, options in _calls(file)
        for option in ["", *options]
        if command not in commands or (option and option not in _options(commands[command]))
    ]

    assert missing == []


def test_the_command_that_docs_name_most_is_found_in_them() -> None:
    """The tests above would pass, too, if they found nothing at all."""
    calls = [call for file in DOCUMENTS for call in _calls(file)]

    assert ("verify", []) in calls
    assert any(command == "send" and "--wait" in options for command, options in calls)


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    waiting = [*reached]
    while waiting:
        file = waiting.pop()
        linked = {(file.parent / link.partition("#")[0]).resolve() for link in LINK.findall(_prose(file))}
        new = {target for target in linked if target.suffix == ".md" and target.exists()} - reached
        reached |= new
        waiting += new

    assert [_name(page) for page in PAGES if page not in reached] == []


def test_every_document_that_the_code_refers_to_exists() -> None:
    sources = [
        file for package in ("tasks", "worker", "producers") for file in (ROOT / package).rglob("*.py")
    ]
    named = {name for file in sources for name in re.findall(r"docs/[\w/.-]*\w", _text(file))}

    assert [name for name in sorted(named) if not [*ROOT.glob(f"{name}*")]] == []


def test_decisions_have_a_number_each_and_say_three_things() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    headings = [re.findall(r"^## (.+)$", _text(file), re.MULTILINE) for file in decisions]
    titles = [_text(file).splitlines()[0] for file in decisions]
    numbers = [int(file.name[:4]) for file in decisions]

    assert len(set(numbers)) == len(numbers)
    assert [title.partition(". ")[0] for title in titles] == [f"# {number}" for number in numbers]
    assert headings == [["Context", "Decision", "Consequences"]] * len(decisions)
