"""Correcting times over HTTP: one photo, a whole camera, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import Sent, add_photo, add_photos, build, table, value
from tests.shared.api.described import routers
from tests.shared.api.photos import problem
from tests.vaults import Somebody, client, somebody

from photovault import db, ids

pytestmark = pytest.mark.usefixtures("sent")

NINE = datetime(2025, 9, 11, 8, 59)
LATE = datetime(2025, 9, 11, 23, 30)
CAMERA = {"make": "Canon", "model": "Canon EOS 5D"}


@pytest.fixture(scope="module")
def api(vault: Path) -> Iterator[TestClient]:
    with client(routers()) as made:
        yield made


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


def exact(local: datetime, minutes: int | None) -> dict[str, Any]:
    """Columns of a photo whose offset is known."""
    instant = None if minutes is None else (local - timedelta(minutes=minutes)).replace(tzinfo=UTC)
    return {"taken_offset_minutes": minutes, "taken_instant": instant}


def edit(api: TestClient, person: Somebody, image_id: UUID, taken: Any) -> Any:
    return api.patch(f"/images/{image_id}", headers=person.headers, json={"taken": taken})


def edited(api: TestClient, person: Somebody, image_id: UUID, taken: Any) -> Any:
    answer = edit(api, person, image_id, taken)
    assert answer.status_code == 200, answer.text
    return answer.json()["taken"]


def shift(api: TestClient, person: Somebody, key: str | None = None, **body: Any) -> Any:
    headers = person.headers | ({"Idempotency-Key": key} if key else {})
    return api.post("/images/shift-time", headers=headers, json=body)


def shifted(api: TestClient, person: Somebody, key: str | None = None, **body: Any) -> Any:
    answer = shift(api, person, key, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def times(person: Somebody) -> list[Any]:
    """Everything that the rows say about time."""
    return table(
        person.user_id,
        "SELECT sort_at, local_day, taken_instant, taken_offset_minutes, taken_source, file_instant, "
        "file_offset_minutes, file_local, file_source FROM images ORDER BY id",
    )


def wanted(person: Somebody) -> int:
    return int(value(person.user_id, "SELECT wanted_generation FROM rebuilds"))


# One photo


def test_a_persons_time_replaces_the_files_everywhere(api: TestClient, person: Somebody, sent: Sent) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 540))
    generation, woken = wanted(person), len(sent.albums())
    taken = edited(api, person, image_id, {"local_time": "2024-02-29T23:30:00", "offset": "-03:30"})
    assert taken == {
        "instant": "2024-03-01T03:00:00Z",
        "offset": "-03:30",
        "local_day": "2024-02-29",
        "local_time": "2024-02-29T23:30:00",
        "source": "person",
    }
    assert wanted(person) == generation + 1
    assert len(sent.albums()) > woken
    days = api.get("/albums/by-date?level=day", headers=person.headers).json()["items"]
    assert [day["date"] for day in days] == ["2024-02-29"]
    assert api.get("/images/list?from=2024-02-29&to=2024-02-29", headers=person.headers).json()["items"]
    events = api.get("/dashboard/recent-activity", headers=person.headers).json()["items"]
    assert events[0]["kind"] == "time-corrected"


@pytest.mark.parametrize("minutes", [540, 0, None])
def test_null_gives_back_exactly_what_the_file_says(api: TestClient, person: Somebody, minutes: int | None) -> None:
    image_id = add_photo(person.user_id, taken=NINE, taken_source="xmp", **exact(NINE, minutes))
    before = times(person)
    edited(api, person, image_id, {"local_time": "1999-01-01T00:00:00", "offset": "+01:00"})
    edited(api, person, image_id, {"local_time": "1998-01-01T00:00:00"})
    assert times(person) != before
    assert edited(api, person, image_id, None)["source"] == "xmp"
    assert times(person) == before
    generation = wanted(person)
    edited(api, person, image_id, None)
    assert wanted(person) == generation


def test_without_an_offset_the_zone_at_the_position_counts_else_the_photos_own(
    api: TestClient, person: Somebody
) -> None:
    in_berlin = add_photo(person.user_id, taken=NINE, zone="Europe/Berlin", **exact(NINE, 120))
    somewhere = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))
    unknown = add_photo(person.user_id, taken=NINE)
    for image_id, offset in ((in_berlin, "+01:00"), (somewhere, "+02:00"), (unknown, None)):
        assert edited(api, person, image_id, {"local_time": "2025-01-11T08:59:00"})["offset"] == offset


def test_saying_what_the_file_says_is_no_correction(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))
    before = times(person)
    edited(api, person, image_id, {"local_time": "2025-09-11T09:59:00"})
    assert edited(api, person, image_id, {"local_time": NINE.isoformat()})["source"] == "exif"
    assert times(person) == before


def test_saying_it_again_changes_nothing(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))
    before, generation = times(person), wanted(person)
    edited(api, person, image_id, {"local_time": NINE.isoformat(), "offset": "+02:00"})
    assert (times(person), wanted(person)) == (before, generation)


def test_a_time_of_the_upload_can_be_confirmed(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, taken_source="upload")
    assert edited(api, person, image_id, {"local_time": NINE.isoformat()})["source"] == "person"


def test_a_photo_shows_what_its_file_says_beside_a_correction(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))

    def by_file() -> Any:
        return api.get(f"/images/{image_id}", headers=person.headers).json()["taken_by_file"]

    assert by_file() is None
    edited(api, person, image_id, {"local_time": "2024-01-01T00:00:00"})
    assert by_file() == {"local_time": "2025-09-11T08:59:00", "offset": "+02:00", "source": "exif"}


def test_other_edits_leave_the_time_alone(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE)
    edited(api, person, image_id, {"local_time": "2024-01-01T00:00:00"})
    before = times(person)
    api.patch(f"/images/{image_id}", headers=person.headers, json={"caption": "x", "favourite": True})
    assert times(person) == before


@pytest.mark.parametrize(
    "taken",
    [
        {"local_time": "1825-12-31T23:59:59"},
        {"local_time": "2200-01-01T00:00:00"},
        {"local_time": "9999-12-31T23:59:59", "offset": "-12:00"},
        {"local_time": "0001-01-01T00:00:00", "offset": "+14:00"},
        {"local_time": "2025-02-30T00:00:00"},
        {"local_time": "2025-01-01T00:00:00+02:00"},
        {"local_time": "2025-01-01T00:00:00", "offset": "+15:00"},
        {"local_time": "2025-01-01T00:00:00", "offset": "CEST"},
        {"offset": "+02:00"},
        {},
        "2025-01-01T00:00:00",
    ],
)
def test_an_impossible_time_is_refused(api: TestClient, person: Somebody, taken: Any) -> None:
    image_id = add_photo(person.user_id, taken=NINE)
    before = times(person)
    problem(edit(api, person, image_id, taken), 422, "invalid")
    assert times(person) == before


@pytest.mark.parametrize(
    ("text", "local_time", "offset"),
    [
        ("2024-02-29T23:30:00+09:00", "2024-02-29T23:30:00", "+09:00"),
        ("2024-02-29T23:30:00-03:30", "2024-02-29T23:30:00", "-03:30"),
        ("2024-02-29T23:30:00Z", "2024-02-29T23:30:00", "+00:00"),
        ("2024-02-29T23:30:00", "2024-02-29T23:30:00", "+02:00"),
    ],
)
def test_a_time_may_be_given_in_one_text(
    api: TestClient, person: Somebody, text: str, local_time: str, offset: str
) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))

    def patched(taken_at: str | None) -> Any:
        answer = api.patch(f"/images/{image_id}", headers=person.headers, json={"taken_at": taken_at})
        assert answer.status_code == 200, answer.text
        return answer.json()["taken"]

    before = times(person)
    taken = patched(text)
    assert (taken["local_time"], taken["offset"], taken["source"]) == (local_time, offset, "person")
    patched(None)
    assert times(person) == before


@pytest.mark.parametrize(
    "body",
    [
        {"taken_at": 1_700_000_000},
        {"taken_at": "1700000000"},
        {"taken_at": "2024-02-29T23:30:00+14:30"},
        {"taken_at": "2024-02-30T23:30:00Z"},
        {"taken_at": "yesterday"},
        {"taken_at": None, "taken": None},
        {"taken_at": "1700-01-01T00:00:00Z"},
    ],
)
def test_a_text_that_is_no_time_is_refused(api: TestClient, person: Somebody, body: dict[str, Any]) -> None:
    image_id = add_photo(person.user_id, taken=NINE)
    problem(api.patch(f"/images/{image_id}", headers=person.headers, json=body), 422, "invalid")


def test_somebody_elses_photo_is_not_there(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(somebody().user_id, taken=NINE)
    assert edit(api, person, image_id, {"local_time": "2024-01-01T00:00:00"}).status_code == 404


# Many photos


def test_a_cameras_clock_is_put_right(api: TestClient, person: Somebody) -> None:
    names = {"camera_make": CAMERA["make"], "camera_model": CAMERA["model"]}
    first = add_photos(person.user_id, 3, start=NINE, hours=24, **names)
    other = add_photo(person.user_id, taken=NINE, camera_make="Canon", camera_model="Canon EOS 6D")
    outside = add_photo(person.user_id, taken=NINE + timedelta(days=30), **names)
    before = times(person)
    body = {"camera": CAMERA, "from_day": "2025-09-11", "to_day": "2025-09-13", "by_seconds": -10 * 3600}

    plan = shifted(api, person, dry_run=True, **body)
    assert (plan["changed"], plan["unchanged"]) == (3, 0)
    assert [item["image_id"] for item in plan["items"]] == [str(image_id) for image_id in first]
    assert plan["items"][0]["before"] == {"local_time": "2025-09-11T08:59:00", "offset": None, "source": "exif"}
    assert plan["items"][0]["after"] == {"local_time": "2025-09-10T22:59:00", "offset": None, "source": "person"}
    assert times(person) == before

    generation = wanted(person)
    assert shifted(api, person, **body) == {"dry_run": False, "changed": 3, "unchanged": 0, "items": []}
    assert wanted(person) == generation + 1
    days = dict(table(person.user_id, "SELECT id, local_day FROM images"))
    assert [days[image_id] for image_id in first] == [date(2025, 9, 10), date(2025, 9, 11), date(2025, 9, 12)]
    assert days[other] == NINE.date()
    assert days[outside] == date(2025, 10, 11)


def test_the_opposite_shift_undoes_a_shift_exactly(api: TestClient, person: Somebody) -> None:
    image_ids = [
        str(add_photo(person.user_id, taken=NINE, **exact(NINE, 540))),
        str(add_photo(person.user_id, taken=LATE, taken_source="filename")),
        str(add_photo(person.user_id, taken=NINE, zone="Europe/Berlin", **exact(NINE, 120))),
    ]
    before = times(person)
    assert shifted(api, person, image_ids=image_ids, by_seconds=86_400 * 150 * -1)["changed"] == 3
    assert {row[4] for row in times(person)} == {"person"}
    assert shifted(api, person, image_ids=image_ids, by_seconds=86_400 * 150)["changed"] == 3
    assert times(person) == before


def test_a_clock_that_was_left_at_home_keeps_the_instant(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, **exact(NINE, 120))
    shifted(api, person, image_ids=[str(image_id)], by_seconds=7 * 3600, offset="+09:00")
    row = table(person.user_id, "SELECT sort_at, taken_instant, taken_offset_minutes FROM images")[0]
    assert row == (NINE + timedelta(hours=7), exact(NINE, 120)["taken_instant"], 540)


def test_an_offset_alone_leaves_the_wall_clock(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=LATE)
    shifted(api, person, image_ids=[str(image_id)], offset="-05:00")
    row = table(person.user_id, "SELECT sort_at, local_day, taken_instant FROM images")[0]
    assert row == (LATE, LATE.date(), datetime(2025, 9, 12, 4, 30, tzinfo=UTC))
    assert shifted(api, person, image_ids=[str(image_id)], offset="-05:00")["unchanged"] == 1


def test_a_shift_over_half_a_year_follows_the_summer_time_of_the_place(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE, zone="Europe/Berlin", **exact(NINE, 120))
    shifted(api, person, image_ids=[str(image_id)], by_seconds=-86_400 * 200)
    assert value(person.user_id, "SELECT taken_offset_minutes FROM images") == 60


def test_many_are_given_back_at_once(api: TestClient, person: Somebody) -> None:
    image_ids = [str(image_id) for image_id in add_photos(person.user_id, 3, start=NINE)]
    before = times(person)
    shifted(api, person, image_ids=image_ids[:2], by_seconds=60, offset="+01:00")
    assert shifted(api, person, image_ids=image_ids, restore=True)["changed"] == 2
    assert times(person) == before


def test_photos_without_a_time_of_their_own_are_left_alone(api: TestClient, person: Somebody) -> None:
    image_ids = [
        str(add_photo(person.user_id, taken=NINE, taken_source="upload")),
        str(add_photo(person.user_id, taken=NINE, taken_source=None, local_day=None, status="processing")),
    ]
    before = times(person)
    answer = shifted(api, person, image_ids=image_ids, by_seconds=60)
    assert (answer["changed"], answer["unchanged"]) == (0, 2)
    assert times(person) == before


def test_a_repeated_request_shifts_once(api: TestClient, person: Somebody) -> None:
    image_id = add_photo(person.user_id, taken=NINE)
    answers = [shifted(api, person, "a key", image_ids=[str(image_id)], by_seconds=60) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert value(person.user_id, "SELECT sort_at FROM images") == NINE + timedelta(minutes=1)
    other = shift(api, person, "a key", image_ids=[str(image_id)], by_seconds=61)
    assert other.status_code == 409


def test_nothing_is_changed_when_one_time_would_be_impossible(api: TestClient, person: Somebody) -> None:
    image_ids = [
        str(add_photo(person.user_id, taken=NINE)),
        str(add_photo(person.user_id, taken=datetime.now(UTC).replace(tzinfo=None), filename="new.jpg")),
    ]
    before = times(person)
    for dry_run in (True, False):
        answer = shift(api, person, image_ids=image_ids, by_seconds=86_400 * 3, dry_run=dry_run)
        assert "new.jpg" in problem(answer, 422, "invalid")["detail"]
    assert times(person) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"by_seconds": 60},
        {"image_ids": [], "by_seconds": 60},
        {"image_ids": [str(ids.new())] * 1001, "by_seconds": 60},
        {"image_ids": [str(ids.new())]},
        {"image_ids": [str(ids.new())], "camera": CAMERA, "by_seconds": 60},
        {"image_ids": [str(ids.new())], "from_day": "2025-01-01", "by_seconds": 60},
        {"image_ids": [str(ids.new())], "by_seconds": 60, "restore": True},
        {"camera": CAMERA, "from_day": "2025-01-02", "to_day": "2025-01-01", "by_seconds": 60},
        {"camera": CAMERA, "offset": "+25:00"},
        {"camera": CAMERA, "by_seconds": 10**12},
        {"camera": CAMERA, "by_seconds": 0.5},
        {"camera": {"make": "a\0b", "model": None}, "by_seconds": 60},
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(api: TestClient, person: Somebody, body: dict[str, Any]) -> None:
    problem(shift(api, person, **body), 422, "invalid")


def test_a_missing_photo_stops_the_whole_shift(api: TestClient, person: Somebody) -> None:
    own, foreign = add_photo(person.user_id, taken=NINE), add_photo(somebody().user_id, taken=NINE)
    before = times(person)
    assert shift(api, person, image_ids=[str(own), str(foreign)], by_seconds=60).status_code == 404
    assert times(person) == before


# The local day


@pytest.mark.parametrize(
    ("local", "minutes"),
    [
        (NINE, 540),
        (LATE, 120),
        (LATE, -600),
        (datetime(2025, 9, 11, 0, 15), 840),
        (datetime(2025, 9, 11, 23, 59), None),
    ],
)
@pytest.mark.parametrize("server", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_photo_is_on_its_local_day_whatever_the_servers_zone(
    api: TestClient,
    person: Somebody,
    monkeypatch: pytest.MonkeyPatch,
    *,
    local: datetime,
    minutes: int | None,
    server: str,
) -> None:
    add_photo(person.user_id, taken=local, **exact(local, minutes))
    begin, seen = db.transaction, []

    def elsewhere(*arguments: Any, **options: Any) -> Any:
        made = begin(*arguments, **options)
        enter = made.__enter__

        class There:
            def __enter__(self) -> Any:
                conn = enter()
                conn.execute("SELECT set_config('TimeZone', %s, true)", [server])
                seen.append(conn.execute("SELECT now()").fetchone()[0].utcoffset())
                return conn

            def __exit__(self, *error: Any) -> Any:
                return made.__exit__(*error)

        return There()

    monkeypatch.setattr(db, "transaction", elsewhere)
    assert api.get("/images/list", headers=person.headers).status_code == 200
    assert seen[-1] == timedelta(hours=14 if "Kiri" in server else -11)
    days = api.get("/albums/by-date?level=day", headers=person.headers).json()["items"]
    assert [day["date"] for day in days] == ["2025-09-11"]
    for query, found in (("from=2025-09-11&to=2025-09-11", 1), ("to=2025-09-10", 0), ("from=2025-09-12", 0)):
        assert len(api.get(f"/images/list?{query}", headers=person.headers).json()["items"]) == found, query
    for query, found in (("2025-09-11", 1), ("2025-09-10", 0), ("2025-09-12", 0)):
        assert len(api.get("/search", params={"q": query}, headers=person.headers).json()["items"]) == found, query
    for _ in range(7):  # enough for an album of the day
        add_photo(person.user_id, taken=local, **exact(local, minutes))
    build(person.user_id)
    made = table(person.user_id, "SELECT DISTINCT first_day, last_day FROM albums WHERE kind = 'date'")
    assert made == [(date(2025, 9, 11), date(2025, 9, 11))]
    stats = api.get("/dashboard/stats", headers=person.headers).json()
    assert "2025-09-11" in str(stats)
    assert "2025-09-10" not in str(stats)
    assert "2025-09-12" not in str(stats)
