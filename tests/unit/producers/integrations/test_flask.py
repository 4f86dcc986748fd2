"""The Flask extension, in applications of the usual kinds."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from producers.integrations.failures import Misconfigured, Refused
from producers.integrations.flask import Postroom
from producers.integrations.mails import Mail
from producers.integrations.outbox import Outbox

GOOD: dict[str, Any] = {"to": "ann@example.org", "subject": "Hello", "body": "How are you?"}


def application(postroom: Postroom) -> tuple[Flask, Outbox]:
    app = Flask("shop")
    app.config["POSTROOM_BROKER_URL"] = "redis://127.0.0.1:1/0"
    postroom.init_app(app)
    app.extensions["postroom"] = outbox = Outbox()
    return app, outbox


def test_applications_of_one_extension_have_a_client_each() -> None:
    postroom = Postroom()
    (first, firsts), (second, seconds) = application(postroom), application(postroom)

    with first.app_context():
        mail_id = postroom.send(**GOOD)
        assert postroom.status(mail_id) == postroom.wait(mail_id, timeout=1)
    with second.app_context():
        ids = postroom.send_many([Mail(**GOOD), Mail(**GOOD)])

    assert (len(firsts.mails), len(seconds.mails), len(set(ids))) == (1, 2, 2)
    assert firsts.mails[0].subject == "Hello"


def test_an_outbox_refuses_what_would_be_refused() -> None:
    postroom = Postroom()
    app, outbox = application(postroom)

    with app.app_context(), pytest.raises(Refused, match="subject: is blank"):
        postroom.send(**{**GOOD, "subject": ""})
    assert outbox.mails == []


def test_a_wrong_setting_is_told_when_the_application_starts() -> None:
    app = Flask("shop")
    app.config["POSTROOM_GATEWAY_URL"] = "http://127.0.0.1:1"

    with pytest.raises(Misconfigured, match="api_key: is missing"):
        Postroom(app)


def test_an_application_without_the_extension_is_told() -> None:
    with Flask("shop").app_context(), pytest.raises(Misconfigured, match="call init_app"):
        Postroom().send(**GOOD)
