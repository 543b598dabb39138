"""The staging bucket: where uploads arrive, and where plaintext may rest for minutes and no longer.

Keys of uploads are ``incoming/{user_id}/{image_id}`` and nothing else: made of identifiers, they never need escaping.
Beside them lie ``outgoing/`` copies and empty objects that tell maintenance of work, which looks here anyway:
``away/{driver}`` says that blobs wait to be brought home to that driver, ``erasing/{user_id}`` that the erasure of an
account is not finished.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from photovault import aws, presigning
from photovault.errors import PhotoVaultError, StorageUnavailable
from photovault.observability import logger
from photovault.settings import get_settings

INCOMING = "incoming/"
OUTGOING = "outgoing/"
# The name of the blob that a sealed upload is, which its key is bound to.
UPLOAD = "upload"
AWAY = "away/"
ERASING = "erasing/"
PURGING = "purging/"


@dataclass(frozen=True)
class Staged:
    """An object in staging; the ids are None when its key is not one of ours. ``etag`` tells two uploads apart."""

    key: str
    bytes: int
    modified: datetime
    user_id: UUID | None
    image_id: UUID | None
    etag: str = ""


def key_of(user_id: UUID, image_id: UUID) -> str:
    return f"{INCOMING}{user_id}/{image_id}"


def ids_of(key: str) -> tuple[UUID, UUID] | None:
    """The person and photo of an incoming key; None for any other key."""
    parts = key.removeprefix(INCOMING).split("/") if key.startswith(INCOMING) else []
    if len(parts) != 2:
        return None
    try:
        user_id, image_id = UUID(parts[0]), UUID(parts[1])
    except ValueError:
        return None
    return (user_id, image_id) if key == key_of(user_id, image_id) else None


def get(user_id: UUID, image_id: UUID, *, at_most: int) -> bytes | None:
    """The uploaded bytes, or None when nothing (any longer) is there.

    Reads ``at_most`` + 1 bytes, so that an object that outgrew its announcement costs no more memory than that.
    Raises ``StorageUnavailable``.
    """
    with _answering("The uploaded file cannot be read right now."):
        answer = _unless_absent("get_object", key_of(user_id, image_id))
        if answer is None:
            return None
        body: bytes = answer["Body"].read(at_most + 1)
        answer["Body"].close()
        expected = min(int(answer["ContentLength"]), at_most + 1)
    if len(body) != expected:
        # A read of a given length ends early without an error, and half a photo must not be taken for what was sent.
        raise StorageUnavailable("The uploaded file could be read in part only.")
    return body


def find(user_id: UUID, image_id: UUID) -> Staged | None:
    """What lies there for this photo, without its bytes. Raises ``StorageUnavailable``."""
    key = key_of(user_id, image_id)
    with _answering("The uploaded file cannot be looked at right now."):
        answer = _unless_absent("head_object", key)
    if answer is None:
        return None
    etag = answer.get("ETag", "")
    return Staged(key, int(answer["ContentLength"]), answer["LastModified"], user_id, image_id, etag)


def put(user_id: UUID, image_id: UUID, data: bytes, *, content_type: str, sha256_base64: str) -> None:
    """Upload for a client that sent its bytes to the API; S3 checks the checksum. Raises ``StorageUnavailable``."""
    with _answering("The file cannot be taken right now; try again."):
        aws.client("s3").put_object(
            Bucket=get_settings().require("staging_bucket"),
            Key=key_of(user_id, image_id),
            Body=data,
            ContentType=content_type,
            ChecksumSHA256=sha256_base64,
        )


def mark(key: str) -> None:
    """Leave an empty object for maintenance to find, or renew its date. Raises ``StorageUnavailable``."""
    with _answering("What is left to do cannot be noted right now."):
        aws.client("s3").put_object(Bucket=get_settings().require("staging_bucket"), Key=key, Body=b"")


def mark_away(driver: str) -> None:
    """Tell maintenance that blobs wait to be brought home to a driver. Where that fails, its daily pass finds them."""
    try:
        mark(AWAY + driver)
    except PhotoVaultError as error:
        logger().warning("storage.away_unmarked", extra={"home": driver, "why": error.detail})


def delete(key: str) -> None:
    """Remove an object; one that is gone already is fine. Raises ``StorageUnavailable``."""
    with _answering("The uploaded file cannot be removed right now."):
        aws.client("s3").delete_object(Bucket=get_settings().require("staging_bucket"), Key=key)


def objects(prefix: str = "") -> Iterator[Staged]:
    """Everything in staging, page by page, in the order of the keys."""
    pages = aws.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=get_settings().require("staging_bucket"), Prefix=prefix):
        for entry in page.get("Contents", []):
            user_id, image_id = ids_of(entry["Key"]) or (None, None)
            etag = entry.get("ETag", "")
            yield Staged(entry["Key"], entry["Size"], entry["LastModified"], user_id, image_id, etag)


def holds(user_id: UUID, image_id: UUID) -> bool:
    """Whether something lies there for this photo, asked by listing, for those who may not read it.

    Raises ``StorageUnavailable``.
    """
    wanted = key_of(user_id, image_id)
    with _answering("The uploaded files cannot be looked through right now."):
        return any(staged.key == wanted for staged in objects(wanted))


def lend(data: bytes, *, content_type: str, disposition: str, now: datetime) -> str:
    """Put an opened photo where a client can fetch it for five minutes, and return the address.

    For answers that do not fit the gateway. The sweeper removes it. Raises ``StorageUnavailable``.
    """
    settings = get_settings()
    key = f"{OUTGOING}{secrets.token_hex(16)}"
    with _answering("The photo cannot be handed out right now; try again."):
        aws.client("s3").put_object(
            Bucket=settings.require("staging_bucket"), Key=key, Body=data, ContentType=content_type
        )
    return presigning.presign_get(
        endpoint=settings.aws_endpoint_url,
        bucket=settings.require("staging_bucket"),
        key=key,
        region=settings.aws_region,
        credentials=aws.credentials(),
        now=now,
        expires_in=300,
        response_headers={
            "response-content-disposition": disposition,
            "response-cache-control": "private, no-store",
            "response-content-type": content_type,
        },
    )


@contextmanager
def _answering(otherwise: str) -> Iterator[None]:
    """Where S3 refuses or does not answer, that is ``StorageUnavailable`` with this sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable(otherwise) from error


def _unless_absent(operation: str, key: str) -> dict[str, Any] | None:
    """S3's answer about an object; None when there is none. One to HEAD has no words, and the status for a code."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = getattr(aws.client("s3"), operation)(
            Bucket=get_settings().require("staging_bucket"), Key=key
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        if code == "NoSuchKey" or (operation == "head_object" and code in {"NotFound", "404"}):
            return None
        raise
    return answer
