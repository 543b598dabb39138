"""Correcting over HTTP where a photo was taken, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from tests.arranging import LISBON, PORTO, START, Sent, add_photo, build, table, value
from tests.shared.api.photos import problem
from tests.vaults import Somebody, client, forget, somebody

from photovault import db, geocoder, ids, images, users
from photovault.api import albums as api_albums
from photovault.api import dashboard as api_dashboard
from photovault.api import edits as api_edits
from photovault.api import images as api_images
from photovault.api import places as api_places
from photovault.images import Understood
from photovault.metadata import Location, Metadata, Taken
from photovault.places import Settlement, Table

pytestmark = pytest.mark.usefixtures("sent")

AT_PORTO = {"lat": 41.15, "lon": -8.61}
EARTH = Table.build(
    [
        Settlement(2267057, "Lisbon", 38.72509, -9.1498, 517_802, "PT", "Lisbon"),
        Settlement(2735943, "Porto", 41.14961, -8.61099, 249_633, "PT", "Porto"),
    ],
    countries={"PT": "Portugal"},
    zones={"Europe/Lisbon": ["PT"]},
    source="made up",
)


@pytest.fixture(scope="module")
def api(vault: Path) -> Iterator[TestClient]:
    (vault / "places.bin").write_bytes(EARTH.to_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACES_FILE", str(vault / "places.bin"))
        forget()
        geocoder.forget()
        with client(
            [api_edits.router, api_images.router, api_albums.router, api_dashboard.router, api_places.router]
        ) as made:
            yield made
    forget()
    geocoder.forget()


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


def edit(api: TestClient, person: Somebody, image_id: UUID, **body: Any) -> Any:
    return api.patch(f"/images/{image_id}", headers=person.headers, json=body)


def edited(api: TestClient, person: Somebody, image_id: UUID, location: Any) -> Any:
    answer = edit(api, person, image_id, location=location)
    assert answer.status_code == 200, answer.text
    return answer.json()["location"]


def row(person: Somebody, image_id: UUID) -> tuple[Any, ...]:
    """Everything that a photo's row says about place."""
    (found,) = table(
        person.user_id,
        "SELECT lat, lon, location_source, location_accuracy_km, country_code, country, region, city, file_lat, "
        "file_lon, file_location_source FROM images WHERE id = %s",
        [image_id],
    )
    return found


def words(person: Somebody, image_id: UUID) -> set[str]:
    return {term for (term,) in table(person.user_id, "SELECT term FROM image_terms WHERE image_id = %s", [image_id])}


def wanted(person: Somebody) -> int:
    return int(value(person.user_id, "SELECT wanted_generation FROM rebuilds"))


def test_a_persons_place_replaces_the_files_everywhere(api: TestClient, person: Somebody, sent: Sent) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    generation, woken = wanted(person), len(sent.albums())
    assert edited(api, person, image_id, AT_PORTO) == {
        **AT_PORTO,
        "place": {"city": "Porto", "region": "Porto", "country": "Portugal", "country_code": "PT"},
        "source": "person",
        "accuracy_km": None,
    }
    assert wanted(person) == generation + 1
    assert len(sent.albums()) > woken
    assert words(person, image_id) >= {"porto", "portugal"}
    assert "lisbon" not in words(person, image_id)
    assert api.get("/images/list?city=Porto", headers=person.headers).json()["items"]
    assert not api.get("/images/list?city=Lisbon", headers=person.headers).json()["items"]
    events = api.get("/dashboard/recent-activity", headers=person.headers).json()["items"]
    assert events[0]["kind"] == "place-corrected"
    assert value(person.user_id, "SELECT zone FROM images WHERE id = %s", [image_id]) == "Europe/Lisbon"


def test_null_gives_back_what_the_file_says(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON, location_source="xmp")
    before = row(person, image_id)
    edited(api, person, image_id, AT_PORTO)
    edited(api, person, image_id, {"lat": 50, "lon": 8})
    assert row(person, image_id)[8:] == (LISBON[4], LISBON[5], "xmp")
    back = edited(api, person, image_id, None)
    assert back["source"] == "xmp"
    assert back["place"]["city"] == "Lisbon"
    assert row(person, image_id) == before
    assert "lisbon" in words(person, image_id)


def test_a_photo_without_a_position_gets_one_and_loses_it_again(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id)
    assert edited(api, person, image_id, AT_PORTO)["source"] == "person"
    assert edited(api, person, image_id, None) is None
    assert row(person, image_id) == (None,) * 11
    assert "porto" not in words(person, image_id)
    assert value(person.user_id, "SELECT zone FROM images WHERE id = %s", [image_id]) is None


def test_what_changes_nothing_asks_for_nothing(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    generation = wanted(person)
    edited(api, person, image_id, None)
    assert wanted(person) == generation
    edited(api, person, image_id, AT_PORTO)
    edited(api, person, image_id, AT_PORTO)
    assert wanted(person) == generation + 1


def test_confirming_a_files_position_makes_it_the_persons(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    assert edited(api, person, image_id, {"lat": LISBON[4], "lon": LISBON[5]})["source"] == "person"


def test_without_the_field_the_place_stays(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    before = row(person, image_id)
    assert edit(api, person, image_id, favourite=True).json()["location"]["source"] == "exif"
    assert row(person, image_id) == before


def test_at_sea_a_position_has_no_names(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    assert edited(api, person, image_id, {"lat": 30, "lon": -40})["place"] is None
    assert row(person, image_id)[4:8] == (None,) * 4


@pytest.mark.parametrize(
    "location",
    [
        {"lat": 90.1, "lon": 0},
        {"lat": 0, "lon": 180.1},
        {"lat": 1},
        {"lat": "north", "lon": 1},
        {"lat": 0, "lon": 0},
        {"lat": 1, "lon": 1, "accuracy_km": 3},
        [1, 2],
    ],
)
def test_what_is_no_position_is_refused(api: TestClient, person: Somebody, location: Any) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    before = row(person, image_id)
    problem(edit(api, person, image_id, location=location), 422, "invalid")
    assert row(person, image_id) == before


def test_nan_is_no_position(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    answer = api.patch(
        f"/images/{image_id}",
        headers=person.headers | {"Content-Type": "application/json"},
        content='{"location": {"lat": NaN, "lon": 1}}',
    )
    problem(answer, 422, "invalid")


@pytest.mark.parametrize("location", [{"lat": 90, "lon": 180}, {"lat": -90, "lon": -180}, {"lat": 0, "lon": 9.45}])
def test_the_ends_of_the_earth_and_one_zero_are_places(api: TestClient, person: Somebody, location: Any) -> None:
    found = edited(api, person, add_photo(person.user_id), location)
    assert (found["lat"], found["lon"]) == (location["lat"], location["lon"])


def test_nobody_moves_somebody_elses_photo(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(somebody().user_id, where=LISBON)
    problem(edit(api, person, image_id, location=AT_PORTO), 404, "not-found")
    problem(edit(api, person, ids.new(), location=AT_PORTO), 404, "not-found")


def test_a_correction_of_time_and_place_at_once_takes_the_offset_of_the_new_place(
    api: TestClient, person: Somebody
) -> None:
    image_id = add_photo(person.user_id)
    answer = edit(api, person, image_id, location=AT_PORTO, taken={"local_time": "2025-07-01T12:00:00"}).json()
    assert answer["taken"]["offset"] == "+01:00"


# -------------------------------------------------------------------------------------------------- estimates


def test_an_estimate_is_shown_as_one(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, camera_make="Canon")
    add_photo(person.user_id, where=LISBON)
    build(person.user_id)
    shown = api.get(f"/images/{image_id}", headers=person.headers).json()["location"]
    assert (shown["source"], shown["accuracy_km"], shown["place"]["city"]) == ("estimated", 0.5, "Lisbon")


def test_a_persons_word_beats_an_estimate_and_null_brings_it_back(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, camera_make="Canon")
    add_photo(person.user_id, where=LISBON)
    build(person.user_id)
    estimated = row(person, image_id)
    assert edited(api, person, image_id, AT_PORTO)["accuracy_km"] is None
    assert row(person, image_id)[8:] == (None, None, None)  # an estimate is nothing that a file says
    build(person.user_id)
    assert row(person, image_id)[2] == "person"
    assert edited(api, person, image_id, None) is None
    build(person.user_id)
    assert row(person, image_id) == estimated


def test_null_does_not_remove_an_estimate(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, camera_make="Canon")
    add_photo(person.user_id, where=LISBON)
    build(person.user_id)
    assert edited(api, person, image_id, None)["source"] == "estimated"


# ------------------------------------------------------------------------------------------- looked at again


def look_again(person: Somebody, image_id: UUID, location: Location | None) -> None:
    """Vision finds this position in the file."""
    taken = Taken(datetime(2025, 5, 9, 9, tzinfo=UTC), 60, START, date(2025, 5, 9), "exif")
    understood = Understood(
        content_type="image/jpeg",
        width=4,
        height=3,
        thumbhash=b"1",
        phash=1,
        metadata=Metadata(taken=taken, location=location, zone=None if location is None else "Europe/Lisbon"),
        place=images.Place(2267057, "Lisbon", "Lisbon", "Portugal", "PT") if location else images.Place(),
        face_count=0,
    )
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE images SET vision_done_at = NULL WHERE id = %s", [image_id])
        assert images.mark_understood(conn, image_id, understood, revision=users.next_revision(conn))


@pytest.mark.parametrize("found", [None, Location(38.7139, -9.1394, "exif")])
def test_a_correction_survives_what_vision_finds_later(
    api: TestClient, person: Somebody, found: Location | None
) -> None:
    image_id = add_photo(person.user_id, where=PORTO)
    edited(api, person, image_id, AT_PORTO)
    before = row(person, image_id)
    look_again(person, image_id, found)
    assert row(person, image_id)[:8] == before[:8]
    assert row(person, image_id)[8:] == (found or (None, None, None))
    back = edited(api, person, image_id, None)
    assert (back and back["place"]["city"]) == (found and "Lisbon")


def test_what_vision_finds_beats_an_estimate(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, camera_make="Canon")
    add_photo(person.user_id, where=PORTO)
    build(person.user_id)
    look_again(person, image_id, Location(38.7139, -9.1394, "exif"))
    assert row(person, image_id)[:4] == (38.7139, -9.1394, "exif", None)


# ------------------------------------------------------------------------------------------- nowhere, and of many


def detail(api: TestClient, person: Somebody, image_id: UUID) -> dict[str, Any]:
    shown = api.get(f"/images/{image_id}", headers=person.headers).json()
    return {name: shown[name] for name in ("location", "location_corrected", "location_by_file")}


def test_somebody_may_say_that_nobody_knows_where_it_was(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    assert edited(api, person, image_id, "nowhere") is None
    *_, lat, lon = LISBON
    assert detail(api, person, image_id) == {
        "location": None,
        "location_corrected": True,
        "location_by_file": {"lat": lat, "lon": lon, "source": "exif"},
    }
    assert "lisbon" not in words(person, image_id)
    generation = wanted(person)
    edited(api, person, image_id, "nowhere")
    assert wanted(person) == generation
    assert edited(api, person, image_id, None)["source"] == "exif"
    assert detail(api, person, image_id)["location_corrected"] is False


def test_nothing_is_estimated_where_somebody_said_that_nobody_knows(api: TestClient, person: Somebody) -> None:
    for hour in (-1, 1):
        add_photo(person.user_id, taken=START + timedelta(hours=hour), where=LISBON)
    lone = add_photo(person.user_id, camera_model="Kamera")
    build(person.user_id)
    assert row(person, lone)[2] == "estimated"
    edited(api, person, lone, "nowhere")
    build(person.user_id)
    assert detail(api, person, lone) == {"location": None, "location_corrected": True, "location_by_file": None}
    edited(api, person, lone, None)
    build(person.user_id)
    assert row(person, lone)[2] == "estimated"


def test_a_position_that_is_nowhere_is_not_asked_for_finer_names(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    edited(api, person, image_id, "nowhere")
    with db.maintenance() as conn:
        assert (person.user_id, image_id) not in images.unrefined(conn, limit=100_000)


def test_many_photos_are_put_somewhere_and_given_back_at_once(api: TestClient, person: Somebody) -> None:
    there = add_photo(person.user_id, where=LISBON)
    nowhere = add_photo(person.user_id, taken=START + timedelta(hours=1))
    at_porto = add_photo(person.user_id, taken=START + timedelta(hours=2))
    edited(api, person, at_porto, AT_PORTO)
    three = [str(each) for each in (there, nowhere, at_porto)]

    def edit_all(location: Any) -> dict[str, int]:
        answer = api.post("/images/edit", headers=person.headers, json={"image_ids": three, "location": location})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    generation = wanted(person)
    assert edit_all(AT_PORTO) == {"changed": 2, "unchanged": 1, "labels": []}
    assert wanted(person) == generation + 1
    assert all("porto" in words(person, UUID(each)) for each in three)
    events = api.get("/dashboard/recent-activity", headers=person.headers).json()["items"]
    assert (events[0]["kind"], events[0]["detail"]["changed"]) == ("places-corrected", 2)
    assert edit_all(None) == {"changed": 3, "unchanged": 0, "labels": []}
    assert row(person, there)[2] == "exif"
    assert "lisbon" in words(person, there)
    assert row(person, at_porto)[:3] == (None, None, None)


def test_giving_back_many_positions_costs_as_much_as_one(
    person: Somebody, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand photos of a journey have a thousand positions."""
    asked: list[str] = []
    execute = psycopg.Connection.execute

    def counted(self: psycopg.Connection, query: Any, *rest: Any, **more: Any) -> Any:
        asked.append(str(query))
        return execute(self, query, *rest, **more)

    def cost(count: int) -> int:
        chosen = [add_photo(person.user_id, where=(*LISBON[:4], 38.7 + n / 1000, -9.14)) for n in range(count)]
        body: dict[str, Any] = {"image_ids": [str(each) for each in chosen]}
        assert api.post("/images/edit", headers=person.headers, json=body | {"location": "nowhere"}).status_code == 200
        asked.clear()
        answer = api.post("/images/edit", headers=person.headers, json=body | {"location": None})
        spent = len(asked)
        assert answer.json() == {"changed": count, "unchanged": 0, "labels": []}
        assert all("lisbon" in words(person, each) for each in chosen)
        return spent

    cost(1)
    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    assert cost(12) == cost(2)


@pytest.mark.parametrize("location", ["somewhere", {"lat": 0, "lon": 0}, {"lat": 91, "lon": 0}])
def test_many_photos_are_not_put_where_nothing_is(api: TestClient, person: Somebody, location: Any) -> None:
    image_id = add_photo(person.user_id, where=LISBON)
    body = {"image_ids": [str(image_id)], "location": location}
    problem(api.post("/images/edit", headers=person.headers, json=body), 422, "invalid")
    assert row(person, image_id)[2] == "exif"


def test_places_are_found_by_how_they_begin(api: TestClient, person: Somebody) -> None:
    def found(q: str) -> list[str]:
        return [each["name"] for each in api.get("/places", params={"q": q}, headers=person.headers).json()["items"]]

    assert found("  LIS ") == ["Lisbon"]
    assert found("porto, portugal") == ["Porto"]
    assert found("porto, spain") == found("") == found(",") == found("\x00") == []
    assert api.get("/places?q=lis").status_code == 401
