"""Keys as operators write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tasks.journal.sealing import generate_key
from tasks.journal.sealing_keys import as_keys, parse_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = generate_key(), generate_key()


@pytest.mark.parametrize(
    "text",
    [f"{ONE};{TWO}", f" {ONE} ; {TWO};", f"{ONE}\n{TWO}\n", f"{ONE}\r\n\r\n{TWO}"],
    ids=["semicolon", "spaces", "lines", "blank lines"],
)
def test_keys_stand_apart_by_semicolons_or_lines(text: str) -> None:
    assert [key.get_secret_value() for key in parse_keys(text)] == [ONE, TWO]


@pytest.mark.parametrize(
    "wrong",
    ["canary", ONE[:-1], ONE[1:], f"{ONE}{TWO}", "é" * 44, "=" * 44],
    ids=["a word", "cut at the end", "cut at the start", "two in one", "letters", "padding"],
)
def test_what_is_no_key_is_named_by_its_number_and_not_shown(wrong: str) -> None:
    with pytest.raises(ValueError, match="entry 2 is no sealing key") as refused:
        parse_keys(f"{ONE};{wrong}")

    assert wrong not in str(refused.value)
    assert ONE not in str(refused.value)


def test_no_key_is_no_error() -> None:
    assert parse_keys(" ;\n") == ()


def test_a_file_has_one_key_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{ONE}\n{TWO}\n")

    assert [key.get_secret_value() for key in read_keys(file)] == [ONE, TWO]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"\n", "is empty"), (b"\xff\xfe", "is no text"), (b"canary", "entry 1")],
    ids=["missing", "empty", "binary", "no key"],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ValueError, match=said) as refused:
        read_keys(file)

    assert "canary" not in str(refused.value)


def test_keys_in_a_list_may_be_secrets_or_not() -> None:
    assert [key.get_secret_value() for key in as_keys([ONE, SecretStr(TWO)])] == [ONE, TWO]
    assert as_keys([]) == ()


@pytest.mark.parametrize("wrong", ["", " ", "canary"])
def test_an_empty_key_in_a_list_does_not_mean_no_key(wrong: str) -> None:
    with pytest.raises(ValueError, match="no sealing key"):
        as_keys([wrong])
