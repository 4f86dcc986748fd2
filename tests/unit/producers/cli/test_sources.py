"""Messages from files: what is read, and what is said of what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from producers.cli.sources import pairs, read_messages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "input"


@pytest.mark.parametrize(
    ("text", "expected", "is_list"),
    [
        ('{"to": "a"}', [{"to": "a"}], False),
        ("[]", [], True),
        ('[{"to": "a"}, {}]', [{"to": "a"}, {}], True),
        ('{"to": "a"}\n\n{"to": "b\u2028"}\n', [{"to": "a"}, {"to": "b\u2028"}], True),
        ('\ufeff{"to": "a"}', [{"to": "a"}], False),
    ],
    ids=["object", "no mails", "array", "lines", "byte order mark"],
)
def test_objects_arrays_and_lines_are_read(
    text: str,
    expected: list[object],
    is_list: bool,  # noqa: FBT001 - a parameter of the test
    file: Path,
) -> None:
    file.write_text(text, encoding="utf-8")

    assert read_messages(str(file), option="--input") == (expected, is_list)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"3", "neither a JSON object nor a list"),
        (b"[1]", "neither a JSON object nor a list"),
        (b'{"to": "canary"\n{}', "line 2, column 1"),
        (b'{}\n{"body": canary}', "line 2, column 10"),
        (b"{}\n3", "line 2 is no JSON object"),
        (b"\xff\xfe", "not in UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "too many digits"),
    ],
    ids=["empty", "number", "numbers", "object", "lines", "line", "bytes", "deep", "long"],
)
def test_what_is_wrong_is_said_without_repeating_it(content: bytes, said: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(typer.BadParameter, match=said) as refused:
        read_messages(str(file), option="--input")

    assert "canary" not in refused.value.format_message()
    assert "--input" in refused.value.format_message()


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(typer.BadParameter, match="cannot be read"):
        read_messages(str(file), option="--input")


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: "=" not in name), st.text()))
def test_pairs_are_read_back(expected: dict[str, str]) -> None:
    assert pairs([f"{name}={value}" for name, value in expected.items()], option="--header") == expected


@pytest.mark.parametrize("values", [["a"], ["=b"], ["a=1", "a=2"]], ids=["no sign", "no name", "twice"])
def test_what_is_no_pair_is_refused(values: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        pairs(values, option="--header")
