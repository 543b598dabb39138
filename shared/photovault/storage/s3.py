"""Sealed blobs in a private S3 bucket (or what speaks S3), encrypted once more at rest by S3 itself."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, Any

from photovault import presigning
from photovault.errors import BlobMissing, Conflict, Misconfigured, PhotoVaultError, StorageUnavailable
from photovault.storage import Link, Stored, check_key, new_key

# Up to here an upload waits in memory, above in a temporary file; it is ciphertext either way.
_SPOOL_IN_MEMORY = 8 * 1024 * 1024


class S3Driver:
    """Objects of one bucket. ``client`` gives the boto3 client, ``credentials`` what links are signed with.

    The caller's policy needs ``s3:ListBucket`` beside the rights on objects: without it S3 answers 403 for a key that
    is absent, and that is taken for an outage.
    """

    name = "s3"

    def __init__(
        self,
        bucket: str,
        *,
        region: str,
        endpoint: str | None,
        client: Callable[[], Any],
        credentials: Callable[[], presigning.Credentials],
    ) -> None:
        self._bucket = bucket
        self._region = region
        self._endpoint = endpoint
        self._client = client
        self._credentials = credentials

    def new_key(self, size: int) -> str:
        del size
        return new_key()

    def put(self, key: str, chunks: Iterable[bytes] | bytes, *, size: int) -> None:
        check_key(key)
        # The checksum travels in front of the body and a retry sends the body again, so the body is collected first.
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY) as body:
            checksum = _spool([chunks] if isinstance(chunks, bytes) else chunks, body, size)
            try:
                self._call(
                    "put_object",
                    Key=key,
                    Body=body,
                    ContentLength=size,
                    ChecksumSHA256=checksum,
                    ContentType="application/octet-stream",
                    CacheControl="private, max-age=31536000, immutable",
                    ServerSideEncryption="AES256",
                    IfNoneMatch="*",
                )
            except Conflict:
                # boto3's retry after a lost reply finds its own object in the way: that is a success.
                head = self._head(key)
                if head is None or head.get("ChecksumSHA256") != checksum:
                    raise

    def get(self, key: str, *, at_most: int | None = None) -> bytes:
        return self._fetch(check_key(key), None if at_most is None else at_most + 1)

    def read(self, key: str, offset: int, length: int) -> bytes:
        check_key(key)
        if length == 0:
            return b""
        try:
            return self._fetch(key, length, Range=f"bytes={offset}-{offset + length - 1}")
        except _PastTheEnd:
            return b""

    def size(self, key: str) -> int | None:
        head = self._head(check_key(key))
        return None if head is None else int(head["ContentLength"])

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=check_key(key))

    def links(self, key: str, *, size: int, now: datetime, ttl: int) -> list[Link]:
        url = presigning.presign_get(
            endpoint=self._endpoint,
            bucket=self._bucket,
            key=check_key(key),
            region=self._region,
            credentials=self._credentials(),
            now=presigning.bucket_start(now, ttl),
            expires_in=ttl,
        )
        return [Link(url, size)]

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        position: dict[str, str] = {"StartAfter": after} if after else {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **position)
            for entry in page.get("Contents", ()):
                yield Stored(entry["Key"], entry["Size"], entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            position = {"ContinuationToken": page["NextContinuationToken"]}

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            head: dict[str, Any] = self._call("head_object", Key=key, ChecksumMode="ENABLED")
        except BlobMissing:
            self._call("head_bucket")  # an answer to HEAD has no words: the whole bucket may be what is missing
            return None
        return head

    def _fetch(self, key: str, most: int | None, **arguments: str) -> bytes:
        """The object, or what ``arguments`` ask of it: ``most`` bytes however many the storage sends."""

        def fetch(client: Any) -> bytes:
            answer = client.get_object(Bucket=self._bucket, Key=key, **arguments)
            data: bytes = answer["Body"].read(most)
            # A read of a given length ends early without an error.
            if most is not None and len(data) < min(most, answer.get("ContentLength", 0)):
                raise StorageUnavailable("A stored file could be read in part only.")
            answer["Body"].close()  # of a body that was read to its end, the connection is given back already
            return data

        found: bytes = self._guarded(fetch)
        return found

    def _call(self, operation: str, **arguments: Any) -> Any:
        return self._guarded(lambda client: getattr(client, operation)(Bucket=self._bucket, **arguments))

    def _guarded(self, action: Callable[[Any], Any]) -> Any:
        """``action(client)``, with what botocore raises told in the vault's own errors."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            return action(self._client())
        except ClientError as error:
            raise _as_ours(error.response, error.operation_name) from error
        except NoCredentialsError as error:
            raise Misconfigured("No AWS credentials were found. Set AWS_PROFILE, or run `aws configure`.") from error
        except BotoCoreError as error:
            raise StorageUnavailable from error


class _PastTheEnd(PhotoVaultError):
    """The range starts where the object has ended."""


def _as_ours(response: Any, operation: str) -> PhotoVaultError:
    """The error for S3's answer; an answer without a body has the status for a code.

    S3 gives such a 404 to HEAD alone: one to GET is of a proxy, or a wrong address.
    """
    code = response.get("Error", {}).get("Code", "unknown")
    if code == "NoSuchKey" or (code == "404" and operation == "HeadObject"):
        return BlobMissing("A stored file is not where it should be.")
    if code in {"PreconditionFailed", "412"}:
        return Conflict("A stored file is written once, and this key is taken.")
    if code in {"InvalidRange", "416"}:
        return _PastTheEnd()
    return StorageUnavailable(f"The storage answered {code}; try again.")


def _spool(chunks: Iterable[bytes], body: IO[bytes], size: int) -> str:
    """Write the chunks to ``body``, rewind it, return their SHA-256 as S3 wants it. ``ValueError`` for another size."""
    digest = hashlib.sha256()
    written = 0
    for chunk in chunks:
        digest.update(chunk)
        written += body.write(chunk)
    if written != size:
        raise ValueError(f"the chunks have {written} bytes and not the {size} announced")
    body.seek(0)
    return base64.b64encode(digest.digest()).decode()
