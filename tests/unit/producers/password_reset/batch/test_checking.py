"""Reading a file of users: what people make of CSV and JSON, and everything that can be wrong with it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.password_reset.batch.checking import Checked, Usable, check, sifted
from producers.password_reset.batch.reading import UnusableFile
from producers.password_reset.batch.rows import RowError, Wish

WISH = Wish("ben", reason="leak", locale="en", ttl=600)


def read(content: str | bytes) -> list[Any]:
    raw = content.encode() if isinstance(content, str) else content
    return list(sifted(io.BytesIO(raw), WISH))


def checked(content: str) -> Checked:
    return check(io.BytesIO(content.encode()), WISH)


@pytest.mark.parametrize(
    "content",
    [
        "user,locale\nann,de\n",
        "\ufeffuser,locale\r\nann,de\r\n",
        "\n\nUser;Language\nann;de",
        "EMAIL\tlanguage\tnote\n ann \tde\tx\n",
        '"user","locale"\n"ann","de"\n',
        'user,locale\n"ann",de\n\n , \n',
        '{"user": "ann", "locale": "de"}\n',
        '\ufeff\n{"Login": "ann", "language": "de", "other": [1]}\n\n',
    ],
    ids=["plain", "BOM and CRLF", "semicolons", "tabs", "quotes", "blank lines", "JSON", "JSON with BOM"],
)
def test_a_row_is_read_however_the_file_is_written(content: str) -> None:
    [row] = read(content)

    assert isinstance(row, Usable)
    assert (row.reset.user, row.reset.locale, row.reset.actor, row.reset.ttl) == ("ann", "de", "ben", 600)


def test_what_a_row_says_counts_before_what_the_job_says() -> None:
    first, second = read("user,reason,ticket\nann,,\nbob,stolen,T-1\n")

    assert (first.reset.reason, first.reset.ticket) == ("leak", None)
    assert (second.reset.reason, second.reset.ticket) == ("stolen", "T-1")


def test_the_column_user_names_the_user_where_there_is_an_address_too() -> None:
    [row] = read("email,user\nann@example.org,ann\n")

    assert row.reset.user == "ann"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("user,locale\rann,en\r", "end lines with LF or CRLF"),
        ("name,phone\nann,1\n", "no column names the user"),
        ("user,user\na,b\n", "more than one column names the user"),
        ("email,login\na,b\n", "more than one column names the user"),
        ("user,locale,language\na,b,c\n", "the column locale stands there twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_as_a_whole(content: str, told: str) -> None:
    with pytest.raises(UnusableFile, match=told):
        read(content)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"ann,en,x", "has 3 cells; expected 2"),
        (b"ann,not a language", "Locale: is no language tag"),
        (b",en", "User: is missing"),
        (b"\xff\xfe,en", "is not UTF-8"),
        (b"a" * 70_000, "is not UTF-8"),
        (b"a" * 400 + b",en", "User: has"),
        (b'"ann,en', "is no CSV"),
    ],
    ids=["cells", "locale", "no user", "bytes", "endless line", "long user", "quote"],
)
def test_a_row_that_is_wrong_is_told_by_its_line_and_not_quoted(row: bytes, told: str) -> None:
    found = read(b"user,locale\nbob,en\n" + row + b"\n")

    assert isinstance(found[0], Usable)
    assert isinstance(found[1], RowError)
    assert str(found[1]).startswith("line 3: ")
    assert told in str(found[1])
    assert "not a language" not in str(found[1])


@pytest.mark.parametrize("line", ["{", "[1]", "1", '{"user": }', "[" * 10_000, '{"locale": "de"}'])
def test_a_line_of_json_that_is_wrong_is_told(line: str) -> None:
    first, second = read(f'{{"user": "ann"}}\n{line}\n')

    assert isinstance(first, Usable)
    assert isinstance(second, RowError)
    assert second.line == 2


def test_everything_is_counted_and_every_error_has_its_line() -> None:
    found = checked("id,user,locale\n1,ann,en\n2,bob,?\n1,eve,en\n,,en\n3,ANN,de\n")

    assert (found.rows, found.usable, found.wrong, found.duplicates) == (5, 2, 2, 1)
    assert [str(error).partition(":")[0] for error in found.errors] == ["line 3", "line 5"]
    assert str(found.repeats[0]) == "line 4: says the same as line 2; it is left out"
    assert found.locales == ["en", "de"]


def test_a_long_address_is_a_user_and_a_long_id_is_told() -> None:
    address = "a" * 300 + "@example.org"
    first, second = read(f"id,user\n,{address}\n{'9' * 201},ann\n")

    assert isinstance(first, Usable)
    assert str(second) == "line 3: Id: has 201 characters; must have at most 200"


def test_the_same_user_twice_is_one_row_in_any_case() -> None:
    found = checked("user\nann\nANN\nbob\n")

    assert (found.usable, found.duplicates) == (2, 1)


def test_errors_are_shown_up_to_a_number_and_all_counted() -> None:
    found = checked("user,locale\n" + "ann,?\n" * 10_050)

    assert found.wrong == 10_050
    assert len(found.errors) == 10_000


@given(st.binary(max_size=400))
def test_no_file_whatsoever_ends_in_anything_but_rows_and_errors(content: bytes) -> None:
    try:
        rows = read(content)
    except UnusableFile:
        return
    assert all(isinstance(row, (Usable, RowError)) for row in rows)


@given(st.lists(st.dictionaries(st.sampled_from(["user", "id", "locale", "x"]), st.text()), min_size=1))
def test_each_object_is_a_row_or_an_error(objects: list[dict[str, str]]) -> None:
    rows = read("\n".join(json.dumps(each) for each in objects))

    assert len(rows) == len(objects)
