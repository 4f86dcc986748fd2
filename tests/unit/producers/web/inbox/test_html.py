"""A mail's HTML, made fit for the sandbox."""

from __future__ import annotations

import base64

import pytest

from producers.web.inbox.html import POLICY, document, has_remote_images, links
from producers.web.inbox.message import Caught, Part

PIXEL = b"GIF89a\x01\x00\x01\x00"


def test_the_sandbox_lets_nothing_run_and_nothing_out() -> None:
    rules = [rule.split(" ") for rule in POLICY.split("; ")]

    assert ["sandbox"] in rules
    assert ["default-src", "'none'"] in rules
    assert ["img-src", "data:"] in rules
    assert not any("http" in part or part in {"*", "'self'"} for rule in rules[:-1] for part in rule)


def test_an_image_that_the_mail_brings_along_stands_in_its_place() -> None:
    parts = (
        Part(1, "a.gif", "image/gif", PIXEL, "logo@x"),
        Part(2, "b.svg", "image/svg+xml", b"<svg>", "evil@x"),
    )
    shown = document('<img src="cid:logo@x"><img src="cid:evil@x"><img src="cid:none@x">', parts)

    assert f'src="data:image/gif;base64,{base64.b64encode(PIXEL).decode()}"' in shown
    assert 'src="cid:evil@x"' in shown
    assert 'src="cid:none@x"' in shown


@pytest.mark.parametrize(
    "tag", ["<link rel=x>", "<LINK\trel=x>", "<link/rel=x>", "<p><link>", "<iframe src=x>"]
)
def test_a_mail_connects_to_nobody_ahead(tag: str) -> None:
    shown = document(tag, ()).lower()

    assert "<link" not in shown
    assert "<iframe" not in shown


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>x", '<base target="_blank"><p>x'),
        ("\n<!DOCTYPE html>\n<p>x", '\n<!DOCTYPE html><base target="_blank">\n<p>x'),
    ],
)
def test_a_click_would_open_a_window_which_the_sandbox_forbids(html: str, shown: str) -> None:
    assert document(html, ()) == shown


def test_images_are_put_in_up_to_a_limit() -> None:
    large = Part(1, "a.png", "image/png", b"x" * 9_000_000, "a@x")

    assert document("cid:a@x", (large,)).endswith("cid:a@x")


@pytest.mark.parametrize(
    ("html", "remote"),
    [
        ('<img src="https://x.example/a.gif">', True),
        ("<td background=//x.example/a>", True),
        ("<p style=\"background:url('http://x.example/a')\">", True),
        ('<img src="data:image/gif;base64,x"><a href="https://x.example">', False),
    ],
)
def test_images_from_elsewhere_are_noticed(html: str, remote: bool) -> None:  # noqa: FBT001 (a column)
    assert has_remote_images(html) is remote


def test_links_are_listed_once_and_only_those_that_lead_somewhere() -> None:
    html = (
        '<a href=" https://a.example/?x=1&amp;y=2 ">a</a><a href="javascript:alert(1)">b</a>'
        '<a href="data:text/html,x">c</a><a href="mailto:a@x">d</a><a href="https://[">e</a><a>f</a>'
    )
    caught = Caught((), text="see https://a.example/?x=1&y=2, or http://b.example/.", html=html)

    assert links(caught) == ["https://a.example/?x=1&y=2", "mailto:a@x", "http://b.example/"]


def test_so_many_links_are_not_listed() -> None:
    text = "\n".join(f"https://a.example/{number}" for number in range(1000))

    assert len(links(Caught((), text=text))) == 50
