"""Requests that nobody's client would send, made from the OpenAPI document: whatever comes, no answer is a 5xx.

Errors are problems, successes are what the document says they are, and nothing is left in between.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import argon2
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.libraries import TinyEncoder
from tests.local_cloud import database_of_its_own
from tests.pictures import draw
from tests.shared.api import described
from tests.shared.api.described import Library, Operation, operations, routers
from tests.vaults import PASSWORD, client

from photovault import accounts, embeddings, passwords, queues, staging, throttles
from photovault.api import webhooks as webhooks_routes
from photovault.settings import get_settings

REQUESTS_PER_VAULT = 250
"""After so many requests photos are deleted, people merged and albums gone: the next ones get a vault of their own."""
UNHEARD_OF = 20_000
OWN_IDS = ["image_id", "album_id", "person_id", "face_id", "correction_id", "job_id", "export_id", "session_id",
           "group_id", "share_id", "key_id", "webhook_id", "delivery_id"]  # fmt: skip
# Somebody whose address and password whoever attacks knows.
MEMBER = {"email": "member@example.com", "password": "password123", "name": "Ada"}
# What asks for the password once more, which cannot be guessed, or for what one gets with it.
PROVING = {"deleteAccount", "editAccount", "changePassword"}
PROVING |= {"giveProof", "beginSecondFactor", "confirmSecondFactor", "removeSecondFactor", "renewRecoveryCodes"}
LISTS = ["images-newest", "images-oldest", "trash", "albums", "album-images", "people", "activity", "person-analysis"]
LISTS += ["export-albums", "export-people", "album-images-oldest", "album-images-manual", "shares", "deliveries"]
LISTS += [f"by-location-{level}" for level in ("country", "region", "city")]
LISTS += [f"by-date-{level}" for level in ("year", "month", "day")]


@dataclass(frozen=True)
class Known:
    """An id that is only known when the request is sent."""

    name: str
    somebody_elses: bool = False
    which: int = 0  # of photos, people and faces, of which there are several


@dataclass(frozen=True)
class Sent:
    """A request before its ids are filled in."""

    operation: Operation
    path: tuple[Any, ...]
    query: tuple[tuple[str, Any], ...]
    headers: tuple[tuple[str, bytes], ...]
    body: Any
    raw_body: bytes | None
    content_type: str | None

    @property
    def keeps_its_path(self) -> bool:
        """Whether the path still leads to the operation, however wrong its ids are."""
        return all(
            isinstance(part, Known) or (part and "/" not in part and part not in {".", ".."}) for part in self.path
        )


# ------------------------------------------------------------------------------------------------------------- values

STRINGS = [
    "", " ", "\x00", "a\x00b", "\ud800", "a\udfffb", "\ufeff", "\u202e", "\u2028", "e\u0301" * 50, "İ", "ß", "🧨" * 300,
    "a" * 201, "a" * 5000, "'", '"', "\\", "%", "%s", "%(id)s", "$1", "{0}", "' OR 1=1 --",
    "../../../etc/passwd", "C:\\con",
    "<script>alert(1)</script>", "\r\nSet-Cookie: a=b", "null", "NaN", "Infinity", "-1", "0", "1e400", "0x10", "1_000",
    "9" * 400, "true", "[]", "{}", "2025-02-30", "0001-01-01", "9999-12-31", "-0001-01-01", "2025-05-09T10:00:00+99:99",
    "-180,-90,180,90", "0,0,0,0", "1,2,3", "nan,nan,nan,nan", "1e999,0,0,0", "180,-90,-180,90", "--..--", "١٢",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "urn:uuid:0", "{}-{}",
    "a@b", "a@example.com", "\"a b\"@example.com", "ada@ex\u0430mple.com", "image/jpeg", "image/jpeg\r\nX: y",
    "a" * 64, "G" * 64,
]  # fmt: skip
NUMBERS = [
    0,
    -0.0,
    -1,
    1,
    200,
    201,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    10**400,
    1.5,
    1e308,
    -1e308,
]
NUMBERS += [float("nan"), float("inf"), float("-inf"), 5e-324]


def deep(levels: int, kind: type) -> Any:
    value: Any = kind()
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


strings = st.sampled_from(STRINGS) | st.text(st.characters(), max_size=30)
scalars = strings | st.sampled_from([*NUMBERS, None, True, False]) | st.integers() | st.floats()
known_ids = st.builds(Known, st.sampled_from(OWN_IDS), st.booleans(), st.integers(0, 8))
# Whose ids a field of a body or query holds, by its name.
KINDS = {
    "image_ids": "image_id", "cover_image_id": "image_id", "album_id": "album_id", "face_ids": "face_id",
    "person_id": "person_id", "into": "person_id", "people": "person_id", "keeper_id": "image_id", "remove": "image_id",
    "before": "image_id", "after": "image_id", "people_all": "person_id", "people_any": "person_id",
    "people_none": "person_id", "albums": "album_id", "albums_none": "album_id",
}  # fmt: skip
BOXES = ["-9.5,38.5,-9.0,39.0", "170,-10,-170,10", "-180,-90,180,90", "0,0,0,0"]
hostile = (
    scalars
    | st.lists(scalars, max_size=3)
    | st.dictionaries(strings, scalars, max_size=3)
    | st.sampled_from([deep(50, list), deep(200, dict), [None] * 1001, ["a" * 64] * 1001])
)


def whole() -> dict[str, dict[str, st.SearchStrategy[Any]]]:
    """Bodies whose fields exclude each other, so that chance alone hardly ever meets a right one."""
    own = st.builds(Known, st.just("image_id"), st.just(False), st.integers(0, 8))
    conditions = st.fixed_dictionaries({"favourite": st.booleans()}, optional={"last_days": st.integers(1, 99)})
    return {
        "ShiftRequest": {
            "image_ids": st.lists(own, min_size=1, max_size=3),
            "by_seconds": st.integers(-100_000, 100_000),
            "dry_run": st.booleans(),
        },
        "SmartAlbum": {"title": st.just("Smart"), "filter": conditions},
        "FilterOrQuery": {"filter": conditions},
        "Move": {
            # The one photo that the album of a filled vault has.
            "image_ids": st.just([Known("image_id")]),
            "to": st.sampled_from(["start", "end"]),
        },
        "LogIn": {name: st.just(value) for name, value in MEMBER.items() if name != "name"},
    }


def valid(schema: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Values that a schema of the document allows, or nearly: ids are those of the vault at hand."""
    found: st.SearchStrategy[Any]
    if "$ref" in schema:
        title = schema["$ref"].rpartition("/")[2]
        found = valid(described.document()["components"]["schemas"][title])
        return found | st.fixed_dictionaries(whole()[title]) if title in whole() else found
    if "anyOf" in schema:
        return st.one_of([valid(choice, name) for choice in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    if schema.get("format") == "uuid" and name in KINDS:
        return st.builds(Known, st.just(KINDS[name]), st.integers(0, 9).map(lambda n: n == 9), st.integers(0, 8))
    if schema.get("format") == "uuid":
        return known_ids
    if schema.get("format") == "date":
        return st.dates().map(str)
    if name == "bbox":
        return st.sampled_from(BOXES)
    if name == "email":
        return st.integers(0, 10**9).map("person{}@example.com".format)
    examples = 2 * [st.just(example) for example in schema.get("examples", ()) if not isinstance(example, dict)]
    kind = schema.get("type")
    if kind == "object":
        parts = {key: valid(part, key) for key, part in schema.get("properties", {}).items()}
        required = {key: parts.pop(key) for key in schema.get("required", ())}
        found = st.fixed_dictionaries(required, optional=parts)
    elif kind == "array":
        most = min(schema.get("maxItems", 3), 3)
        found = st.lists(valid(schema.get("items", {}), name), min_size=schema.get("minItems", 0), max_size=most)
    elif kind == "integer":
        found = st.integers(schema.get("minimum", 1), schema.get("maximum", 10**6))
    elif kind == "boolean":
        found = st.booleans()
    elif kind == "null":
        found = st.none()
    elif schema.get("pattern") == "^[0-9a-fA-F]{64}$":
        found = st.binary(min_size=32, max_size=32).map(bytes.hex)
    else:
        found = st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))
    return st.one_of([*examples, found])


@st.composite
def bent(draw: st.DrawFn, value: Any) -> Any:
    """A value with something in it replaced, left out, added or repeated."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return value | {name: draw(bent(value[name]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [draw(bent(value[0])), *value[1:]]
    choice = draw(st.integers(0, 3))
    if isinstance(value, dict) and choice == 0 and value:
        return {name: part for name, part in value.items() if name != draw(st.sampled_from(sorted(value)))}
    if isinstance(value, dict) and choice == 1:
        return value | {draw(strings): draw(scalars)}
    if isinstance(value, list) and choice == 2 and value:
        return value * draw(st.sampled_from([2, 40, 1001]))
    return draw(hostile)


@st.composite
def cursors(draw: st.DrawFn) -> str:
    """Nonsense, or a cursor of some list that points to somewhere odd."""
    if draw(st.integers(0, 3)) == 0:
        return draw(strings)
    days = st.dates().map(str) | st.datetimes().map(str) | st.sampled_from(["0001-01-01", "9999-12-31T23:59:59.999999"])
    odd = [st.just("01890a5d-ac96-774b-bcce-b302099a8057"), days, scalars, st.integers(-(2**31), 2**31 - 1)]
    value = [draw(st.sampled_from(LISTS)), *draw(st.lists(st.one_of(odd), max_size=4))]
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    return text if draw(st.booleans()) else text.rstrip("=")


header_values = st.one_of(
    st.sampled_from(
        [
            "bytes=0-",
            "bytes=-1",
            "bytes=-0",
            "bytes=5-2",
            "bytes=0-0,2-3",
            "bytes=99999999999999999999-",
            "bytes=1-1",
            "items=0-1",
            "*",
            'W/"a"',
            '"',
            "gzip;q=nan",
            "text/html",
            "null",
            "http://[",
            "a" * 300,
            "Bearer",
        ]
    ).map(str.encode),
    st.binary(max_size=30).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F)),
)
HEADERS = [
    "Range",
    "If-None-Match",
    "If-Range",
    "Idempotency-Key",
    "Accept",
    "User-Agent",
    "Origin",
    "Referer",
    "Cookie",
]
HEADERS += ["X-Forwarded-For", "X-Forwarded-Proto", "X-HTTP-Method-Override", "Content-Encoding", "Accept-Encoding"]
CONTENT_TYPES = [
    "application/json; charset=utf-16", "application/json; charset=nonsense", "text/plain", "text/html", "", "/", ";",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=",
    "application/merge+json",
    "multipart/form-data; boundary=x; boundary=y", "application/octet-stream",
]  # fmt: skip
RAW_BODIES = [
    b"", b" ", b"null", b"{", b"[1,", b'{"a":1', b"nul", b"\xff\xfe\x00", b"\xef\xbb\xbf{}",
    b"\x00" * 9, b"'a'", b"{}{}",
    b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000, b"-", b'"\\ud800"', b'{"title":"a","title":"b"}',
    b"{\"\\ud800\":1}",
    b'{"title":' + b"9" * 5000 + b"}", b"--x\r\n\r\n--x--", '{"title":"x"}'.encode("utf-16"),
    '{"title":"x"}'.encode("utf-32"),
]  # fmt: skip
PART = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n--x--\r\n'
FILES = [
    draw(seed=0),
    b"",
    b"\xff\xd8\xff\xe0" + b"a" * 50,
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x00\x00\x00\x00WEBP",
    b"a",
    b"\x00" * 20,
]
NAMES = [
    b"a.jpg",
    b"../../a.jpg",
    b"",
    b"\xff\xfe",
    b"a" * 300,
    b'a\\"b',
    b"=?utf-8?q?a?=",
    "ü\u202e".encode(),
    b"a;b",
    b"\x00",
]


@st.composite
def requests(draw: st.DrawFn, among: list[Operation]) -> Sent:
    """A request of any of these operations: mostly one that is nearly right, so that it gets far."""
    operation = draw(st.sampled_from(among))
    sane = draw(st.integers(0, 3)) > 0
    path = tuple(
        draw(
            st.builds(Known, st.just(name), which=st.integers(0, 8))
            if name in OWN_IDS and sane
            else known_ids | strings
        )
        for name in operation.path_names
    )
    query: list[tuple[str, Any]] = []
    for parameter in operation.parameters("query"):
        if parameter["name"] == "cursor":
            query += [("cursor", draw(cursors()))] if draw(st.integers(0, 4)) == 0 else []
        elif parameter.get("required") or draw(st.integers(0, 4)) == 0:
            good = valid(parameter["schema"], parameter["name"])
            values = draw(st.lists(good if sane else good | scalars, min_size=1, max_size=1 if sane else 2))
            # Lists are sent as parameters that come several times.
            flat = [each for value in values for each in (value if isinstance(value, list) and sane else [value])]
            query += [(parameter["name"], value) for value in flat]
    if not sane:
        query += draw(st.lists(st.tuples(strings, strings), max_size=2))
    headers = tuple(draw(st.lists(st.tuples(st.sampled_from(HEADERS), header_values), max_size=2)))
    body, raw_body, content_type = None, None, None
    if operation.body is not None:
        body = draw(valid(operation.body))
        if not sane:
            body = draw(bent(body))
        content_type = "application/json"
    elif "requestBody" in operation.details:
        field = draw(st.sampled_from([b"file", b"file", b"file", b"", b"other"]))
        pieces = [draw(st.sampled_from(choices)) for choices in (NAMES, [b"image/jpeg", b"", b"\xff"], FILES)]
        raw_body, content_type = PART % (field, *pieces), "multipart/form-data; boundary=x"
    if not sane and draw(st.integers(0, 2)) == 0:
        raw_body = draw(st.sampled_from(RAW_BODIES) | st.binary(max_size=50))
        content_type = draw(st.sampled_from(["application/json", *CONTENT_TYPES]))
    return Sent(operation, path, tuple(query), headers, body, raw_body, content_type)


# ------------------------------------------------------------------------------------------------------------ sending


class Attacker:
    """Sends requests as somebody who has a vault; there is another one whose ids are known."""

    def __init__(self, http: TestClient) -> None:
        self.http, self.sent = http, 0
        assert http.post("/auth/signup", json=MEMBER).status_code == 201
        self.theirs = described.fill(http)
        self.own: Library = self.theirs
        self.me = self.own.owner

    def __call__(self, request: Sent) -> Any:
        if self.sent % REQUESTS_PER_VAULT == 0:
            self.own = described.fill(self.http)
            self.me = self.own.owner
        self.sent += 1
        answer = self._send(request)
        if answer.status_code == 401 and request.operation.details.get("security"):
            # A request before this one has ended the session.
            self.me = described.session_of(self.own.owner)
            answer = self._send(request)
            wrong_password = request.operation.id in PROVING and "The password is wrong." in answer.text
            assert answer.status_code != 401 or wrong_password, answer.text
        return answer

    def _send(self, request: Sent) -> Any:
        path = request.operation.path
        for name, part in zip(request.operation.path_names, request.path, strict=True):
            path = path.replace(f"{{{name}}}", self._quoted(part), 1)
        query = "&".join(f"{self._quoted(name)}={self._quoted(value)}" for name, value in request.query)
        content = request.raw_body
        if content is None and request.body is not None:
            content = json.dumps(self._proving(request.operation, self._filled(request.body))).encode()
        headers: list[tuple[str, str | bytes]] = [*self.me.headers.items(), *request.headers]
        if request.content_type is not None:
            headers.append(("Content-Type", request.content_type))
        return self.http.request(
            request.operation.method, f"{path}?{query}" if query else path, content=content, headers=headers
        )

    def _proving(self, operation: Operation, body: Any) -> Any:
        """With what cannot be guessed, for what would not be tried without it."""
        if isinstance(body, dict):
            known = {"proof": self.me.proof} | ({"password": PASSWORD} if operation.id == "createApiKey" else {})
            return {name: known.get(name, part) if isinstance(part, str) else part for name, part in body.items()}
        return body

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Known):
            vault = self.theirs if value.somebody_elses else self.own
            several = {"image_id": vault.photos, "person_id": vault.people, "face_id": vault.faces}.get(value.name)
            return str(several[value.which % len(several)] if several else vault.ids[value.name])
        if isinstance(value, dict):
            return {name: self._filled(part) for name, part in value.items()}
        return [self._filled(part) for part in value] if isinstance(value, list) else value

    def _quoted(self, value: Any) -> str:
        text = self._filled(value)
        if not isinstance(text, str):
            text = json.dumps(text) if len(repr(text)) < 5000 else "long"
        return quote(text.encode("utf-8", "surrogatepass"), safe="")


# In the shared one other tests leave keys of other master keys, of which /ready tells.
database_url = database_of_its_own()


@pytest.fixture(scope="module")
def attack(vault: Path) -> Iterator[Attacker]:
    with pytest.MonkeyPatch.context() as patch, client(routers()) as http:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(staging, "put", lambda *_, **__: None)
        patch.setattr(staging, "holds", lambda *_: False)
        patch.setattr(queues, "_send", lambda *_: None)
        patch.setattr(embeddings, "provider", TinyEncoder)
        for name in ("LOGIN_ADDRESS", "LOGIN_PAIR", "LOGIN_ACCOUNT"):  # all of this is asked from one address
            patch.setattr(accounts, name, throttles.Bucket(f"fuzzed {name}", capacity=UNHEARD_OF, seconds=1))
        by_hand = throttles.Bucket("fuzzed webhook-posts", capacity=UNHEARD_OF, seconds=1)
        patch.setattr(webhooks_routes, "BY_HAND", by_hand)
        passwords.dummy_hash.cache_clear()
        yield Attacker(http)
    passwords.dummy_hash.cache_clear()


def attacked(
    attack: Attacker, times: int, *, among: list[Operation] | None = None, always_the_same: bool = True
) -> set[str]:
    """Send so many requests and look at each answer. Returns the operations that have succeeded."""
    succeeded: set[str] = set()

    # Requests change the vault that the next one meets: a smaller example is no easier to understand.
    @settings(
        max_examples=times,
        deadline=None,
        derandomize=always_the_same,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(request=requests(among or operations()))
    def attack_once(request: Sent) -> None:
        answer = attack(request)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            described.assert_problem(answer)
        else:
            succeeded.add(request.operation.id)
        if request.keeps_its_path:
            described.assert_as_described(answer, request.operation)

    attack_once()
    return succeeded


def test_whatever_is_asked_the_answer_is_as_described(attack: Attacker) -> None:
    succeeded = attacked(attack, 800)
    # Where none has got through yet, more: else the fuzzing could stop at the door and nobody would know.
    for operation in operations():
        if operation.id not in succeeded:
            attack.sent = 0  # a vault of which nothing has been destroyed
            succeeded |= attacked(attack, 60, among=[operation])
    # A refresh token, a password, a blob's signature and a share's link cannot be guessed; and a group of duplicates is
    # gone for good once it was dismissed, or one of its two photos deleted.
    beyond_reach = {"refresh", "getBlob", "resolveDuplicates", *PROVING - {"editAccount"}}
    beyond_reach |= {"getShared", "openShared", "listShared", "viewShared"}  # see test_shared_api.py
    assert {operation.id for operation in operations()} - succeeded <= beyond_reach


@pytest.mark.slow
def test_whatever_is_asked_for_long_the_answer_is_as_described(attack: Attacker) -> None:
    attacked(attack, UNHEARD_OF, always_the_same=False)


def test_every_kind_of_id_is_tried(attack: Attacker) -> None:
    filled = described.fill(attack.http)
    assert {*OWN_IDS, "label"} == filled.ids.keys()
    assert {name for operation in operations() for name in operation.path_names} <= {
        *OWN_IDS,
        *("shard", "name", "label"),
        *("token", "photo_id", "rendition"),
    }


def test_a_ticket_takes_any_range(attack: Attacker) -> None:
    """The way of a blob that is signed: every Range is bytes, a whole, or a problem."""
    filled = described.fill(attack.http)
    shown = attack.http.get(f"/images/{filled.ids['image_id']}", headers=filled.owner.headers).json()
    address = shown["tickets"]["thumbnail"]["url"].removeprefix(get_settings().public_url)
    whole = attack.http.get(address).content
    blob = next(operation for operation in operations() if operation.id == "getBlob")
    assert len(whole) == shown["tickets"]["thumbnail"]["sealed_bytes"]

    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(value=header_values | st.from_regex(rb"bytes=[0-9]{0,20}-[0-9]{0,20}", fullmatch=True))
    def take(value: bytes) -> None:
        answer = attack.http.get(address, headers=[("Range", value)])
        described.assert_as_described(answer, blob)
        if answer.status_code == 206:
            first, last = answer.headers["content-range"].removeprefix("bytes ").partition("/")[0].split("-")
            assert answer.content == whole[int(first) : int(last) + 1] != b""
        elif answer.status_code == 200:
            assert answer.content == whole
        else:
            assert answer.status_code == 416
            assert answer.headers["content-range"] == f"bytes */{len(whole)}"

    take()
