"""The examples for Flask, FastAPI, Node and curl, each as its reader runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.stand import standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.web_apps.conftest import Postroom

ROOT = Path(__file__).parents[3]
SERVERS = {
    "flask": ("-m", "flask", "--app", "shop", "run", "--port"),
    "fastapi": ("-m", "uvicorn", "shop:app", "--port"),
}

pytestmark = pytest.mark.xdist_group("web_apps")


# What they hand in with is the same file, so that each way is tried once.
@pytest.mark.parametrize(("name", "way"), [("flask", "by_name"), ("fastapi", "over_http")])
def test_an_order_is_confirmed_by_mail(
    name: str, way: str, app_of: Callable[..., Any], serve: Callable[..., Any], postroom: Postroom
) -> None:
    shop = serve(app_of(name, way), *SERVERS[name])
    order = {"number": f"{name}-{way}", "email": f"{name}.{way}@example.org"}

    answer = shop.post("/orders", data=order)
    wrong = shop.post("/orders", data={"number": "2", "email": "nobody"})
    standing = shop.get(f"/mails/{answer.json()['mail']}", params={"wait": 30}).json()

    assert (answer.status_code, wrong.status_code) == (202, 422)
    assert wrong.json() == {"errors": ["to: entry 1 is not one email address; expected name@domain"]}
    assert (standing["state"], standing["code"]) == ("sent", 250), standing
    [mail] = postroom.mails_to(order["email"])
    [file] = mail.iter_attachments()
    assert mail["Subject"] == f"Your order {name}-{way}"
    assert mail.get_body(("html",)).get_content().strip() == "<p>It is <b>on its way</b>.</p>"
    assert mail.get_body(("plain",)).get_content().strip() == "It is on its way."
    assert (file.get_filename(), file.get_content_type()) == (f"invoice {name}-{way}.txt", "text/plain")


def test_node_hands_in_once_and_waits_for_the_result(
    app_of: Callable[..., Any], needs: Callable[[str], str], postroom: Postroom
) -> None:
    app = app_of("node", "over_http")
    line = [needs("node"), "order.mjs", "node-1", "node@example.org"]

    first, second = (
        json.loads(subprocess.check_output(line, cwd=app.folder, env=app.environment))  # noqa: S603 (ours)
        for _ in range(2)
    )

    assert (first["state"], first["code"]) == ("sent", 250)
    assert second == first
    assert len(postroom.mails_to("node@example.org")) == 1


def test_node_says_what_is_wrong(app_of: Callable[..., Any], needs: Callable[[str], str]) -> None:
    app = app_of("node", "over_http")

    done = subprocess.run(  # noqa: S603 (ours)
        [needs("node"), "order.mjs", "node-2", "nobody"],
        cwd=app.folder,
        env=app.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "to: entry 1 is not an email address; expected name@domain" in done.stderr


def test_node_asks_again_with_the_same_key_and_waits(
    app_of: Callable[..., Any], needs: Callable[[str], str]
) -> None:
    app = app_of("node", "over_http")
    answers = [(202, {"id": "an-id"}), (200, {"state": "sending", "success": None})]
    answers += [(200, {"state": "sent", "success": True, "code": 250, "message": "ok"})]
    with standing() as stand:
        stand.answers = [None, (503, {"Retry-After": "0"}, b"{}")]
        stand.answers += [(status, {}, json.dumps(document).encode()) for status, document in answers]
        done = subprocess.check_output(  # noqa: S603 (ours)
            [needs("node"), "order.mjs", "1", "ann@example.org"],
            cwd=app.folder,
            env={**app.environment, "POSTROOM_GATEWAY_URL": stand.url},
        )

    assert json.loads(done) == {"id": "an-id", "state": "sent", "code": 250, "message": "ok"}
    assert [headers.get("Idempotency-Key") for _, headers, _ in stand.requests] == [
        *["order-1"] * 3,
        None,
        None,
    ]


def test_curl_sends_a_file(
    app_of: Callable[..., Any], needs: Callable[[str], str], postroom: Postroom
) -> None:
    needs("curl")
    app = app_of("curl", "over_http")
    (app.folder / "invoice.pdf").write_bytes(b"%PDF-1.7")

    done = subprocess.run(
        ["./order.sh", "curl-1", "curl@example.org", "invoice.pdf"],
        cwd=app.folder,
        env={**os.environ, **app.environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "sent"
    [mail] = postroom.mails_to("curl@example.org")
    [file] = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("invoice.pdf", b"%PDF-1.7")
