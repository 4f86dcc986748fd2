"""One parser for header and envelope: what it splits, keeps, and refuses."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.contract.addr_spec import ordinary, quote_local, validated
from tasks.contract.address_syntax import Parts, take_apart, take_apart_simple
from tasks.contract.addresses import Mailbox, parse_list, parse_one
from tasks.contract.errors import Refused


def specs(value: object) -> list[str]:
    return [mailbox.addr_spec for mailbox in parse_list(value)]


def refused(value: object) -> str:
    with pytest.raises(Refused) as caught:
        parse_list(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.com", ["a@x.com"]),
        (" a@x.com ;; b@x.com ; ", ["a@x.com", "b@x.com"]),
        ('"Doe; Jane" <j@x.com>;b@x.com', ['"Doe; Jane" <j@x.com>', "b@x.com"]),
        ("Doe, Jane <j@x.com>; Roe, R <r@x.com>", ['"Doe, Jane" <j@x.com>', '"Roe, R" <r@x.com>']),
        ('"a;b"@x.com;c@x.com', ['"a;b"@x.com', "c@x.com"]),
        ('Jane <"a;b>c"@x.com>;d@x.com', ['"Jane" <"a;b>c"@x.com>', "d@x.com"]),
        ("jane@x.com (a; comment);b@x.com", ["jane@x.com", "b@x.com"]),
        (r"jane@x.com (a (nested\) one) ;b@x.com", None),
        (r"jane@x.com (a (nested\)) one;) ;b@x.com", ["jane@x.com", "b@x.com"]),
        ("Jane (work)  Doe <j@x.com>", ['"Jane Doe" <j@x.com>']),
        ("O'Brien <o'brien@x.com>", ["\"O'Brien\" <o'brien@x.com>"]),
        ('Jane "JD" Doe <j@x.com>', ['"Jane JD Doe" <j@x.com>']),
        (r'"Jane \"JD\" \\ Doe" <j@x.com>', [r'"Jane \"JD\" \\ Doe" <j@x.com>']),
        ('"" <j@x.com>', ["j@x.com"]),
        ("<j@x.com>", ["j@x.com"]),
        ("< j@x.com >", ["j@x.com"]),
        ("Jörg Müller <j@müller.de>", ['"Jörg Müller" <j@xn--mller-kva.de>']),
        ("jane@x.com <jane@x.com>", ['"jane@x.com" <jane@x.com>']),
        ('"john"@x.com', ["john@x.com"]),
        ('"john smith"@x.com', ['"john smith"@x.com']),
        ("Ann@Intranet", ["Ann@intranet"]),
        ("ann@mail.corp.test", ["ann@mail.corp.test"]),
        ("ann@corp.local", ["ann@corp.local"]),
        ("Info@X.COM", ["Info@x.com"]),
        ("jöhn@x.com", ["jöhn@x.com"]),
        ("jo\u0308hn@x.com", ["j\u00f6hn@x.com"]),
        ('"a\u037eb"@x.com', ['"a;b"@x.com']),
        ("", []),
        (" ; ;", []),
    ],
)
def test_a_list_is_split_outside_of_quotes_comments_and_brackets(
    text: str, expected: list[str] | None
) -> None:
    if expected is None:
        assert "unclosed parenthesis" in refused(text)
    else:
        assert [mailbox.format() for mailbox in parse_list(text)] == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a@x.com,b@x.com", "entry 1 has a comma; separate addresses with ';'"),
        ("a@x.com, Jane <j@x.com>", "separate addresses with ';'"),
        ("Jane <j@x.com>, Bob <b@x.com>", "separate addresses with ';'"),
        ("Jane <j@x.com> Bob", "has more than one address"),
        ("<a@x.com><b@x.com>", "is not an email address"),
        ("Team: a@x.com, b@x.com;", "group"),
        ("undisclosed-recipients:;", "group"),
        ("mailto:a@x.com", "group"),
        ("<@a.com,@b.com:c@d.com>", "source route"),
        ('"Jane <j@x.com>', "unclosed double quote"),
        ("Jane <j@x.com", "unclosed angle bracket"),
        ("(Jane j@x.com", "unclosed parenthesis"),
        ("<>", "is not an email address"),
        ("Doe, Jane", "is not an email address"),
        ("a(b)c@x.com", "is not an email address"),
        ('a"b"@x.com', "is not an email address"),
        ('""@x.com', "is not an email address"),
        ("a..b@x.com", "is not an email address"),
        ("a@x.com.", "is not an email address"),
        ("a@x_y.com", "is not an email address"),
        ("a@xn--zz.com", "is not an email address"),
        ("a\uff20x.com", "is not an email address"),
        ("a" * 250 + "@x.com", "is not an email address"),
        ("a@" + "b" * 1000 + ".com", "is not an email address"),
        ("a@x.onion", "is not an email address"),
        ("a@localhost.localdomain", "is not an allowed address"),
        ("a@mail.localhost", "is not an allowed address"),
        ("a@[IPv6:::1]", "is not an allowed address"),
        ("a@10.0.0.1", "is not an allowed address"),
        ("a\u037eb@x.com", "is not an email address"),
        ("a\u202e@x.com", "is not an email address"),
        ("a@x.com\n", "contains control characters"),
        ("\ta@x.com", "contains control characters"),
        ("Jane\x1b <a@x.com>", "contains control characters"),
        ("Jane\u2028 <a@x.com>", "contains control characters"),
        ("Jane\ud800 <a@x.com>", "cannot be sent"),
        ("J" * 256 + " <a@x.com>", "at most 255 characters"),
        (["a@x.com;b@x.com"], "entry 1 has more than one address"),
        (["a@x.com", "b@x.com, c@x.com"], "entry 2 has a comma"),
    ],
)
def test_what_is_no_single_clear_address_is_refused(value: object, words: str) -> None:
    assert words in refused(value)


def test_every_wrong_entry_is_named_by_its_number_and_none_is_repeated() -> None:
    text = refused("ok@x.com; secret-one; ok@y.com; ; secret-two@")

    assert text.count("is not an email address") == 2
    assert "entry 2" in text
    assert "entry 4" in text
    assert "secret" not in text


def test_the_name_of_one_address_cannot_pass_for_the_other() -> None:
    (mailbox,) = parse_list("evil@bad.com <good@x.com>")

    assert mailbox.addr_spec == "good@x.com"
    assert mailbox.format() == '"evil@bad.com" <good@x.com>'


def test_a_list_element_is_one_address_and_blank_elements_are_ignored() -> None:
    assert specs(["a@x.com", "", " ", "Jane <b@x.com>;"]) == ["a@x.com", "b@x.com"]


def test_a_mailbox_shows_itself_masked() -> None:
    (mailbox,) = parse_list("Jane Doe <jane.doe@x.com>")

    for shown in (str(mailbox), repr(mailbox), f"{mailbox}", mailbox.masked):
        assert "j***@x.com" in shown
        assert "jane" not in shown.lower()


@pytest.mark.parametrize("text", ["a" + " " * 100_000 + "<b", '"' * 100_001, "(" * 100_000, "<>" * 50_000])
def test_an_endless_entry_is_refused_at_once(text: str) -> None:
    started = time.process_time()

    assert "characters" in refused([text])
    assert "characters" in refused(text)
    assert time.process_time() - started < 1


def test_only_an_international_local_part_needs_smtputf8() -> None:
    assert [mailbox.needs_smtputf8 for mailbox in parse_list("ü@x.com; a@ü.com")] == [True, False]


@pytest.mark.parametrize(
    "value", ["", "a@x.com;b@x.com", "x", 5, None, "a@x.com\r\n", ["a@x.com"], "a" * 200_000]
)
def test_a_single_address_is_exactly_one(value: object) -> None:
    with pytest.raises(Refused):
        parse_one(value)


def test_a_single_address_may_have_a_name() -> None:
    assert parse_one(" Support <s@x.com>; ") == Mailbox("Support", "s", "x.com")


plain_labels = st.from_regex(r"[a-zA-Z0-9]{1,5}(-[a-zA-Z0-9]{1,3})?", fullmatch=True)
plain_domains = st.builds(".".join, st.lists(plain_labels, min_size=2, max_size=3)) | st.sampled_from(
    [
        "x.local",
        "x.LOCALHOST",
        "a.arpa",
        "x.test",
        "ab--c.de",
        "xn--a.com",
        "a.b1",
        "localhost.com",
        "x.onion",
    ]
)
any_text = st.text(st.characters(exclude_categories=()), max_size=12)
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
locals_ = st.from_regex(r"[A-Za-z0-9_+.-]{1,6}", fullmatch=True) | st.text(min_size=1, max_size=6)
syntax = st.text(st.sampled_from('ab@x.;,:<>()\\" é'), max_size=24)


@given(locals_, plain_domains)
@example("Info", "Example.COM")
@example("a" * 63, "b" * 59 + ".com")
@example("a" * 64, "b" * 60 + ".com")
def test_the_short_way_finds_what_the_library_finds(local: str, domain: str) -> None:
    short = ordinary(f"{local}@{domain}")

    assert short is None or short == validated(f"{local}@{domain}")


@given(syntax | st.builds("{} <{}@{}>".format, syntax, locals_, plain_domains))
@example('"a  b" <c@d.e>')
@example("a<b>")
def test_the_simple_forms_are_taken_apart_as_by_the_scanner(entry: str) -> None:
    simple = take_apart_simple(entry)

    assert simple is None or simple == take_apart(entry)


def read(text: str) -> tuple[Mailbox, ...]:
    try:
        return parse_list(text)
    except Refused:
        return ()


mailboxes = st.builds(
    lambda name, local, domain: read(f'"{name}" <"{local}"@{domain}>'.replace("\\", "")),
    words,
    words,
    plain_domains | st.sampled_from(["müller.de", "例え.jp"]),
).filter(lambda found: len(found) == 1)


@given(mailboxes)
def test_a_parsed_address_reads_back_as_itself(found: tuple[Mailbox]) -> None:
    assert parse_list([found[0].format()]) == found
    assert parse_list(found[0].format()) == found
    assert parse_one(found[0].format()) == found[0]
    assert parse_list(found[0].addr_spec)[0].addr_spec == found[0].addr_spec


@given(st.lists(mailboxes, min_size=1, max_size=4), st.sampled_from([";", "; ", " ;; ;"]))
def test_joined_entries_are_split_again(found: list[tuple[Mailbox]], separator: str) -> None:
    joined = separator.join(mailbox.format() for (mailbox,) in found)

    assert parse_list(joined) == tuple(mailbox for (mailbox,) in found)


@given(any_text | syntax | st.lists(any_text | syntax, max_size=3))
def test_whatever_is_accepted_has_no_control_character_and_a_clean_domain(value: object) -> None:
    try:
        found = parse_list(value)
    except Refused as refusal:
        found = ()
        shown = str(refusal)
    else:
        shown = ""

    assert shown.isprintable()
    for mailbox in found:
        assert mailbox.domain.isascii()
        assert mailbox.domain == mailbox.domain.lower()
        assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in mailbox.format())
        assert mailbox.addr_spec.rpartition("@")[2] == mailbox.domain


@given(words.filter(bool))
def test_a_local_part_is_quoted_so_that_nothing_ends_it_early(local: str) -> None:
    spelt = quote_local(local)

    assert spelt == local or (spelt[0] == spelt[-1] == '"')


def test_parts_are_what_the_simple_form_says() -> None:
    assert take_apart_simple("Jane  Doe <j@x.com>") == Parts("Jane Doe", "j@x.com")
