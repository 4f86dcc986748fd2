"""Who gets which mail of a password reset, and who gets none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode
from tasks.contract.password_reset import parse_password_reset
from tasks.deadline import Deadline
from tasks.delivery.letters import Occasion
from tasks.failures import PermanentFailure, TransientFailure
from tasks.journal.audit import Asked, Audited
from tasks.password_reset.letters import House, ResetLetters
from tasks.password_reset.notices import Staff
from tasks.password_reset.ports import Unreachable, User
from tasks.templating.catalogue import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.contract.parameters import SendEmail

ANN = User("7", "ann@example.org", "Ann Ofori", locale="de")
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
LINK = "https://accounts.example.org/reset/s3cr3t"


@dataclass
class World:
    """A directory and an issuer in one, with what they were asked."""

    users: dict[str, User] = field(default_factory=lambda: {"ann": ANN})
    link: str = LINK
    is_away: bool = False
    issued: list[tuple[str, int]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    records: dict[str, Audited] = field(default_factory=dict)

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        self.timeouts.append(timeout)
        if self.is_away:
            raise Unreachable
        return self.users.get(identifier)

    def issue(self, user: User, ttl: int, *, timeout: float) -> SecretStr:
        self.timeouts.append(timeout)
        self.issued.append((user.reference, ttl))
        return SecretStr(self.link)


def write(world: World, *, templates: Path | None = None, house: Any = None, **changes: Any) -> SendEmail:
    asked = {"workflow": "specified", "user": "ann", "actor": "ben", **changes}
    if asked["workflow"] != "specified":
        asked["actor"] = None
    house = House("Example", "help@x.org", **(house or {}))
    letters = ResetLetters(world, world, Catalogue(templates), house, world.records.get)
    occasion = Occasion("m1", NOON, NOON, Deadline.after(30.0))
    return letters.write(parse_password_reset(asked), occasion)


def refusal(world: World, **changes: Any) -> PermanentFailure:
    with pytest.raises(PermanentFailure) as caught:
        write(world, **changes)
    return caught.value


def test_the_link_goes_to_the_address_on_file_in_the_users_language() -> None:
    world = World()
    mail = write(world, ttl=600)

    assert [box.addr_spec for box in mail.to] == ["ann@example.org"]
    assert mail.subject == "Neues Passwort für Example"
    assert LINK in mail.body
    assert LINK in str(mail.text_body)
    assert world.issued == [("7", 600)]


def test_the_mail_says_that_it_was_made_by_a_machine_and_dies_with_its_link() -> None:
    mail = write(World(), ttl=600)

    assert mail.headers == {"Auto-Submitted": "auto-generated"}
    assert mail.expires_at == NOON.replace(minute=10)
    assert mail.metadata == {"workflow": "specified"}


def test_both_sides_are_told_how_long_they_may_take() -> None:
    world = World()
    write(world)

    assert len(world.timeouts) == 2
    assert all(0 < timeout <= 30 for timeout in world.timeouts)


def test_an_asked_for_language_counts_where_the_directory_knows_none() -> None:
    world = World({"ann": User("7", "ann@example.org")})

    assert write(world, locale="en").subject == "Reset your Example password"


@pytest.mark.parametrize(
    ("user", "told"),
    [
        (None, "knows no such user"),
        (User("7"), "has no address for the user"),
        (User("7", "a@x.org", is_active=False), "is not active"),
        (User("7", "a@x.org", is_verified=False), "never confirmed"),
        (User("7", "no address"), "address for the user is none"),
    ],
    ids=["unknown", "no address", "inactive", "unverified", "bad address"],
)
def test_the_staff_are_told_why_nothing_was_sent_and_no_link_is_issued(user: User | None, told: str) -> None:
    world = World({"ann": user} if user else {})
    failure = refusal(world)

    assert told in failure.reply.text
    assert "@" not in failure.reply.text
    assert not world.issued or "address for the user is none" in failure.reply.text


@pytest.mark.parametrize("answers", [True, False])
def test_a_stranger_is_answered_only_where_the_house_wants_it(answers: bool) -> None:  # noqa: FBT001
    world = World({})
    asked: dict[str, Any] = {
        "workflow": "requester",
        "user": "eve@example.net",
        "house": {"answers_strangers": answers},
    }

    if not answers:
        assert refusal(world, **asked).reply.code == LocalCode.POLICY
        return
    mail = write(world, **asked)
    assert [box.addr_spec for box in mail.to] == ["eve@example.net"]
    assert "no account" in mail.body
    assert world.issued == []


def test_a_stranger_who_typed_no_address_is_never_answered() -> None:
    refused = refusal(World({}), workflow="requester", user="eve", house={"answers_strangers": True})

    assert "no such user" in refused.reply.text


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_verified": False}], ids=str)
def test_a_requester_whose_account_cannot_be_reset_is_told_so_without_a_link(change: dict[str, bool]) -> None:
    world = World({"ann": User("7", "ann@example.org", **change)})
    mail = write(world, workflow="requester")

    assert "not possible now" in str(mail.text_body)
    assert world.issued == []


def test_somebody_whose_password_was_changed_is_told_so_without_a_link() -> None:
    world = World({"ann": User("7", "ann@example.org", is_active=False)})
    mail = write(world, workflow="completed")

    assert mail.subject == "Your Example password was changed"
    assert world.issued == []


def test_nobody_is_told_of_a_change_who_is_not_known() -> None:
    refused = refusal(World({}), workflow="completed", user="a@x.org", house={"answers_strangers": True})

    assert "no such user" in refused.reply.text


def test_a_throttled_request_is_dropped_before_anybody_is_looked_up() -> None:
    world = World()

    assert "limits" in refusal(world, workflow="requester", is_throttled=True).reply.text
    assert world.timeouts == []


FAILED = "8fcceefc-4fe0-4b71-987d-3986392a0988"
NOTICE: dict[str, Any] = {
    "workflow": "failed",
    "user": "ben",
    "about": FAILED,
    "house": {"staff": Staff("staff.org")},
}


def failed(code: int | None = 550, ticket: str | None = "T-1") -> Audited:
    asked = Asked(FAILED, "specified", "ann", actor="ben", ticket=ticket)
    return Audited(asked, NOON, code, "5.1.1 no such mailbox")


def test_an_actor_is_told_what_became_of_their_reset_and_nobody_is_looked_up_for_it() -> None:
    world = World(records={FAILED: failed()})
    mail = write(world, **NOTICE)

    assert [box.addr_spec for box in mail.to] == ["ben@staff.org"]
    assert mail.subject == "Password reset not sent: T-1"
    for told in ("ann", "550 5.1.1 no such mailbox"):
        assert told in str(mail.text_body)
        assert told in mail.body
    assert "http" not in str(mail.text_body)
    assert world.timeouts == world.issued == []


def test_a_reset_without_a_ticket_is_told_by_its_id() -> None:
    assert FAILED in write(World(records={FAILED: failed(ticket=None)}), **NOTICE).subject


@pytest.mark.parametrize(
    ("change", "records", "told"),
    [
        ({}, {}, "no record of a reset that failed"),
        ({}, {FAILED: failed(code=None)}, "no record of a reset that failed"),
        ({"user": "ben@evil.org"}, {FAILED: failed()}, "does not write to that actor"),
        ({"house": {}}, {FAILED: failed()}, "does not write to that actor"),
        ({"user": "Ben (help desk)"}, {FAILED: failed()}, "address for the user is none"),
    ],
    ids=["no record", "under way", "other domain", "no domain", "no address"],
)
def test_an_actor_is_not_told_what_is_not_known_or_where_they_are_not(
    change: dict[str, Any], records: dict[str, Audited], told: str
) -> None:
    assert told in refusal(World(records=records), **{**NOTICE, **change}).reply.text


def test_a_directory_that_is_away_may_be_there_later() -> None:
    with pytest.raises(TransientFailure):
        write(World(is_away=True))


@pytest.mark.parametrize(
    "link",
    [
        "http://accounts.example.org/x",
        "javascript:alert(1)",
        "https:///x",
        "https://x/\nBcc:",
        "",
        "https://[::1/x",
    ],
)
def test_a_link_that_is_not_safe_is_not_sent(link: str) -> None:
    failure = refusal(World(link=link))

    assert failure.reply.code == LocalCode.INTERNAL
    assert not link or link not in failure.reply.text


@pytest.mark.parametrize("link", ["http://127.0.0.1:8000/reset/x", "http://localhost/x", "http://[::1]:1/x"])
def test_a_link_to_this_machine_needs_no_tls(link: str) -> None:
    assert link in str(write(World(link=link)).text_body)


def test_a_broken_template_fails_the_mail_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "password-reset" / "de" / "body.txt"
    file.parent.mkdir(parents=True)
    file.write_text("{{ lnik }}")
    failure = refusal(World(), templates=tmp_path)

    assert "password-reset/de/body.txt, line 1: 'lnik' is undefined" in failure.reply.text
    assert "s3cr3t" not in failure.reply.text
