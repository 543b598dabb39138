"""Months of the timeline and clusters of the map, each of which leads to exactly the photos that it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.arranging import LISBON, PORTO, add_photo, add_photos
from tests.shared.api.photos import problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import albums, cells, clusters, db, images, listing, timeline, users
from photovault import api as photovault_api
from photovault.api import PARTS

pytestmark = pytest.mark.usefixtures("vault", "sent")


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([photovault_api.router(name) for name in PARTS["images"]]) as made:
        yield made


def ask(http: TestClient, who: Somebody, path: str, **query: Any) -> Any:
    answer = http.get(path, headers=who.headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(http: TestClient, who: Somebody, **query: Any) -> list[UUID]:
    return [UUID(item["id"]) for item in ask(http, who, "/images/list", limit=200, **query)["items"]]


# --------------------------------------------------------------------------------------------------------- timeline


def test_each_month_says_how_many_photos_the_list_shows_from_its_cursor_on(http: TestClient) -> None:
    who = somebody()
    added = {
        "2026-01": add_photos(who.user_id, 2, start=datetime(2026, 1, 1)),
        "2025-12": add_photos(who.user_id, 3, start=datetime(2025, 12, 31, 21)),
        "2024-02": add_photos(who.user_id, 1, start=datetime(2024, 2, 29, 23, 59, 59)),
    }
    for order in ("newest", "oldest"):
        months = ask(http, who, "/images/timeline", order=order)
        assert months["total"] == 6
        assert [(m["month"], m["count"]) for m in months["items"]] == [
            (month, len(photos)) for month, photos in sorted(added.items(), reverse=order == "newest")
        ]
        for month in months["items"]:
            page = listed(http, who, order=order, cursor=month["cursor"])
            assert set(page[: month["count"]]) == set(added[month["month"]])
            assert set(listed(http, who, **{"from": month["from"], "to": month["to"]})) == set(added[month["month"]])


def test_the_timeline_counts_what_the_list_shows(http: TestClient) -> None:
    """Neither trash nor archive nor what has not arrived; but what is rejected, or has no day of its own yet."""
    who = somebody()
    first, second = add_photos(who.user_id, 2)
    add_photo(who.user_id, status="processing", local_day=None)
    add_photo(who.user_id, status="rejected", reason="no photo")
    add_photo(who.user_id, status="pending", sealed_at=None)
    add_photo(who.user_id, archived=True)
    add_photo(who.user_id, deleted_at=datetime(2026, 1, 1))
    assert ask(http, who, "/images/timeline")["total"] == len(listed(http, who)) == 4
    http.patch(f"/images/{first}", json={"archived": True}, headers=who.headers)
    http.delete(f"/images/{second}", headers=who.headers)
    assert ask(http, who, "/images/timeline")["total"] == len(listed(http, who)) == 2


def test_a_corrected_time_moves_a_photo_to_another_month(http: TestClient) -> None:
    who = somebody()
    photo = add_photo(who.user_id)
    http.patch(f"/images/{photo}", json={"taken": {"local_time": "2019-08-07T06:05:04"}}, headers=who.headers)
    assert [month["month"] for month in ask(http, who, "/images/timeline")["items"]] == ["2019-08"]


@pytest.mark.parametrize(("level", "first"), [("year", "2025-01-01"), ("month", "2025-05-01"), ("day", "2025-05-01")])
def test_a_group_by_date_shows_its_latest_favourite_else_its_latest_photo(level: str, first: str) -> None:
    who = somebody()
    photos = add_photos(who.user_id, 4, start=datetime(2025, 5, 1))
    add_photo(who.user_id, taken=datetime(2025, 5, 1, 20), archived=True, favourite=True)
    before = add_photo(who.user_id, taken=datetime(2024, 12, 31, 23, 59))
    for cover, change in ((photos[3], None), (photos[1], photos[1]), (photos[2], photos[2])):
        with db.transaction(who.user_id) as conn:
            if change:
                images.edit(conn, change, revision=users.next_revision(conn), favourite=True)
            found = albums.by_date(conn, level, limit=10)
        latest = found[0]
        assert (str(latest.day), latest.image_count, latest.cover_image_id) == (first, 4, cover)
        assert (found[1].image_count, found[1].cover_image_id) == (1, before)


def test_an_empty_vault_has_an_empty_timeline(http: TestClient) -> None:
    assert ask(http, somebody(), "/images/timeline") == {"items": [], "total": 0}


def test_the_last_month_of_the_calendar_has_a_cursor() -> None:
    month = timeline.Month(month=date(9999, 12, 1), images=1)
    assert month.before(oldest_first=False)[0] == datetime(9999, 12, 31, 23, 59, 59, 999999)


# -------------------------------------------------------------------------------------------------------------- map


def put(user_id: UUID, lat: float, lon: float, **columns: Any) -> UUID:
    return add_photo(user_id, **({"lat": lat, "lon": lon, "location_source": "exif"} | columns))


def test_near_photos_are_one_cluster_that_opens_into_single_photos(http: TestClient) -> None:
    who = somebody()
    near = [put(who.user_id, 38.7139, -9.1394 + n / 100) for n in range(3)]
    far = put(who.user_id, 64.1466, -21.9426)
    world = ask(http, who, "/images/map", zoom=3)["items"]
    assert [cluster["count"] for cluster in world] == [3, 1]
    assert UUID(world[0]["image_id"]) in near
    assert (world[1]["image_id"], world[1]["lat"], world[1]["lon"]) == (str(far), 64.1466, -21.9426)
    assert world[0]["lat"] == pytest.approx(38.7139)
    assert world[0]["lon"] == pytest.approx(-9.1294)
    box = ",".join(map(str, world[0]["bbox"]))
    assert set(listed(http, who, bbox=box)) == set(near)
    singles = ask(http, who, "/images/map", bbox="-9.145,38.712,-9.115,38.716", zoom=15)["items"]
    assert {UUID(single["image_id"]) for single in singles} == set(near)
    assert {single["count"] for single in singles} == {1}


def test_a_cluster_is_called_what_its_photos_agree_on(http: TestClient) -> None:
    who = somebody()
    portugal = {"country": "Portugal", "country_code": "PT", "region": "Lisbon District"}
    put(who.user_id, 38.7139, -9.1394, city="Lisbon", **portugal)

    def place() -> Any:
        (cluster,) = ask(http, who, "/images/map", zoom=3)["items"]
        return cluster["place"]

    assert place() == {"city": "Lisbon", **portugal}
    put(who.user_id, 38.6970, -9.4215, city="Cascais", **portugal)
    assert place() == {"city": None, **portugal}
    put(who.user_id, 37.0194, -7.9304, city="Faro", **portugal | {"region": "Faro"})
    assert place() == {"city": None, **portugal | {"region": None}}
    put(who.user_id, 36.5271, -6.2886, city="Cadiz", country="Spain", country_code="ES")
    assert place() is None


def test_the_map_counts_photos_that_it_cannot_show(http: TestClient) -> None:
    who = somebody()
    assert ask(http, who, "/images/map") == {"zoom": 2, "items": [], "unlocated": 0}
    put(who.user_id, 0.0, -150.0)
    add_photos(who.user_id, 2)
    add_photo(who.user_id, archived=True)
    shown = ask(http, who, "/images/map")
    assert (shown["unlocated"], [cluster["place"] for cluster in shown["items"]]) == (2, [None])


def test_photos_of_one_spot_stay_one_cluster_whose_box_lists_them(http: TestClient) -> None:
    who = somebody()
    spot = [put(who.user_id, 38.7139, -9.1394, taken=datetime(2025, 5, 1) + timedelta(days=n)) for n in range(3)]
    box = "-9.14,38.71,-9.13,38.72"
    (cluster,) = ask(http, who, "/images/map", bbox=box, zoom=20)["items"]
    assert (cluster["count"], UUID(cluster["image_id"])) == (3, spot[-1])
    assert set(listed(http, who, bbox=",".join(map(str, cluster["bbox"])))) == set(spot)


def test_the_map_counts_what_the_list_shows_and_tells_estimates(http: TestClient) -> None:
    who = somebody()
    put(who.user_id, 38.7, -9.1)
    put(who.user_id, 38.7, -9.1, location_source="estimated", location_accuracy_km=2)
    for left_out in (
        {"archived": True},
        {"deleted_at": datetime(2026, 1, 1)},
        {"status": "pending", "sealed_at": None},
    ):
        put(who.user_id, 38.7, -9.1, **left_out)
    add_photo(who.user_id)
    (cluster,) = ask(http, who, "/images/map")["items"]
    assert (cluster["count"], cluster["estimated"]) == (2, 1)
    assert len(listed(http, who, bbox=",".join(map(str, cluster["bbox"])))) == 2


def test_a_box_may_span_the_antimeridian_and_touch_the_poles(http: TestClient) -> None:
    who = somebody()
    fiji = [put(who.user_id, -17.0, 179.9), put(who.user_id, -17.0, -179.9), put(who.user_id, -17.0, 180.0)]
    poles = [put(who.user_id, 90.0, 0.0), put(who.user_id, -90.0, -180.0), put(who.user_id, 88.0, 100.0)]
    put(who.user_id, -17.0, 0.0)
    across = ask(http, who, "/images/map", bbox="179,-18,-179,-16", zoom=8)["items"]
    assert sum(cluster["count"] for cluster in across) == 3
    for cluster in across:
        assert set(listed(http, who, bbox=",".join(map(str, cluster["bbox"])))) <= set(fiji)
    everywhere = ask(http, who, "/images/map", zoom=2)["items"]
    assert sum(cluster["count"] for cluster in everywhere) == 7
    found = [p for c in everywhere for p in listed(http, who, bbox=",".join(map(str, c["bbox"])))]
    assert len(found) == len(set(found)) == 7
    assert set(poles) < set(found)


def test_a_cluster_has_a_ticket_for_its_cover(http: TestClient) -> None:
    who = somebody()
    photo = sealed_photo(who)
    http.patch(f"/images/{photo}", json={"location": {"lat": 38.7, "lon": -9.1}}, headers=who.headers)
    (cluster,) = ask(http, who, "/images/map")["items"]
    assert cluster["ticket"]["image_id"] == str(photo)
    assert cluster["ticket"]["name"] == "thumbnail"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    points=st.lists(
        st.tuples(st.floats(-90, 90).map(lambda x: round(x, 6)), st.floats(-180, 180).map(lambda x: round(x, 6))),
        max_size=12,
    ),
    corners=st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90)),
    zoom=st.integers(0, clusters.DEEPEST_ZOOM),
)
def test_every_photo_of_a_box_is_in_exactly_one_cluster_and_each_box_lists_its_count(
    points: list[tuple[float, float]], corners: tuple[float, float, float, float], zoom: int
) -> None:
    who = somebody()
    west, one, east, other = corners
    box = (west, *sorted((one, other))[:1], east, max(one, other))
    for lat, lon in points:
        put(who.user_id, lat, lon)
    with db.transaction(who.user_id) as conn:
        found = clusters.within(conn, box, zoom=zoom).clusters
        inside = {image.id for image in images.page(conn, listing.Filter(bbox=box), limit=100)}
        seen: list[UUID] = []
        for cluster in found:
            listed_there = images.page(conn, listing.Filter(bbox=cluster.cell.box), limit=100)
            assert len(listed_there) == cluster.images
            assert cluster.cover_id in {image.id for image in listed_there}
            seen += [image.id for image in listed_there]
    assert len(seen) == len(set(seen))
    assert inside <= set(seen)


@pytest.mark.parametrize(
    "query", ["zoom=21", "zoom=-1", "zoom=x", "bbox=1,2,3", "bbox=0,10,1,0", "bbox=nan,0,1,1", "bbox=-181,0,1,1"]
)
def test_a_box_or_zoom_off_the_map_is_refused(http: TestClient, query: str) -> None:
    problem(http.get(f"/images/map?{query}", headers=somebody().headers), 422, "invalid")


# ------------------------------------------------------------------------------------------------------------ plans


def test_months_and_clusters_are_read_by_index_whatever_they_count(database_url: str) -> None:
    """Among the photos of many people, and where one place has most of a person's."""
    who = somebody()
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'w', 'f')")
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at, local_day, lat, lon, location_source) "
            "SELECT gen_random_uuid(), sha256((%s || n)::bytea), 'a', 'b', 1, 'ready', 1, 'k', now(), "
            "timestamp '2020-01-01' + n * interval '1 hour', date '2020-01-01' + n / 24, "
            "CASE WHEN n %% 2 = 0 THEN 38.7 ELSE 38.7 + n / 1e3 END, -9.1, 'exif' FROM generate_series(1, 4000) n",
            [str(who.user_id)],
        )
    import psycopg

    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE images, image_cells, image_days")
    with db.transaction(who.user_id) as conn:
        seen: list[str] = []
        execute = conn.execute

        def explaining(sql: Any, parameters: Any = None) -> Any:
            plan = execute(b"EXPLAIN (ANALYZE, FORMAT TEXT, TIMING OFF, BUFFERS OFF) " + sql, parameters)
            seen.append("\n".join(row[0] for row in plan.fetchall()))
            return execute(sql, parameters)

        conn.execute = explaining  # type: ignore[method-assign]
        found = clusters.within(conn, (-10, 38, -8, 42), zoom=9)
        del conn.execute  # type: ignore[attr-defined]
        assert max(cluster.images for cluster in found.clusters) > 2000
        (plan,) = seen
        assert "images_on_map" in plan
        assert "Seq Scan" not in plan
        assert "Sort Key: i." not in plan, "the cover is the first of the index"
        months = conn.execute(
            "EXPLAIN SELECT day, listed FROM image_days WHERE level = 'month' AND listed > 0 ORDER BY day DESC"
        ).fetchall()
        assert any("image_days_pkey" in row[0] for row in months)


def test_a_cell_of_python_is_one_of_the_roll_up() -> None:
    who = somebody()
    add_photo(who.user_id, where=LISBON)
    add_photo(who.user_id, where=PORTO)
    with db.transaction(who.user_id) as conn:
        kept = {code for (code,) in conn.execute("SELECT cell FROM image_cells").fetchall()}
    assert kept == {
        cells.at(lat, lon, level).code for *_, lat, lon in (LISBON, PORTO) for level in range(cells.DEEPEST + 1)
    }
