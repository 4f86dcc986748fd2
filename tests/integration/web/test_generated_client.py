"""A client that a generator made of the OpenAPI document, used on the gateway that gave the document."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.gateway import Running

PACKAGE = "generated_postroom"


@pytest.fixture(scope="module")
def folder(gateway: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generated package is; what the generator could not read is a failure."""
    try:
        generator = importlib.import_module("openapi_python_client")
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("the generator is not installed: make install")
    configuration = importlib.import_module("openapi_python_client.config")
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_text(httpx.get(f"{gateway.url}/openapi.json").text)

    complaints = generator.generate(
        config=configuration.Config.from_sources(
            # Nothing is tidied afterwards: what is generated is to work, and nobody reads it.
            configuration.ConfigFile(post_hooks=[]),
            configuration.MetaType.NONE,
            document,
            "utf-8",
            overwrite=True,
            output_path=folder / PACKAGE,
        )
    )

    assert [(complaint.header, complaint.detail) for complaint in complaints] == []
    return folder


@pytest.fixture
def generated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The package's parts, by the names that its users import."""
    monkeypatch.syspath_prepend(folder)
    parts = {
        "client": "client",
        "models": "models",
        "types": "types",
        "emails": "api.emails",
        "attachments": "api.attachments",
        "resets": "api.password_resets",
    }
    found = {name: importlib.import_module(f"{PACKAGE}.{part}") for name, part in parts.items()}
    for area in ("emails", "attachments", "resets"):
        for file in Path(found[area].__file__ or "").parent.glob("[a-z]*.py"):
            importlib.import_module(f"{found[area].__name__}.{file.stem}")
    return SimpleNamespace(**found)


@pytest.fixture
def client(gateway: Running, generated: SimpleNamespace) -> Iterator[Any]:
    with generated.client.AuthenticatedClient(base_url=gateway.url, token=gateway.key) as client:
        yield client


@pytest.fixture
def mail(generated: SimpleNamespace, mail: dict[str, Any]) -> Any:
    """A mail as the generated client has it."""
    return generated.models.SendEmail(**mail)


def test_there_is_a_function_for_each_operation(folder: Path) -> None:
    operations = {
        operation["operationId"]
        for path in json.loads((folder / "openapi.json").read_text())["paths"].values()
        for operation in path.values()
    }
    files = {file.stem for file in (folder / PACKAGE / "api").glob("*/[a-z]*.py")}

    assert {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() for name in operations} == files


def test_an_email_is_sent_asked_for_found_cancelled_and_sent_again(
    generated: SimpleNamespace, client: Any, mail: Any
) -> None:
    models, emails = generated.models, generated.emails
    mail.metadata = models.SendEmailMetadata.from_dict({"reference": "generated"})

    handed = emails.send_email.sync(client=client, body=mail, lane=models.Lane.RESET, idempotency_key="g1")
    again = emails.send_email.sync(client=client, body=mail, lane=models.Lane.RESET, idempotency_key="g1")
    waiting = emails.get_email.sync(handed.id, client=client, wait=0.1)
    page = emails.list_emails.sync(client=client, reference="generated", state=models.MailState.QUEUED)
    cancelled = emails.cancel_email.sync(handed.id, client=client)
    resent = emails.resend_email.sync(handed.id, client=client, body=mail)

    assert isinstance(handed, models.Handed)
    assert handed.id == again.id
    assert (waiting.state, waiting.lane, waiting.result) == (
        models.MailState.QUEUED,
        models.Lane.RESET,
        None,
    )
    assert [email.id for email in page.emails] == [handed.id]
    assert (cancelled.code, cancelled.result.delivery) == (650, models.Delivery.NOT_SENT)
    assert cancelled.result.recipients[0].address == "a***@example.org"
    assert resent.state is models.MailState.QUEUED


def test_each_email_of_a_batch_has_an_outcome_of_its_type(
    generated: SimpleNamespace, client: Any, mail: Any
) -> None:
    models = generated.models
    wrong = models.SendEmail(to="nobody", subject="s", body="b")
    found = generated.emails.send_emails.sync(client=client, body=[mail, wrong])
    none = generated.emails.send_emails.sync(client=client, body=[wrong])

    assert (found.accepted, found.refused) == (1, 1)
    assert isinstance(found.outcomes[0].email, models.Handed)
    assert [error.field for error in found.outcomes[1].problem.errors] == ["to"]
    assert isinstance(none, models.Problem)
    assert [outcome.problem.code for outcome in none.outcomes] == [600]


def test_stored_bytes_are_attached(generated: SimpleNamespace, client: Any, mail: Any) -> None:
    file = generated.types.File(payload=io.BytesIO(b"test"), file_name="terms.pdf")
    body = generated.models.StoreAttachmentBody(file=file)
    stored = generated.attachments.store_attachment.sync(client=client, body=body)
    mail.attachments = [stored.reference]

    assert (stored.size, stored.reference.rpartition("/")[2]) == (4, "terms.pdf")
    assert isinstance(generated.emails.send_email.sync(client=client, body=mail), generated.models.Handed)


def test_every_error_is_a_problem_of_its_type(
    generated: SimpleNamespace, client: Any, mail: Any, gateway: Running
) -> None:
    models, emails = generated.models, generated.emails
    first = emails.send_email.sync(client=client, body=mail, idempotency_key="g2")
    mail.subject = "another"
    reused = emails.send_email.sync(client=client, body=mail, idempotency_key="g2")
    gone = emails.get_email.sync("6d0b5c6e-0000-4000-8000-000000000000", client=client)
    slow = emails.get_email.sync(first.id, client=client, wait=1000.0)
    emails.cancel_email.sync(first.id, client=client)
    settled = emails.resend_email.sync(first.id, client=client, body=mail)
    with generated.client.AuthenticatedClient(base_url=gateway.url, token="none") as stranger:
        refused = emails.send_email.sync_detailed(client=stranger, body=mail)

    problems = [reused, gone, slow, settled, refused.parsed]
    assert {type(problem) for problem in problems} == {models.Problem}
    assert [problem.type_.rpartition(":")[2] for problem in problems] == [
        "idempotency-key-reused",
        "no-such-email",
        "invalid-input",
        "parameters-differ",
        "unauthorized",
    ]
    assert reused.id == first.id
    assert (slow.errors[0].parameter, slow.errors[0].in_) == ("wait", models.ParameterPlace.QUERY)
    assert settled.state is models.MailState.CANCELLED


def test_a_reset_is_asked_for(generated: SimpleNamespace, client: Any) -> None:
    models, resets = generated.models, generated.resets
    specified = resets.reset_for_user.sync(
        client=client, body=models.ResetForUserBody(user="ann", actor="ben", ticket="T-1")
    )
    requested = resets.reset_for_requester.sync(
        client=client, body=models.ResetForRequesterBody(user="ann", source="203.0.113.7")
    )

    assert isinstance(specified, models.Handed)
    assert (type(requested), requested.state) == (models.TakenIn, "accepted")
