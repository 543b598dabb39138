"""The OpenAPI document: complete, of use to generators of clients, and true about errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.shared.api.described import disagreements, document, operations, routers
from tests.vaults import client, somebody

from photovault import webhook_events
from photovault.api import library_app
from photovault.api.schemas import TYPE_BASE

pytestmark = pytest.mark.usefixtures("vault")

# What the seed's clients call: exactly these paths and methods.
SEED = [
    "POST /auth/signup", "POST /auth/login", "GET /auth/verify",
    "POST /images/upload", "GET /images/list", "GET /images/{image_id}/view",
    "GET /albums/", "POST /albums/auto-generate", "POST /albums/manual", "GET /albums/{album_id}/images",
    "GET /search", "GET /albums/by-location", "GET /albums/by-date", "GET /albums/persons",
    "GET /dashboard/stats", "GET /dashboard/recent-activity", "GET /dashboard/storage-analysis",
    "GET /dashboard/person-analysis", "GET /dashboard/location-analysis",
]  # fmt: skip
SHARED = {"getShared", "openShared", "listShared", "viewShared"}
PUBLIC = {"signUp", "logIn", "refresh", "health", "ready", "getBlob", *SHARED}
BYTES = {"viewImage", "getBlob", "viewShared"}
# Operations that have a page for browsers, also for what is not there.
PAGES = {"getShared"}


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def concrete(path: str) -> str:
    """The path with an id in the place of each of its names."""
    return re.sub(r"{\w+}", "01890a5d-ac96-774b-bcce-b302099a8057", path)


@pytest.mark.parametrize("endpoint", SEED)
def test_the_endpoints_of_the_seed_are_there(endpoint: str) -> None:
    assert endpoint in {f"{operation.method} {operation.path}" for operation in operations()}


def test_every_operation_has_a_name_of_its_own_that_is_an_identifier() -> None:
    names = [operation.id for operation in operations()]
    assert sorted(names) == sorted(set(names))
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]+", name) for name in names), names


def test_every_operation_says_what_it_is_for_and_where_it_belongs() -> None:
    for operation in operations():
        assert operation.details.get("summary"), operation.id
        assert operation.details.get("description"), operation.id
        assert operation.details.get("tags"), operation.id


def test_every_operation_but_the_public_ones_wants_a_token() -> None:
    assert {operation.id for operation in operations() if not operation.details.get("security")} == PUBLIC
    schemes = document()["components"]["securitySchemes"]
    assert {name: (scheme["type"], scheme["scheme"]) for name, scheme in schemes.items()} == {
        "session": ("http", "bearer"),
        "apiKey": ("http", "bearer"),
    }
    for operation in operations():
        for way in operation.details.get("security", ()):
            assert way.keys() <= schemes.keys(), operation.id


def test_every_error_is_described_as_the_problem_that_it_is() -> None:
    for operation in operations():
        for status, response in operation.details["responses"].items():
            if status.startswith(("4", "5")):
                told = response["content"]["application/problem+json"]
                assert told["schema"] == {"$ref": "#/components/schemas/Problem"}, (operation.id, status)
                page = {"text/html"} if operation.id in PAGES and status == "404" else set()
                assert response["content"].keys() == page | {"application/problem+json"}, (operation.id, status)
                assert response["description"], (operation.id, status)
    assert not {"HTTPValidationError", "ValidationError"} & document()["components"]["schemas"].keys()


def test_the_errors_that_every_operation_of_a_kind_can_end_in_are_named() -> None:
    for operation in operations():
        told = set(operation.details["responses"])
        expected = set()
        if operation.details.get("security"):
            expected |= {"401", "403"}
        if operation.path_names:
            expected |= {"404", "422"}
        if "requestBody" in operation.details:
            expected |= {"400", "413", "422"}
        if operation.details.get("parameters"):
            expected.add("422")
        assert told >= expected, (operation.id, expected - told)


def test_every_success_says_what_it_brings() -> None:
    for operation in operations():
        good = {status: r for status, r in operation.details["responses"].items() if status.startswith("2")}
        assert good, operation.id
        for status, response in good.items():
            content = response.get("content", {})
            if status == "204":
                assert not content, operation.id
            elif operation.id not in BYTES:
                assert content["application/json"]["schema"], operation.id


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    known = {f"#/components/schemas/{name}" for name in document()["components"]["schemas"]}
    assert set(references(document())) == known


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """What every operation takes and answers in JSON, by where it stands."""
    for operation in operations():
        places = {"request": operation.details.get("requestBody", {}), **operation.details["responses"]}
        for place, body in places.items():
            for media_type, content in body.get("content", {}).items():
                if media_type.endswith("json"):
                    yield f"{operation.id} {place}", content


def test_everything_has_an_example_that_is_as_its_schema_says() -> None:
    for where, content in bodies():
        assert list(disagreements(content["example"], content["schema"], where)) == []
    for operation in operations():
        for parameter in operation.parameters("path"):
            example = parameter["example"]
            assert list(disagreements(example, parameter["schema"], f"{operation.id} {parameter['name']}")) == []


def test_the_example_of_a_problem_is_of_its_status_and_names_the_scope_that_is_missing() -> None:
    for operation in operations():
        for status, response in operation.details["responses"].items():
            if not status.startswith(("4", "5")):
                continue
            example = response["content"]["application/problem+json"]["example"]
            assert example["status"] == int(status), operation.id
            assert "{" not in example["instance"]
            assert example["type"].startswith(TYPE_BASE)
            if status == "403":
                for way in operation.details.get("security", ()):
                    assert all(scope in example["detail"] for scope in way.get("apiKey", ()))


@pytest.mark.usefixtures("sent", "quick_hashes")
def test_the_example_of_each_request_is_one_that_the_vault_understands(http: TestClient) -> None:
    """It ends in what the example's made-up ids and passwords make of it, and not in a request that is refused."""
    refused = []
    for operation in operations():
        content = operation.details.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        path = operation.path
        for parameter in operation.parameters("path"):
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        answer = http.request(operation.method, path, json=content["example"], headers=somebody().headers)
        if answer.status_code in {400, 413, 415, 422, 500} and answer.json().get("type") != f"{TYPE_BASE}rejected":
            if operation.id in {"createSmartAlbum", "previewSmartAlbum"} and "none of them here" in answer.text:
                continue  # nobody in this vault is called Anna
            refused.append((operation.id, answer.status_code, answer.json()["detail"], content["example"]))
    assert not refused, "\n".join(map(str, refused))


def test_each_tag_is_explained_and_used() -> None:
    used = {tag for operation in operations() for tag in operation.details["tags"]}
    assert {tag["name"] for tag in document()["tags"] if tag["description"]} >= used
    posted = {tag for methods in document()["webhooks"].values() for tag in methods["post"].get("tags", ())}
    assert {tag["name"] for tag in document()["tags"]} <= used | posted


def test_pages_take_a_limit_and_a_cursor() -> None:
    """All lists page alike; a session list has one page."""
    for operation in operations():
        names = {parameter["name"]: parameter["schema"] for parameter in operation.parameters("query")}
        if "cursor" in names:
            assert (names["limit"]["minimum"], names["limit"]["maximum"], names["limit"]["default"]) == (1, 200, 50)


def test_the_library_function_serves_the_document_of_all_functions(vault: Path) -> None:
    with TestClient(library_app(), base_url="https://photos.example") as library:
        served = library.get("/openapi.json").json()
    assert served.pop("servers") == [{"url": "."}]
    assert served == document()


def test_the_document_says_what_webhooks_are_posted() -> None:
    told = document()["webhooks"]
    assert set(told) == {*webhook_events.EVENTS, webhook_events.TEST}
    (example,) = document()["components"]["schemas"]["Posted"]["examples"]
    item = webhook_events.Item("image", UUID(example["data"]["items"][0]["id"]), 42)
    (body,) = webhook_events.bodies("image.ready", [item], at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    assert json.loads(body) == example
    names = set()
    for methods in told.values():
        operation = methods["post"]
        names.add(operation["operationId"])
        body_of = operation["requestBody"]["content"]["application/json"]["schema"]
        assert body_of == {"$ref": "#/components/schemas/Posted"}
        asked = {parameter["name"] for parameter in operation["parameters"]}
        signed = webhook_events.headers([webhook_events.new_secret()], item.id, body, at=datetime.now(UTC))
        assert asked == {name for name in signed if name.startswith("webhook-")}
        assert set(operation["responses"]) == {"204"}
    assert not names & {operation.id for operation in operations()}
    assert len(names) == len(told)


def test_the_document_credits_whoever_made_the_names_of_places() -> None:
    """Their licences ask for it wherever the names are shown: CC BY 4.0 and ODbL."""
    description = document()["info"]["description"]
    assert "GeoNames" in description
    assert "OpenStreetMap" in description


def test_both_forms_of_a_path_answer(http: TestClient) -> None:
    """With and without the slash at the end: the same answer, and no redirect that would lose a body."""
    for operation in operations():
        path = concrete(operation.path)
        twin = path[:-1] if path.endswith("/") else path + "/"
        first = http.request(operation.method, path, follow_redirects=False)
        second = http.request(operation.method, twin, follow_redirects=False)
        assert first.status_code == second.status_code, operation.id
        assert first.status_code not in {307, 308, 405}, operation.id
        assert first.status_code == 404 or first.json().get("detail") == second.json().get("detail"), operation.id


def test_a_path_that_is_none_and_a_method_that_is_none_are_problems(http: TestClient) -> None:
    unknown = [("GET", "/nowhere", 404), ("DELETE", "/images/list/x/y", 404), ("PUT", "/auth/login", 405)]
    for method, path, status in unknown:
        answer = http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert http.request("PUT", "/auth/login").headers["allow"] == "POST"
