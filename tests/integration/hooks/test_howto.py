"""The checks of signatures in docs/howto/webhooks.md, tried with what is posted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from producers.hooks.signing import signature_headers
from producers.web.webhook import new_secret

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "webhooks.md"
BODY = '{"type":"email.sent","data":{"message":"grüße"}}'.encode()
OLD, NEW, OTHER = new_secret(), new_secret(), new_secret()

CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "as it came": ({}, True),
    "with the older of two secrets": ({"secret": OLD}, True),
    "another secret": ({"secret": OTHER}, False),
    "another body": ({"body": BODY + b" "}, False),
    "another id": ({"webhook-id": "evt_2"}, False),
    "another moment": ({"pretends": -1}, False),
    "long past": ({"age": 301}, False),
    "from the future": ({"age": -400}, False),
    "no moment": ({"webhook-timestamp": "now"}, False),
    "no signature": ({"webhook-signature": ""}, False),
    "another signature": ({"webhook-signature": "v1,AAAA v1a,AAAA ü"}, False),
    "nothing": ({"webhook-id": None, "webhook-timestamp": None, "webhook-signature": None}, False),
}


def case(changes: dict[str, Any]) -> tuple[dict[str, str], bytes, str]:
    """Return headers, body and secret of a delivery with *changes*."""
    at = int(time.time()) - changes.get("age", 0)
    headers = signature_headers("evt_1", BODY, [NEW, OLD], at=at)
    headers["webhook-timestamp"] = str(at + changes.get("pretends", 0))
    headers |= {name: value for name, value in changes.items() if name.startswith("webhook-")}
    present = {name: value for name, value in headers.items() if value is not None}
    return present, changes.get("body", BODY), changes.get("secret", NEW).get_secret_value()


def snippet(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize(("changes", "is_genuine"), CASES.values(), ids=CASES)
def test_the_check_in_python_takes_what_is_genuine_and_nothing_else(
    changes: dict[str, Any], *, is_genuine: bool
) -> None:
    names: dict[str, Any] = {}
    exec(snippet("python"), names)  # noqa: S102 (our own page)

    assert names["is_genuine"](*case(changes)) is is_genuine


def test_the_check_in_node_takes_what_is_genuine_and_nothing_else() -> None:
    node = shutil.which("node")
    if not node:
        if os.environ.get("CI"):
            pytest.fail("there is no node")
        pytest.skip("there is no node")
    made = [case(changes) for changes, _ in CASES.values()]
    given = [{"headers": headers, "body": body.decode(), "secret": secret} for headers, body, secret in made]
    ask = "for (const each of JSON.parse(require('node:fs').readFileSync(0, 'utf8')))\n"
    ask += "  console.log(isGenuine(each.headers, Buffer.from(each.body), each.secret));\n"

    run = subprocess.run(  # noqa: S603 (our own page)
        [node, "-e", snippet("js") + ask], input=json.dumps(given), capture_output=True, text=True, check=True
    )

    answers = [line == "true" for line in run.stdout.split()]
    assert dict(zip(CASES, answers, strict=True)) == {name: expected for name, (_, expected) in CASES.items()}
