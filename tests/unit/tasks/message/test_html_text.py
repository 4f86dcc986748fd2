from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.message.html_text import text_from_html

fragments = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<a href='http://x.y'>",
        "</a>",
        "<ul>",
        "<ol>",
        "<li>",
        "</ol>",
        "<pre>",
        "</pre>",
        "<td>",
        "<br>",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "&amp;",
        "&#0;",
        "&#xD800;",
        "&#",
        "<",
        ">",
        "'",
        '"',
        "=",
        "\0",
        "\n",
        " ",
    ]
)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hello</p><p>World</p>", "Hello\n\nWorld"),
        ("<div>Hello</div><div>World</div>", "Hello\nWorld"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("  much \n white\t space  ", "much white space"),
        ("<b>bo</b>ld and <i>it</i>", "bold and it"),
        ("<h1>Title</h1>Text", "Title\n\nText"),
        ("Fish &amp; chips &lt;3 &euro; 5&nbsp;%", "Fish & chips <3 € 5 %"),
        (
            'Go <a href="https://x.example/?a=1&amp;b=2">here</a>, now',
            "Go here (https://x.example/?a=1&b=2), now",
        ),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="https://x.example"><img alt="Logo" src="x"></a>', "Logo (https://x.example)"),
        ('<a href="https://x.example"><img src="x"></a>', "https://x.example"),
        ('<a href="javascript:alert(1)">click</a> <a href="#top">top</a> <a>bare</a>', "click top bare"),
        (
            "<ul><li>one<li>two<ol><li>a</li><li>b</li></ol></ul>after",
            "- one\n- two\n  1. a\n  2. b\n\nafter",
        ),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
        ("a<hr>b", "a\n\n--------\n\nb"),
        ("<head><title>T</title><style>p{}</style></head><script>x<y</script>seen", "seen"),
        ("a<!-- > hidden -->b<!DOCTYPE html>c<?xml?>d", "abcd"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->seen", "seen"),
        ("&#0000000065; &#x000000041; &#99999999;", "A A \ufffd"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p title='a > b' data-x=don't>text</p>", "text"),
        ("</ol></a></pre></li>text", "text"),
        ("", ""),
        ("<p>cut <b", "cut"),
        ("<!-- never closed", ""),
        ("<script>never closed", ""),
    ],
)
def test_html_reads_as_text(source: str, text: str) -> None:
    assert text_from_html(source) == text


def test_deep_lists_are_indented_only_so_far() -> None:
    text = text_from_html("<ul><li>x" * 50)

    assert max(len(line) for line in text.splitlines()) < 25


@settings(max_examples=200, deadline=None)
@given(source=st.lists(st.text(max_size=5) | fragments, max_size=40).map("".join))
@example("&#" + "9" * 5000 + ";")
@example("&#" + "0" * 5000 + "65;")
@example("&#x" + "f" * 5000)
def test_nothing_makes_it_fail(source: str) -> None:
    assert isinstance(text_from_html(source), str)


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<!--",
        "<",
        "</a",
        '<a x="',
        "<a x='\"",
        "&#",
        "<![",
        "<div>",
        "<ul><li>",
        "<script>",
        "= ",
        "<a = ",
        "</script",
        "<pre>\n",
        '<a href="http://x">',
        '<a href="http://x">y</a>',
        "<td>",
        "&#0",
        "<br>",
    ],
)
@pytest.mark.parametrize("before", ["", "<a "], ids=["text", "inside a tag"])
def test_hostile_input_takes_linear_time(piece: str, before: str) -> None:
    """The standard library's parser needs minutes for some of these."""
    start = time.process_time()
    text_from_html(before + piece * 10_000 + ">")

    assert time.process_time() - start < 2
