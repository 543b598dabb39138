"""The dashboards over HTTP: shapes, pages, and that nobody sees another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.shared.test_dashboards import fill, insert
from tests.vaults import QUOTA, Somebody, client, somebody

from photovault import activity, cursors, dashboards, db, ids, users
from photovault.api import dashboard

ROUTES = [f"/dashboard/{name}" for name in (
    "stats", "recent-activity", "storage-analysis", "person-analysis", "location-analysis"
)]  # fmt: skip


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([dashboard.router])


@pytest.fixture(scope="module")
def person(vault: Path) -> Somebody:
    """Somebody with a library."""
    found = somebody()
    fill(found.user_id, seed=3, photos=120)
    return found


def get(api: TestClient, person: Somebody, path: str, **parameters: Any) -> Any:
    answer = api.get(path, headers=person.headers, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(api: TestClient, person: Somebody, path: str, limit: int) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    cursor = None
    while True:
        page = get(api, person, path, limit=limit, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
        assert page["items"], "a page that is not the last holds something"


@pytest.mark.parametrize("path", ROUTES)
def test_without_a_token_every_dashboard_is_401(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ROUTES)
def test_every_dashboard_answers_with_and_without_a_slash_and_is_documented(
    api: TestClient, person: Somebody, path: str
) -> None:
    assert get(api, person, path) == get(api, person, path + "/")
    operation = api.app.openapi()["paths"][path]["get"]  # type: ignore[attr-defined]
    assert operation["operationId"].startswith("dashboard")
    assert operation["description"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]


def test_stats_add_up(api: TestClient, person: Somebody) -> None:
    found = get(api, person, "/dashboard/stats")
    assert sum(found["images"]["by_status"].values()) == found["images"]["total"] > 0
    assert sum(found["albums"]["by_kind"].values()) == found["albums"]["total"] > 0
    assert list(found["albums"]["by_kind"]) == ["place", "date", "person", "trip", "event", "manual", "smart"]
    assert found["people"]["named"] + found["people"]["unnamed"] == found["people"]["total"] > 0
    assert found["faces"]["with_person"] + found["faces"]["without_person"] == found["faces"]["total"] > 0
    assert found["images"]["trash"] > 0
    assert found["first_day"] < found["last_day"]
    with db.transaction(person.user_id) as conn:
        assert found["bytes"]["stored"] == dashboards.stored(conn).stored


def test_what_the_trash_takes_leaves_the_counts_at_once_and_comes_back(api: TestClient) -> None:
    person = somebody()
    fill(person.user_id, seed=5, photos=60)
    before = {path: get(api, person, path) for path in ROUTES}
    with db.transaction(person.user_id) as conn:
        taken = [row[0] for row in conn.execute("SELECT id FROM images WHERE deleted_at IS NULL LIMIT 40").fetchall()]
        conn.execute("UPDATE images SET deleted_at = now() WHERE id = ANY(%s)", [taken])
    during = get(api, person, "/dashboard/stats")
    assert during["images"]["total"] == before["/dashboard/stats"]["images"]["total"] - 40
    assert during["images"]["trash"] == before["/dashboard/stats"]["images"]["trash"] + 40
    assert during["faces"]["total"] < before["/dashboard/stats"]["faces"]["total"]
    assert during["bytes"] == before["/dashboard/stats"]["bytes"]
    assert get(api, person, "/dashboard/storage-analysis")["total"] == before["/dashboard/storage-analysis"]["total"]
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET deleted_at = NULL WHERE id = ANY(%s)", [taken])
    assert {path: get(api, person, path) for path in ROUTES} == before


def test_the_quota_is_the_accounts(api: TestClient) -> None:
    person = somebody()
    with db.transaction(person.user_id) as conn:
        users.reserve(conn, 700)
        users.move_quota(conn, reserved=-500, used=500)
    assert get(api, person, "/dashboard/storage-analysis")["quota"] == {
        "used": 500,
        "reserved": 200,
        "limit": QUOTA,
        "free": QUOTA - 700,
    }


@pytest.mark.parametrize("limit", [1, 4, 200])
def test_pages_of_activity_give_every_event_once_newest_first(api: TestClient, limit: int) -> None:
    person = somebody()
    for n in range(9):
        with db.transaction(person.user_id) as conn:
            activity.record(conn, "upload", photos=n)
    found = pages(api, person, "/dashboard/recent-activity", limit)
    with db.transaction(person.user_id) as conn:
        events = activity.latest(conn, limit=100)
    assert len(events) == 9
    assert [event["id"] for event in found] == [str(event.id) for event in events]
    assert [set(event) for event in found] == [{"id", "kind", "at", "detail"}] * len(found)
    assert sorted(event["detail"]["photos"] for event in found) == list(range(9))


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_pages_of_people_give_everybody_once_those_in_most_photos_first(
    api: TestClient, person: Somebody, limit: int
) -> None:
    found = pages(api, person, "/dashboard/person-analysis", limit)
    with db.transaction(person.user_id) as conn:
        expected = dashboards.appearances(conn, limit=1000)
    assert [each["person_id"] for each in found] == [str(each.person_id) for each in expected]
    shown = {each["person_id"] for each in found}
    together = {(e["person_id"], o["person_id"]): o["images"] for e in found for o in e["appears_with"]}
    assert {other for _, other in together} <= shown, "hidden people are nobody's company"
    assert all(together.get((b, a), number) == number for (a, b), number in together.items())
    assert all(len(each["appears_with"]) <= 10 for each in found)


def test_cities_stand_under_their_country_and_do_not_exceed_it(api: TestClient, person: Somebody) -> None:
    found = get(api, person, "/dashboard/location-analysis")
    assert found["located"] > 0
    images = get(api, person, "/dashboard/stats")["images"]
    assert 0 < images["by_status"]["ready"] - images["archived"] <= found["located"] + found["unlocated"]
    stats = get(api, person, "/dashboard/stats")["places"]
    assert len(found["countries"]) == stats["countries"]
    assert sum(len(country["cities"]) for country in found["countries"]) == stats["cities"]
    for country in found["countries"]:
        assert country["images"] >= sum(city["images"] for city in country["cities"])
        assert all(country["days"] >= city["days"] for city in country["cities"])
        assert all(country["first_day"] <= city["first_day"] for city in country["cities"])
    assert found["homes"][0]["city"] == "Lisbon"
    assert found["trips"]


@pytest.mark.parametrize("path", ["/dashboard/recent-activity", "/dashboard/person-analysis"])
@pytest.mark.parametrize("cursor", ["nonsense", "é", cursors.encode("images-newest", 1), cursors.encode("activity", 1)])
def test_a_cursor_of_another_list_is_422(api: TestClient, person: Somebody, path: str, cursor: str) -> None:
    answer = api.get(path, headers=person.headers, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/bad-cursor")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1e3"])
def test_a_limit_outside_its_bounds_is_422(api: TestClient, person: Somebody, limit: str) -> None:
    answer = api.get("/dashboard/recent-activity", headers=person.headers, params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.limit"


@pytest.mark.parametrize("path", ROUTES)
def test_a_new_account_has_empty_dashboards_beside_somebody_with_a_library(
    api: TestClient, person: Somebody, path: str
) -> None:
    assert numbers(get(api, somebody(), path)) <= {0, QUOTA}


def numbers(answer: Any) -> set[int]:
    """All numbers anywhere in an answer."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list):
        return set().union(*map(numbers, answer))
    return {answer} if isinstance(answer, (int, float)) else set()


def test_flat_pictures_are_no_duplicates_of_one_another(api: TestClient) -> None:
    person = somebody()
    with db.transaction(person.user_id) as conn:
        insert(conn, "user_keys", version=1, wrapped=b"x", master_fingerprint="x")
        for n, phash in enumerate([0, 0, -(1 << 63), -(1 << 63), 5, 5]):
            insert_ready(conn, ids.new(), n, phash)
    found = get(api, person, "/dashboard/storage-analysis")["duplicates"]
    assert (found["groups"], found["photos"]) == (1, 2)


def insert_ready(conn: db.Connection, image_id: UUID, n: int, phash: int) -> None:
    insert(
        conn,
        "images",
        id=image_id,
        sha256=bytes([n]) * 32,
        filename="flat.png",
        content_type="image/png",
        bytes=10,
        status="ready",
        key_version=1,
        content_key=b"x",
        sealed_at="2026-05-01T00:00:00Z",
        sort_at="2026-05-01T00:00:00",
        phash=phash,
    )
