"""The settings in a real browser: account, log-in, storage, export, API keys, webhooks, and the end of an account.

Whatever asks for the password once more keeps what was typed when that was wrong, or nobody answered.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.arranging import Sent, table
from tests.web.accounts import HOSTILE, IN_A_BROWSER, MAY, PASSWORD, SCREENS, Account, check, log_in, offline
from tests.web.browser import Browser
from tests.web.conftest import Served

from photovault import accounts, api_keys, db, one_time_codes, second_factors, users, webhooks
from photovault.pipeline import webhooks as telling
from photovault.pipeline.messages import Attempt
from photovault.posting import Outcome

pytestmark = IN_A_BROWSER

# What is on each of them once it is there.
SHOWN = {
    "account": "Delete your account",
    "log-in": "Where you are logged in",
    "storage": "All of it, of 1 photo",
    "export": "Export everything",
    "api-keys": HOSTILE,
    "webhooks": HOSTILE,
}
DIALOG = "dialog[open] "
# What a page says: alerts, what stands at fields, statuses and toasts.
TEXT = "document.body.innerText"
CODES = "document.querySelectorAll('[aria-label=\"Recovery codes\"] code')"
IN_DIALOG = "document.querySelector('dialog[open]')"


def go(page: Browser, matter: str) -> None:
    """To a matter of the settings, on the page that is there."""
    page.says(f"location.hash = '#/settings/{matter}'")
    page.until(f"document.querySelector('nav[aria-label=Settings] [aria-current]')?.hash === '#/settings/{matter}'")
    page.until("!!document.querySelector('main section')")


def enter(page: Browser, ada: Account, matter: str) -> None:
    log_in(page, ada, f"#/settings/{matter}")
    page.until("!!document.querySelector('main section')")


def enter_with_code(page: Browser, ada: Account, secret: bytes, matter: str) -> str:
    """The same where log-in asks for a code; the code that is used up."""
    page.open("about:blank")
    page.open(f"{ada.served.address}/#/settings/{matter}")
    code = code_of(secret)
    pass_door(page, ada, code)
    page.until("!!document.querySelector('main section')")
    return code


def pass_door(page: Browser, ada: Account, code: str) -> None:
    page.until("!!document.querySelector('input[name=email]')")
    page.click("input[name=email]", times=3)
    page.type(ada.email)
    page.click("input[name=password]", times=3)
    page.type(PASSWORD)
    page.press("Enter")
    page.until("document.activeElement.name === 'code'")
    page.type(code)
    page.press("Enter")
    page.until("!!document.querySelector('header .brand')")


def leave(page: Browser) -> None:
    page.click("header [aria-label^='Account of']")
    page.click("[role=menuitem]:last-child")
    page.until("!!document.querySelector('input[name=email]')")


def field(label: str, inside: str = "main ") -> str:
    return f'{inside}.field:has(> label:text-is("{label}")) input'


def write(page: Browser, label: str, text: str, inside: str = "main ") -> None:
    """Put a text in the place of what is in a field."""
    page.click(field(label, inside), times=3)
    page.press("Delete")
    page.type(text)


def push(page: Browser, name: str, inside: str = "main ") -> None:
    page.click(f'{inside}button:has-text("{name}")')


def held(page: Browser, inside: str = "main") -> dict[str, str]:
    """What is in the fields, by their labels."""
    found: dict[str, str] = page.says(
        f"Object.fromEntries([...document.querySelectorAll('{inside} .field')].map((each) =>"
        " [each.querySelector('label').textContent, each.querySelector('input').value]))"
    )
    return found


def ticked(page: Browser, inside: str = "main") -> list[str]:
    found: list[str] = page.says(
        f"[...document.querySelectorAll('{inside} input[type=checkbox]:checked')].map((each) => each.value)"
    )
    return found


def wrong_at(page: Browser, label: str, sentence: str) -> None:
    """Wait until a sentence stands at a field, which has the focus."""
    page.until(
        f"document.activeElement.labels?.[0]?.textContent === {json.dumps(label)} && document.activeElement"
        f".closest('.field').querySelector('.wrong')?.textContent.includes({json.dumps(sentence)})"
    )


def alert(page: Browser, inside: str = "main") -> None:
    """Wait until a form says that nobody is there."""
    page.until(f"/offline|connection|reached/.test(document.querySelector('{inside} form [role=alert]')?.textContent)")


def says(page: Browser, text: str) -> None:
    page.until(f"{TEXT}.includes({json.dumps(text)})")


def give_key(who: Account, name: str) -> api_keys.Made:
    with db.transaction(who.id) as conn:
        users.lock(conn)
        return api_keys.add(conn, name=name, scopes=["account:read"], expires_at=None)


def give_webhook(who: Account, description: str) -> UUID:
    who.photo(taken=MAY)  # for the person's key
    with db.transaction(who.id) as conn:
        users.lock(conn)
        made, _ = webhooks.add(
            conn, who.id, url="https://hooks.example/", events=["image.ready"], description=description, position=0
        )
    return made


def let_time_pass(who: Account) -> None:
    """As if the codes that were taken had been of an hour ago."""
    with db.transaction(who.id) as conn:
        conn.execute("UPDATE second_factors SET last_step = 0")


def code_of(secret: bytes) -> str:
    return one_time_codes.code_at(secret, one_time_codes.step_of(datetime.now(UTC)))


def guard(who: Account) -> bytes:
    """Turn two-step log-in on; the authenticator's secret."""
    keys = accounts.sealing_keys()
    with db.transaction(who.id) as conn:
        users.lock(conn)
        secret = second_factors.begin(conn, who.id, keys)
        second_factors.confirm(conn, code_of(secret), keys, now=datetime.now(UTC))
    let_time_pass(who)
    return secret


def status_of(served: Served, token: str) -> int:
    return httpx.get(f"{served.address}/auth/verify", headers={"Authorization": f"Bearer {token}"}).status_code


# ------------------------------------------------------------------------------------------------------- all of them


@SCREENS
def test_every_page_of_the_settings_is_for_everybody(page: Browser, ada: Account, width: int, dark: bool) -> None:
    page.screen(width, 740, dark=dark)
    give_key(ada, HOSTILE)
    give_webhook(ada, HOSTILE)
    enter(page, ada, "account")
    for matter, text in SHOWN.items():
        go(page, matter)
        says(page, text)
        check(page)
    assert page.says("document.querySelectorAll('main script, main img[onerror]').length") == 0


# ----------------------------------------------------------------------------------------------------------- account


def test_a_name_and_an_address_are_changed_and_nothing_typed_is_lost(
    served: Served, page: Browser, ada: Account
) -> None:
    enter(page, ada, "account")
    write(page, "Your name", HOSTILE)
    offline(page, yes=True)
    push(page, "Save")
    alert(page)
    assert held(page)["Your name"] == HOSTILE
    offline(page, yes=False)
    push(page, "Save")
    says(page, "Your name is changed.")

    new = f"moved-{ada.email}"
    write(page, "Your e-mail address", new)
    write(page, "Your password", "not the password")
    push(page, "Change the address")
    wrong_at(page, "Your password", "The password is wrong.")
    assert held(page) == {"Your name": HOSTILE, "Your e-mail address": new, "Your password": "not the password"}
    eve = Account(served)
    write(page, "Your e-mail address", eve.email)
    write(page, "Your password", PASSWORD)
    push(page, "Change the address")
    wrong_at(page, "Your e-mail address", "already")
    write(page, "Your e-mail address", new)
    push(page, "Change the address")
    says(page, "Log in with the new address from now on.")
    assert "Your password" not in held(page)
    ada.email = new
    httpx.post(f"{served.address}/auth/login", json={"email": new, "password": PASSWORD}).raise_for_status()


def test_an_account_is_deleted_after_its_address_and_the_password(served: Served, page: Browser, ada: Account) -> None:
    page.screen(360, 740)
    enter(page, ada, "account")
    push(page, "Delete your account")
    page.until(f"!!{IN_DIALOG}")
    label = f"Type {ada.email} to say that you mean it"
    write(page, label, "somebody@example.com", DIALOG)
    write(page, "Your password", "not the password", DIALOG)
    assert page.says(f"[...{IN_DIALOG}.querySelectorAll('button')].at(-1).disabled")
    write(page, label, ada.email.upper(), DIALOG)
    check(page)
    push(page, "Delete everything", DIALOG)
    wrong_at(page, "Your password", "The password is wrong.")
    offline(page, yes=True)
    push(page, "Delete everything", DIALOG)
    alert(page, "dialog[open]")
    assert held(page, "dialog[open]") == {label: ada.email.upper(), "Your password": "not the password"}
    offline(page, yes=False)
    write(page, "Your password", PASSWORD, DIALOG)
    push(page, "Delete everything", DIALOG)
    page.until("!!document.querySelector('input[name=password]') && !document.querySelector('dialog[open]')")
    says(page, "Your account is deleted.")
    assert status_of(served, ada.headers["Authorization"].removeprefix("Bearer ")) == 401


# ------------------------------------------------------------------------------------------------------------ log-in


def test_another_password_says_what_goes_on_and_ends_it_where_that_is_ticked(
    served: Served, page: Browser, ada: Account
) -> None:
    key = give_key(ada, "The NAS")
    give_webhook(ada, "The barn")
    photo = ada.photo(taken=datetime(2025, 5, 1))
    body = {"image_ids": [str(photo)], "title": "The harvest"}
    httpx.post(f"{served.address}/shares", json=body, headers=ada.headers).raise_for_status()
    enter(page, ada, "log-in")
    says(page, "Revoke my API key (The NAS), too")
    says(page, "Remove my webhook (The barn), too")
    says(page, "End my shared link (The harvest), too")
    write(page, "The password now", "not the password")
    write(page, "The new password", "three words remembered")
    push(page, "Change the password")
    wrong_at(page, "The password now", "The password is wrong.")
    offline(page, yes=True)
    push(page, "Change the password")
    alert(page)
    offline(page, yes=False)
    assert held(page) | {"Your password": ""} == {
        "The password now": "not the password",
        "The new password": "three words remembered",
        "Your password": "",
    }
    write(page, "The password now", PASSWORD)
    push(page, "Change the password")
    says(page, "One other device is logged out. 1 API key, 1 webhook and 1 shared link go on.")
    assert held(page)["The new password"] == ""
    assert status_of(served, ada.headers["Authorization"].removeprefix("Bearer ")) == 401
    assert status_of(served, key.secret) == 200

    write(page, "The password now", "three words remembered")
    write(page, "The new password", PASSWORD)
    page.click("[name=revoke_api_keys]")
    page.click("[name=remove_webhooks]")
    page.click("[name=revoke_shares]")
    push(page, "Change the password")
    says(page, "1 API key, 1 webhook and 1 shared link ended with it.")
    page.until("!document.querySelector('[name=revoke_api_keys], [name=remove_webhooks], [name=revoke_shares]')")
    assert status_of(served, key.secret) == 401
    assert table(ada.id, "SELECT id FROM webhooks UNION SELECT id FROM shares WHERE revoked_at IS NULL") == []


def test_sessions_are_ended_one_by_one_and_all_but_this_one(served: Served, page: Browser, ada: Account) -> None:
    body = {"email": ada.email, "password": PASSWORD}
    agents = ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "photovault/1.0")
    for agent in agents:
        httpx.post(f"{served.address}/auth/login", json=body, headers={"User-Agent": agent}).raise_for_status()
    enter(page, ada, "log-in")
    rows = "[...document.querySelectorAll('main section')].at(-1).querySelectorAll('li')"
    page.until(f"{rows}.length === 4")
    offline(page, yes=True)
    page.click('main li:has-text("Firefox") button')
    page.until("/offline|reached/.test(document.body.innerText)")
    assert page.says(f"{rows}.length") == 4
    offline(page, yes=False)
    page.click('main li:has-text("Firefox") button')
    page.until(f"{rows}.length === 3")
    push(page, "Log out all others")
    page.until(f"{rows}.length === 1 && {rows}[0].textContent.includes('this one')")
    assert status_of(served, ada.headers["Authorization"].removeprefix("Bearer ")) == 401


def test_two_step_log_in_is_set_up_used_and_turned_off(served: Served, page: Browser, ada: Account) -> None:
    enter(page, ada, "log-in")
    write(page, "Your password", "not the password")
    push(page, "Set up")
    wrong_at(page, "Your password", "The password is wrong.")
    write(page, "Your password", PASSWORD)
    push(page, "Set up")
    page.until("!!document.querySelector('main svg[role=img], main [aria-label^=\"QR\"]')")
    check(page)
    shown = page.says("document.querySelector('input[aria-label=\"The secret\"]').value").replace(" ", "")
    secret = base64.b32decode(shown)
    write(page, "Code", "000000")
    push(page, "Turn on")
    wrong_at(page, "Code", "The code is wrong")
    assert shown == page.says("document.querySelector('input[aria-label=\"The secret\"]').value").replace(" ", "")
    write(page, "Code", code_of(secret))
    push(page, "Turn on")
    page.until(f"{CODES}.length === 10")
    codes = page.says(f"[...{CODES}].map((each) => each.textContent)")
    check(page)
    push(page, "I have kept them")
    says(page, "10 recovery codes are left.")

    for code in (lambda: codes[0], lambda: code_of(secret)):
        let_time_pass(ada)
        leave(page)
        pass_door(page, ada, code())

    go(page, "log-in")
    says(page, "9 recovery codes are left.")
    push(page, "Make new recovery codes")
    write(page, "Your password", PASSWORD, DIALOG)
    write(page, "Code", codes[0], DIALOG)
    push(page, "Make new ones", DIALOG)
    wrong_at(page, "Code", "The code is wrong")
    assert held(page, "dialog[open]") == {"Your password": PASSWORD, "Code": codes[0]}
    write(page, "Code", codes[1], DIALOG)
    push(page, "Make new ones", DIALOG)
    page.until(f"{CODES}.length === 10")
    renewed = page.says(f"{CODES}[0].textContent")
    push(page, "I have kept them")
    push(page, "Turn off")
    write(page, "Your password", PASSWORD, DIALOG)
    write(page, "Code", renewed, DIALOG)
    push(page, "Turn off", DIALOG)
    says(page, "Two-step log-in is off.")
    page.until("!document.querySelector('dialog[open]')")
    httpx.post(f"{served.address}/auth/login", json={"email": ada.email, "password": PASSWORD}).raise_for_status()


# ------------------------------------------------------------------------------------------------------------ storage


def test_storage_is_shown_and_looked_at_again_after_a_failure(served: Served, page: Browser, ada: Account) -> None:
    ada.photos(2, start=MAY)
    enter(page, ada, "account")
    go(page, "storage")
    page.until("!!document.querySelector('[role=meter]')")
    says(page, "All of it, of 2 photos")
    says(page, "are used")
    go(page, "account")
    offline(page, yes=True)
    go(page, "storage")
    page.until("!!document.querySelector('main [role=alert] button')")
    assert page.says("/offline|reached/.test(document.querySelector('main [role=alert]').textContent)")
    offline(page, yes=False)
    # Pages may try again by themselves, once the line is back.
    page.says("document.querySelector('main [role=alert] button')?.click()")
    page.until("!!document.querySelector('[role=meter]')")


# ---------------------------------------------------------------------------------------------------------- API keys


def test_a_key_is_made_after_the_password_and_shown_once(served: Served, page: Browser, ada: Account) -> None:
    enter(page, ada, "api-keys")
    says(page, "None yet.")
    write(page, "What it is for", HOSTILE)
    page.click("main input[value='photos:upload']")
    page.click("main input[value='account:read']")
    write(page, "Your password", "not the password")
    typed = {"What it is for": HOSTILE, "Your password": "not the password"}
    push(page, "Make a key")
    wrong_at(page, "Your password", "The password is wrong.")
    assert (held(page), ticked(page)) == (typed, ["photos:upload", "account:read"])
    offline(page, yes=True)
    push(page, "Make a key")
    alert(page)
    offline(page, yes=False)
    assert (held(page), ticked(page)) == (typed, ["photos:upload", "account:read"])
    assert table(ada.id, "SELECT id FROM api_keys") == []

    write(page, "Your password", PASSWORD)
    push(page, "Make a key")
    page.until("document.activeElement.getAttribute('aria-label') === 'The new key'")
    assert (held(page), ticked(page)) == ({"What it is for": "", "Your password": ""}, [])
    secret = page.says("document.querySelector('input[aria-label=\"The key\"]').value")
    assert status_of(served, secret) == 200
    page.screen(360, 740, dark=True)
    check(page)
    says(page, HOSTILE)
    push(page, "I have it")
    page.until("!document.querySelector('[aria-label=\"The new key\"]')")
    assert secret not in page.says("document.documentElement.outerHTML")

    page.click("main li button[aria-label^=Rename]")
    write(page, "What it is for", "The NAS", DIALOG)
    push(page, "Rename", DIALOG)
    page.until("document.querySelector('main li strong').textContent === 'The NAS'")
    page.click('main li button:has-text("Revoke")')
    push(page, "Revoke", DIALOG)
    says(page, "The key opens nothing any more.")
    assert status_of(served, secret) == 401


def test_two_step_log_in_asks_whoever_makes_a_key_for_a_code(served: Served, page: Browser, ada: Account) -> None:
    secret = guard(ada)
    used = enter_with_code(page, ada, secret, "api-keys")
    says(page, "None yet.")
    write(page, "What it is for", "A frame")
    page.click("main input[value='photos:read']")
    write(page, "Your password", PASSWORD)
    write(page, "Code", used)
    push(page, "Make a key")
    wrong_at(page, "Code", "was used already")
    assert (held(page)["What it is for"], ticked(page)) == ("A frame", ["photos:read"])
    let_time_pass(ada)
    write(page, "Code", code_of(secret))
    push(page, "Make a key")
    page.until("document.activeElement.getAttribute('aria-label') === 'The new key'")


# ---------------------------------------------------------------------------------------------------------- webhooks


@pytest.fixture
def answering(sent: Sent) -> Callable[[Outcome], list[dict[str, str]]]:
    """What takes the place of the queue and of the receiver: makes the attempts that were asked for."""

    def deliver(outcome: Outcome) -> list[dict[str, str]]:
        posted: list[dict[str, str]] = []

        def post(target: Any, body: str, headers: dict[str, str], **_: Any) -> Outcome:
            posted.append(dict(headers))
            return outcome

        for setting, body, _ in list(sent.messages):
            if setting == "webhooks_queue_url" and "delivery_id" in body:
                telling.attempt(Attempt(UUID(body["user_id"]), UUID(body["delivery_id"]), body["attempts"]), post=post)
        sent.messages.clear()
        return posted

    return deliver


def test_a_webhook_is_made_after_the_password_and_its_secret_shown_once(
    served: Served, page: Browser, ada: Account
) -> None:
    secret = guard(ada)
    enter_with_code(page, ada, secret, "webhooks")
    says(page, "None yet.")
    write(page, "Address to post to", "https://10.0.0.7/hook")
    write(page, "What it is for, if you like", HOSTILE)
    page.click("main input[value='person.changed']")
    write(page, "Your password", "not the password")
    let_time_pass(ada)
    write(page, "Code", code_of(secret))
    push(page, "Make a webhook")
    page.until("!!document.querySelector('main .wrong')")
    before, chosen = held(page), ticked(page)
    assert before["What it is for, if you like"] == HOSTILE
    write(page, "Your password", PASSWORD)
    push(page, "Make a webhook")
    wrong_at(page, "Address to post to", "not of the public internet")
    assert (held(page), ticked(page)) == (before | {"Your password": PASSWORD}, chosen)
    offline(page, yes=True)
    push(page, "Make a webhook")
    alert(page)
    offline(page, yes=False)
    # The code was used up, and nobody is asked for another one.
    write(page, "Address to post to", "https://hooks.example/photovault")
    push(page, "Make a webhook")
    page.until("document.activeElement.getAttribute('aria-label') === \"The new webhook's secret\"")
    assert page.says("document.querySelector('input[aria-label=\"The secret\"]').value").startswith("whsec_")
    assert set(held(page).values()) == {""}
    says(page, HOSTILE)


def test_a_webhook_is_edited_and_asks_for_the_password_where_it_moves(
    served: Served, page: Browser, ada: Account
) -> None:
    give_webhook(ada, "The barn")
    enter(page, ada, "webhooks")
    push(page, "Edit")
    assert held(page, "dialog[open]") == {
        "Address to post to": "https://hooks.example/",
        "What it is for, if you like": "The barn",
    }
    write(page, "What it is for, if you like", HOSTILE, DIALOG)
    page.click(f"{DIALOG}input[value='album.changed']")
    push(page, "Save", DIALOG)
    page.until(f"!{IN_DIALOG}")
    assert page.says("document.querySelector('main li strong').textContent") == HOSTILE

    push(page, "Edit")
    write(page, "Address to post to", "https://other.example/hook", DIALOG)
    write(page, "Your password", "not the password", DIALOG)
    push(page, "Save", DIALOG)
    wrong_at(page, "Your password", "The password is wrong.")
    offline(page, yes=True)
    push(page, "Save", DIALOG)
    alert(page, "dialog[open]")
    offline(page, yes=False)
    assert held(page, "dialog[open]")["Address to post to"] == "https://other.example/hook"
    page.screen(360, 740)
    check(page)
    write(page, "Your password", PASSWORD, DIALOG)
    push(page, "Save", DIALOG)
    page.until(f"!{IN_DIALOG} && document.querySelector('main li .url').textContent === 'https://other.example/hook'")


def test_a_webhook_is_tried_given_another_secret_paused_and_removed(
    served: Served, page: Browser, ada: Account, answering: Callable[[Outcome], list[dict[str, str]]]
) -> None:
    give_webhook(ada, "The barn")
    enter(page, ada, "webhooks")
    push(page, "Test")
    page.until("document.querySelectorAll('main .deliveries li').length === 1")
    answering(Outcome(status=503))
    says(page, "Not yet, the answer was 503")
    page.click('main .deliveries button:has-text("Post again")')
    page.until("!document.querySelector('main .deliveries').textContent.includes('503')")
    answering(Outcome(status=204))
    says(page, "Arrived.")

    push(page, "New secret")
    write(page, "Your password", "not the password", DIALOG)
    push(page, "Make it", DIALOG)
    wrong_at(page, "Your password", "The password is wrong.")
    page.screen(360, 740, dark=True)
    check(page)
    write(page, "Your password", PASSWORD, DIALOG)
    push(page, "Make it", DIALOG)
    page.until("document.activeElement.getAttribute('aria-label') === 'The new secret'")
    says(page, "The secret before this one signs as well until")
    check(page)
    push(page, "I have it")
    push(page, "Test")
    page.until("document.querySelectorAll('main .deliveries li').length === 2")
    (headers,) = answering(Outcome(status=204))
    assert len(headers["webhook-signature"].split(" ")) == 2

    push(page, "Pause")
    says(page, "It is off.")
    push(page, "Switch on")
    page.until("!document.querySelector('main').textContent.includes('It is off.')")
    push(page, "Remove")
    push(page, "Remove", DIALOG)
    says(page, "None yet.")
    assert table(ada.id, "SELECT id FROM webhooks") == []
