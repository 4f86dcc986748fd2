"""
A Django project with its own tasks.py and worker.py sends all its mail through the copied file.

It does so in this checkout's Django, and in those that requirements/ locks where there is a Python for them.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.web_apps import djangos

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.web_apps.conftest import Postroom

STEPS = Path(__file__).with_name("django_steps.py")

pytestmark = pytest.mark.xdist_group("web_apps")


OWN, OWN_RUNTIME = djangos.own()
#: What names the backend before there was MAILERS.
SETTING = {"5.2": "EMAIL_BACKEND", "6.0": "EMAIL_BACKEND"}


#: Installing takes some seconds each: `make test` has the first and the last, `make django-versions` all.
NEWEST = djangos.LOCKED[-1]
BETWEEN = [pytest.param(each, marks=pytest.mark.long) for each in djangos.LOCKED if each not in {OWN, NEWEST}]


@pytest.fixture(params=[*{OWN: None, NEWEST: None}, *BETWEEN])
def version(request: pytest.FixtureRequest) -> str:
    """Which Django the project runs with."""
    return str(request.param)


@pytest.fixture
def name(version: str, way: str) -> str:
    """What tells a test's mails from the others'."""
    return f"{way}-{version}"


@pytest.fixture
def shop(app_of: Callable[..., Any], way: str, version: str) -> Callable[..., dict[str, Any]]:
    """Runs steps inside a copy of the example project."""
    app = app_of("django", way)
    try:
        app.runs_with(OWN_RUNTIME if version == OWN else djangos.locked(version))
    except djangos.NoPython as error:
        pytest.skip(str(error))
    app.python("manage.py", "migrate", "--verbosity", "0")
    shutil.copy(STEPS, app.folder / "steps.py")

    def run(steps: str, *words: str) -> dict[str, Any]:
        return json.loads(app.python("steps.py", steps, *words))  # type: ignore[no-any-return]

    return run


@pytest.mark.timeout(180)
def test_what_django_sends_arrives_unchanged_and_a_reset_link_works(
    shop: Callable[..., dict[str, Any]], version: str, name: str, postroom: Postroom
) -> None:
    done = shop("version,unchanged,order,transactions", name)
    [reset] = postroom.mails_to(f"reset.{name}@example.org")
    link = re.search(r"http://\S+", reset.get_content())
    followed = shop("follow", link[0] if link else "")["follow"]

    assert done["version"] == [version, SETTING.get(version, "MAILERS")]
    assert done["unchanged"]["counts"] == [1, 5, None]
    assert done["unchanged"]["reset"] == [302, "/password_reset/done/"]
    assert done["unchanged"]["states"] == ["sent"] * 8
    assert [Path(file).name for file in done["unchanged"]["modules"]] == ["tasks.py", "worker.py"]
    [one] = postroom.mails_to(f"one.{name}@example.org")
    assert one["From"] == "Shop <shop@example.org>"
    assert [part.get_content().strip() for part in one.iter_parts()] == ["Hello", "<p>Hello</p>"]
    assert [len(postroom.mails_to(f"mass{n}.{name}@example.org")) for n in range(5)] == [1] * 5
    about = [mail["Subject"] for mail in postroom.mails_to("admin@example.org")]
    assert [subject for subject in about if subject.endswith(name)] == [
        f"[Django] Fault {name}",
        f"[Django] At once {name}",
    ]
    assert followed == {"saved": "/reset/done/", "in": True}

    assert (done["order"]["status"], done["order"]["state"], done["order"]["code"]) == (202, "sent", 250)
    assert done["order"]["news"] == {"handed in": 2}
    [order] = postroom.mails_to(f"order.{name}@example.org")
    [file] = order.iter_attachments()
    assert (order["Reply-To"], order["X-Order"]) == ("desk@example.org", f"7-{name}")
    assert order["X-Postroom-Idempotency-Key"] is None
    assert (file.get_filename(), file.get_content().strip()) == (
        f"invoice 7-{name}.txt",
        f"Order 7-{name}: 12.00",
    )

    assert done["transactions"] == {"seen": [1, 1, 2, 2], "states": ["sent", "sent"]}
    assert postroom.mails_to(f"dropped.{name}@example.org") == []


def test_the_project_runs(app_of: Callable[..., Any], serve: Callable[..., Any]) -> None:
    shop = serve(app_of("django", "by_name"), "manage.py", "runserver", "--noreload", "--skip-checks")

    page = shop.get("/password_reset/")

    assert page.status_code == 200
    assert "Send me a link" in page.text
