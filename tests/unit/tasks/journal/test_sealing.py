"""Sealing: what went in comes out, for the same mail, with any of the keys, and for nobody else."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tasks.journal.sealing import Seal, Unsealable, generate_key, seal_with

OLD, NEW, FOREIGN = (SecretStr(generate_key()) for _ in range(3))
SEAL = Seal([OLD])

_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
mails = st.dictionaries(st.text(), _json, max_size=5)


@given(mails, st.text())
def test_what_was_sealed_is_opened_for_the_same_mail(mail: dict[str, Any], mail_id: str) -> None:
    assert SEAL.open(mail_id, SEAL.seal(mail_id, json.dumps(mail))) == mail


@given(st.text(), st.text())
def test_the_token_of_one_mail_is_none_for_another(mail_id: str, other: str) -> None:
    token = SEAL.seal(mail_id, '{"to":"a@x.org"}')

    if other != mail_id:
        with pytest.raises(Unsealable):
            SEAL.open(other, token)


@settings(max_examples=300)
@given(st.data())
def test_a_token_with_one_bit_changed_is_not_opened(data: st.DataObject) -> None:
    token = bytearray(urlsafe_b64decode(SEAL.seal("m", '{"to":"a@x.org"}')))
    bit = data.draw(st.integers(0, len(token) * 8 - 1))
    token[bit // 8] ^= 1 << bit % 8

    with pytest.raises(Unsealable):
        SEAL.open("m", urlsafe_b64encode(token).decode())


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(Unsealable):
        SEAL.open("m", text)


def test_a_seal_opens_what_any_of_its_keys_sealed_and_the_first_of_them_seals() -> None:
    before, rotated, after = Seal([OLD]), Seal([NEW, OLD]), Seal([NEW])

    assert rotated.open("m", before.seal("m", "{}")) == {}
    assert after.open("m", rotated.seal("m", "{}")) == {}
    with pytest.raises(Unsealable):
        before.open("m", rotated.seal("m", "{}"))


def test_a_foreign_key_opens_nothing() -> None:
    with pytest.raises(Unsealable):
        Seal([FOREIGN]).open("m", SEAL.seal("m", "{}"))
    with pytest.raises(Unsealable):
        Seal([FOREIGN]).open_bytes(SEAL.seal_bytes(b""))


@given(st.binary())
def test_bytes_come_out_as_they_went_in(content: bytes) -> None:
    assert SEAL.open_bytes(SEAL.seal_bytes(content)) == content


def test_an_attachment_that_looks_like_a_sealed_mail_is_not_one() -> None:
    token = SEAL.seal_bytes(b'{"id":"m","mail":{"to":"a@x.org"}}')

    with pytest.raises(Unsealable):
        SEAL.open("m", token.decode())


def test_a_sealed_mail_is_no_attachment() -> None:
    with pytest.raises(Unsealable):
        SEAL.open_bytes(SEAL.seal("m", "{}").encode())


@pytest.mark.parametrize("payload", ["[]", "null", '"text"', "1"])
def test_what_is_sealed_must_be_an_object(payload: str) -> None:
    with pytest.raises(Unsealable):
        SEAL.open("m", SEAL.seal("m", payload))


def test_names_are_equal_for_equal_values_and_tell_nothing() -> None:
    names = SEAL.names("key", b"order-17")

    assert names == Seal([OLD]).names("key", b"order-17")
    assert len({*names, *SEAL.names("blob", b"order-17"), *SEAL.names("key", b"order-18")}) == 3
    assert "order" not in names[0]


def test_a_rotated_seal_knows_the_names_of_before() -> None:
    assert Seal([NEW, OLD]).names("key", b"k")[1] == SEAL.names("key", b"k")[0]
    assert Seal([NEW, OLD]).names("key", b"k")[0] != SEAL.names("key", b"k")[0]


def test_without_keys_there_is_no_seal_and_a_wrong_one_is_refused() -> None:
    assert seal_with([]) is None
    with pytest.raises(ValueError, match="32"):
        Seal([SecretStr("canary")])


def test_nothing_of_a_key_shows() -> None:
    assert OLD.get_secret_value() not in repr(vars(SEAL)) + repr(SEAL)
