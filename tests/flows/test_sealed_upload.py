"""Sealed uploads on the deployed template: nothing readable ever lies in staging, and everything arrives."""

from __future__ import annotations

import hashlib
import io
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from botocore.exceptions import BotoCoreError
from infra.local.pictures import draw
from PIL import Image
from tests.flows.test_way_of_a_photo import at_rest, staged, wait_until_staging_is_empty
from tests.flows.uploader import Client
from tests.flows.workshop import Workshop, announce, assert_finished_once, put, upload
from tests.local_cloud import Cloud
from tests.vaults import somebody

from photovault import sealing

PHOTOS = 12

# How the formats that the vault takes begin, and what metadata has inside. The latter is looked for everywhere: of six
# bytes or more, for four occur by chance once in a thousand runs.
MAGIC_NUMBERS = [b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"GIF8", b"II*\x00", b"MM\x00*"]
INSIDE = [b"ftypheic", b"ftypavif", b"JFIF\x00\x01", b"Exif\x00\x00", b"http://ns.adobe.com/xap"]


def readable(data: bytes, originals: Mapping[str, bytes]) -> list[str]:
    """What of a picture can be read in some stored bytes."""
    found = [f"begins with {magic!r}" for magic in MAGIC_NUMBERS if data.startswith(magic)]
    found += [f"holds {text!r}" for text in INSIDE if text in data]
    # Three places of each original: enough that no part of one could lie there unseen.
    for name, original in originals.items():
        places = (0, len(original) // 2, len(original) - 64)
        found += [f"holds bytes of {name}" for at in places if original[at : at + 64] in data]
    return found


class Watch:
    """Reads all that lies in staging but other people's uploads, which may be plain, again and again."""

    def __init__(self, cloud: Cloud, who: Client, originals: Mapping[str, bytes]) -> None:
        self.seen: set[str] = set()
        self.readable: list[str] = []
        self._cloud, self._who, self._originals, self._over = cloud, who, originals, threading.Event()

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        with ThreadPoolExecutor(1) as pool:
            watch = pool.submit(self._run)
            try:
                yield self
            finally:
                self._over.set()
                watch.result()

    def _run(self) -> None:
        s3, bucket = self._cloud.client("s3"), self._cloud.environment["STAGING_BUCKET"]
        looks = 0
        while not self._over.is_set() or not looks:
            looks += 1
            for key in staged(self._cloud, self._who):
                try:
                    data = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                except (s3.exceptions.NoSuchKey, BotoCoreError):  # deleted between the list and the end of the look
                    continue
                self.seen.add(key)
                self.readable += readable(data, self._originals)


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return {f"IMG_{n}.jpg": draw(700 + n, (1600, 1200), camera=("Canon", "EOS R5")) for n in range(PHOTOS)}


def test_nothing_readable_lies_in_staging_while_sealed_uploads_run(
    api_url: str, cloud: Cloud, pictures: dict[str, bytes]
) -> None:
    client = Client.sign_up(api_url)
    small = {"small.png": draw(720, (200, 150), format="PNG")}
    with Watch(cloud, client, pictures | small).watching() as watch:
        client.upload(pictures, sealed=True)
        answer = client.post("/images/upload", files={"file": ("small.png", small["small.png"], "image/png")})
        assert answer.status_code == 202, "this way is sealed by the API itself"
        photos = client.wait(PHOTOS + 1)
        wait_until_staging_is_empty(cloud, client)
    assert watch.readable == []
    assert len(watch.seen) > PHOTOS // 4, "the watch came too late to see anything"
    assert {photo["status"] for photo in photos.values()} == {"ready"}
    for name, data in (pictures | small).items():
        view = client.get(f"/images/{photos[name]['id']}/view", params={"rendition": "original"})
        assert view.content == data
    assert client.json("/dashboard/storage-analysis")["quota"]["used"] == sum(map(len, (pictures | small).values()))


def test_the_watch_would_notice_plaintext(api_url: str, cloud: Cloud) -> None:
    """A plain upload is what the test above looks for."""
    data = draw(730, (3000, 2000))
    client = Client.sign_up(api_url)
    (item,) = client.announce({"plain.jpg": data})
    with Watch(cloud, client, {"plain.jpg": data}).watching() as watch:
        deadline = time.monotonic() + 60
        while not watch.readable:
            assert time.monotonic() < deadline
            client.post_form(item["post"], data)  # again, should vision have been faster than the watch
    assert any("plain.jpg" in found for found in watch.readable)
    wait_until_staging_is_empty(cloud, client)


def test_a_sealed_photo_is_like_any_other_afterwards(api_url: str, cloud: Cloud) -> None:
    client = Client.sign_up(api_url)
    data = draw(740, (1600, 1200))
    (image_id,) = client.upload({"beach.jpg": data}, sealed=True).values()
    found = client.wait(1)["beach.jpg"]
    assert (found["id"], found["content_type"], found["bytes"]) == (image_id, "image/jpeg", len(data))
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    detail = client.json(f"/images/{image_id}")
    assert client.open_ticket(image_id, detail["tickets"]["original"]) == data
    thumbnail = Image.open(io.BytesIO(client.open_ticket(image_id, detail["tickets"]["thumbnail"])))
    assert min(thumbnail.size) == 320
    again = client.announce({"again.jpg": data}, sealed=True)
    assert [(item["state"], item["seal"]) for item in again] == [("duplicate", None)]
    assert not [found for stored in at_rest(cloud) for found in readable(stored, {"beach.jpg": data})]


def test_the_form_of_a_sealed_upload_takes_an_envelope_of_its_size_and_nothing_else(api_url: str) -> None:
    client = Client.sign_up(api_url)
    data = draw(750, (640, 480))
    (item,) = client.announce({"a.jpg": data}, sealed=True)
    envelope = client.seal(item["seal"], data)
    for wrong in (data, envelope + b"x", envelope[:-1]):
        answer = httpx.post(item["post"]["url"], data=item["post"]["fields"], files={"file": wrong}, timeout=30)
        assert 400 <= answer.status_code < 500
    for name, value in {"key": item["post"]["fields"]["key"][:-1] + "0", "Content-Type": "image/jpeg"}.items():
        fields = item["post"]["fields"] | {name: value}
        answer = httpx.post(item["post"]["url"], data=fields, files={"file": envelope}, timeout=30)
        assert 400 <= answer.status_code < 500
    client.post_form(item["post"], envelope)
    assert client.wait(1)["a.jpg"]["status"] == "ready"


def test_swapped_envelopes_are_thrown_away_and_both_photos_arrive_when_sent_right(api_url: str, cloud: Cloud) -> None:
    """Two files of one size, so that only their keys tell the forms' envelopes apart."""
    client = Client.sign_up(api_url)
    first = draw(760, (640, 480))
    second = first[:-2] + b"\x00" + first[-1:]
    files = {"first.jpg": first, "second.jpg": second}
    one, two = client.announce(files, sealed=True)
    client.post_form(one["post"], client.seal(two["seal"], second))
    client.post_form(two["post"], client.seal(one["seal"], first))
    wait_until_staging_is_empty(cloud, client)
    assert client.items("/images/list") == []
    storage = client.json("/dashboard/storage-analysis")["quota"]
    assert (storage["used"], storage["reserved"]) == (0, len(first) + len(second))
    assert client.upload(files, sealed=True) == {"first.jpg": one["image_id"], "second.jpg": two["image_id"]}
    photos = client.wait(2)
    for name, data in files.items():
        view = client.get(f"/images/{photos[name]['id']}/view", params={"rendition": "original"})
        assert view.content == data


def test_an_envelope_that_comes_again_leaves_nothing_behind(api_url: str, cloud: Cloud) -> None:
    client = Client.sign_up(api_url)
    data = draw(770, (640, 480))
    (item,) = client.announce({"replayed.jpg": data}, sealed=True)
    client.post_form(item["post"], client.seal(item["seal"], data))
    client.wait(1)
    for _ in range(3):
        client.post_form(item["post"], client.seal(item["seal"], data))  # the same form, each time under another salt
    wait_until_staging_is_empty(cloud, client)
    assert client.json("/dashboard/storage-analysis")["quota"]["used"] == len(data)


# ---- workers that die, race, and are delivered the same message again ------------------------------------------------


@pytest.mark.parametrize(
    "failpoint", ["sealer.before-store", "sealer.stored", "sealer.committed", "sealer.cleaned", "vision.stored"]
)
def test_vision_killed_anywhere_is_finished_by_the_next_delivery(workshop: Workshop, failpoint: str) -> None:
    ada = somebody()
    data = draw(len(failpoint), (800, 600))
    image_id = upload(ada, data, sealed=True)
    assert workshop.deliver("vision", ada, image_id, failpoint=failpoint) == -signal.SIGKILL
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert workshop.deliver("vision", ada, image_id) == 0
    assert_finished_once(workshop, ada, image_id, data)


def test_an_embedding_killed_before_vision_came_is_finished_by_the_next_delivery(workshop: Workshop) -> None:
    ada = somebody()
    data = draw(50, (800, 600))
    image_id = upload(ada, data, sealed=True)
    assert workshop.deliver("embedding", ada, image_id, failpoint="embedding.computed") == -signal.SIGKILL
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert workshop.deliver("vision", ada, image_id) == 0
    assert_finished_once(workshop, ada, image_id, data)


def test_sealed_and_plain_posts_of_one_photo_that_race_have_one_effect(workshop: Workshop) -> None:
    ada = somebody()
    data = draw(51, (800, 600))
    image_id = upload(ada, data, sealed=True)

    def deliver(step: str) -> Any:
        if step == "post":
            return put(ada, image_id, data)
        return workshop.deliver(step, ada, image_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, ["vision", "post", "embedding", "vision"]))
    workshop.deliver("vision", ada, image_id)  # a loser of the race may have gone back to its queue
    workshop.deliver("embedding", ada, image_id)
    assert_finished_once(workshop, ada, image_id, data)


def test_somebody_elses_envelope_of_the_same_file_is_thrown_away(workshop: Workshop) -> None:
    """Both announced the same bytes; each has a key of their own."""
    ada, eve = somebody(), somebody()
    data = draw(52, (800, 600))
    theirs = announce(eve, data, sealed=True).seal
    assert theirs is not None
    image_id = announce(ada, data, sealed=True).image_id
    put(ada, image_id, sealing.seal(data, key=theirs.key, address=theirs.address))
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert workshop.deliver("vision", ada, image_id) == 0
    assert upload(ada, data, sealed=True) == image_id
    assert workshop.deliver("vision", ada, image_id) == 0
    assert workshop.deliver("embedding", ada, image_id) == 0
    assert_finished_once(workshop, ada, image_id, data)
