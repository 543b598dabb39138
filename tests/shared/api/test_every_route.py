"""Every route of the API against somebody who asks for what is not theirs, or does not say who they are.

What is asked is read from the OpenAPI document: a route that this file does not know yet fails it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import Sent, add_photo, build, table
from tests.mirrors import Mirror, lists
from tests.pictures import draw
from tests.shared.api import described
from tests.shared.api.described import Library, Operation, assert_problem, operations, routers
from tests.vaults import PASSWORD, SECRET, Somebody, client, somebody

from photovault import db, ids, sessions, staging, tokens

pytestmark = pytest.mark.usefixtures("vault", "sent", "_staging")

SHARED = {"getShared", "openShared", "listShared", "viewShared"}
PUBLIC = {"signUp", "logIn", "refresh", "health", "ready", "getBlob", *SHARED}
# A blob's address is nobody's: whoever holds its signature may read the ciphertext. See test_a_blob_wants_a_signature.
# And a share's link is whoever's has it: see test_shared_api.py.
WITHOUT_OWNER = {"getBlob", *SHARED}
NOBODYS = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

# A body that would do something if everything that it names were the asker's own, for each operation that takes one.
Bodies = dict[str, Callable[[Library], dict[str, Any]]]
BODIES: Bodies = {
    "announceUploads": lambda _: {
        "items": [{"filename": "a.jpg", "content_type": "image/jpeg", "size": 1, "sha256": "0" * 64}]
    },
    "checkUploads": lambda _: {"sha256": ["0" * 64]},
    "editImage": lambda _: {
        "caption": "mine now",
        "favourite": True,
        "archived": True,
        "taken": {"local_time": "2024-01-01T00:00:00"},
        "location": {"lat": 38.7, "lon": -9.1},
        "add_labels": ["mine"],
    },
    "deleteImages": lambda own: {"image_ids": [str(own.ids["image_id"])]},
    "restoreImages": lambda own: {"image_ids": [str(own.photos[-1])]},
    "editImages": lambda own: {
        "image_ids": [str(own.ids["image_id"])],
        "favourite": True,
        "caption": "mine now",
        "location": {"lat": 38.7, "lon": -9.1},
        "add_labels": ["mine"],
    },
    "shiftTime": lambda own: {"image_ids": [str(own.ids["image_id"])], "by_seconds": 60},
    "generateAlbums": lambda _: {},
    "createAlbum": lambda own: {"title": "Mine", "image_ids": [str(own.ids["image_id"])]},
    "editAlbum": lambda own: {"title": "Mine", "cover_image_id": str(own.ids["image_id"])},
    "addAlbumImages": lambda own: {"image_ids": [str(own.photos[1])]},
    "removeAlbumImages": lambda own: {"image_ids": [str(own.ids["image_id"])]},
    "orderAlbumImages": lambda own: {"image_ids": [str(own.ids["image_id"])], "to": "end"},
    "createSmartAlbum": lambda own: {"title": "Mine", "filter": {"people_any": [[str(own.people[0])]]}},
    "previewSmartAlbum": lambda own: {"filter": {"albums": [str(own.ids["album_id"])]}},
    "mergePeople": lambda own: {"into": str(own.people[0]), "people": [str(own.people[1])]},
    "editPerson": lambda _: {"name": "Eve", "hidden": True},
    "splitPerson": lambda own: {"face_ids": [str(own.faces[0])]},
    "resolveDuplicates": lambda own: {"keeper_id": str(own.photos[1]), "remove": [str(own.photos[2])]},
    "assignFace": lambda own: {"person_id": str(own.people[1])},
    "shareAlbum": lambda _: {"password": "1234", "expires_in": 3600},
    "sharePhotos": lambda own: {"image_ids": [str(own.ids["image_id"])]},
    "editShare": lambda _: {"title": "Mine", "downloads": True},
    "createApiKey": lambda _: {"name": "Mine", "scopes": ["photos:read"], "password": PASSWORD},
    "renameApiKey": lambda _: {"name": "Mine now"},
    "editAccount": lambda _: {"name": "Eve"},
    "changePassword": lambda _: {"current": PASSWORD, "new": "another password"},
    "beginSecondFactor": lambda _: {"password": PASSWORD},
    "confirmSecondFactor": lambda _: {"code": described.code_now()},
    "removeSecondFactor": lambda _: {"password": PASSWORD, "code": described.code_now()},
    "renewRecoveryCodes": lambda _: {"password": PASSWORD, "code": described.code_now()},
    "giveProof": lambda _: {"password": PASSWORD},
    "createWebhook": lambda own: {
        "url": "https://example.com/hooks/mine",
        "events": ["image.ready"],
        "proof": own.owner.proof,
    },
    "editWebhook": lambda own: {"url": "https://example.com/hooks/new", "active": True, "proof": own.owner.proof},
    "rotateWebhookSecret": lambda own: {"proof": own.owner.proof},
    "deleteAccount": lambda _: {"password": PASSWORD},
}

# What a filled vault lacks before such a body does something.
PREPARING: dict[str, Callable[[Somebody], None]] = {
    "confirmSecondFactor": partial(described.give_second_factor, confirmed=False),
    "removeSecondFactor": described.give_second_factor,
    "renewRecoveryCodes": described.give_second_factor,
}

# Fields of a smart album's filter.
FILTERED = {
    "people_all": "person",
    "people_any": "person",
    "people_none": "person",
    "albums": "album",
    "albums_none": "album",
}


def saved(operation: str, name: str, own: Library, id_: UUID) -> dict[str, Any]:
    """A filter with an id of one's own and this one."""
    both = [str(own.people[0] if FILTERED[name] == "person" else own.ids["album_id"]), str(id_)]
    titled = {} if operation == "previewSmartAlbum" else {"title": "New"}
    return {**titled, "filter": {name: [both] if name == "people_any" else both}}


# Each field of a body or query that holds ids: how somebody else's gets into it. The rest of the body is the asker's.
Field = Callable[[Library, UUID], dict[str, Any]]
IN_BODIES: dict[tuple[str, str], tuple[str, Field]] = {
    ("createAlbum", "image_ids"): (
        "photo",
        lambda own, id_: {"title": "New", "image_ids": [str(own.photos[0]), str(id_)]},
    ),
    ("editAlbum", "cover_image_id"): ("photo", lambda _, id_: {"title": "New", "cover_image_id": str(id_)}),
    ("addAlbumImages", "image_ids"): ("photo", lambda own, id_: {"image_ids": [str(own.photos[1]), str(id_)]}),
    ("orderAlbumImages", "image_ids"): (
        "photo",
        lambda own, id_: {"image_ids": [str(own.photos[0]), str(id_)], "to": "end"},
    ),
    ("orderAlbumImages", "before"): (
        "photo",
        lambda own, id_: {"image_ids": [str(own.photos[0])], "before": str(id_)},
    ),
    ("orderAlbumImages", "after"): ("photo", lambda own, id_: {"image_ids": [str(own.photos[0])], "after": str(id_)}),
    **{
        (operation, name): (kind, partial(saved, operation, name))
        for operation in ("createSmartAlbum", "previewSmartAlbum", "editAlbum")
        for name, kind in FILTERED.items()
    },
    ("shiftTime", "image_ids"): (
        "photo",
        lambda own, id_: {"image_ids": [str(own.photos[0]), str(id_)], "by_seconds": 60},
    ),
    ("deleteImages", "image_ids"): ("photo", lambda own, id_: {"image_ids": [str(own.photos[0]), str(id_)]}),
    ("restoreImages", "image_ids"): ("photo", lambda own, id_: {"image_ids": [str(own.photos[-1]), str(id_)]}),
    ("editImages", "image_ids"): (
        "photo",
        lambda own, id_: {"image_ids": [str(own.photos[0]), str(id_)], "archived": True},
    ),
    ("mergePeople", "into"): ("person", lambda own, id_: {"into": str(id_), "people": [str(own.people[0])]}),
    ("mergePeople", "people"): (
        "person",
        lambda own, id_: {"into": str(own.people[0]), "people": [str(own.people[1]), str(id_)]},
    ),
    ("splitPerson", "face_ids"): ("face", lambda own, id_: {"face_ids": [str(own.faces[0]), str(id_)]}),
    ("resolveDuplicates", "keeper_id"): (
        "photo",
        lambda own, id_: {"keeper_id": str(id_), "remove": [str(own.photos[2])]},
    ),
    ("resolveDuplicates", "remove"): (
        "photo",
        lambda own, id_: {"keeper_id": str(own.photos[1]), "remove": [str(own.photos[2]), str(id_)]},
    ),
    ("sharePhotos", "image_ids"): ("photo", lambda own, id_: {"image_ids": [str(own.photos[0]), str(id_)]}),
    ("assignFace", "person_id"): ("person", lambda _, id_: {"person_id": str(id_)}),
}
# Taking out what is not in is nothing: see test_taking_somebody_elses_photo_out_of_an_album_does_nothing.
HARMLESS = {("removeAlbumImages", "image_ids")}
IN_QUERIES = {
    ("listImages", "album_id"): "album",
    ("listImages", "person_id"): "person",
    ("search", "album_id"): "album",
    ("search", "person_id"): "person",
    ("listShares", "album_id"): "album",
    ("listLabels", "image_id"): "photo",
}


@pytest.fixture
def _staging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "put", lambda *_, **__: None)


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def hers(http: TestClient, sent: Sent) -> Library:
    """Whose vault is attacked."""
    return described.fill(http)


@pytest.fixture
def mine(http: TestClient, sent: Sent) -> Library:
    """The vault of whoever attacks."""
    return described.fill(http)


def named(operation_id: str) -> Operation:
    (found,) = [each for each in operations() if each.id == operation_id]
    return found


def request_for(operation: Operation, ids_by_name: dict[str, UUID], owner: Library) -> dict[str, Any]:
    """A request of that operation, with those ids in its path and a body that is the owner's."""
    path = operation.path
    for name in operation.path_names:
        path = path.replace(f"{{{name}}}", str(ids_by_name[name]))
    request: dict[str, Any] = {"method": operation.method, "url": path}
    if operation.id in BODIES:
        request["json"] = BODIES[operation.id](owner)
    elif "multipart/form-data" in operation.details.get("requestBody", {}).get("content", {}):
        request["files"] = {"file": ("a.jpg", draw(1, (8, 8)), "image/jpeg")}
    return request


def but_for_the_ids(answer: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    """What must be the same for what is somebody else's and for what is not there."""
    return answer.status_code, dict(answer.headers), answer.json() | {"request_id": "", "instance": ""}


def id_fields(schema: Any, seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of a body's properties that hold ids, however deep."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from id_fields(described.document()["components"]["schemas"][name], (*seen, name))
    for name, part in schema.get("properties", {}).items():
        if holds_ids(part):
            yield name
        yield from id_fields(part, seen)
    for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from id_fields(part, seen)


def holds_ids(schema: Any) -> bool:
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]
    return schema.get("format") == "uuid" or any(holds_ids(part) for part in parts)


# ---------------------------------------------------------------------------------------------------- nothing forgotten


def test_every_id_in_a_path_is_one_that_a_filled_vault_has(hers: Library) -> None:
    """A new kind of id belongs into ``described.fill``, so that the tests below try it."""
    for operation in operations():
        if operation.id not in WITHOUT_OWNER:
            assert set(operation.path_names) <= hers.ids.keys(), operation


def test_every_body_is_known_to_these_tests() -> None:
    """A new operation with a JSON body belongs into ``BODIES``, and its ids into ``IN_BODIES``."""
    taking = {operation.id for operation in operations() if operation.body is not None}
    assert taking - PUBLIC == BODIES.keys()
    holding = {(o.id, name) for o in operations() if o.body is not None for name in id_fields(o.body)}
    assert holding == IN_BODIES.keys() | HARMLESS


def test_every_id_in_a_query_is_known_to_these_tests() -> None:
    holding = {(o.id, p["name"]) for o in operations() for p in o.parameters("query") if holds_ids(p["schema"])}
    assert holding == IN_QUERIES.keys()


def test_the_bodies_do_something_to_ones_own(http: TestClient, mine: Library) -> None:
    """Else the 404s below could be for another reason than whose things they are."""
    for operation_id in BODIES:
        owned = described.fill(http)
        if operation_id in PREPARING:
            PREPARING[operation_id](owned.owner)
        answer = http.request(**request_for(named(operation_id), dict(owned.ids), owned), headers=owned.owner.headers)
        assert answer.is_success, (operation_id, answer.text)


def writing() -> list[str]:
    return sorted(o.id for o in operations() if o.method != "GET" and o.id not in PUBLIC | {"deleteAccount", "logOut"})


def test_whoever_follows_the_changes_learns_of_what_every_route_writes(http: TestClient) -> None:
    """A route that changes what the lists show, and no revision, would leave every copy behind."""
    silent = []
    for operation_id in writing():
        owned = described.fill(http)
        copy = Mirror(http, owned.owner.headers)
        assert copy.catch_up() == lists(http, owned.owner.headers)
        before = dict(copy.rows)
        answer = http.request(**request_for(named(operation_id), dict(owned.ids), owned), headers=owned.owner.headers)
        assert answer.is_success or answer.status_code in {404, 409}, (operation_id, answer.text)
        assert copy.catch_up() == lists(http, owned.owner.headers), operation_id
        if copy.rows == before:
            silent.append(operation_id)
    assert {"editImage", "deleteImage", "addAlbumImages", "mergePeople"}.isdisjoint(silent), "nothing was tried"


# ---------------------------------------------------------------------------------------------- what is somebody else's


def test_what_is_somebody_elses_answers_as_what_is_not_there(http: TestClient, hers: Library, mine: Library) -> None:
    before = described.everything_of(hers.owner.user_id)
    tried = 0
    for operation in operations():
        if not operation.path_names or operation.id in WITHOUT_OWNER:
            continue
        nothing = {name: described.missing() for name in hers.ids}
        for owner in (hers, mine):  # whose the body is
            foreign = http.request(**request_for(operation, dict(hers.ids), owner), headers=mine.owner.headers)
            absent = http.request(**request_for(operation, nothing, owner), headers=mine.owner.headers)
            assert foreign.status_code == 404, (operation.id, foreign.text)
            assert_problem(foreign)
            assert but_for_the_ids(foreign) == but_for_the_ids(absent), operation.id
            tried += 1
    assert tried > 30
    assert described.everything_of(hers.owner.user_id) == before


@pytest.mark.parametrize(("operation_id", "field"), sorted(IN_BODIES))
def test_somebody_elses_id_in_a_body_is_as_good_as_none(
    http: TestClient, hers: Library, mine: Library, operation_id: str, field: str
) -> None:
    kind, build_body = IN_BODIES[operation_id, field]
    theirs = {
        "photo": hers.photos[1],
        "person": hers.people[1],
        "face": hers.faces[1],
        "album": hers.ids["album_id"],
    }[kind]
    before, own_before = described.everything_of(hers.owner.user_id), described.everything_of(mine.owner.user_id)
    answers = []
    for id_ in (theirs, described.missing()):
        request = request_for(named(operation_id), dict(mine.ids), mine) | {"json": build_body(mine, id_)}
        answers.append(http.request(**request, headers=mine.owner.headers))
    foreign, absent = answers
    assert foreign.status_code == 404, foreign.text
    assert but_for_the_ids(foreign) == but_for_the_ids(absent)
    assert described.everything_of(hers.owner.user_id) == before
    assert described.everything_of(mine.owner.user_id) == own_before, "half of a refused request was done"


def test_taking_somebody_elses_photo_out_of_an_album_does_nothing(
    http: TestClient, hers: Library, mine: Library
) -> None:
    before = described.everything_of(hers.owner.user_id)
    request = request_for(named("removeAlbumImages"), dict(mine.ids), mine)
    answers = [
        http.request(**request | {"json": {"image_ids": [str(id_)]}}, headers=mine.owner.headers)
        for id_ in (hers.ids["image_id"], described.missing())
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["image_count"] == 1
    assert described.everything_of(hers.owner.user_id) == before


@pytest.mark.parametrize(("operation_id", "field"), sorted(IN_QUERIES))
def test_somebody_elses_id_in_a_filter_finds_nothing(
    http: TestClient, hers: Library, mine: Library, operation_id: str, field: str
) -> None:
    owned, theirs = (
        {"album": each.ids["album_id"], "person": each.people[1], "photo": each.ids["image_id"]}[
            IN_QUERIES[operation_id, field]
        ]
        for each in (mine, hers)
    )

    for each in (mine, hers):
        photo = each.ids["image_id"]
        assert http.put(f"/images/{photo}/labels/cat", headers=each.owner.headers).is_success

    def found(*ids_: UUID) -> Any:
        query = {field: [str(id_) for id_ in ids_]}
        return http.get(named(operation_id).path, params=query, headers=mine.owner.headers).json()

    assert found(owned)["items"]
    assert found(theirs) == found(described.missing())
    assert found(theirs)["items"] == []
    assert field != "person_id" or found(owned, theirs)["items"] == []


def test_lists_hold_nothing_of_anybody_else(http: TestClient, hers: Library) -> None:
    """All that can be asked without an id, asked by somebody with an empty vault: not one id of hers."""
    newcomer = somebody()
    rows = described.everything_of(hers.owner.user_id)
    theirs = set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", rows))
    shared = {str(row[0]) for row in table(newcomer.user_id, "SELECT id FROM models")}
    asked = 0
    for operation in operations():
        if operation.method == "GET" and not operation.path_names and operation.id not in PUBLIC:
            answer = http.get(operation.path, headers=newcomer.headers, params={"q": "cat on a roof"})
            assert answer.status_code == 200, (operation.id, answer.text)
            assert not (theirs - shared) & set(re.findall(r"[0-9a-f-]{36}", answer.text)), operation.id
            assert "cat.jpg" not in answer.text, operation.id
            asked += 1
    assert asked > 10


def test_a_key_of_idempotency_is_each_persons_own(http: TestClient, hers: Library, mine: Library) -> None:
    """The same key and the same request of two people make two things."""
    made = [
        http.post(
            "/albums/manual", json={"title": "Same"}, headers=who.owner.headers | {"Idempotency-Key": "the same"}
        ).json()["id"]
        for who in (hers, mine)
    ]
    assert made[0] != made[1]


def test_a_cursor_of_somebody_else_leads_to_ones_own(http: TestClient, hers: Library, mine: Library) -> None:
    given = http.get("/images/list?limit=1", headers=hers.owner.headers).json()["next_cursor"]
    page = http.get("/images/list", params={"cursor": given}, headers=mine.owner.headers).json()
    assert {UUID(item["id"]) for item in page["items"]} <= set(mine.photos)


def test_a_blob_wants_a_signature(http: TestClient, mine: Library) -> None:
    """Forged, past, or of another blob: the same answer whether there is such a blob or not."""
    later = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    answers = [
        http.get(f"/blobs/ab/{name}", params={"expires": expires, "signature": signature})
        for name in ("0" * 38, "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%00", "%c3%a9", "%ff")
        for expires in (0, later, 2**53 - 1)
        for signature in ("", "x", "A" * 43, "é")
    ]
    assert {answer.status_code for answer in answers} <= {403, 404}
    for answer in answers:
        assert_problem(answer)


# -------------------------------------------------------------------------------------------------------- who is asking


def token_of(who: Somebody, key: str = SECRET, **changes: Any) -> str:
    values = {"user_id": who.user_id, "session_id": who.session_id, "now": datetime.now(UTC)} | changes
    return tokens.sign(tokens.SigningKey.from_secret(key), **values)


def stranger(who: Somebody, other: Somebody) -> dict[str, str | None]:
    """What is no token of a person with a session that has not ended, by what is wrong with it."""
    ended = described.session_of(who)
    with db.transaction(who.user_id) as conn:
        sessions.revoke(conn, ended.session_id, because="a test")
    good = token_of(who)
    head, body, signature = good.split(".")
    return {
        "none": None,
        "empty": "",
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "nothing after the scheme": "Bearer",
        "garbage": "Bearer nonsense",
        "three parts of garbage": "Bearer a.b.c",
        "without a signature": f"Bearer {head}.{body}.",
        "another's signature": f"Bearer {head}.{body}.{token_of(other).rpartition('.')[2]}",
        "another's claims": f"Bearer {head}.{token_of(other).split('.')[1]}.{signature}",
        "expired": f"Bearer {token_of(who, now=datetime.now(UTC) - timedelta(minutes=11))}",
        "signed with a key of nobody": f"Bearer {token_of(who, key='a secret that is not the one of this vault')}",
        "an ended session": f"Bearer {ended.access_token}",
        "a session of somebody else": f"Bearer {token_of(who, session_id=other.session_id)}",
        "a session of nobody": f"Bearer {token_of(who, session_id=ids.new())}",
        "nobody's id": f"Bearer {token_of(who, user_id=ids.new())}",
        "long": "Bearer " + "a" * 60_000,
    }


def test_without_a_valid_token_every_route_is_401(http: TestClient, mine: Library, hers: Library) -> None:
    strangers = stranger(mine.owner, hers.owner)
    before = described.everything_of(mine.owner.user_id)
    nobodys = dict.fromkeys(("shard", "name", "token", "photo_id", "rendition"), NOBODYS)
    for operation in operations():
        request = request_for(operation, dict(mine.ids) | nobodys, mine)
        if operation.id in PUBLIC:
            assert http.request(**request).status_code not in {401, 500}, operation.id
            continue
        for wrong, header in strangers.items():
            answer = http.request(**request, headers={"Authorization": header} if header is not None else {})
            assert answer.status_code == 401, (operation.id, wrong, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer", (operation.id, wrong)
            assert assert_problem(answer)["type"].endswith("/unauthenticated"), (operation.id, wrong)
    assert described.everything_of(mine.owner.user_id) == before


def test_a_picture_in_a_browsers_cache_is_for_whoever_asked_for_it(http: TestClient, mine: Library) -> None:
    """Somebody who logs in next in the same browser must not be answered from its cache."""
    answer = http.get(f"/images/{mine.ids['image_id']}/view", headers=mine.owner.headers)
    assert answer.status_code == 200
    assert "private" in answer.headers["cache-control"]
    assert "authorization" in answer.headers["vary"].lower()


def test_a_token_in_the_query_or_a_cookie_is_none(http: TestClient, mine: Library) -> None:
    token = mine.owner.access_token
    answer = http.get("/images/list", params={"access_token": token}, headers={"Cookie": f"access_token={token}"})
    assert answer.status_code == 401


# --------------------------------------------------------------------------------------- names that mean something else

NASTY = [
    "100%", "_", "%", "\\", "a\\%b", "' OR 1=1 --", '"); DROP TABLE images; --', "$1 %s %(id)s {0} {user_id}", "NULL",
    ".*", "(", "[a-", "a{2,1}", "-", 'album:"', "to_tsquery('a&')", "a & | ! b:* <->", "{{7*7}}", "${7*7}",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;", "javascript:alert(1)",
    "\u202egnp.exe", "e\u0301", "\u200b\u200d", "\U0001f468\u200d\U0001f469", "İstanbul", "ﬀ", "\ufeff",
    "\u0001\u001f\u007f",
]  # fmt: skip
UNSEEN = {"\u200b\u200d", "\ufeff", "\u0001\u001f\u007f"}


@pytest.mark.parametrize("name", NASTY)
def test_names_with_a_meaning_elsewhere_are_only_names(http: TestClient, sent: Sent, name: str) -> None:
    """Title, caption, person's name and filters: kept as they are, found by nobody but what has them."""
    own = NAMED.get("library") or NAMED.setdefault("library", described.fill(http))
    headers = own.owner.headers
    photo = own.ids["image_id"]

    def asks(method: str, path: str, **request: Any) -> Any:
        answer = http.request(method, path, headers=headers, **request)
        assert answer.status_code < 300, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        return answer.json()

    plain = re.sub(r"^\s+|\s+$", "", name) or "x"
    titled = {"title": "A title needs something to be seen" if name in UNSEEN else plain, "description": name}
    album = asks("POST", "/albums/manual", json=titled)
    assert (album["title"], album["description"]) == (titled["title"].strip(), name.strip())
    assert album["id"] in {each["id"] for each in asks("GET", "/albums/", params={"limit": 200})["items"]}
    assert asks("PATCH", f"/images/{photo}", json={"caption": name})["caption"] == name
    person = asks("PATCH", f"/people/{own.people[0]}", json={"name": plain})["person"]
    assert person["name"].strip() == plain.strip()
    for query in (name, f"album:{name}", f'"{name}"', f"-{name}", f"person:{name}"):
        found = asks("GET", "/search", params={"q": query})
        assert {UUID(hit["image"]["id"]) for hit in found["items"]} <= set(own.photos)
        asks("GET", "/search/suggest", params={"q": query})
    for filtered in ({"city": name}, {"label": name}, {"country": name[:2]}):
        assert asks("GET", "/images/list", params=filtered)["items"] == [], filtered


NAMED: dict[str, Library] = {}


def test_a_wildcard_is_no_wildcard(http: TestClient, sent: Sent) -> None:
    """``%`` and ``_`` find nothing but themselves, in filters and in what is completed."""
    own = described.fill(http)
    add_photo(own.owner.user_id, caption="fully 100% wool")
    build(own.owner.user_id)
    headers = own.owner.headers
    http.post("/albums/manual", json={"title": "Summer_2025"}, headers=headers)
    for nothing in ("%", "_", "%%", "S%mmer", "%ummer", "_ummer", ".*mer", "Lisb_n", "%on"):
        assert http.get("/search/suggest", params={"q": nothing}, headers=headers).json()["items"] == [], nothing
        assert http.get("/images/list", params={"city": nothing}, headers=headers).json()["items"] == [], nothing
    assert http.get("/images/list", params={"city": "Lisbon"}, headers=headers).json()["items"]


# ----------------------------------------------------------------------------------------------- connections are shared


def test_nothing_of_a_person_stays_on_a_connection(http: TestClient, hers: Library, mine: Library) -> None:
    """Two people, one connection after the other, answers and errors: it knows neither of them afterwards."""
    pool = db.pool()
    for who in (hers, mine):
        for operation in operations():
            if operation.method == "GET" and operation.id not in PUBLIC:
                http.request(**request_for(operation, dict(mine.ids), mine), headers=who.owner.headers)
    held = [pool.getconn() for _ in range(pool.get_stats()["pool_size"])]
    try:
        for conn in held:
            state = conn.execute(
                "SELECT current_setting('photovault.person', true), current_user = session_user, "
                "current_setting('role'), current_setting('row_security')"
            ).fetchone()
            assert state is not None
            assert (state[0] or "", *state[1:]) == ("", True, "none", "on")
            conn.rollback()
    finally:
        for conn in held:
            pool.putconn(conn)


def test_one_connection_serves_two_people_in_turn(
    http: TestClient, hers: Library, mine: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a function, where the pool has one connection: everybody sees their own."""
    db.close()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "library")
    try:
        for _ in range(3):
            for who in (hers, mine):
                listed = http.get("/images/list", headers=who.owner.headers).json()["items"]
                assert {UUID(item["id"]) for item in listed} == set(who.photos[:-1])
                foreign = mine if who is hers else hers
                assert http.get(f"/images/{foreign.photos[0]}", headers=who.owner.headers).status_code == 404
        assert db.pool().max_size == 1
        assert db.pool().get_stats()["pool_size"] == 1
    finally:
        db.close()


def test_answers_are_json_whatever_a_name_holds(http: TestClient, mine: Library) -> None:
    """HTML in a path, a query or a body comes back inside JSON, which no browser renders as a page."""
    tag = "<script>alert(1)</script>"
    answers = [
        http.get(f"/images/{tag}", headers=mine.owner.headers),
        http.get(f"/{tag}"),
        http.get("/images/list", params={"cursor": tag, "limit": tag}, headers=mine.owner.headers),
        http.post("/auth/login", json={tag: tag}),
        http.post("/auth/login", content=tag, headers={"Content-Type": "application/json"}),
        http.request(tag.replace("/", "").strip("<>()"), "/health"),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert_problem(answer)
        json.loads(answer.content)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
