"""Webhooks on the deployed template: a photo is uploaded, and a receiver on this machine is told, signed, and again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from infra.local.pictures import draw
from tests.flows.uploader import PASSWORD, Client
from tests.receivers import Received, Receiver, listening

from photovault import webhook_events

LISBON = (38.7139, -9.1394)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


def ids_of(posts: list[Received], event: str) -> set[str]:
    told = [json.loads(post.body) for post in posts]
    return {item["id"] for body in told if body["type"] == event for item in body["data"]["items"]}


def state(client: Client, path: str, delivery: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in client.items(path) if item["id"] == delivery)
    return found


def until_delivered(client: Client, path: str, delivery: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := state(client, path, delivery))["state"] == "waiting":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_a_receiver_is_told_of_photos_and_albums(api_url: str, receiver: Receiver) -> None:
    ada = Client.sign_up(api_url)
    url = f"http://127.0.0.1:{receiver.port}/hook"
    proof = ada.post("/auth/proof", {"password": PASSWORD}).json()["proof"]
    made = ada.post("/webhooks", {"url": url, "events": ["image.ready", "album.changed"], "proof": proof}).json()
    path = f"/webhooks/{made['webhook']['id']}/deliveries"

    receiver.answers = [503]  # a hiccup: the post comes again after some seconds
    test = ada.post(f"/webhooks/{made['webhook']['id']}/test").json()["delivery_id"]
    done = until_delivered(ada, path, test)
    assert (done["state"], done["attempts"], done["last_status"]) == ("delivered", 2, 204)
    assert [post.headers["webhook-id"] for post in receiver.posts] == [test, test]

    taken = datetime(2025, 5, 9, 10, 30)
    pictures = {f"secret{n}.jpg": draw(n, (640, 480), gps=LISBON, taken=taken, offset="+01:00") for n in range(3)}
    ada.upload(pictures)
    ada.wait(len(pictures))
    photos = {item["id"] for item in ada.items("/images/list")}
    assert receiver.wait_for(lambda posts: ids_of(posts, "image.ready") >= photos)
    ada.wait_for_albums()
    by_hand = ada.post("/albums/manual", {"title": "Secret", "image_ids": list(photos)}).json()["id"]
    albums = {item["id"] for item in ada.items("/albums/")}
    assert len(albums) > 1
    assert by_hand in albums
    assert receiver.wait_for(lambda posts: ids_of(posts, "album.changed") >= albums)

    rotated = ada.post(f"/webhooks/{made['webhook']['id']}/secret", {"proof": proof}).json()
    assert rotated["webhook"]["both_sign_until"] is not None
    last = ada.post(f"/webhooks/{made['webhook']['id']}/test").json()["delivery_id"]
    assert until_delivered(ada, path, last)["state"] == "delivered"
    for post in receiver.posts:
        secrets = [rotated["secret"], made["secret"]] if post.headers["webhook-id"] == last else [made["secret"]]
        expected = [
            webhook_events.signature(
                secret,
                post.headers["webhook-id"],
                int(post.headers["webhook-timestamp"]),
                post.body.decode(),
            )
            for secret in secrets
        ]
        assert post.headers["webhook-signature"].split(" ") == expected
        assert b"ecret" not in post.body

    changed = ada.json("/changes", limit=200)
    assert photos | albums <= {item["id"] for item in changed["items"] if not item["gone"]}
