"""Webhooks through the API: made, tried, edited, removed, and what became of their deliveries."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import Sent, add_photo, table, value
from tests.shared.api.described import assert_problem, routers
from tests.vaults import Somebody, client, forget, somebody

from photovault import db, deliveries, queues, throttles, webhooks
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
    wanted = {"url": URL, "events": ["image.ready"]} | body
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
    body = {"url": URL, "events": ["image.ready"]} | wrong
    answer = http.post("/webhooks", json=body, headers=ada.headers)
    assert answer.status_code == 422, answer.text
    assert assert_problem(answer)["errors"][0]["field"].startswith(next(iter(wrong)))
    assert got(http, ada, "/webhooks")["items"] == []


def test_there_is_a_bound_to_how_many(http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST", 2)
    for _ in range(2):
        make(http, ada)
    answer = http.post("/webhooks", json={"url": URL, "events": ["image.ready"]}, headers=ada.headers)
    assert answer.status_code == 409


def test_an_address_is_changed_and_the_secret_stays(http: TestClient, ada: Somebody) -> None:
    made = make(http, ada)
    path = f"/webhooks/{made['webhook']['id']}"
    other = "https://other.example/x"
    answer = http.patch(path, json={"url": other, "events": ["album.changed"]}, headers=ada.headers)
    assert (answer.json()["url"], answer.json()["events"]) == (other, ["album.changed"])
    with db.transaction(ada.user_id) as conn:
        (row,) = webhooks.all_of_person(conn)
        assert webhooks.secrets_of(conn, ada.user_id, row) == webhooks.Secrets(other, made["secret"])
    refused = http.patch(path, json={"url": "https://10.0.0.1/"}, headers=ada.headers)
    assert refused.status_code == 422
    assert got(http, ada, path)["url"] == other


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
    monkeypatch.setattr(route, "BY_HAND", throttles.Bucket("webhook-posts", capacity=2, seconds=60))
    path = f"/webhooks/{make(http, ada)['webhook']['id']}/test"
    answers = [http.post(path, headers=ada.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


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
    body = {"name": "All", "scopes": ["exports:read", "photos:read", "account:read"]}
    key = http.post("/auth/keys", json=body, headers=ada.headers).json()["secret"]
    for method, path in (("GET", "/webhooks"), ("POST", "/webhooks")):
        answer = http.request(
            method,
            path,
            json={"url": URL, "events": ["image.ready"]} if method == "POST" else None,
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
    local = {"url": "http://127.0.0.1:5000/hook", "events": ["image.ready"]}
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
