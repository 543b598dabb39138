"""Where sealed blobs rest: one small driver per kind of storage, chosen by ``STORAGE_DRIVER``.

Drivers move ciphertext and know nothing of keys, people or photos. Keys are random (``new_key``) and written once; the
row of an image records which driver holds which key.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from photovault.errors import Invalid, Misconfigured

# Segments that start with a letter, digit, dash or underscore: no "..", nothing hidden, nothing absolute.
_KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Stored:
    """One blob in a listing. ``bytes`` is its length, ``modified`` the instant it was stored."""

    key: str
    bytes: int
    modified: datetime


@dataclass(frozen=True)
class Link:
    """An address that one piece of a blob can be fetched from, and the piece's length in bytes."""

    url: str
    bytes: int


class Driver(Protocol):
    """What every storage can do.

    All methods raise ``StorageUnavailable`` when the storage cannot be reached or refuses, and ``Invalid`` for a key
    that no blob can have; ``get`` and ``read`` raise ``BlobMissing`` when there is no such blob.
    """

    name: str

    def new_key(self, size: int) -> str:
        """A key for a new blob of ``size`` bytes, with ``new_key`` of this package in it."""

    def put(self, key: str, chunks: Iterable[bytes] | bytes, *, size: int) -> None:
        """Store a blob of ``size`` bytes, all of it or nothing.

        Raises ``Conflict`` where the key is taken, and ``ValueError`` when the chunks do not add up to ``size``.
        """

    def get(self, key: str, *, at_most: int | None = None) -> bytes:
        """The whole blob. Of one that is larger than ``at_most`` bytes, some more than those and no more.

        So that a storage which answers with something endless costs no more memory than the blob itself.
        """

    def read(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer, or none, past the end."""

    def size(self, key: str) -> int | None:
        """The blob's length in bytes; ``None`` when there is none."""

    def delete(self, key: str) -> None:
        """Delete the blob; one that is absent is fine."""

    def links(self, key: str, *, size: int, now: datetime, ttl: int) -> Sequence[Link]:
        """Addresses that anyone may GET for ``ttl / 2`` to ``ttl`` seconds, made without asking the storage.

        One address, or those of a large blob's consecutive pieces; the lengths add up to ``size``. The same ones for
        ``ttl / 2`` seconds, so that HTTP caches work.
        """

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Blobs whose key starts with ``prefix`` and sorts after ``after``, in the order of their keys."""


def new_key() -> str:
    """A key for a new blob: 160 random bits in hexadecimal digits, the first two as a folder ("ab/cdef...")."""
    digits = secrets.token_hex(20)
    return f"{digits[:2]}/{digits[2:]}"


def is_new_key(key: str) -> bool:
    """Whether a driver's ``new_key`` may have made it: other files that lie in the same place are not ours to touch."""
    return re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{38}(?:\.[1-9][0-9]{0,5}x[1-9][0-9]{0,11})?", key) is not None


def check_key(key: str) -> str:
    """The key itself, when a blob can have it. Raises ``Invalid``."""
    if len(key) > 512 or not _KEY.fullmatch(key):
        raise Invalid("This is not the key of a stored file.")
    return key


@lru_cache
def driver(name: str) -> Driver:
    """The process's driver of that name. Raises ``Misconfigured`` when the settings do not allow it."""
    from photovault.settings import DRIVERS, get_settings

    settings = get_settings()
    if name == "local":
        from photovault.storage.local import LocalDriver

        root = settings.require("storage_root")
        _refuse_perishable(root)
        return LocalDriver(root, public_url=settings.public_url, signing_keys=_signing_keys)
    if name == "s3":
        from photovault import aws
        from photovault.storage.s3 import S3Driver

        return S3Driver(
            settings.require("vault_bucket"),
            region=settings.aws_region,
            endpoint=settings.aws_endpoint_url,
            client=lambda: aws.client("s3"),
            credentials=aws.credentials,
        )
    if name == "cloudinary":
        from photovault.storage.cloudinary import CloudinaryDriver

        return CloudinaryDriver(
            settings.require("cloudinary_cloud_name"),
            api_key=settings.require("cloudinary_api_key"),
            api_secret=settings.require("cloudinary_api_secret"),
            upload_prefix=settings.cloudinary_upload_prefix,
            max_file_bytes=settings.cloudinary_max_file_bytes,
        )
    raise Misconfigured(f"STORAGE_DRIVER={name} cannot be used. Set it to one of: {', '.join(DRIVERS)}.")


def verify_local_url(key: str, expires: int, signature: str, now: datetime) -> None:
    """Check what ``LocalDriver.links`` put in its query. Raises ``Forbidden`` when it is forged or past."""
    from photovault.storage import local

    local.verify_url(key, expires=expires, signature=signature, now=now, signing_keys=_signing_keys())


def _signing_keys() -> Sequence[bytes]:
    from photovault.settings import get_settings

    settings = get_settings()
    settings.require("master_key")
    return _derived_signing_keys(tuple(settings.master_keys))


@lru_cache(maxsize=1)
def _derived_signing_keys(master_keys: tuple[str, ...]) -> Sequence[bytes]:
    from photovault.keys import MasterKeys
    from photovault.storage.local import URL_PURPOSE

    return MasterKeys(master_keys).derive_all(URL_PURPOSE)


def _refuse_perishable(root: str) -> None:
    """On Lambda only a mounted file system outlives the function; its own disk would lose every photo."""
    on_lambda = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") and not os.environ.get("AWS_ENDPOINT_URL")
    if on_lambda and not Path(os.path.normpath(root)).is_relative_to("/mnt"):
        raise Misconfigured(
            "STORAGE_DRIVER=local keeps nothing on Lambda's own disk. Mount EFS and set STORAGE_ROOT to a folder "
            "under /mnt, or set STORAGE_DRIVER=s3."
        )
