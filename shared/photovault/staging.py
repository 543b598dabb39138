"""The staging bucket: where uploads arrive, and where plaintext may rest for minutes and no longer.

Keys of uploads are ``incoming/{user_id}/{image_id}`` and nothing else: made of identifiers, they never need escaping.
Beside them lie ``outgoing/`` copies and empty objects that tell maintenance of work, which looks here anyway:
``away/{driver}`` says that blobs wait to be brought home to that driver, ``erasing/{user_id}`` that the erasure of an
account is not finished.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = aws.client("s3").get_object(
            Bucket=get_settings().require("staging_bucket"), Key=key_of(user_id, image_id)
        )
        body: bytes = answer["Body"].read(at_most + 1)
        answer["Body"].close()
        expected = min(int(answer["ContentLength"]), at_most + 1)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            return None
        raise StorageUnavailable("The uploaded file cannot be read right now.") from error
    except BotoCoreError as error:
        raise StorageUnavailable("The uploaded file cannot be read right now.") from error
    if len(body) != expected:
        # A read of a given length ends early without an error, and half a photo must not be taken for what was sent.
        raise StorageUnavailable("The uploaded file could be read in part only.")
    return body


def find(user_id: UUID, image_id: UUID) -> Staged | None:
    """What lies there for this photo, without its bytes. Raises ``StorageUnavailable``."""
    from botocore.exceptions import BotoCoreError, ClientError

    key = key_of(user_id, image_id)
    try:
        answer = aws.client("s3").head_object(Bucket=get_settings().require("staging_bucket"), Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "NotFound", "404"}:
            return None
        raise StorageUnavailable("The uploaded file cannot be looked at right now.") from error
    except BotoCoreError as error:
        raise StorageUnavailable("The uploaded file cannot be looked at right now.") from error
    etag = answer.get("ETag", "")
    return Staged(key, int(answer["ContentLength"]), answer["LastModified"], user_id, image_id, etag)


def put(user_id: UUID, image_id: UUID, data: bytes, *, content_type: str, sha256_base64: str) -> None:
    """Upload for a client that sent its bytes to the API; S3 checks the checksum. Raises ``StorageUnavailable``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client("s3").put_object(
            Bucket=get_settings().require("staging_bucket"),
            Key=key_of(user_id, image_id),
            Body=data,
            ContentType=content_type,
            ChecksumSHA256=sha256_base64,
        )
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable("The file cannot be taken right now; try again.") from error


def mark(key: str) -> None:
    """Leave an empty object for maintenance to find, or renew its date. Raises ``StorageUnavailable``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client("s3").put_object(Bucket=get_settings().require("staging_bucket"), Key=key, Body=b"")
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable("What is left to do cannot be noted right now.") from error


def mark_away(driver: str) -> None:
    """Tell maintenance that blobs wait to be brought home to a driver. Where that fails, its daily pass finds them."""
    try:
        mark(AWAY + driver)
    except PhotoVaultError as error:
        logger().warning("storage.away_unmarked", extra={"home": driver, "why": error.detail})


def delete(key: str) -> None:
    """Remove an object; one that is gone already is fine. Raises ``StorageUnavailable``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client("s3").delete_object(Bucket=get_settings().require("staging_bucket"), Key=key)
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable("The uploaded file cannot be removed right now.") from error


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
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = key_of(user_id, image_id)
    try:
        return any(staged.key == wanted for staged in objects(wanted))
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable("The uploaded files cannot be looked through right now.") from error


def lend(data: bytes, *, content_type: str, disposition: str, now: datetime) -> str:
    """Put an opened photo where a client can fetch it for five minutes, and return the address.

    For answers that do not fit the gateway. The sweeper removes it. Raises ``StorageUnavailable``.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    settings = get_settings()
    key = f"{OUTGOING}{secrets.token_hex(16)}"
    try:
        aws.client("s3").put_object(
            Bucket=settings.require("staging_bucket"), Key=key, Body=data, ContentType=content_type
        )
    except (ClientError, BotoCoreError) as error:
        raise StorageUnavailable("The photo cannot be handed out right now; try again.") from error
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
