"""A small HTTP client of our own API, for commands: log-in, patience, and opening what tickets lead to.

Requests that may be repeated are, when the connection fails or the server asks for patience. What the server refuses is
raised as the error of ``photovault.errors`` that the server itself raised.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from photovault import __version__, errors, sealing
from photovault.errors import BlobMissing, Forbidden, Invalid, PhotoVaultError, Tampered, Unauthenticated, Unavailable

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 6
LONGEST_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 60.0
PIECE = 64 * 1024
MOST_REDIRECTS = 5

_PATIENCE = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class Client:
    """One person at one server; a context manager.

    ``transport`` is for tests. ``sleep`` waits so many seconds.
    """

    def __init__(
        self,
        server: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises ``Invalid`` for what is no address of a server."""
        import httpx

        self.server = _address(server)
        self.user_id: UUID | None = None
        self._access_token = self._refresh_token = ""
        self._sleep = sleep
        agent = {"User-Agent": f"photovault/{__version__}", "Accept-Encoding": "identity"}
        self._http = httpx.Client(headers=agent, timeout=TIMEOUT_SECONDS, transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # ------------------------------------------------------------------------------------------------- sessions

    def log_in(self, email: str, password: str) -> None:
        """Begin a session. Raises ``Unauthenticated``, ``TooManyRequests``, ``Unavailable``."""
        self._take_session(self._sent("POST", "/auth/login", body={"email": email, "password": password}))

    def use_token(self, token: str) -> None:
        """Speak with an access token that somebody else got; it cannot be renewed here. Raises ``Unauthenticated``."""
        if not token.isascii() or not token.isprintable():
            raise Unauthenticated("This is not an access token.")
        self._access_token, self._refresh_token = token, ""
        self.user_id = UUID(self.json("GET", "/auth/verify")["user"]["id"])

    def log_out(self) -> None:
        """End the session; nothing when there is none."""
        if self._access_token:
            self.json("POST", "/auth/logout")
            self._access_token = self._refresh_token = ""

    def _take_session(self, answer: httpx.Response) -> None:
        body = _read(answer)
        self._access_token, self._refresh_token = body["access_token"], body["refresh_token"]
        self.user_id = UUID(body["user"]["id"])

    # ------------------------------------------------------------------------------------------------- requests

    def json(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What the API answers, None for an empty answer. The session is renewed when its token has expired.

        Raises what the server raised, and ``Unavailable`` when it does not answer.
        """
        options: dict[str, Any] = {"body": body, "params": params}
        try:
            return _read(self._sent(method, path, headers=self._authorized(headers), **options))
        except Unauthenticated:
            if not self._refresh_token:
                raise
        # Never repeated: a refresh token works once, and using it twice ends the session.
        token, self._refresh_token = self._refresh_token, ""
        self._take_session(self._sent("POST", "/auth/refresh", body={"refresh_token": token}))
        return _read(self._sent(method, path, headers=self._authorized(headers), **options))

    def create(self, path: str, body: object = None) -> Any:
        """A POST that makes something, at most once however often the connection fails."""
        return self.json("POST", path, body=body, headers={"Idempotency-Key": str(uuid4())})

    def items(self, path: str, *, limit: int = 200, **params: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, asked for page by page."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, params={**params, "limit": limit, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _authorized(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._access_token}", **(headers or {})}

    def _sent(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        headers = dict(headers or {})
        request = self._http.build_request(
            method, self.server + path, json=body, params=dict(params) if params else None, headers=headers
        )
        repeatable = method in _REPEATABLE or "Idempotency-Key" in headers
        answer = self._patiently(request, repeatable=repeatable)
        if answer.is_redirect:
            raise Unavailable(f"{self.server} sends elsewhere, to {answer.headers.get('location')}: use that address.")
        return answer

    def _patiently(self, request: httpx.Request, *, repeatable: bool, stream: bool = False) -> httpx.Response:
        """The answer to a request, sent again while the server asks for patience, or the connection fails."""
        import httpx

        for attempt in range(1, ATTEMPTS + 1):
            final = attempt == ATTEMPTS
            try:
                answer = self._http.send(request, stream=stream, follow_redirects=False)
            except httpx.TransportError as error:
                if final or not repeatable:
                    host = request.url.host
                    raise Unavailable(f"{host} cannot be reached ({error or type(error).__name__}).") from error
                self._sleep(_pause(attempt))
                continue
            except httpx.HTTPError as error:
                raise Unavailable(f"{request.url.host} does not answer as a server should ({error}).") from error
            # 429 says that nothing was done, the others do not.
            again = answer.status_code in _PATIENCE and (repeatable or answer.status_code == 429)
            wait = _retry_after(answer.headers.get("retry-after")) if again else None
            if not again or final or (wait is not None and wait > LONGEST_WAIT_SECONDS):
                return answer
            answer.close()
            self._sleep(_pause(attempt) if wait is None else wait)
        raise AssertionError("unreachable")

    # -------------------------------------------------------------------------------------------------- tickets

    @contextlib.contextmanager
    def opened(self, ticket: Mapping[str, Any], *, image_id: UUID) -> Iterator[sealing.Opener]:
        """Open the blob that a ticket of this photo leads to; read its ``chunks`` in the block.

        Holds a few MiB whatever the size. Raises ``Tampered``, ``Forbidden`` (the ticket has expired), ``BlobMissing``,
        ``Unavailable``.
        """
        if self.user_id is None:
            raise Unauthenticated
        source = Ciphertext(self, ticket)
        try:
            yield sealing.Opener(
                source.read,
                key=_ticket_key(ticket),
                address=_ticket_address(ticket, self.user_id, image_id),
                total=int(ticket["sealed_bytes"]),
                header_sha256=bytes.fromhex(ticket["header_sha256"]),
            )
        finally:
            source.close()

    def _fetched(self, url: str, *, start: int) -> httpx.Response:
        """The ciphertext at an address, from a byte on, still to be streamed. Without the session's token."""
        import httpx

        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            request = self._http.build_request("GET", url, headers=headers)
        except httpx.InvalidURL as error:
            raise Unavailable(f"A ticket leads to no address ({error}).") from None
        for _ in range(1 + MOST_REDIRECTS):
            if request.url.scheme not in {"http", "https"}:
                raise Unavailable("A ticket leads to no address.")
            answer = self._patiently(request, repeatable=True, stream=True)
            if answer.next_request is None:
                break
            answer.close()
            # What listens on plain HTTP at home (routers, printers) trusts whoever asks: no storage sends us there.
            if request.url.scheme == "https" and answer.next_request.url.scheme != "https":
                raise Unavailable("The storage sends to an address that is not safe to follow.")
            request = answer.next_request
        else:
            raise Unavailable("The storage sends from address to address.")
        if answer.status_code in {200, 206}:
            return answer
        answer.close()
        if answer.status_code in {404, 410}:
            raise BlobMissing("The storage does not have the sealed file.")
        if answer.status_code in {400, 401, 403}:
            raise Forbidden("The storage refuses the ticket; it may have expired.")
        raise Unavailable(f"The storage answers {answer.status_code}.")


class Ciphertext:
    """Reads a blob's ciphertext through its ticket. Reads that follow each other share one request."""

    def __init__(self, client: Client, ticket: Mapping[str, Any]) -> None:
        size = int(ticket["sealed_bytes"])
        parts = ticket.get("parts") or [{"url": ticket["url"], "bytes": size}]
        self._parts: list[tuple[int, int, str]] = []  # first byte, byte after the last, address
        at = 0
        for part in parts:
            self._parts.append((at, at + int(part["bytes"]), str(part["url"])))
            at += int(part["bytes"])
        self._client = client
        self._answer: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""
        self._at = 0
        self._until = 0

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer past the end. Raises as ``Client.opened`` does."""
        found = bytearray()
        stop = min(offset + length, self._parts[-1][1])
        while offset + len(found) < stop:
            found += self._next(offset + len(found), stop)
        return bytes(found)

    def close(self) -> None:
        import httpx

        if self._answer is not None:
            if self._at >= self._until and not self._rest:  # read to its end, the connection serves the next one too
                with contextlib.suppress(httpx.TransportError):
                    next(self._pieces, b"")
            self._answer.close()
            self._answer = None
        self._pieces, self._rest = iter(()), b""

    def _next(self, offset: int, stop: int) -> bytes:
        """Some bytes from ``offset``, at least one; a connection that breaks off is made anew from there."""
        import httpx

        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._answer is None or offset != self._at or offset >= self._until:
                    self._begin(offset)
                if not self._rest:
                    self._rest = next(self._pieces, b"")
            except httpx.TransportError:
                self._rest = b""
            if self._rest:
                taken, self._rest = self._rest[: stop - offset], self._rest[stop - offset :]
                # More than the part has is nobody's: the next part begins where it should.
                taken = taken[: self._until - offset]
                self._at = offset + len(taken)
                return taken
            self.close()
            if attempt < ATTEMPTS:
                self._client._sleep(_pause(attempt))
        raise Unavailable("The storage broke off again and again.")

    def _begin(self, offset: int) -> None:
        self.close()
        start, self._until, url = next(part for part in self._parts if part[0] <= offset < part[1])
        self._answer = self._client._fetched(url, start=offset - start)
        self._pieces = self._answer.iter_raw(PIECE)
        self._at = offset
        skipped = offset - start if self._answer.status_code == 200 else 0
        if self._answer.status_code == 206 and not _begins_at(
            self._answer.headers.get("content-range"), offset - start
        ):
            raise Unavailable("The storage answers with another range than it was asked for.")
        while skipped > 0 and (piece := next(self._pieces, b"")):
            self._rest, skipped = piece[skipped:], skipped - len(piece)


def _begins_at(content_range: str | None, start: int) -> bool:
    return content_range is not None and content_range.strip().startswith(f"bytes {start}-")


def _ticket_key(ticket: Mapping[str, Any]) -> bytes:
    try:
        key = base64.urlsafe_b64decode(ticket["key"])
    except ValueError:
        key = b""
    if len(key) != sealing.KEY_SIZE:
        raise Tampered("The ticket's key is none.")
    return key


def _ticket_address(ticket: Mapping[str, Any], user_id: UUID, image_id: UUID) -> sealing.Address:
    try:
        return sealing.Address(user_id, image_id, ticket["name"])
    except ValueError:
        raise Tampered("The ticket names no blob.") from None


# ------------------------------------------------------------------------------------------------------ answers


def _address(server: str) -> str:
    try:
        parts = urllib.parse.urlsplit(server.strip())
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise Invalid(f"{server!r} is not the address of a server, such as https://photos.example.com.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _read(answer: httpx.Response) -> Any:
    """The JSON of an answer. Raises the error that it tells of."""
    if answer.status_code == 204:
        return None
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if answer.is_success and body is not None:
        return body
    if answer.is_success or not isinstance(body, dict) or not isinstance(body.get("detail"), str):
        raise Unavailable(
            f"{answer.request.url.host} answers {answer.status_code}, and not as PhotoVault does. Is the address right?"
        )
    raise _error(body, answer)


def _error(body: Mapping[str, Any], answer: httpx.Response) -> PhotoVaultError:
    kind = _BY_TYPE.get(str(body.get("type", "")).rpartition("/")[2])
    if kind is None:
        made = PhotoVaultError(body["detail"])
        made.status = answer.status_code
        return made
    if issubclass(kind, (errors.TooManyRequests, Unavailable)):
        wait = _retry_after(answer.headers.get("retry-after"))
        return kind(body["detail"], retry_after=int(wait or 1))
    return kind(body["detail"])


_KINDS: tuple[type[PhotoVaultError], ...] = (
    errors.Invalid, errors.BadCursor, Unauthenticated, Forbidden, errors.NotFound, errors.Conflict, errors.TooLarge,
    errors.QuotaExceeded, errors.UnsupportedType, errors.TooManyRequests, Unavailable, errors.StorageUnavailable,
    errors.Rejected, Tampered, BlobMissing,
)  # fmt: skip
_BY_TYPE = {kind.type: kind for kind in _KINDS}


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110)."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _pause(attempt: int) -> float:
    """Seconds before the next attempt: half a second, doubled each time, and up to as much again by chance."""
    return 2.0 ** (attempt - 2) * (1 + random.random())  # noqa: S311 - spreads load, keeps no secret
