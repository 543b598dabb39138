"""Sealed blobs as raw, authenticated files of a Cloudinary account: the free tier of a vault.

A plan limits the size of a file (10 MiB on the free one), so a larger blob is cut into parts, and its key says how:
``ab/cdef....3x10485760`` is three parts of 10 MiB, the last one shorter, stored under ``<key>.0`` to ``<key>.2``.
Whoever has the key knows the parts, whatever the settings say today. The last part is stored last and deleted first:
when it is there, all are.

The SDK uploads, deletes, lists and reports usage. Reads use the signed address that links use too, since Cloudinary
counts calls of its Admin API (500 an hour on the free plan) but not these. Links are signed here: the SDK stamps its
own with the second that they are made in, so that no cache would see one twice, and importing it takes a tenth of a
second. At the same instant the two are equal (tested).

Sources: Cloudinary's "Upload API reference", "Admin API reference", "Generating authentication signatures" and
"Control access to media", and the source of its Python SDK 1.46.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import quote_plus

from photovault.errors import BlobMissing, Conflict, PhotoVaultError, StorageUnavailable
from photovault.presigning import bucket_start
from photovault.storage import Link, Stored, check_key, cloudinary_http, new_key

if TYPE_CHECKING:
    import urllib3

MIB = 1024 * 1024

_CUT_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}\.([1-9][0-9]{0,5})x([1-9][0-9]{0,11})")
_PART = re.compile(rf"({_CUT_KEY.pattern})\.(?:0|[1-9][0-9]{{0,5}})")
# An account that is too large for one look is listed by the first two digits of the keys that the vault makes.
_DIGITS = "0123456789abcdef"
_SHARD = 2
_PAGE = 500  # the most that Cloudinary lists at once
_SPOOL_IN_MEMORY = 8 * MIB
# How long an address lives that the driver itself reads from, in seconds; clocks may differ by that much.
_OWN_TTL = 1800


@dataclass(frozen=True)
class Usage:
    """What the account has used, as Cloudinary reports it (some hours late), and what its plan allows.

    Sizes are in bytes, ``traffic`` is that of the last 30 days; ``None`` where the plan has no such limit.
    """

    plan: str
    stored: int
    traffic: int
    files: int
    credits: float | None
    credits_limit: float | None
    max_file_bytes: int | None


@dataclass(frozen=True)
class _Piece:
    """One file of a blob: its public id, and where its bytes begin and end in the blob."""

    public_id: str
    start: int
    stop: int


class CloudinaryDriver:
    """Files of one product environment ("cloud").

    ``upload_prefix`` is the API's address, another one for accounts in Europe or Asia; ``max_file_bytes`` the plan's
    limit for raw files. An answer is waited for ``read_timeout`` seconds, a connection ``connect_timeout``.
    """

    name = "cloudinary"

    def __init__(
        self,
        cloud_name: str,
        *,
        api_key: str,
        api_secret: str,
        upload_prefix: str = "https://api.cloudinary.com",
        max_file_bytes: int = 10 * MIB,
        signature_algorithm: Literal["sha1", "sha256"] = "sha1",
        connect_timeout: float = 3,
        read_timeout: float = 20,
    ) -> None:
        self._cloud_name = cloud_name
        self._api_key = api_key
        self._api_secret = api_secret
        self._upload_prefix = upload_prefix.rstrip("/")
        self._max_file_bytes = max_file_bytes
        self._algorithm = signature_algorithm
        self._timeouts = (connect_timeout, read_timeout)
        self._download = f"{self._upload_prefix}/v1_1/{cloud_name}/raw/download"

    def new_key(self, size: int) -> str:
        if size <= self._max_file_bytes:
            return new_key()
        return f"{new_key()}.{-(-size // self._max_file_bytes)}x{self._max_file_bytes}"

    def put(self, key: str, chunks: Iterable[bytes] | bytes, *, size: int) -> None:
        """See ``Driver``. An empty blob is a ``ValueError``: Cloudinary keeps no empty files, and nothing sealed is
        empty. So is a key that ``new_key`` did not make for this size."""
        check_key(key)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY) as body:
            _spool([chunks] if isinstance(chunks, bytes) else chunks, body, size)
            stored: list[str] = []
            try:
                for piece in self._pieces_to_put(key, size):
                    data = body.read(piece.stop - piece.start)
                    if self._upload(piece.public_id, data):
                        stored.append(piece.public_id)
            except Exception:
                # Only what this call surely stored itself; what may be left besides, orphan removal finds.
                with contextlib.suppress(PhotoVaultError):
                    for public_id in reversed(stored):
                        self._destroy(public_id)
                raise

    def get(self, key: str, *, at_most: int | None = None) -> bytes:
        data: list[bytes] = []
        room = at_most
        for public_id in _public_ids(check_key(key)):
            data.append(self._read(public_id, at_most=room))
            if room is not None:
                room -= len(data[-1])
                if room < 0:
                    break
        return data[0] if len(data) == 1 else b"".join(data)

    def read(self, key: str, offset: int, length: int) -> bytes:
        cut = _cut(check_key(key))
        if length == 0:
            return b""
        if cut is None:
            return self._read(key, offset, offset + length)
        parts, limit = cut
        found = bytearray()
        for index in range(offset // limit, min(parts, -(-(offset + length) // limit))):
            base = index * limit
            found += self._read(f"{key}.{index}", max(offset - base, 0), min(offset + length - base, limit))
        return bytes(found)

    def size(self, key: str) -> int | None:
        *others, last = _public_ids(check_key(key))
        cut = _cut(key)
        before = len(others) * cut[1] if cut else 0
        try:
            return before + cloudinary_http.length(self._own_address(last), timeout=self._timeout())
        except BlobMissing:
            return None

    def delete(self, key: str) -> None:
        for public_id in reversed(_public_ids(check_key(key))):
            self._destroy(public_id)

    def links(self, key: str, *, size: int, now: datetime, ttl: int) -> list[Link]:
        start = int(bucket_start(now, ttl).timestamp())
        return [
            Link(self._address(piece.public_id, start, start + ttl), piece.stop - piece.start)
            for piece in _pieces(check_key(key), size)
        ]

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """See ``Driver``. Of an account with more than 500 files, only those whose names begin with two hexadecimal
        digits, as all keys of the vault do, unless ``prefix`` asks for others. One shard of 256 is in memory.

        A blob whose parts are not all there is listed with the bytes that are.
        """
        page = self._page(prefix)
        if "next_cursor" in page and len(prefix) < _SHARD:
            for digit in _DIGITS:
                shard = prefix + digit
                if shard >= after[: len(shard)]:
                    yield from self.list(shard, after)
            return
        with cloudinary_http.understood():
            resources = [*page["resources"]]
            while "next_cursor" in page:
                page = self._page(prefix, page["next_cursor"])
                resources += page["resources"]
            found = sorted(_joined(resources), key=lambda each: each.key)
        for stored in found:
            if stored.key.startswith(prefix) and stored.key > after:
                yield stored

    def usage(self) -> Usage:
        """What the plan says. One call of the Admin API."""
        _, api = cloudinary_http.sdk()
        report = cloudinary_http.call(api.usage, **self._options())
        with cloudinary_http.understood():
            plan_credits = report.get("credits", {})
            return Usage(
                plan=str(report.get("plan", "unknown")),
                stored=int(report.get("storage", {}).get("usage", 0)),
                traffic=int(report.get("bandwidth", {}).get("usage", 0)),
                files=int(report.get("resources", 0)),
                credits=plan_credits.get("usage"),
                credits_limit=plan_credits.get("limit"),
                max_file_bytes=report.get("media_limits", {}).get("raw_max_size_bytes"),
            )

    def _pieces_to_put(self, key: str, size: int) -> Sequence[_Piece]:
        if size == 0:
            raise ValueError("Cloudinary keeps no empty files")
        pieces = _pieces(key, size)
        if _cut(key) is None and size > self._max_file_bytes:
            raise ValueError(f"a key without parts is not for a blob of {size} bytes; make one with new_key")
        return pieces

    def _upload(self, public_id: str, data: bytes) -> bool:
        """Store one file; whether this very call did, and not an earlier one whose answer was lost."""
        uploader, _ = cloudinary_http.sdk()
        answer = cloudinary_http.call(
            uploader.upload,
            ("blob", data),
            public_id=public_id,
            overwrite=False,
            backup=False,  # what is deleted must be gone
            upload_preset=None,
            **self._options(),
        )
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if answer.get("etag") == etag and answer.get("bytes") == len(data):
            return not answer.get("existing")
        if answer.get("existing"):
            raise Conflict("A stored file is written once, and this key is taken.")
        raise StorageUnavailable("The storage has other bytes than it was sent.")

    def _destroy(self, public_id: str) -> None:
        uploader, _ = cloudinary_http.sdk()
        answer = cloudinary_http.call(uploader.destroy, public_id, invalidate=True, **self._options())
        if answer.get("result") not in ("ok", "not found"):
            raise StorageUnavailable("The storage did not delete a file.")

    def _page(self, prefix: str, cursor: str | None = None) -> dict[str, Any]:
        """Some ``resources`` in whatever order, with a ``next_cursor`` when there are more."""
        _, api = cloudinary_http.sdk()
        return cloudinary_http.call(
            api.resources, prefix=prefix, max_results=_PAGE, next_cursor=cursor, **self._options()
        )

    def _read(self, public_id: str, start: int = 0, stop: int | None = None, *, at_most: int | None = None) -> bytes:
        try:
            return cloudinary_http.download(
                self._own_address(public_id), start=start, stop=stop, at_most=at_most, timeout=self._timeout()
            )
        except cloudinary_http.PastTheEnd:
            return b""

    def _own_address(self, public_id: str) -> str:
        now = int(datetime.now(UTC).timestamp())
        return self._address(public_id, now, now + _OWN_TTL)

    def _address(self, public_id: str, timestamp: int, expires_at: int) -> str:
        """Equal to the SDK's ``private_download_url``. Times are in seconds since 1970."""
        to_sign = (
            f"expires_at={expires_at}&public_id={public_id}&timestamp={timestamp}&type=authenticated{self._api_secret}"
        )
        signature = hashlib.new(self._algorithm, to_sign.encode()).hexdigest()
        return (
            f"{self._download}?timestamp={timestamp}&public_id={quote_plus(public_id)}&type=authenticated"
            f"&expires_at={expires_at}&signature={signature}&api_key={quote_plus(self._api_key)}"
        )

    def _options(self) -> dict[str, Any]:
        """What the SDK would otherwise take from its one configuration of the process, or from the environment."""
        return {
            "cloud_name": self._cloud_name,
            "api_key": self._api_key,
            "api_secret": self._api_secret,
            "oauth_token": None,
            "upload_prefix": self._upload_prefix,
            "signature_algorithm": self._algorithm,
            "signature_version": 2,
            "timeout": self._timeout(),
            "resource_type": "raw",
            "type": "authenticated",
        }

    def _timeout(self) -> urllib3.Timeout:
        import urllib3

        connect, read = self._timeouts
        return urllib3.Timeout(connect=connect, read=read)


def _cut(key: str) -> tuple[int, int] | None:
    """Into how many parts a blob is cut, and the bytes of each but the last; ``None`` for a blob in one file."""
    match = _CUT_KEY.fullmatch(key)
    return (int(match[1]), int(match[2])) if match else None


def _public_ids(key: str) -> list[str]:
    cut = _cut(key)
    return [key] if cut is None else [f"{key}.{index}" for index in range(cut[0])]


def _pieces(key: str, size: int) -> list[_Piece]:
    """The files of a blob of ``size`` bytes. Raises ``ValueError`` for a key that is cut for another size."""
    cut = _cut(key)
    if cut is None:
        return [_Piece(key, 0, size)]
    parts, limit = cut
    if -(-size // limit) != parts:
        raise ValueError(f"a key of {parts} parts of {limit} bytes is not for a blob of {size} bytes")
    edges = [*range(0, size, limit), size]
    return [_Piece(f"{key}.{index}", start, stop) for index, (start, stop) in enumerate(pairwise(edges))]


def _joined(resources: Iterable[dict[str, Any]]) -> Iterable[Stored]:
    """Files as the blobs that they are parts of, in no order. A blob is as young as its youngest part."""
    blobs: dict[str, Stored] = {}
    for resource in resources:
        part = _PART.fullmatch(resource["public_id"])
        key = part[1] if part else resource["public_id"]
        size, modified = int(resource["bytes"]), datetime.fromisoformat(resource["created_at"]).astimezone(UTC)
        if (other := blobs.get(key)) is None:
            blobs[key] = Stored(key, size, modified)
        else:
            blobs[key] = Stored(key, other.bytes + size, max(other.modified, modified))
    return blobs.values()


def _spool(chunks: Iterable[bytes], body: IO[bytes], size: int) -> None:
    """Write the chunks to ``body`` and rewind it. ``ValueError`` for another size."""
    written = sum(body.write(chunk) for chunk in chunks)
    if written != size:
        raise ValueError(f"the chunks have {written} bytes and not the {size} announced")
    body.seek(0)
