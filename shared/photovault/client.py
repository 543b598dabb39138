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
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from photovault import __version__, errors, reaching, remedies, sealing
from photovault.errors import (
    BlobMissing,
    Conflict,
    Forbidden,
    Invalid,
    PhotoVaultError,
    Tampered,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

    from photovault.credentials import Session, Store

ATTEMPTS = 6
LONGEST_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 60.0
PIECE = 64 * 1024
MOST_REDIRECTS = 5

_PATIENCE = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
# What S3 says of a form that is no longer, or of bytes that are not those it was signed for.
_EXPIRED = frozenset({"AccessDenied", "ExpiredToken", "RequestTimeTooSkewed"})
_OTHER_BYTES = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "EntityTooSmall",
                          "EntityTooLarge", "InvalidRequest"})  # fmt: skip
_BROKEN_OFF = frozenset({"RequestTimeout", "IncompleteBody"})


class OtherBytes(Conflict):
    """The storage refuses a file because its bytes are not those that were announced."""


@dataclass(frozen=True)
class Sighting:
    """One answer as it came: ``server_time`` is the server's clock, ``seconds`` how long it took."""

    status: int
    body: dict[str, Any]
    server_time: datetime | None
    seconds: float


class Client:
    """One person at one server; a context manager. Threads may share it.

    ``attempts`` is how often what may be repeated is tried. ``sleep`` waits so many seconds. ``transport`` is for
    tests.
    """

    def __init__(
        self,
        server: str,
        *,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises ``Invalid`` for what is no address of a server."""
        import httpx

        self.server = _address(server)
        self.user_id: UUID | None = None
        self._access_token = self._refresh_token = ""
        self._store: Store | None = None
        self._renewing = threading.Lock()
        self._attempts = attempts
        self._sleep = sleep
        agent = {"User-Agent": f"photovault/{__version__}", "Accept-Encoding": "identity"}
        self._http = httpx.Client(headers=agent, timeout=TIMEOUT_SECONDS, transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # ------------------------------------------------------------------------------------------------- sessions

    def sign_up(self, email: str, password: str, name: str) -> None:
        """Make an account and begin a session. Raises ``Conflict`` for a known e-mail, ``Invalid``."""
        self._take_session(
            self._sent("POST", "/auth/signup", body={"email": email, "password": password, "name": name})
        )

    def log_in(self, email: str, password: str, *, code: str | None = None) -> None:
        """Begin a session. ``code`` is the authenticator app's, or a recovery code.

        Raises ``SecondFactorNeeded``, ``SecondFactorWrong``, ``Unauthenticated``, ``TooManyRequests``, ``Unavailable``.
        """
        given = {"email": email, "password": password} | ({"code": code} if code else {})
        try:
            self._take_session(self._sent("POST", "/auth/login", body=given))
        except Unauthenticated as error:
            error.remedy = remedies.AGAIN
            raise

    def use_token(self, token: str) -> dict[str, Any]:
        """Speak with an access token or API key that somebody else got; it cannot be renewed here.

        Returns whom it speaks for; nothing when that is more than a key may ask. Raises ``Unauthenticated``.
        """
        if not token or not token.isascii() or not token.isprintable():
            raise Unauthenticated("This is not an access token.")
        self._access_token, self._refresh_token = token, ""
        try:
            user: dict[str, Any] = self.json("GET", "/auth/verify")["user"]
        except Forbidden:
            return {}
        self.user_id = UUID(user["id"])
        return user

    def resume(self, session: Session, store: Store | None) -> None:
        """Go on with a session that is kept, and keep what becomes of it when there is a ``store``."""
        self._access_token, self._refresh_token = session.access_token, session.refresh_token
        self.user_id, self._store = session.user_id, store

    def session(self, email: str) -> Session:
        """The session as it can be kept."""
        from photovault.credentials import Session

        if self.user_id is None:
            raise Unauthenticated
        return Session(self.server, email, self.user_id, self._access_token, self._refresh_token)

    def log_out(self) -> None:
        """End the session; nothing when there is none."""
        if self._access_token:
            self.json("POST", "/auth/logout")
            self._access_token = self._refresh_token = ""

    def _take_session(self, answer: httpx.Response) -> None:
        body = _read(answer)
        try:
            tokens, user_id = (str(body["access_token"]), str(body["refresh_token"])), UUID(body["user"]["id"])
        except (LookupError, TypeError, ValueError, AttributeError):
            raise _stranger(_host_of(self.server), answer.status_code) from None
        (self._access_token, self._refresh_token), self.user_id = tokens, user_id

    def _renew(self, refused: str) -> None:
        """Put another access token in the place of the refused one, unless a thread or process did so meanwhile.

        Raises ``Unauthenticated`` when the session is over.
        """
        with self._renewing:
            if self._access_token != refused:
                return
            if self._store is None:
                self._trade()
                return
            with self._store.changing() as kept:
                now = kept.sessions.get(self.server)
                if now is None or now.user_id != self.user_id:
                    raise _logged_out("You have logged out meanwhile.")
                self._access_token, self._refresh_token = now.access_token, now.refresh_token
                if self._access_token == refused:
                    self._store.make_sure_of_room()  # a refresh token that was used and not replaced ends the session
                    self._trade()
                    kept.put(self.session(now.email))

    def _trade(self) -> None:
        # Never repeated: a refresh token works once, and using it twice ends the session.
        if not self._refresh_token:
            raise _logged_out("The session has ended.")
        token, self._refresh_token = self._refresh_token, ""
        self._take_session(self._sent("POST", "/auth/refresh", body={"refresh_token": token}))

    # ------------------------------------------------------------------------------------------------- requests

    def json(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """What the API answers, None for an empty answer. The session is renewed when its token has expired.

        ``repeatable`` says of a POST that sending it twice does no more than sending it once. Raises what the server
        raised, and ``Unavailable`` when it does not answer.
        """
        options: dict[str, Any] = {"body": body, "params": params, "repeatable": repeatable}
        token = self._access_token
        try:
            return _read(self._sent(method, path, headers=_authorized(token, headers), **options))
        except Unauthenticated as error:
            if error.type in errors.PROOFS:
                raise
            if not self._refresh_token and self._access_token == token:
                error.remedy = remedies.KEY
                raise
        self._renew(token)
        return _read(self._sent(method, path, headers=_authorized(self._access_token, headers), **options))

    def sight(self, path: str) -> Sighting:
        """One look at a path that needs nobody logged in. Raises ``Unavailable`` when nothing answers."""
        import httpx

        began = time.monotonic()
        try:
            answer = self._http.get(self.server + path, follow_redirects=False)
        except httpx.HTTPError as error:
            raise Unavailable(reaching.why(error, _host_of(self.server))) from None
        seconds = time.monotonic() - began
        try:
            body = answer.json()
        except ValueError:
            body = None
        clock = _instant(answer.headers.get("date", ""))
        return Sighting(answer.status_code, body if isinstance(body, dict) else {}, clock, seconds)

    def create(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """A POST that makes something, at most once however often the connection fails; with a ``key`` (ASCII), at
        most once in a day by whoever has the same."""
        return self.json("POST", path, body=body, headers={"Idempotency-Key": key or str(uuid4())})

    def items(self, path: str, *, limit: int = 200, **params: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, asked for page by page."""
        cursor: str | None = None
        while True:
            page = self.json("GET", path, params={**params, "limit": limit, **({"cursor": cursor} if cursor else {})})
            if not isinstance(page, dict) or not {"items", "next_cursor"} <= page.keys():
                raise _stranger(_host_of(self.server), 200)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _sent(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        headers = dict(headers or {})
        request = self._http.build_request(
            method, self.server + path, json=body, params=dict(params) if params else None, headers=headers
        )
        repeatable = repeatable or method in _REPEATABLE or "Idempotency-Key" in headers
        answer = self._patiently(request, repeatable=repeatable)
        if answer.is_redirect:
            raise Unavailable(f"{self.server} sends elsewhere, to {answer.headers.get('location')}: use that address.")
        return answer

    def _patiently(self, request: httpx.Request, *, repeatable: bool, stream: bool = False) -> httpx.Response:
        """The answer to a request, sent again while the server asks for patience, or the connection fails."""
        import httpx

        for attempt in range(1, self._attempts + 1):
            final = attempt == self._attempts
            try:
                answer = self._http.send(request, stream=stream, follow_redirects=False)
            except httpx.TransportError as error:
                # Nothing was sent where no connection came about.
                unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                if final or not (repeatable or unsent) or reaching.is_hopeless(error):
                    raise Unavailable(reaching.why(error, _host_of(str(request.url)))) from error
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

    # -------------------------------------------------------------------------------------------------- uploads

    def post_form(
        self, url: str, fields: Mapping[str, str], *, size: int, chunks: Callable[[], Iterator[bytes]]
    ) -> None:
        """Post a file of ``size`` bytes to the storage through a presigned form; ``chunks()`` begins it anew each time.

        Holds one chunk. Raises ``Forbidden`` (the form has expired), ``OtherBytes``, ``Unavailable``, and what
        ``chunks`` raises.
        """
        import httpx

        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unavailable("The vault names no address to upload to.")
        if parts.scheme == "http" and self.server.startswith("https:"):
            raise Unavailable("The vault names an address to upload to that is not safe: others could read along.")
        boundary = uuid4().hex
        before, after = _form(fields, boundary)

        def body() -> Iterator[bytes]:
            yield before
            yield from chunks()
            yield after

        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(before) + size + len(after)),
        }
        for attempt in range(1, ATTEMPTS + 1):
            wait: float | None = None
            try:
                answer = self._http.post(url, content=body(), headers=headers, follow_redirects=False)
            except httpx.HTTPError as error:
                trouble = reaching.why(error, parts.netloc)
                if reaching.is_hopeless(error):
                    raise Unavailable(trouble) from error
            else:
                if answer.is_success:
                    return
                code = _code_of(answer)
                if answer.status_code == 403 or code in _EXPIRED:
                    raise Forbidden(
                        "The storage refuses the upload; its form may have expired. Is this computer's clock right?"
                    )
                if code in _OTHER_BYTES:
                    raise OtherBytes("The storage got other bytes than were announced.")
                trouble = (
                    f"The storage answers {answer.status_code}{f' ({code})' if code else ''}. Try again in a moment."
                )
                if answer.status_code not in _PATIENCE | {500} and code not in _BROKEN_OFF:
                    raise Unavailable(trouble)
                wait = _retry_after(answer.headers.get("retry-after"))
            if attempt < ATTEMPTS:
                self._sleep(_pause(attempt) if wait is None else min(wait, LONGEST_WAIT_SECONDS))
        raise Unavailable(trouble)

    # -------------------------------------------------------------------------------------------------- tickets

    @contextlib.contextmanager
    def opened(self, ticket: Mapping[str, Any], *, image_id: UUID) -> Iterator[sealing.Opener]:
        """Open the blob that a ticket of this photo leads to; read its ``chunks`` in the block.

        Holds a few MiB whatever the size. Raises ``Tampered``, ``Forbidden`` (the ticket has expired), ``BlobMissing``,
        ``Unavailable``.
        """
        if self.user_id is None and not self._access_token:
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
            raise Forbidden("The storage refuses the ticket; it may have expired. Is this computer's clock right?")
        raise Unavailable(f"The storage answers {answer.status_code}. Try again in a moment.")


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
        raise Unavailable("The storage broke off again and again. Try again in a moment.")

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


def _ticket_address(ticket: Mapping[str, Any], user_id: UUID | None, image_id: UUID) -> sealing.Address:
    """``user_id`` None: a key that may not ask whose it is has the ticket's word only."""
    try:
        return sealing.Address(user_id or UUID(ticket["user_id"]), image_id, ticket["name"])
    except (ValueError, KeyError):
        raise Tampered("The ticket names no blob.") from None


# ------------------------------------------------------------------------------------------------------ answers


def _address(server: str) -> str:
    import httpx

    try:
        parts = urllib.parse.urlsplit(server.strip())
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        known = known and not any(letter.isspace() for letter in parts.netloc)
        httpx.URL(server.strip())
    except (ValueError, httpx.InvalidURL):
        known = False
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise Invalid(f"{server!r} is not the address of a server. One is such as https://photos.example.com.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _logged_out(why: str) -> Unauthenticated:
    error = Unauthenticated(why)
    error.remedy = remedies.LOG_IN
    return error


def _host_of(address: str) -> str:
    """The server of an address, and its port where one is named."""
    return urllib.parse.urlsplit(address).netloc


def _authorized(token: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **(headers or {})}


def _form(fields: Mapping[str, str], boundary: str) -> tuple[bytes, bytes]:
    """What comes before and after the file in a multipart form (RFC 7578). S3 ignores all that follows the file."""
    opening = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    )
    opening += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
    return opening.encode(), f"\r\n--{boundary}--\r\n".encode()


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _code_of(answer: httpx.Response) -> str:
    """The code of an S3 error, such as BadDigest; empty when there is none."""
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,100})</Code>", answer.content[:4096])
    return found.group(1).decode() if found else ""


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
        host = _host_of(str(answer.request.url))
        if answer.status_code in _PATIENCE:  # a gateway's own words
            raise Unavailable(f"{host} is away right now: it answers {answer.status_code}. Try again in a moment.")
        raise _stranger(host, answer.status_code)
    raise _error(body, answer)


def _stranger(host: str, status: int) -> Unavailable:
    return Unavailable(f"{host} answers {status}, and not as PhotoVault does. Is the address right?")


def _error(body: Mapping[str, Any], answer: httpx.Response) -> PhotoVaultError:
    """The error that a problem tells of; its type and status are the server's even where there is no class for them."""
    type_ = str(body.get("type", "")).rpartition("/")[2]
    fields = [each for each in body.get("errors") or () if isinstance(each, dict)]
    detail = remedies.sentence(body["detail"], [(str(each.get("field")), str(each.get("message"))) for each in fields])
    kind = _BY_TYPE.get(type_) or {401: Unauthenticated, 403: Forbidden}.get(answer.status_code, PhotoVaultError)
    if issubclass(kind, (errors.SecondFactorNeeded, errors.SecondFactorWrong)):
        made: PhotoVaultError = kind()
    elif issubclass(kind, (errors.TooManyRequests, Unavailable)):
        wait = _retry_after(answer.headers.get("retry-after"))
        made = kind(detail, retry_after=int(wait or 1))
    else:
        made = kind(detail)
    made.status, made.type = answer.status_code, type_ or made.type
    made.remedy = remedies.remedy(made.type, made.status, body["detail"])
    return made


_KINDS: tuple[type[PhotoVaultError], ...] = (
    errors.Invalid, errors.BadCursor, Unauthenticated, Forbidden, errors.NotFound, errors.Conflict, errors.TooLarge,
    errors.QuotaExceeded, errors.UnsupportedType, errors.TooManyRequests, Unavailable, errors.StorageUnavailable,
    errors.Rejected, Tampered, BlobMissing, errors.SecondFactorNeeded,
    errors.SecondFactorWrong,
)  # fmt: skip
_BY_TYPE = {kind.type: kind for kind in _KINDS}


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110)."""
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    until = _instant(header)
    return None if until is None else max(0.0, (until - datetime.now(UTC)).total_seconds())


def _instant(text: str) -> datetime | None:
    """The instant of an HTTP header; None when it names none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _pause(attempt: int) -> float:
    """Seconds before the next attempt: half a second, doubled each time, and up to as much again by chance."""
    return 2.0 ** (attempt - 2) * (1 + random.random())  # noqa: S311 - spreads load, keeps no secret
