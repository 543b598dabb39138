"""HTTP to Cloudinary: one pool of connections, bounded waits, and every refusal told in the vault's own errors.

The SDK sends through here too (``sdk``), since its own pools cannot be told per call what a worker needs: they repeat
reads three times, 80 seconds against a server that hangs; they bound the *whole* sending of a file by the time-out for
connecting; and they log the addresses of what they repeat, which are signed.

Errors are raised ``from None``, because those of urllib3 and of the SDK quote addresses and request signatures.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from photovault.errors import BlobMissing, PhotoVaultError, StorageUnavailable
from photovault.observability import logger

if TYPE_CHECKING:
    import urllib3

T = TypeVar("T")

_PIECE = 1024 * 1024  # what is read and dropped at a time, in bytes
_MAX_ERROR_BYTES = 16 * 1024
_MAX_ANSWER_BYTES = 8 * 1024 * 1024  # of the API; a full page of a listing has half a megabyte
_MAX_REDIRECTS = 3
NOT_UNDERSTOOD = "The storage answered as no Cloudinary does; try again."


class PastTheEnd(PhotoVaultError):
    """The range starts where the file has ended."""


@lru_cache(maxsize=1)
def sdk() -> tuple[Any, Any]:
    """The SDK's modules ``uploader`` and ``api``, sending through this module's pool.

    Every function of them that the driver calls takes credentials, address and time-out per call.
    """
    from cloudinary import api, uploader
    from cloudinary.api_client import call_api

    uploader._http = call_api._http = _SdkTransport()
    return uploader, api


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    """``function`` of the SDK, with its errors told as the vault's. Returns Cloudinary's answer."""
    from cloudinary.exceptions import Error

    try:
        with understood():
            answer = function(*arguments, **options)
    except Error as error:
        # Refusals were raised by the transport. What is left: no connection, or an answer that is no JSON.
        reason = type(error.__context__ or error).__name__
        raise StorageUnavailable(f"The storage cannot be reached ({reason}); try again.") from None
    if not isinstance(answer, dict):
        raise StorageUnavailable(NOT_UNDERSTOOD)
    return answer


@contextmanager
def understood() -> Iterator[None]:
    """Around what reads an answer: one that is not built as Cloudinary's are is an outage, and no crash.

    Something in between may answer in its place, and then a fallback is to take the blob.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise StorageUnavailable(NOT_UNDERSTOOD) from None


def download(
    url: str, *, timeout: urllib3.Timeout, start: int = 0, stop: int | None = None, at_most: int | None = None
) -> bytes:
    """The bytes [start, stop) of a file, fewer at its end; to its end without ``stop``.

    A server that sends more is read no further than ``stop``, or one byte beyond ``at_most`` of them. Raises
    ``PastTheEnd`` where a server that knows ranges has nothing from ``start``, and ``StorageUnavailable`` for a body
    that ends early.
    """
    whole = start == 0 and stop is None
    most = at_most + 1 if at_most is not None else None if stop is None else stop - start

    def body_of(response: urllib3.BaseHTTPResponse) -> bytes:
        if response.status == 206:
            first, last, _ = _content_range(response)
            expected = last - first + 1
            if first != start or response.length_remaining not in {None, expected}:
                raise StorageUnavailable("The storage answered with another range than asked for.")
            wanted = expected if most is None else min(most, expected)
            data = _read(response, wanted)
            if len(data) != wanted:
                raise StorageUnavailable("The storage sent less than it said.")
            return data
        if response.length_remaining is None and not response.chunked:
            raise StorageUnavailable("The storage sent a file without saying where it ends.")
        for _ in _pieces(response, start):
            pass
        return _read(response, most)

    asked = {} if whole else {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}
    return _get(url, asked, timeout, body_of)


def length(url: str, *, timeout: urllib3.Timeout) -> int:
    """The length of a file in bytes, without reading it. Raises ``BlobMissing`` when there is none."""

    def total_of(response: urllib3.BaseHTTPResponse) -> int:
        total = response.length_remaining
        if response.status == 206:
            total = _content_range(response)[2]
            response.read()  # one byte, and the connection can be kept
        if total is None:
            raise StorageUnavailable("The storage does not say how long a file is.")
        return total

    try:
        return _get(url, {"Range": "bytes=0-0"}, timeout, total_of)
    except PastTheEnd:
        return 0


class _SdkTransport:
    """What the SDK takes for its urllib3 pool."""

    def request(
        self,
        *,
        method: str,
        url: str,
        fields: Any = None,
        headers: dict[str, str] | None = None,
        timeout: urllib3.Timeout | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        import urllib3

        headers = dict(headers or {})
        if fields:
            body, headers["Content-Type"] = urllib3.encode_multipart_formdata(fields)
        if body is not None:
            headers["Content-Length"] = str(len(body))

        def send() -> urllib3.BaseHTTPResponse:
            from urllib3 import HTTPResponse

            # Sent from a file, each block of 16 KiB has the time-out of connecting to itself. Bytes would have to
            # leave altogether within it: 10 MiB in 3 seconds, which few lines at home can do.
            response = _pool().request(
                method,
                url,
                body=None if body is None else io.BytesIO(body),
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                answer = _read(response, _MAX_ANSWER_BYTES + 1)
            finally:
                response.close()  # of a body that was read to its end, the connection is given back already
            if response.status >= 300:
                raise _refusal(response.status, response.headers, answer)
            if len(answer) > _MAX_ANSWER_BYTES:
                raise StorageUnavailable("The storage answers at such a length that it is not listened to.")
            return HTTPResponse(answer, headers=response.headers, status=response.status)

        return _once_more(send)


def _get(url: str, headers: dict[str, str], timeout: urllib3.Timeout, body_of: Callable[..., T]) -> T:
    """``body_of(response)`` of a successful GET; what it leaves unread is not fetched."""
    import urllib3

    def get() -> T:
        address = url
        for _ in range(1 + _MAX_REDIRECTS):
            response = _pool().request(
                "GET",
                address,
                headers={"Accept-Encoding": "identity", **headers},
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                if location := response.get_redirect_location():
                    address = _onward(address, location)
                    continue
                if response.status not in {200, 206}:
                    raise _refusal(response.status, response.headers, response.read(_MAX_ERROR_BYTES))
                return body_of(response)
            finally:
                # A body that was read to its end has given its connection back already, so this ends no other's.
                response.close()
        raise StorageUnavailable("The storage sends from address to address.")

    try:
        return _once_more(get)
    except urllib3.exceptions.HTTPError as error:
        raise StorageUnavailable(f"The storage cannot be reached ({type(error).__name__}); try again.") from None


def _onward(address: str, location: str) -> str:
    """Where a redirection leads. From https to https alone: what listens on plain HTTP within a network (metadata of
    machines, Lambda's own runtime) trusts whoever asks, and is not for a storage to send us to."""
    onward = urljoin(address, location)
    if not onward.startswith("https://") and not (onward.startswith("http://") and address.startswith("http://")):
        raise StorageUnavailable("The storage sends to an address that is not safe to follow.")
    return onward


def _read(response: urllib3.BaseHTTPResponse, length: int | None) -> bytes:
    """The next ``length`` bytes of the body, fewer only where it rightly ends; all of it without ``length``."""
    return response.read() if length is None else b"".join(_pieces(response, length))


def _pieces(response: urllib3.BaseHTTPResponse, length: int) -> Iterator[bytes]:
    """The next ``length`` bytes of the body, fewer only where it rightly ends.

    One ``read`` may return fewer at any time; only the empty one after it fails for a body that was cut.
    """
    while length and (piece := response.read(min(_PIECE, length))):
        length -= len(piece)
        yield piece


def _once_more(action: Callable[[], T]) -> T:
    """``action()``, done again when the connection broke: a kept one may have died unseen, and all we do may be
    repeated. Time-outs are not waited for twice, and a closed door is not knocked on twice."""
    from urllib3.exceptions import ProtocolError

    try:
        return action()
    except ProtocolError:
        return action()


@lru_cache(maxsize=1)
def _pool() -> urllib3.PoolManager:
    import certifi
    import urllib3

    return urllib3.PoolManager(maxsize=10, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where())


def _content_range(response: urllib3.BaseHTTPResponse) -> tuple[int, int, int | None]:
    """First byte, last byte, and the whole file's length if known, of a 206 (RFC 9110, section 14.4)."""
    match = re.fullmatch(
        r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", response.headers.get("Content-Range", "")
    )
    if match is None:
        raise StorageUnavailable("The storage answered with a range that it does not name.")
    return int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])


def _refusal(status: int, headers: Any, body: bytes) -> PhotoVaultError:
    """The error for an answer that is none. The operator reads in the log what a person is not told."""
    message = _message(body)
    if status == 404 and message is not None:  # one without Cloudinary's own words is of a proxy, or a wrong address
        return BlobMissing("A stored file is not where it should be.")
    if status == 416:
        return PastTheEnd()
    if status in {401, 403}:
        # Cloudinary's message repeats the API key and the request's signature, so it is left out.
        logger().error(
            "storage.credentials_refused",
            extra={
                "driver": "cloudinary",
                "status": status,
                "do": "Check CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET (in Cloudinary's "
                "console under API Keys), and CLOUDINARY_UPLOAD_PREFIX for an account outside the US.",
            },
        )
        return StorageUnavailable("The storage refuses the vault's credentials. Its operator has to correct them.", 60)
    if status in {420, 429}:
        after = headers.get("Retry-After", "")
        seconds = min(int(after), 3600) if re.fullmatch(r"[0-9]{1,9}", after) else 60
        logger().warning("storage.limit_reached", extra={"driver": "cloudinary", "status": status})
        return StorageUnavailable("The storage takes no more requests for now; try again later.", seconds)
    if status < 500:
        logger().error(
            "storage.refused", extra={"driver": "cloudinary", "status": status, "why": (message or "")[:200]}
        )
    return StorageUnavailable(f"The storage answered {status}; try again.")


def _message(body: bytes) -> str | None:
    """What Cloudinary says in an error, ``{"error": {"message": ...}}``; ``None`` when it is not Cloudinary's."""
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
