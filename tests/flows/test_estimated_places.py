"""Estimated places in the album builder: they come with their evidence, go with it, and are never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.arranging import LISBON, PORTO, START, add_photo, build, table, value, want
from tests.vaults import somebody

from photovault import albums, db, estimating, images, users
from photovault.listing import Filter
from photovault.pipeline import albums as builder

pytestmark = pytest.mark.usefixtures("vault", "sent")

CAMERA = {"camera_make": "Canon"}
NOWHERE = (None, None, None, None, None)


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def camera_photo(user_id: UUID, hours: float, **columns: Any) -> UUID:
    """Of a camera that knows no position."""
    return add_photo(user_id, taken=START + timedelta(hours=hours), **(CAMERA | columns))


def phone_photo(user_id: UUID, hours: float, where: Any = LISBON, **columns: Any) -> UUID:
    return add_photo(user_id, taken=START + timedelta(hours=hours), where=where, **columns)


def place(user_id: UUID, image_id: UUID) -> tuple[Any, ...]:
    (found,) = table(
        user_id,
        "SELECT location_source, lat, lon, country_code, city FROM images WHERE id = %s",
        [image_id],
    )
    return found


def listed(user_id: UUID, wanted: Filter) -> set[UUID]:
    with db.transaction(user_id) as conn:
        return {image.id for image in images.page(conn, wanted, limit=100)}


def words(user_id: UUID, image_id: UUID) -> set[str]:
    return {term for (term,) in table(user_id, "SELECT term FROM image_terms WHERE image_id = %s", [image_id])}


def trash(user_id: UUID, image_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))
    want(user_id)


def place_albums(user_id: UUID) -> dict[str, tuple[int, Any]]:
    with db.transaction(user_id) as conn:
        return {a.title: (a.image_count, (a.why or {})["estimated"]) for a in albums.page(conn, kind="place", limit=50)}


def test_a_photo_among_located_ones_gets_their_place_in_row_words_lists_and_albums(ada: UUID) -> None:
    guess = camera_photo(ada, 0)
    phone_photo(ada, -0.5)
    phone_photo(ada, 0.5)
    build(ada)
    assert place(ada, guess) == ("estimated", LISBON[4], LISBON[5], "PT", "Lisbon")
    assert value(ada, "SELECT location_accuracy_km FROM images WHERE id = %s", [guess]) == 3.0
    assert "lisbon" in words(ada, guess)
    assert guess in listed(ada, Filter(cities=("Lisbon",)))
    assert guess in listed(ada, Filter(has_gps=False))
    assert guess not in listed(ada, Filter(has_gps=True))
    assert place_albums(ada)["Lisbon"] == (3, 1)


def test_building_again_writes_nothing(ada: UUID) -> None:
    camera_photo(ada, 0)
    phone_photo(ada, 0.5)
    build(ada)
    before = table(ada, "SELECT xmin::text, t::text FROM images t ORDER BY id")
    want(ada)
    build(ada)
    assert table(ada, "SELECT xmin::text, t::text FROM images t ORDER BY id") == before


def test_an_estimate_goes_with_its_evidence(ada: UUID) -> None:
    guess = camera_photo(ada, 0, filename="DSC_1.jpg")
    evidence = phone_photo(ada, 0.5)
    build(ada)
    assert place(ada, guess)[0] == "estimated"
    trash(ada, evidence)
    build(ada)
    assert place(ada, guess) == NOWHERE
    assert words(ada, guess) == {"dsc", "1", "jpg", "canon"}
    assert value(ada, "SELECT location_accuracy_km FROM images WHERE id = %s", [guess]) is None
    with db.transaction(ada) as conn:
        images.restore(conn, evidence, revision=users.next_revision(conn))
    want(ada)
    build(ada)
    assert place(ada, guess)[0] == "estimated"


def test_a_later_photo_elsewhere_takes_the_estimate_away(ada: UUID) -> None:
    guess = camera_photo(ada, 0)
    phone_photo(ada, -0.5)
    build(ada)
    assert place(ada, guess)[4] == "Lisbon"
    phone_photo(ada, 3, PORTO)
    build(ada)
    assert place(ada, guess) == NOWHERE


def test_no_estimate_leads_to_another(ada: UUID) -> None:
    phone_photo(ada, 0)
    chain = [camera_photo(ada, hours) for hours in (0.9, 1.8, 2.7)]
    for _ in range(3):
        want(ada)
        build(ada)
    assert [place(ada, each)[0] for each in chain] == ["estimated", None, None]


def test_the_order_in_which_photos_come_does_not_matter(vault: Path) -> None:
    moments: Sequence[tuple[float, Any]] = [(0, None), (0.5, LISBON), (4, None), (5, PORTO), (5.5, None), (-2, None)]
    results = []
    for order in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 4, 1, 5, 2]):
        user_id = somebody().user_id
        for number in order:
            hours, where = moments[number]
            _ = camera_photo(user_id, hours) if where is None else phone_photo(user_id, hours, where)
            build(user_id)
        results.append(table(user_id, "SELECT sort_at, location_source, lat, lon, city FROM images ORDER BY sort_at"))
    assert results[0] == results[1] == results[2]
    assert [row[1] for row in results[0]] == [None, "estimated", "exif", None, "exif", "estimated"]


def test_a_position_that_came_while_the_builder_was_computing_stays(ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    guess = camera_photo(ada, 0)
    phone_photo(ada, 0.5)
    read = builder._read

    def overtaken(conn: Any) -> Any:
        stored = read(conn)
        conn.execute(
            "UPDATE images SET lat = 41, lon = -8, location_source = 'person', city = 'Porto' WHERE id = %s", [guess]
        )
        return stored

    monkeypatch.setattr(builder, "_read", overtaken)
    build(ada)
    assert place(ada, guess) == ("person", 41.0, -8.0, None, "Porto")


def test_a_place_that_the_person_gave_is_evidence_even_without_an_offset(ada: UUID) -> None:
    """Its time zone tells the offset."""
    guess = camera_photo(ada, 0, taken_instant=f"{START - timedelta(hours=1)}+00", taken_offset_minutes=60)
    phone_photo(ada, 0.5, location_source="person", zone="Europe/Lisbon")
    build(ada)
    assert place(ada, guess)[0] == "estimated"


def test_a_library_where_every_photo_has_a_place_is_not_searched_for_evidence(
    ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone_photo(ada, 0, **CAMERA)
    add_photo(ada, taken=START)  # a screenshot: no camera
    monkeypatch.setattr(estimating, "estimate", lambda *_: pytest.fail("estimated"))
    build(ada)


def test_a_trip_does_not_rest_on_estimates(ada: UUID) -> None:
    """The same photos make the same trips and events with and without their estimates."""
    for day in range(12):
        for hour in (0, 2, 4):
            phone_photo(ada, day * 24 * 14 + hour)
    for hour in range(12):
        phone_photo(ada, 24 * 200 + hour * 3, PORTO)
        camera_photo(ada, 24 * 200 + hour * 3 + 1)
    build(ada)
    (source,) = {row[0] for row in table(ada, "SELECT location_source FROM images WHERE camera_make IS NOT NULL")}
    assert source == "estimated"
    with db.transaction(ada) as conn:
        (trip,) = albums.page(conn, kind="trip", limit=50)
    assert trip.image_count == 24
