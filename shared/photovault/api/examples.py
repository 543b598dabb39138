"""An example of every request and every answer of the OpenAPI document, put together from its schemas. Pure.

A schema's own ``examples`` come first; then what a field of that name holds; then what its type and format allow. One
story runs through all of them: a photo of Lisbon, its album, and the person on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from photovault import errors

JSON = "application/json"
_IMAGE = "01890a5d-ac96-774b-bcce-b302099a8057"
_ALBUM = "01890a5d-b0b3-7e21-9a3c-5b1f0a8f6f21"
_PERSON = "01890a5d-b4a8-7f0e-8d1b-2f6a4c7e9d03"
_USER = "01890a5c-0f3d-7c55-a3e1-94d0b7f5c2aa"
_IDS = {
    "image_id": _IMAGE,
    "cover_image_id": _IMAGE,
    "photo_id": _IMAGE,
    "album_id": _ALBUM,
    "person_id": _PERSON,
    "into": _PERSON,
    "user_id": _USER,
}
_SOME_ID = "01890a5e-3c41-7b60-9f27-c0de5a1b2e34"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_BY_FORMAT = {"date-time": "2026-05-01T10:30:00Z", "date": "2025-05-14", "uuid": _SOME_ID, "email": "ada@example.com"}
_BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 0.5, "boolean": False, "null": None, "object": {}}

# By the name of the field, or where a name means two things, by "Schema.field".
_VALUES: Mapping[str, Any] = {
    "Album.kind": "trip",
    "SyncedAlbum.kind": "trip",
    "because": "The position in the file lies there.",
    "embedding": "done",
    "expires_in": 600,
    "first_day": "2025-05-14",
    "height": 3024,
    "image_count": 6,
    "last_day": "2025-05-18",
    "local_time": "2025-05-14T12:30:00",
    "put_in": 0,
    "score": 0.93,
    "sealed_bytes": 2483260,
    "sentences": ["Photos taken in Lisbon, Portugal."],
    "status": "ready",
    "taken_out": 0,
    "vision": "done",
    "width": 4032,
    "access_token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTg5MGE1YyJ9.c2lnbmF0dXJl",
    "accuracy_km": None,
    "birthday": "1990-06-21",
    "boundary": None,
    "box": [0.41, 0.18, 0.12, 0.2],
    "bytes": 2483120,
    "caption": "The first morning in Alfama",
    "caption_source": "person",
    "checks": {"database": "ok", "migrations": "ok", "signing_keys": "ok", "master_keys": "ok"},
    "city": "Lisbon",
    "code": "123456",
    "conditions": {"date_from": "2025-01-01", "date_to": "2025-12-31", "days": [["2025-01-01", "2025-12-31"]]},
    "content_type": "image/jpeg",
    "country": "Portugal",
    "country_code": "PT",
    "cursor": "WyJpbWFnZXMiLCAiMjAyNSJd",
    "deleted_at": None,
    "description": "Five days in May",
    "Event.detail": {"album_id": _ALBUM, "title": "Weekend in Lisbon"},
    "Event.kind": "album-created",
    "email": "ada@example.com",
    "environment": "prod",
    "error": None,
    "Delivery.event": "image.ready",
    "UploadPost.fields": {
        "Content-Type": "image/jpeg",
        "key": f"incoming/{_USER}/{_IMAGE}",
        "policy": "eyJleHBpcmF0aW9uIjogIi4uLiJ9",
        "x-amz-signature": "6312eb881fd81a7c",
    },
    "UploadPost.url": "https://photovault-staging.s3.eu-central-1.amazonaws.com/",
    "filename": "IMG_1234.jpg",
    "header_sha256": _DIGEST,
    "key": "2bRcClq8KOIZkSp96v5LVZgJph9mtXCj_vTeaTgU17M=",
    "AlbumOfPhoto.kind": "trip",
    "Job.kind": "albums",
    "Matched.kind": "place",
    "PostedItem.kind": "image",
    "Span.kind": "place",
    "Suggestion.kind": "place",
    "kinds": ["place"],
    "language": "en",
    "lat": 38.7139,
    "level": "city",
    "link": "https://photos.example.com/s/Zk3vQ0n1bT8x",
    "link_hint": "bT8x",
    "lon": -9.1394,
    "make": "FUJIFILM",
    "model": "X100V",
    "FieldError.field": "items.0.sha256",
    "FieldError.message": "String should match pattern '^[0-9a-f]{64}$'",
    "Ticket.name": "thumbnail",
    "name": "Ada",
    "next_cursor": None,
    "next_since": "WyJjaGFuZ2VzIiw0Ml0",
    "offset": "+01:00",
    "Explanation.parameters": {"place_photos": 1},
    "parts": None,
    "password": "three words and more",
    "person_name": "Ada",
    "positions": {},
    "providers": {"storage": "s3", "faces": "auto", "embeddings": "auto", "geocoder": "offline"},
    "q": "ada in lisbon",
    "reason": None,
    "refresh_token": "pvr_example-of-a-refresh-token",
    "region": "Lisbon",
    "rule": "place",
    "sha256": _DIGEST,
    "size": 2483120,
    "source": "exif",
    "CheckAnswer.status": "ready",
    "UploadAnswer.status": None,
    "Health.status": "ok",
    "Ready.status": "ready",
    "stopped_because": None,
    "text": "in lisbon",
    "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
    "title": "Weekend in Lisbon",
    "url": "https://photovault-vault.s3.eu-central-1.amazonaws.com/ea/0e0b9abb?X-Amz-Signature=6312eb88",
    "user_agent": "Mozilla/5.0",
    "value": "Lisbon",
    "version": "0.1.0",
    "visit": "pvv_example-of-a-visit",
    "why": None,
    "Explanation.why": {"rule": "place", "level": "city", "city": "Lisbon", "country": "Portugal", "photos": 6},
}
# Of requests in which nothing has to be, or which have to hold one of several things.
_ASKED: Mapping[str, Mapping[str, Any]] = {
    "AccountEdit": {"name": "Ada Lovelace"},
    "Edit": {"image_ids": [_IMAGE], "favourite": True},
    "ImageEdit": {"caption": "The first morning in Alfama", "favourite": True},
    "PasswordChange": {"current": "password123", "new": "three words and more"},
    "Refresh": {"refresh_token": "pvr_example-of-a-refresh-token"},
    "ShiftRequest": {"image_ids": [_IMAGE], "by_seconds": 3600, "dry_run": True},
}
_KINDS: Mapping[str, Callable[[], errors.PhotoVaultError]] = {
    "401": errors.Unauthenticated,
    "404": errors.NotFound,
    "409": errors.Conflict,
    "410": errors.StartAgain,
    "413": errors.TooLarge,
    "415": errors.UnsupportedType,
    "416": lambda: errors.RangeNotSatisfiable(2483120),
    "422": errors.Invalid,
    "429": errors.TooManyRequests,
    "503": errors.Unavailable,
}


class Examples:
    """Examples by the schemas of one document."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self.schemas = schemas

    def of(self, schema: Mapping[str, Any], *, asked: bool = False) -> Any:
        """A value that the schema allows; of a request, ``asked``, with what has to be there and no more."""
        return self._of(schema, "", "", asked, ())

    def _of(self, schema: Mapping[str, Any], owner: str, name: str, asked: bool, inside: tuple[str, ...]) -> Any:
        reference = str(schema.get("$ref", "")).rpartition("/")[2]
        if reference:
            if asked and reference in _ASKED:
                return _ASKED[reference]
            return self._of(self.schemas[reference], reference, "", asked, (*inside, reference))
        if schema.get("examples"):
            return _with_nothings(schema["examples"][0], schema)
        if "const" in schema:
            return schema["const"]
        if "anyOf" in schema:
            return self._of_any(schema["anyOf"], owner, name, asked, inside)
        kind = schema.get("type")
        for key in (f"{owner}.{name}", name):
            if key in _VALUES and _is(_VALUES[key], kind) and _VALUES[key] in schema.get("enum", [_VALUES[key]]):
                return _VALUES[key]
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "array":
            return [
                self._of(each, owner, name, asked, inside)
                for each in schema.get("prefixItems", [schema.get("items", {})])
            ]
        if kind == "object":
            return self._of_object(schema, owner, name, asked, inside)
        if kind == "string":
            if schema.get("format") == "uuid":
                return _id(owner, name)
            return _BY_FORMAT.get(str(schema.get("format")), "text")
        return _BY_TYPE.get(str(kind))

    def _of_any(
        self, choices: list[Mapping[str, Any]], owner: str, name: str, asked: bool, inside: tuple[str, ...]
    ) -> Any:
        empty = any(choice.get("type") == "null" for choice in choices)
        if empty and any(key in _VALUES and _VALUES[key] is None for key in (f"{owner}.{name}", name)):
            return None
        for choice in choices:
            if choice.get("type") != "null" and str(choice.get("$ref", "")).rpartition("/")[2] not in inside:
                return self._of(choice, owner, name, asked, inside)
        return None

    def _of_object(
        self, schema: Mapping[str, Any], owner: str, name: str, asked: bool, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        rest = schema.get("additionalProperties")
        if "properties" not in schema:
            key = "thumbnail" if name == "tickets" else _ALBUM
            return {key: self._of(rest, owner, name, asked, inside)} if isinstance(rest, dict) and rest else {}
        fields: Mapping[str, Any] = schema["properties"]
        needed = schema.get("required", ()) if asked else fields
        return {field: self._of(fields[field], owner, field, asked, inside) for field in fields if field in needed}


def _with_nothings(example: Any, schema: Mapping[str, Any]) -> Any:
    """An example of an object with the nulls that FastAPI takes out of it."""
    if not isinstance(example, dict):
        return example
    return {**{name: None for name in schema.get("required", ()) if name not in example}, **example}


def _is(value: Any, kind: Any) -> bool:
    types: Mapping[Any, Any] = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list}
    return isinstance(value, types.get(kind, ()))


_OWN_IDS = {"Album": "album_id", "SyncedAlbum": "album_id", "Person": "person_id", "User": "user_id"}


def _id(owner: str, name: str) -> str:
    """An id of the story where the name says whose it is, or the thing that has it."""
    if name == "id":
        name = _OWN_IDS.get(owner, "image_id")
    return _IDS.get(name, _IMAGE if name.startswith("image") else _SOME_ID)


def with_examples(document: dict[str, Any], problem_type: str, base: str) -> dict[str, Any]:
    """The document with an example in each body, of whatever status, and in each name of a path.

    ``problem_type`` is the media type of problems and ``base`` what their types begin with.
    """
    examples = Examples(document["components"]["schemas"])
    for path, operation in _operations(document["paths"]):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path" or parameter.get("required"):
                parameter.setdefault("example", _of_parameter(parameter, examples))
        asked = operation.get("requestBody", {}).get("content", {})
        if JSON in asked:
            asked[JSON]["example"] = examples.of(asked[JSON]["schema"], asked=True)
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if JSON in content:
                content[JSON]["example"] = examples.of(content[JSON]["schema"])
            if problem_type in content:
                content[problem_type]["example"] = _problem(status, path, operation, base)
    for _, operation in _operations(document.get("webhooks", {})):
        posted = operation["requestBody"]["content"][JSON]
        posted["example"] = examples.of(posted["schema"])
    return document


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, operation) for path, methods in paths.items() for operation in methods.values())


def _of_parameter(parameter: Mapping[str, Any], examples: Examples) -> Any:
    schema = parameter["schema"]
    if schema.get("format") == "uuid":
        return _IDS.get(parameter["name"], _SOME_ID)
    return {"token": "Zk3vQ0n1bT8x", "shard": "ea", "name": "0e0b9abbba019f65"}.get(parameter["name"]) or examples.of(
        {**schema, **{key: parameter[key] for key in ("examples",) if key in parameter}}
    )


def _problem(status: str, path: str, operation: Mapping[str, Any], base: str) -> dict[str, Any]:
    kind = _KINDS.get(status)
    error = kind() if kind is not None else None
    if status == "403":
        scopes = [way["apiKey"][0] for way in operation.get("security", ()) if way.get("apiKey")]
        refused = errors.SessionNeeded() if operation.get("security") else errors.Forbidden()
        error = errors.ScopeMissing(scopes[0]) if scopes else refused
    phrase = HTTPStatus(int(status)).phrase
    body: dict[str, Any] = {
        "type": base + (error.type if error else phrase.lower().replace(" ", "-")),
        "title": error.title if error else phrase,
        "status": int(status),
        "detail": error.detail if error else phrase,
        "instance": re.sub(r"{(\w+)}", lambda found: _IDS.get(found[1], _SOME_ID), path),
        "request_id": "a77ee7fd-b82a-4e95-8605-0ecad0585ae4",
    }
    if status == "422":
        fields = [{"field": "limit", "message": "Input should be less than or equal to 200"}]
        body |= {"detail": "limit: Input should be less than or equal to 200", "errors": fields}
    return body
