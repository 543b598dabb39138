"""A page of 100 tickets against boto3, which only presigns addresses, side by side in one run.

    python -m tests.benchmarks.bench_tickets

- the page: ``tickets.of_images`` and the answer's models, from rows that were read: each photo's content key is
  unwrapped (Fernet), the key of its thumbnail derived (HKDF), the address signed;
- the addresses alone: ``driver.links``.

Times are medians of rounds in which all take their turn, so that a busy machine slows them alike; read the ratios.
Every photo has a content key of its own, as in a vault. The person's key is in memory, as it is for five minutes. The
drivers have nothing but ``links``, so that any other call to the storage ends the run.

Aim: the page in at most a quarter of what boto3 needs to presign as many, and no call to the storage.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import UUID

import boto3
from botocore.config import Config

from photovault import blobs, ids, keyring, keys, presigning, storage, tickets
from photovault.api import presenting
from photovault.blobs import Blob
from photovault.images import Image
from photovault.storage.cloudinary import CloudinaryDriver
from photovault.storage.local import LocalDriver
from photovault.storage.s3 import S3Driver

PAGE = 100
ROUNDS = 31
BUCKET, REGION = "photovault-vault-123456789012", "eu-central-1"
# As on Lambda: a role's credentials, which come with a long session token.
CREDENTIALS = presigning.Credentials("ASIAEXAMPLEEXAMPLEX", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "t" * 900)
AIM = 0.25


@dataclass(frozen=True)
class OnlyLinks:
    """A driver that has nothing but addresses."""

    name: str
    links: Callable[..., Any]


def drivers(folder: str) -> dict[str, storage.Driver]:
    def refuse() -> Any:
        raise SystemExit("a ticket asked the storage")

    signing_keys = (os.urandom(32),)
    return {
        "s3": S3Driver(BUCKET, region=REGION, endpoint=None, client=refuse, credentials=lambda: CREDENTIALS),
        "local": LocalDriver(folder, public_url="https://photos.example", signing_keys=lambda: signing_keys),
        "cloudinary": CloudinaryDriver("photos", api_key="874837483274837", api_secret="a" * 27),
    }


def presigned_by_boto3(found: list[Blob]) -> Callable[[], object]:
    client = boto3.session.Session().client(
        "s3",
        region_name=REGION,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.session_token,
        config=Config(signature_version="s3v4"),
    )
    wanted = [{"Bucket": BUCKET, "Key": blob.key} for blob in found]
    return lambda: [client.generate_presigned_url("get_object", Params=each, ExpiresIn=1800) for each in wanted]


def photo(user_id: UUID, dek: bytes) -> Image:
    """A row with what tickets look at."""
    image_id = ids.new()
    wrapped = keys.wrap_content_key(dek, keys.new_content_key(), image_id=image_id)
    values: dict[str, Any] = {field.name: None for field in fields(Image)}
    return Image(**values | {"id": image_id, "user_id": user_id, "key_version": 1, "content_key": wrapped})


def thumbnail(image: Image, driver: str) -> Blob:
    return Blob(
        image.id, "thumbnail", driver, storage.new_key(), 20_101, bytes(32), os.urandom(32), 20_000, "image/jpeg"
    )


def milliseconds(actions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median of one call of each."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            start = time.process_time()
            action()
            times[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    user_id, dek = ids.new(), keys.new_dek()
    images = [photo(user_id, dek) for _ in range(PAGE)]
    actions: dict[str, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        made = drivers(folder)
        stocked = {name: [thumbnail(image, name) for image in images] for name in made}
        actions["boto3, addresses"] = presigned_by_boto3(stocked["s3"])

        def links(name: str) -> None:
            now = datetime.now(UTC)
            for blob in stocked[name]:
                made[name].links(blob.key, size=blob.size, now=now, ttl=tickets.TTL_SECONDS)

        def page(name: str) -> None:
            conn: Any = None  # nothing is asked of the database: the rows are here
            with mock.patch.object(blobs, "of_images", return_value=stocked[name]):
                found = tickets.of_images(conn, images, names=("thumbnail",), now=datetime.now(UTC))
            if len([presenting.ticket(each["thumbnail"]) for each in found.values()]) != PAGE:
                raise SystemExit("the page is not full")

        for name in made:
            actions[f"{name}, addresses"] = lambda name=name: links(name)
            actions[f"{name}, the page"] = lambda name=name: page(name)

        def known(*_: object) -> bytes:
            return dek

        only_links = {name: OnlyLinks(name, driver.links) for name, driver in made.items()}
        with (
            mock.patch.object(storage, "driver", only_links.__getitem__),
            mock.patch.object(keyring, "dek", known),
        ):
            took = milliseconds(actions)
    limit = took["boto3, addresses"]
    print(f"{PAGE} tickets: CPU ms, and times boto3's (aim for the page: {AIM}); calls to the storage: 0")
    for name, spent in took.items():
        print(f"  {name:22} {spent:8.2f} {spent / limit:8.3f}")


if __name__ == "__main__":
    main()
