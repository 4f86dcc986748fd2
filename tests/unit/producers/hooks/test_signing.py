"""Signatures are those of the specification."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

from pydantic import SecretStr

from producers.hooks.signing import signature_headers
from producers.web.webhook import new_secret

#: The example of Standard Webhooks 1.0, which its libraries are tested with, too.
SECRET = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    headers = signature_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, [SECRET], at=1614265330)

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_every_secret_signs() -> None:
    secrets = [new_secret(), new_secret()]

    found = signature_headers("id", BODY, secrets, at=5)["webhook-signature"].split(" ")

    for secret, text in zip(secrets, found, strict=True):
        key = b64decode(secret.get_secret_value().removeprefix("whsec_"))
        digest = hmac.new(key, b"id.5." + BODY, hashlib.sha256).digest()
        assert text == "v1," + b64encode(digest).decode()
