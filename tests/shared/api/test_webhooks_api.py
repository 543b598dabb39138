"""Webhooks through the API: made, tried, edited, removed, and what became of their deliveries."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import Sent, add_photo, await_a_waiter, table, value
from tests.shared.api.described import assert_problem, routers, session_of
from tests.vaults import PASSWORD, SECRET, Somebody, client, forget, somebody

from photovault import db, deliveries, posting, queues, sessions, throttles, tokens, users, webhooks
from photovault.api import webhooks as route
from photovault.errors import Misconfigured, Unavailable
from photovault.settings import get_settings

pytestmark = pytest.mark.usefixtures("vault", "sent")

URL = "https://hooks.example/photovault"


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def ada() -> Somebody:
    return somebody()


def make(http: TestClient, who: Somebody, *, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    wanted = {"url": URL, "events": ["image.ready"], "proof": who.proof} | body
    answer = http.post("/webhooks", json=wanted, headers=who.headers | (headers or {}))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def got(http: TestClient, who: Somebody, path: str) -> dict[str, Any]:
    answer = http.get(path, headers=who.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kinds(who: Somebody) -> list[str]:
    return [row[0] for row in table(who.user_id, "SELECT kind FROM activity ORDER BY id")]


def test_a_webhook_is_made_and_its_secret_told_once(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada, events=["image.ready", "album.changed", "image.ready"], description="Home")
    webhook = made["webhook"]
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    assert (webhook["url"], webhook["events"]) == (URL, ["image.ready", "album.changed"])
    assert (webhook["active"], webhook["description"], webhook["stopped_because"]) == (True, "Home", None)
    assert got(http, ada, f"/webhooks/{webhook['id']}") == webhook
    assert got(http, ada, "/webhooks")["items"] == [webhook]
    assert made["secret"] not in http.get("/webhooks", headers=ada.headers).text
    assert kinds(ada) == ["webhook-created"]


def test_a_request_that_is_repeated_makes_one_webhook(http: TestClient, ada: Somebody) -> None:
    first = make(http, ada, headers={"Idempotency-Key": "one"})
    again = make(http, ada, headers={"Idempotency-Key": "one"})
    assert again == {"webhook": first["webhook"], "secret": None}
    assert len(got(http, ada, "/webhooks")["items"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hooks.example/"}, {"url": "https://127.0.0.1/"}, {"url": "https://10.0.0.1/"},
        {"url": "https://[::1]/"}, {"url": "https://hooks.example:22/"}, {"url": "https://a:b@hooks.example/"},
        {"url": "https://hooks.example/\x00"}, {"url": ""}, {"url": "https://hooks.example/" + "a" * 2000},
        {"events": []}, {"events": ["photo.seen"]}, {"events": "image.ready"}, {"description": "d" * 201},
        {"secret": "mine"},
    ],
    ids=lambda wrong: str(wrong)[:60],
)  # fmt: skip
def test_what_cannot_be_a_webhook_is_refused_by_name(http: TestClient, ada: Somebody, wrong: dict[str, Any]) -> None:
    body = {"url": URL, "events": ["image.ready"], "proof": ada.proof} | wrong
    answer = http.post("/webhooks", json=body, headers=ada.headers)
    assert answer.status_code == 422, answer.text
    assert assert_problem(answer)["errors"][0]["field"].startswith(next(iter(wrong)))
    assert got(http, ada, "/webhooks")["items"] == []


def test_there_is_a_bound_to_how_many(http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST", 2)
    for _ in range(2):
        make(http, ada)
    wanted = {"url": URL, "events": ["image.ready"], "proof": ada.proof}
    answer = http.post("/webhooks", json=wanted, headers=ada.headers)
    assert answer.status_code == 409


def test_an_address_is_changed_and_the_secret_stays(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada)
    path = f"/webhooks/{made['webhook']['id']}"
    other = "https://other.example/x"
    edit = {"url": other, "events": ["album.changed"], "proof": ada.proof}
    answer = http.patch(path, json=edit, headers=ada.headers)
    assert (answer.json()["url"], answer.json()["events"]) == (other, ["album.changed"])
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        assert webhooks.secrets_of(conn, ada.user_id, row) == webhooks.Secrets(other, made["secret"])
    assert kinds(ada) == ["webhook-created", "webhook-moved"]
    refused = http.patch(path, json={"url": "https://10.0.0.1/", "proof": ada.proof}, headers=ada.headers)
    assert refused.status_code == 422
    assert got(http, ada, path)["url"] == other


# ------------------------------------------------------------------------------------------------- proving who it is


def wrong_proofs(who: Somebody) -> dict[str, str]:
    """What is no proof of this session, by what is wrong with it."""
    other, key, now = session_of(who), tokens.SigningKey.from_secret(SECRET), datetime.now(UTC)
    past = now - tokens.PROOF_LIFETIME - timedelta(seconds=1)
    theirs = {"user_id": who.user_id, "session_id": who.session_id}
    mixed = tokens.Kind(tokens.PROOF.type, tokens.ACCESS.audience, tokens.LIFETIME)
    stolen = tokens.SigningKey.from_secret("a secret that is not the one of this vault")
    return {
        "nothing": "",
        "garbage": "a.b.c",
        "the access token": who.access_token,
        "of the other audience": tokens.sign(key, **theirs, now=now, kind=mixed),
        "another session's": other.proof,
        "somebody else's": somebody().proof,
        "past": tokens.sign(key, **theirs, now=past, kind=tokens.PROOF),
        "signed with a key of nobody": tokens.sign(stolen, **theirs, now=now, kind=tokens.PROOF),
        "too long": "a" * 2001,
    }  # fmt: skip


def test_whoever_finds_an_open_browser_makes_moves_and_rotates_nothing(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada)
    path = f"/webhooks/{made['webhook']['id']}"
    before = table(ada.user_id, "SELECT sealed, description FROM webhooks")
    for wrong, proof in wrong_proofs(ada).items():
        for method, place, body in (
            ("POST", "/webhooks", {"url": URL, "events": ["image.ready"]}),
            ("PATCH", path, {"url": "https://eve.example/", "description": "Eve"}),
            ("POST", f"{path}/secret", {}),
        ):
            refused = http.request(method, place, json=body | {"proof": proof}, headers=ada.headers)
            problem = assert_problem(refused)
            kind = (refused.status_code, problem["type"].rpartition("/")[2])
            assert kind == ((422, "invalid") if wrong == "too long" else (401, "proof-needed")), (wrong, place)
    lacking = http.patch(path, json={"url": "https://eve.example/"}, headers=ada.headers)
    assert assert_problem(lacking)["errors"][0]["field"] == "proof"
    assert table(ada.user_id, "SELECT sealed, description FROM webhooks") == before


def test_a_proof_is_no_access_token(http: TestClient, ada: Somebody) -> None:
    answer = http.get("/webhooks", headers={"Authorization": f"Bearer {ada.proof}"})
    assert answer.status_code == 401


def test_a_proof_is_given_for_the_password_and_ends_with_its_session(http: TestClient, ada: Somebody) -> None:
    refused = http.post("/auth/proof", json={"password": "wrong"}, headers=ada.headers)
    assert assert_problem(refused)["type"].endswith("/password-wrong")
    given = http.post("/auth/proof", json={"password": PASSWORD}, headers=ada.headers).json()
    assert given["expires_in"] == 300
    assert make(http, ada, proof=given["proof"])["secret"]
    assert make(http, ada, proof=given["proof"])["secret"], "until it is past"
    with db.transaction(ada.user_id) as conn:
        sessions.revoke(conn, ada.session_id, because="a test")
    wanted = {"url": URL, "events": ["image.ready"], "proof": given["proof"]}
    ended = http.post("/webhooks", json=wanted, headers=ada.headers)
    assert assert_problem(ended)["type"].endswith("/unauthenticated")


@pytest.mark.parametrize("what", ["made", "moved", "given another secret"])
def test_no_webhook_outlives_a_session_that_ended_while_it_waited(
    http: TestClient, ada: Somebody, database_url: str, what: str
) -> None:
    """Else who knew a password would queue behind the very request that changes it and removes all webhooks."""
    path = f"/webhooks/{make(http, ada)['webhook']['id']}"
    before = got(http, ada, path)
    method, where, body = {
        "made": ("POST", "/webhooks", {"url": URL, "events": ["image.ready"]}),
        "moved": ("PATCH", path, {"url": "https://other.example/"}),
        "given another secret": ("POST", path + "/secret", {}),
    }[what]
    with ThreadPoolExecutor(1) as pool:
        with db.transaction(ada.user_id) as conn:
            users.lock(conn)
            asked = pool.submit(http.request, method, where, json=body | {"proof": ada.proof}, headers=ada.headers)
            await_a_waiter(database_url)
            sessions.revoke(conn, ada.session_id, because="the password was changed")
        assert assert_problem(asked.result())["status"] == 401
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        kept = webhooks.secrets_of(conn, ada.user_id, row)
    assert (str(row.id), kept.url, kept.former) == (before["id"], URL, ())


def test_what_is_no_new_address_asks_for_nothing(http: TestClient, ada: Somebody) -> None:
    webhook = make(http, ada, description="Home")["webhook"]
    path = f"/webhooks/{webhook['id']}"
    edited = http.patch(path, json={"description": " The barn ", "events": ["album.changed"]}, headers=ada.headers)
    assert edited.json() == webhook | {"description": "The barn", "events": ["album.changed"]}
    assert http.patch(path, json={"description": None}, headers=ada.headers).json()["description"] is None


# ---------------------------------------------------------------------------------------------------- where it leads


@pytest.mark.parametrize(
    ("addresses", "why"),
    [
        (["10.0.0.7"], "leads to an address that is not of the public internet"),
        (["93.184.216.34", "127.0.0.1"], "leads to an address that is not of the public internet"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "names a host that nobody knows"),
        (UnicodeError("label too long"), "names a host that nobody knows"),
    ],
    ids=["inside", "half inside", "unknown", "no name"],
)
def test_a_name_that_leads_inside_or_nowhere_is_refused_when_it_is_typed(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch, addresses: Any, why: str
) -> None:
    made = make(http, ada)["webhook"]

    def resolve(host: str, port: int) -> list[str]:
        if isinstance(addresses, Exception):
            raise addresses
        found: list[str] = addresses
        return found

    monkeypatch.setattr(posting, "resolve", resolve)
    new = {"url": "https://other.example/", "proof": ada.proof}
    answers = [
        http.post("/webhooks", json=new | {"events": ["image.ready"]}, headers=ada.headers),
        http.patch(f"/webhooks/{made['id']}", json=new, headers=ada.headers),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert assert_problem(answer)["errors"] == [{"field": "url", "message": why}]
    assert got(http, ada, "/webhooks")["items"] == [made]


def test_a_name_server_that_is_away_is_no_reason(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(posting, "resolve", away)
    assert make(http, ada)["webhook"]["url"] == URL
    monkeypatch.setattr(posting, "LOOK_UP_SECONDS", 0.01)
    monkeypatch.setattr(posting, "resolve", lambda *_: time.sleep(0.5))
    assert make(http, ada)["webhook"]["url"] == URL


# ------------------------------------------------------------------------------------------------------ another secret


def rotate(http: TestClient, who: Somebody, path: str) -> Any:
    return http.post(f"{path}/secret", json={"proof": who.proof}, headers=who.headers)


def test_another_secret_signs_and_the_one_before_as_well_for_a_day(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada, description="Home")
    path = f"/webhooks/{made['webhook']['id']}"
    before = datetime.now(UTC)
    rotated = rotate(http, ada, path)
    assert rotated.status_code == 200, rotated.text
    webhook, secret = rotated.json()["webhook"], rotated.json()["secret"]
    until = datetime.fromisoformat(webhook["both_sign_until"])
    assert before + timedelta(hours=24) <= until <= datetime.now(UTC) + timedelta(hours=24)
    assert webhook | {"both_sign_until": None} == made["webhook"]
    assert got(http, ada, path) == webhook
    assert secret != made["secret"]
    assert secret not in http.get("/webhooks", headers=ada.headers).text
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        kept = webhooks.secrets_of(conn, ada.user_id, row)
    assert kept.signing(before) == [secret, made["secret"]]
    assert kept.signing(until) == [secret], "a day later"
    assert kept.both_until(until) is None
    assert made["secret"] not in repr(kept)
    assert kinds(ada) == ["webhook-created", "webhook-secret-changed"]


def test_another_address_keeps_the_secrets_that_sign(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada)
    path = f"/webhooks/{made['webhook']['id']}"
    secret = rotate(http, ada, path).json()["secret"]
    new = {"url": "https://other.example/", "proof": ada.proof}
    assert http.patch(path, json=new, headers=ada.headers).json()["both_sign_until"] is not None
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        kept = webhooks.secrets_of(conn, ada.user_id, row)
    assert (kept.url, kept.signing(datetime.now(UTC))) == ("https://other.example/", [secret, made["secret"]])


def test_secrets_that_have_not_ended_are_not_forgotten_for_newer_ones(http: TestClient, ada: Somebody) -> None:
    """Whoever changes it again because an answer was lost has a receiver that knows the first alone."""
    path = f"/webhooks/{make(http, ada)['webhook']['id']}"
    answers = [rotate(http, ada, path) for _ in range(webhooks.MOST_FORMER + 1)]
    assert [answer.status_code for answer in answers] == [200] * webhooks.MOST_FORMER + [409]
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        kept = webhooks.secrets_of(conn, ada.user_id, row)
    assert len(set(kept.signing(datetime.now(UTC)))) == webhooks.MOST_FORMER + 1
    later = kept.rotated(datetime.now(UTC) + timedelta(hours=25))
    assert [each.secret for each in later.former] == [kept.secret], "those that have ended make room"


# ----------------------------------------------------------------------------------------------------- off, on, removed


def test_a_webhook_is_switched_off_and_on(http: TestClient, ada: Somebody) -> None:
    webhook = make(http, ada)["webhook"]
    path = f"/webhooks/{webhook['id']}"
    delivery = http.post(f"{path}/test", headers=ada.headers).json()["delivery_id"]
    off = http.patch(path, json={"active": False}, headers=ada.headers).json()
    assert (off["active"], off["stopped_because"]) == (False, webhooks.BY_THE_PERSON)
    assert [item["state"] for item in got(http, ada, f"{path}/deliveries")["items"]] == ["failed"]
    assert http.post(f"{path}/test", headers=ada.headers).status_code == 409
    assert http.post(f"{path}/deliveries/{delivery}/redeliver", headers=ada.headers).status_code == 409
    add_photo(ada.user_id)
    on = http.patch(path, json={"active": True}, headers=ada.headers).json()
    assert on == webhook
    assert value(ada.user_id, "SELECT position = (SELECT revision FROM users) FROM webhooks"), "nothing is caught up on"


def test_a_webhook_is_removed_with_its_deliveries(http: TestClient, ada: Somebody) -> None:
    path = f"/webhooks/{make(http, ada)['webhook']['id']}"
    http.post(f"{path}/test", headers=ada.headers)
    assert http.delete(path, headers=ada.headers).status_code == 204
    assert http.delete(path, headers=ada.headers).status_code == 404
    assert table(ada.user_id, "SELECT id FROM webhook_deliveries") == []
    assert kinds(ada) == ["webhook-created", "webhook-removed"]


def test_a_test_is_asked_for_and_seen_among_the_deliveries(http: TestClient, ada: Somebody, sent: Sent) -> None:
    path = f"/webhooks/{make(http, ada)['webhook']['id']}"
    asked = http.post(f"{path}/test", headers=ada.headers)
    assert asked.status_code == 202
    delivery = asked.json()["delivery_id"]
    (item,) = got(http, ada, f"{path}/deliveries")["items"]
    assert (item["id"], item["event"], item["state"], item["attempts"]) == (delivery, "webhook.test", "waiting", 0)
    message = {"user_id": str(ada.user_id), "delivery_id": delivery, "attempts": 0, "at": None}
    assert sent.messages[-1] == ("webhooks_queue_url", message, 0)


def test_a_delivery_is_posted_again_as_often_as_one_likes(http: TestClient, ada: Somebody, sent: Sent) -> None:
    webhook = UUID(make(http, ada)["webhook"]["id"])
    with db.transaction(ada.user_id) as conn:
        (delivery,) = deliveries.add(conn, webhook, "image.ready", ["{}"])
        deliveries.record(conn, delivery, attempts=7, state="failed", status=500, trouble=None, next_attempt_at=None)
    path = f"/webhooks/{webhook}/deliveries/{delivery}/redeliver"
    for _ in range(2):
        assert http.post(path, headers=ada.headers).status_code == 202
        assert sent.messages[-1][1]["delivery_id"] == str(delivery)
    (item,) = got(http, ada, f"/webhooks/{webhook}/deliveries")["items"]
    assert (item["state"], item["attempts"]) == ("waiting", 0)
    other = make(http, ada)["webhook"]["id"]
    assert http.post(path.replace(str(webhook), other), headers=ada.headers).status_code == 404


def test_posts_by_hand_are_counted(http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/webhooks/{make(http, ada)['webhook']['id']}/test"
    monkeypatch.setattr(route, "BY_HAND", throttles.Bucket("webhook-posts", capacity=3, seconds=60))
    answers = [http.post(path, headers=ada.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_names_that_are_looked_up_by_hand_are_counted(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = make(http, ada)["webhook"]["id"]
    monkeypatch.setattr(route, "BY_HAND", throttles.Bucket("webhook-posts", capacity=3, seconds=60))
    edit = {"url": "https://other.example/", "proof": ada.proof}
    answers = [http.patch(f"/webhooks/{webhook}", json=edit, headers=ada.headers) for _ in range(3)]
    wanted = {"url": URL, "events": ["image.ready"], "proof": ada.proof}
    answers.append(http.post("/webhooks", json=wanted, headers=ada.headers))
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


def test_deliveries_come_page_by_page(http: TestClient, ada: Somebody) -> None:
    webhook = make(http, ada)["webhook"]["id"]
    with db.transaction(ada.user_id) as conn:
        made = deliveries.add(conn, UUID(webhook), "image.ready", ["{}"] * 5)
    seen: list[str] = []
    cursor = ""
    while True:
        page = got(http, ada, f"/webhooks/{webhook}/deliveries?limit=2{cursor}")
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [str(one) for one in reversed(made)]


def test_no_key_makes_or_reads_webhooks(http: TestClient, ada: Somebody) -> None:
    """Else one that is revoked would have left a listener behind."""
    body = {"name": "All", "scopes": ["exports:read", "photos:read", "account:read"], "password": PASSWORD}
    key = http.post("/auth/keys", json=body, headers=ada.headers).json()["secret"]
    for method, path in (("GET", "/webhooks"), ("POST", "/webhooks")):
        answer = http.request(
            method,
            path,
            json={"url": URL, "events": ["image.ready"], "proof": ada.proof} if method == "POST" else None,
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 403, path


# ------------------------------------------------------------------------------------------------------------ changes


def test_a_request_that_changes_an_album_wakes_the_webhooks(http: TestClient, ada: Somebody, sent: Sent) -> None:
    http.post("/albums/manual", json={"title": "Before"}, headers=ada.headers)
    assert [one for one in sent.messages if one[0] == "webhooks_queue_url"] == []
    make(http, ada, events=["album.changed"])
    http.post("/albums/manual", json={"title": "After"}, headers=ada.headers)
    assert sent.messages[-1] == ("webhooks_queue_url", {"user_id": str(ada.user_id)}, 10)


def test_a_queue_that_is_away_fails_no_request(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(http, ada, events=["album.changed"])

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("The queues cannot be reached right now; try again.")

    monkeypatch.setattr(queues, "send_webhooks", away)
    assert http.post("/albums/manual", json={"title": "A"}, headers=ada.headers).status_code == 201


# ------------------------------------------------------------------------------------------------------------- laptops


def test_a_laptop_may_have_its_receivers_on_itself(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = {"url": "http://127.0.0.1:5000/hook", "events": ["image.ready"], "proof": ada.proof}
    assert http.post("/webhooks", json=local, headers=ada.headers).status_code == 422
    monkeypatch.setenv("WEBHOOKS_TO_LOOPBACK", "true")
    get_settings.cache_clear()
    try:
        assert http.post("/webhooks", json=local, headers=ada.headers).status_code == 201
        monkeypatch.setenv("APP_ENV", "prod")
        get_settings.cache_clear()
        with pytest.raises(Misconfigured, match="WEBHOOKS_TO_LOOPBACK"):
            get_settings()
    finally:
        monkeypatch.undo()
        forget()
