"""The API as its own OpenAPI document describes it, and a vault with something behind each kind of id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.testclient import TestClient
from tests.arranging import LISBON, add_photo, add_photos, build, face_of, faces_in, table, want, who_is_in
from tests.vaults import SECRET, Somebody, somebody

from photovault import api as photovault_api
from photovault import (
    api_keys,
    blobs,
    changes,
    db,
    deliveries,
    duplicates,
    ids,
    images,
    jobs,
    keyring,
    one_time_codes,
    sessions,
    tokens,
    users,
    webhooks,
)
from photovault import vault as sealed_vault
from photovault.one_time_codes import SealingKeys

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    details: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def id(self) -> str:
        return str(self.details.get("operationId"))

    @property
    def path_names(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def body(self) -> Mapping[str, Any] | None:
        """The schema of the JSON body, if it takes one."""
        content = self.details.get("requestBody", {}).get("content", {})
        found: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    def parameters(self, where: str) -> list[Mapping[str, Any]]:
        return [each for each in self.details.get("parameters", ()) if each["in"] == where]


@cache
def document() -> dict[str, Any]:
    """The description of all functions together; wants the settings of a vault."""
    return photovault_api.describe()


def operations() -> list[Operation]:
    return [
        Operation(method.upper(), path, details)
        for path, methods in document()["paths"].items()
        for method, details in methods.items()
        if method in METHODS
    ]


def routers() -> list[APIRouter]:
    """Those of all functions."""

    return photovault_api.routers()


# ------------------------------------------------------------------------------------------------------- answers


def assert_problem(answer: Any) -> dict[str, Any]:
    """An RFC 9457 document that says of itself what the status line says, with the headers of every answer."""
    assert answer.headers["content-type"] == "application/problem+json", (answer.status_code, answer.text[:200])
    body: dict[str, Any] = answer.json()
    assert body.keys() - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert body["status"] == answer.status_code
    assert all(isinstance(body[name], str) and body[name] for name in body.keys() - {"status", "errors"})
    assert all(set(error) == {"field", "message"} for error in body.get("errors", []))
    for name, wanted in {"x-content-type-options": "nosniff", "cache-control": "no-store"}.items():
        assert answer.headers[name] == wanted
    return body


def disagreements(value: Any, schema: Mapping[str, Any], at: str = "answer") -> Iterator[str]:
    """Where a JSON value is not what a schema of the document says: the keywords that our schemas use."""
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        tried = [list(disagreements(value, choice, at)) for choice in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, not one of {schema['enum']}"
    kind = schema.get("type")
    if kind is not None and not _is(kind, value):
        yield f"{at} is {value!r}, not of type {kind}"
        return
    if isinstance(value, str) and not _has_format(schema.get("format"), value):
        yield f"{at} is {value!r}, not a {schema['format']}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from disagreements(item, schema.get("items", {}), f"{at}[{number}]")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at} lacks {name}" for name in schema.get("required", ()) if name not in value)
        rest = schema.get("additionalProperties", True)
        for name, part in value.items():
            if name in known:
                yield from disagreements(part, known[name], f"{at}.{name}")
            elif rest is False:
                yield f"{at} has {name}, of which the document knows nothing"
            elif isinstance(rest, dict):
                yield from disagreements(part, rest, f"{at}.{name}")


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "array": list, "object": dict}
    return value is None if kind == "null" else isinstance(value, types.get(kind, ()))


def _has_format(name: str | None, value: str) -> bool:
    readers: dict[str, Any] = {"uuid": UUID, "date": date.fromisoformat, "date-time": datetime.fromisoformat}
    try:
        readers.get(name or "", str)(value)
    except ValueError:
        return False
    return True


def assert_as_described(answer: Any, operation: Operation) -> None:
    """The status is one that the document names, and what it brings is of the schema that the document gives it."""
    declared = operation.details["responses"].get(str(answer.status_code))
    assert declared is not None, f"{operation.id} does not say that it may answer {answer.status_code}: {answer.text}"
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    content = declared.get("content", {})
    if answer.status_code >= 400 and not (media_type == "text/html" and media_type in content):
        assert_problem(answer)
    if media_type in {"application/json", "application/problem+json"} and media_type in content:
        found = list(disagreements(answer.json(), content[media_type]["schema"]))
        assert not found, (operation.id, answer.status_code, found)
    else:
        told = media_type in content or any(name.endswith("/*") for name in content)
        assert told or not answer.content, f"{operation.id} brings {media_type}, not one of {sorted(content)}"


# ------------------------------------------------------------------------------------------------- somebody's vault


@dataclass(frozen=True)
class Library:
    """Somebody with one of everything that has an id. ``ids`` are by the names that paths give them."""

    owner: Somebody
    photos: list[UUID]
    faces: list[UUID]
    people: list[UUID]
    ids: Mapping[str, UUID]
    automatic_album: UUID


def fill(http: TestClient, *, photos: int = 3) -> Library:
    """A vault with photos of two people, a shared album, automatic ones, a correction, a job, a second session."""
    owner = somebody(name="Grace")
    taken = [add_photo(owner.user_id, faces=[face_of(who, look)], where=LISBON) for who in (1, 2) for look in range(3)]
    taken += add_photos(owner.user_id, photos, caption="a cat on a roof", filename="cat.jpg")
    seal(owner.user_id, taken[0])
    build(owner.user_id)
    faces = [face.id for image_id in taken[:6] for face in faces_in(owner.user_id, image_id)]
    people = [found for found in who_is_in(owner.user_id, [taken[0], taken[3]]) if found]
    assert len(set(people)) == 2

    def ask(method: str, path: str, body: dict[str, Any]) -> Any:
        answer = http.request(method, path, headers=owner.headers, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    album = ask("POST", "/albums/manual", {"title": "Mine", "image_ids": [str(taken[0])]})
    export = ask("POST", "/exports", {})
    share = ask("POST", f"/albums/{album['id']}/shares", {})
    correction = ask("PATCH", f"/people/{people[0]}", {"name": "Ida"})["correction_id"]
    with db.transaction(owner.user_id) as conn:
        job = jobs.add(conn, "albums", generation=0)
        # Not by their routes, which count how often somebody proves who they are.
        key = api_keys.add(conn, name="A frame", scopes=["photos:read"], expires_at=None).key.id
        hook, _ = webhooks.add(
            conn,
            owner.user_id,
            url="https://example.com/hook",
            events=["image.ready"],
            description=None,
            position=changes.newest(conn),
        )
        (delivery,) = deliveries.add(conn, hook, "webhook.test", ["{}"])
        images.move_to_trash(conn, taken[-1], revision=users.next_revision(conn))
        conn.execute(
            "INSERT INTO look_alikes (image_a, image_b, kind, score, share) VALUES (%s, %s, 'duplicate', 1, 1)",
            taken[1:3],
        )
    want(owner.user_id)
    (automatic,) = table(owner.user_id, "SELECT id FROM albums WHERE kind = 'place' ORDER BY id LIMIT 1")
    return Library(
        owner=owner,
        photos=taken,
        faces=faces,
        people=people,
        automatic_album=automatic[0],
        ids={
            "image_id": taken[0],
            "album_id": UUID(album["id"]),
            "person_id": people[0],
            "face_id": faces[0],
            "correction_id": UUID(correction),
            "job_id": job,
            "export_id": UUID(export["id"]),
            "share_id": UUID(share["id"]),
            "webhook_id": hook,
            "delivery_id": delivery,
            "key_id": key,
            "group_id": duplicates.group_id("duplicate", taken[1:3]),
            "session_id": session_of(owner).session_id,
            "label": ids.new(),  # any text is one
        },
    )


def seal(user_id: UUID, image_id: UUID) -> None:
    """Give a photo its blobs, as vision does."""
    with db.transaction(user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        key = keyring.content_key_of(conn, image)
        made = [
            sealed_vault.store(
                name.encode() * 20,
                content_key=key,
                user_id=user_id,
                image_id=image_id,
                name=name,
                content_type="image/jpeg",
            )
            for name in ("original", "preview", "thumbnail")
        ]
        blobs.add(conn, made)


AUTHENTICATOR = b"an authenticator's 20"


def give_second_factor(owner: Somebody, *, confirmed: bool = True) -> None:
    """Two-step log-in with a secret that the tests know; begun alone, or on."""
    sealed = SealingKeys([SECRET]).seal(AUTHENTICATOR, user_id=owner.user_id)
    with db.transaction(owner.user_id) as conn:
        conn.execute(
            "INSERT INTO second_factors (sealed, sealed_by, confirmed_at) VALUES (%s, %s, CASE WHEN %s THEN now() END)",
            [sealed.token, sealed.sealed_by, confirmed],
        )


def code_now() -> str:
    """What the authenticator of ``give_second_factor`` shows."""
    return one_time_codes.code_at(AUTHENTICATOR, one_time_codes.step_of(datetime.now(UTC)))


def session_of(owner: Somebody) -> Somebody:
    """The same person on one more device."""
    now = datetime.now(UTC)
    with db.transaction(owner.user_id) as conn:
        session_id, _ = sessions.start(conn, user_agent="another device", now=now)
    key = tokens.SigningKey.from_secret(SECRET)
    token = tokens.sign(key, user_id=owner.user_id, session_id=session_id, now=now)
    return Somebody(owner.user_id, session_id, owner.email, token)


def everything_of(user_id: UUID) -> str:
    """All rows of a person in all tables, to see whether anything touched them."""
    with db.transaction(user_id) as conn:
        tables = conn.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind IN ('r', 'p') AND nspname = 'public' AND relrowsecurity ORDER BY relname"
        ).fetchall()
        rows = {
            name: sorted(
                json.dumps(row, sort_keys=True, default=str)
                for (row,) in conn.execute(f"SELECT to_jsonb(t) FROM {name} t".encode())
            )
            for (name,) in tables
        }
    assert rows["images"]
    return json.dumps(rows, indent=1)


def missing() -> UUID:
    """An id that nothing has."""
    return ids.new()
