"""The pages for operators, as a browser has them: without a mouse, without scripts, small and dark."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import redis
from playwright.sync_api import expect

from tasks.contract.status import MailState
from tests.browsers import sign_in
from tests.stories import catch, newsletter

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.servers.gateway import Running
    from tests.stories import Teller

#: What no layout may be broken by: a word without a place to break it.
LONG = "x" * 190

#: Returns the texts of a page that stand on a ground of too little contrast (WCAG 2.1, 1.4.3: 4.5 to 1).
FAINT = """() => {
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = numbers(c).map(v => v / 255).map(
    v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if ((numbers(c)[3] ?? 1) > 0) return c; } return 'rgb(255, 255, 255)'; };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    if (!text || !e.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) faint.push([text, contrast.toFixed(2)]);
  }
  return faint;
}"""

#: Returns what reaches out of the window to the right, or what its own box cuts off.
WIDE = """() => {
  const most = document.documentElement.clientWidth;
  const found = document.documentElement.scrollWidth > most ? ['the page'] : [];
  for (const e of document.querySelectorAll('main *:not(.hidden, .hidden *), header *')) {
    const box = e.getBoundingClientRect();
    const isThere = box.width > 1 && getComputedStyle(e).clipPath === 'none' && !e.closest('thead');
    if (isThere && box.right > most + 1) found.push(e.tagName + ' ' + e.className + ' ' + e.innerText);
  }
  return found;
}"""


def test_a_walk_without_a_mouse_from_signing_in_to_signing_out(
    look: Callable[..., Any], house: Running, teller: Teller
) -> None:
    mail_id = teller.hand_in("walk")
    window = look()
    window.open("/emails")
    assert window.focused() == "API key"
    window.page.keyboard.type(house.key)
    window.press("Enter")
    window.page.wait_for_url(f"{house.url}/emails")

    window.press("Tab")
    assert window.focused() == "Skip to the content"
    window.press("Enter")
    window.tab_to("Id or reference")
    window.page.keyboard.type("walk")
    window.press("Enter")
    window.page.wait_for_url("**/emails?search=walk*")
    window.tab_to(mail_id[:8])
    window.press("Enter")
    window.page.wait_for_url(f"**/emails/{mail_id}")
    window.tab_to("Cancel this email")
    window.press("Enter")
    expect(window.page.get_by_role("status")).to_have_text(
        "Cancelled: nobody gets it who has not got it yet."
    )
    expect(window.page.get_by_role("heading", level=1)).to_contain_text("Cancelled")

    window.tab_to("Sign out")
    window.press("Enter")
    expect(window.page.get_by_role("status")).to_have_text("You are signed out.")
    window.open(f"/emails/{mail_id}")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert not [url for url in window.loaded if house.key in url]


def test_a_wrong_key_is_said_beside_the_field_which_has_the_focus_again(
    look: Callable[..., Any], house: Running
) -> None:
    window = look()
    window.open("/emails/sign-in")
    window.page.get_by_label("API key").fill(house.key[:16] + "A" * 43)
    window.press("Enter")

    expect(window.page.get_by_role("alert")).to_have_text("This is no valid API key.")
    expect(window.page.get_by_label("API key")).to_be_focused()
    expect(window.page.get_by_label("API key")).to_have_value("")
    assert "key-error" in (window.page.get_by_label("API key").get_attribute("aria-describedby") or "")
    # The browser reports the answer's status.
    assert len(window.complaints) == 1
    assert "401" in window.complaints.pop()


def test_emails_are_found_by_reference_state_and_id(signed_in: Any, teller: Teller) -> None:
    failed = teller.settled(MailState.NOT_SENT, 550, "5.1.1 No such user", "find-me")
    waiting = teller.hand_in("find-me")
    page = signed_in.open("/emails")

    page.get_by_label("Id or reference").fill("find-me")
    page.get_by_role("button", name="Search").click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(3)
    page.get_by_label("State").select_option("Not sent")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("5.1.1 No such user")
    expect(page.locator(f"a[href='/emails/{failed}']")).to_be_visible()
    page.get_by_label("Id or reference").fill(waiting)
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(f"/emails/{waiting}$"))


def test_the_timeline_and_the_recipients_of_an_email(signed_in: Any, teller: Teller) -> None:
    page = signed_in.open(f"/emails/{teller.partial('order-7')}")
    steps = page.get_by_role("region", name="What happened").get_by_role("listitem")
    recipients = page.get_by_role("region", name="Recipients").get_by_role("row")

    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_contain_text("Accepted")
    expect(steps.nth(1)).to_contain_text("Attempt 1")
    expect(steps.nth(1)).to_contain_text("550")
    expect(steps.nth(2)).to_contain_text("Partly sent")
    expect(recipients).to_have_count(4)
    expect(recipients.nth(3)).to_contain_text("n***@example.org")
    expect(recipients.nth(3)).to_contain_text("Refused")
    expect(page.get_by_text("order-7")).to_be_visible()


def test_a_page_follows_its_email_without_scripts(
    look: Callable[..., Any], house: Running, teller: Teller
) -> None:
    mail_id = teller.hand_in()
    window = look(java_script_enabled=False)
    sign_in(window.page, house.url, house.key)
    page = window.open(f"/emails/{mail_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queued")
    with house.client() as client:
        client.delete(f"/v1/emails/{mail_id}").raise_for_status()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled", timeout=8000)


def test_an_email_is_sent_again_once_its_parameters_are_right(signed_in: Any, teller: Teller) -> None:
    mail_id = teller.settled(MailState.UNKNOWN, 690, "connection lost after the final dot")
    mail = {"to": "ann@example.org", "subject": "Your order", "body": "It is on its way."}
    page = signed_in.open(f"/emails/{mail_id}")

    page.get_by_text("Send again").first.click()
    page.get_by_label("The email's parameters").fill(json.dumps(mail))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("somebody may get it twice")
    expect(page.get_by_label("The email's parameters")).to_have_value(json.dumps(mail))
    page.get_by_label("Send it although").check()
    page.get_by_role("button", name="Send again").click()

    expect(page.get_by_role("status")).to_have_text("Handed in again, as the same email.")
    assert "409" in signed_in.complaints.pop()


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(245, 246, 248)"), ("dark", "rgb(17, 21, 27)")])
def test_every_page_fits_phones_and_desks_and_can_be_read(  # noqa: PLR0913, PLR0917 (two are the table's)
    look: Callable[..., Any], house: Running, teller: Teller, mails: Path, scheme: str, ground: str
) -> None:
    window = look(scheme=scheme)
    page = window.open("/emails/sign-in")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
    assert _unfit(page) == []
    sign_in(page, house.url, house.key)
    long = teller.settled(MailState.NOT_SENT, 550, f"5.1.1 {LONG}", LONG)
    emails = [f"/emails/{each}?stay" for each in (teller.partial(LONG), teller.retrying(), long)]
    letter = f"/inbox/{quote(catch(mails, _long_letter()))}"
    letters = [f"{letter}?view={view}" for view in ("html", "text", "headers")]
    for path in ("/emails", f"/emails?search={LONG}y", *emails, "/inbox?stay", *letters):
        window.open(path)
        assert _unfit(page) == [], path


def _long_letter() -> EmailMessage:
    mail = newsletter()
    mail.replace_header("Subject", LONG)
    mail["X-Long"] = LONG
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{LONG}.pdf")
    return mail


def _unfit(page: Page) -> list[Any]:
    found = list(page.evaluate(FAINT))
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 780})
        found += page.evaluate(WIDE)
    return found


def test_every_page_has_its_landmarks_a_title_and_one_first_heading(signed_in: Any, teller: Teller) -> None:
    signed_in.complaints.clear()
    titles = []
    for path in ("/emails", f"/emails/{teller.retrying()}?stay", "/inbox?stay"):
        page = signed_in.open(path)
        titles.append(page.title())
        for role in ("banner", "main"):
            expect(page.get_by_role(role)).to_have_count(1)  # type: ignore[arg-type]
        expect(page.get_by_role("navigation").first).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        unnamed = "e => !e.labels?.length && e.type !== 'hidden'"
        fields = page.locator("input, select, textarea")
        assert [e for e in fields.element_handles() if e.evaluate(unnamed)] == []

    assert len(set(titles)) == len(titles)
    assert all(title.endswith(" · Postroom") for title in titles)


def test_where_the_focus_is_can_be_seen(signed_in: Any) -> None:
    signed_in.open("/emails")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for name in ("Skip to the content", "Emails", "Sign out", "Id or reference", "Search"):
        signed_in.tab_to(name)
        assert signed_in.page.evaluate(outline) == "solid", name


def test_a_session_outlives_no_flush_of_redis(signed_in: Any, house: Running) -> None:
    with redis.Redis.from_url(house.queue) as client:
        for name in client.keys("postroom:web:session:*"):
            client.delete(name)
    page = signed_in.open("/emails")

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
