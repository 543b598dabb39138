"""Every number of the dashboards equals a recount, in Python, over the rows of a library made at random."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.libraries import insert
from tests.vaults import somebody

from photovault import albums, dashboards, db, drafts, ids, people
from photovault.homes import find_homes

Row = dict[str, Any]
# Of a place: photos, days, the first and the last day.
Numbers = tuple[int, int, date | None, date | None]

PLACES = [
    ("PT", "Portugal", "Lisbon", "Lisbon", 38.72, -9.14),
    ("PT", "Portugal", "Porto", "Porto", 41.15, -8.61),
    ("US", "United States", "Illinois", "Springfield", 39.78, -89.65),
    ("US", "United States", "Missouri", "Springfield", 37.21, -93.29),
    ("US", "United States", "Ohio", None, 40.0, -82.0),
    ("FI", "Finland", None, "Helsinki", 60.17, 24.94),
    (None, None, None, None, -40.0, -130.0),  # at sea
]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HASHES = [0, -(1 << 63), 17, 4711, -99, 1 << 62]


@dataclass
class Library:
    """One person's rows, as they lie in the database."""

    user_id: UUID
    images: list[Row] = field(default_factory=list)
    blobs: list[Row] = field(default_factory=list)
    faces: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    albums: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)

    @property
    def live(self) -> list[Row]:
        return [image for image in self.images if image["deleted_at"] is None]

    @property
    def arranged(self) -> list[Row]:
        return [i for i in self.live if not i["archived"] and i["status"] in {"processing", "ready"}]

    def live_faces(self) -> list[Row]:
        live = {image["id"] for image in self.live if image["status"] != "rejected"}
        return [face for face in self.faces if face["image_id"] in live]


def fill(user_id: UUID, seed: int, photos: int = 240) -> None:
    """Insert a library: every status, trash and archive, places with and without names, faces with and without people,
    blobs of two drivers, albums of every kind."""
    dice = random.Random(seed)
    persons = [ids.new() for _ in range(16)]
    with db.transaction(user_id) as conn:
        insert(conn, "user_keys", version=1, wrapped=b"x", master_fingerprint="x")
        sql = "INSERT INTO models (kind, name, version, dims) VALUES ('face', 'made up', %s, 4) RETURNING id"
        model = db.value(conn, sql, [user_id.hex])
        for n, person in enumerate(persons):
            insert(conn, "person_clusters", id=person, name=f"P{n}" if n % 3 else None, hidden=n % 5 == 4)
        images = [insert_photo(conn, dice, model, persons[:-2]) for _ in range(photos)]  # two people are nowhere
        for n in range(30):
            kind = dice.choice(["place", "date", "person", "trip", "trip", "event", "manual", "smart"])
            album_id, first = ids.new(), date(2024, 1, 1) + timedelta(days=dice.randrange(400))
            insert(
                conn,
                "albums",
                id=album_id,
                kind=kind,
                key=None if kind in {"manual", "smart"} else f"{kind}:{n}",
                filter="{}" if kind == "smart" else None,
                title=f"Album {n}",
                first_day=first,
                last_day=first + timedelta(days=dice.randrange(9)),
                deleted_at=NOW if n % 7 == 0 else None,
            )
            for image_id in dice.sample(images, dice.randrange(20)):
                insert(conn, "album_images", album_id=album_id, image_id=image_id)


def insert_photo(conn: db.Connection, dice: random.Random, model: int, persons: list[UUID]) -> UUID:
    """A photo of any status with what belongs to it; its id."""
    image_id, size = ids.new(), dice.randrange(1, 9_000_000)
    status = dice.choices(["pending", "processing", "ready", "rejected"], [1, 2, 12, 1])[0]
    ready = status == "ready" or (status == "rejected" and dice.random() < 0.5)  # understood, and then refused
    taken = datetime(2024, 1, 1) + timedelta(days=dice.randrange(500), minutes=dice.randrange(1440))
    sealed = ready or status == "processing"
    code, country, region, city, lat, lon = (
        dice.choice([*PLACES, *PLACES[:1] * 6]) if ready and dice.random() < 0.7 else [None] * 6
    )
    insert(
        conn,
        "images",
        id=image_id,
        sha256=dice.randbytes(32),
        filename="a.jpg",
        content_type=dice.choice(["image/jpeg", "image/png", "image/heic"]),
        bytes=size,
        status=status,
        reason="It is broken." if status == "rejected" else None,
        key_version=1,
        content_key=b"x",
        sealed_at=NOW if sealed else None,
        phash=dice.choice([*HASHES, dice.getrandbits(60)]) if ready else None,
        local_day=taken.date() if ready else None,
        sort_at=taken,
        lat=None if lat is None else lat + dice.uniform(0, 0.01),
        lon=lon,
        country_code=code,
        country=country,
        region=region,
        city=city,
        favourite=dice.random() < 0.1,
        archived=dice.random() < 0.1,
        deleted_at=NOW if dice.random() < 0.15 else None,
    )
    blobs = {"original": size} if sealed else {}
    if ready:
        blobs |= {name: dice.randrange(100, 90_000) for name in ("preview", "thumbnail", "metadata")}
        for _ in range(dice.choice([0, 0, 1, 2, 5])):
            face_id = ids.new()
            blobs[f"face:{face_id}"] = dice.randrange(100, 9_000)
            insert(
                conn,
                "faces",
                **dict.fromkeys("xywh", 0.1),
                id=face_id,
                image_id=image_id,
                model_id=model,
                score=1,
                quality=1,
                founder=True,
                embedding="[1,0,0,0]",
                person_id=dice.choice([None, *persons]),
            )
    for name, plain in blobs.items():
        insert(
            conn,
            "blobs",
            image_id=image_id,
            name=name,
            driver=dice.choice(["local", "s3"]),
            key=dice.randbytes(16).hex(),
            bytes=plain + dice.randrange(99),
            sha256=dice.randbytes(32),
            header_sha256=dice.randbytes(32),
            plain_bytes=plain,
            content_type="image/jpeg",
        )
    return image_id


def read(database_url: str, user_id: UUID) -> Library:
    """The rows of that person, read past row-level security by the database's owner."""
    library = Library(user_id)
    with psycopg.connect(database_url, row_factory=dict_row) as conn:
        for attribute, table in (
            ("images", "images"),
            ("blobs", "blobs"),
            ("faces", "faces"),
            ("people", "person_clusters"),
            ("albums", "albums"),
            ("members", "album_images"),
        ):
            found = conn.execute(f"SELECT * FROM {table} WHERE user_id = %s".encode(), [user_id]).fetchall()
            setattr(library, attribute, found)
    return library


@pytest.fixture(scope="module", params=[1, 2])
def library(request: pytest.FixtureRequest, vault: Path, database_url: str) -> Library:
    """A person's library, in a database where somebody else has one too."""
    fill(somebody().user_id, seed=1000 + request.param, photos=60)
    person = somebody()
    fill(person.user_id, seed=request.param)
    return read(database_url, person.user_id)


@pytest.fixture
def conn(library: Library) -> Iterator[db.Connection]:
    with db.transaction(library.user_id) as connection:
        yield connection


def first_and_last(days: Iterable[date | None]) -> tuple[date | None, date | None]:
    known = [day for day in days if day is not None]
    return (min(known), max(known)) if known else (None, None)


def count(rows: Iterable[Row], condition: Callable[[Row], Any]) -> int:
    return sum(1 for row in rows if condition(row))


# ---------------------------------------------------------------------------------------------------------- counts


def test_counts_of_images_equal_a_recount(conn: db.Connection, library: Library) -> None:
    live = library.live
    by_status = Counter(image["status"] for image in live)
    assert dashboards.images(conn) == dashboards.Images(
        total=len(live),
        pending=by_status["pending"],
        processing=by_status["processing"],
        ready=by_status["ready"],
        rejected=by_status["rejected"],
        archived=count(live, lambda i: i["archived"]),
        favourite=count(live, lambda i: i["favourite"]),
        trash=len(library.images) - len(live),
        first_day=first_and_last(i["local_day"] for i in live if i["status"] != "rejected")[0],
        last_day=first_and_last(i["local_day"] for i in live if i["status"] != "rejected")[1],
        arranged=len(library.arranged),
        located=count(library.arranged, lambda i: i["lat"] is not None),
        countries=len({i["country_code"] for i in library.arranged} - {None}),
        cities=len({(i["country_code"], i["region"], i["city"]) for i in library.arranged if i["city"]}),
    )


def test_albums_are_counted_by_kind_without_deleted_and_empty_automatic_ones(
    conn: db.Connection, library: Library
) -> None:
    live = {image["id"] for image in library.live}
    filled = {member["album_id"] for member in library.members if member["image_id"] in live}
    shown = [a for a in library.albums if a["deleted_at"] is None and (a["key"] is None or a["id"] in filled)]
    assert dashboards.albums_by_kind(conn) == Counter(album["kind"] for album in shown)
    listed = albums.page(conn, kind=None, limit=1000)
    assert dashboards.albums_by_kind(conn) == Counter(album.kind for album in listed)


def test_people_count_when_a_photo_outside_the_trash_shows_them(conn: db.Connection, library: Library) -> None:
    shown = {face["person_id"] for face in library.live_faces()}
    seen = [person for person in library.people if person["id"] in shown]
    assert len(seen) < len(library.people)
    assert dashboards.people(conn) == dashboards.People(
        named=count(seen, lambda p: p["name"] and not p["hidden"]),
        unnamed=count(seen, lambda p: not p["name"] and not p["hidden"]),
        hidden=count(seen, lambda p: p["hidden"]),
    )


def test_faces_and_bytes_equal_a_recount(conn: db.Connection, library: Library) -> None:
    faces = library.live_faces()
    assert dashboards.faces(conn) == dashboards.Faces(len(faces), count(faces, lambda f: f["person_id"]))
    assert dashboards.stored(conn) == dashboards.Stored(
        originals=sum(image["bytes"] for image in library.images if image["sealed_at"]),
        stored=sum(blob["bytes"] for blob in library.blobs),
    )


# --------------------------------------------------------------------------------------------------------- storage


def shares(library: Library, key: Callable[[Row, Row], str]) -> list[dashboards.Share]:
    """The blobs in parts, as ``dashboards.storage`` is meant to give them."""
    images = {image["id"]: image for image in library.images}
    parts: dict[str, list[Row]] = defaultdict(list)
    for blob in library.blobs:
        parts[key(blob, images[blob["image_id"]])].append(blob)
    found = [
        dashboards.Share(name, len({b["image_id"] for b in blobs}), len(blobs), sum(b["bytes"] for b in blobs))
        for name, blobs in parts.items()
    ]
    return sorted(found, key=lambda share: (-share.size, share.name))


def test_storage_is_broken_down_as_a_recount_does(conn: db.Connection, library: Library) -> None:
    found = dashboards.storage(conn)
    (total,) = shares(library, lambda blob, image: "")
    assert found.total == total
    assert found.by_driver == shares(library, lambda blob, image: blob["driver"])
    assert found.by_rendition == shares(library, lambda blob, image: blob["name"].split(":")[0])
    assert found.by_content_type == shares(library, lambda blob, image: image["content_type"])
    by_month = shares(library, lambda blob, image: f"{image['sort_at']:%Y-%m}")
    assert found.by_month == sorted(by_month, key=lambda share: share.name, reverse=True)
    assert found.trash == next(
        share for share in shares(library, lambda blob, image: str(image["deleted_at"] is not None).lower())
        if share.name == "true"
    )  # fmt: skip


def test_each_breakdown_adds_up_to_the_total(conn: db.Connection) -> None:
    found = dashboards.storage(conn)
    for parts in (found.by_driver, found.by_rendition, found.by_content_type, found.by_month):
        assert sum(share.size for share in parts) == found.total.size
        assert sum(share.blobs for share in parts) == found.total.blobs


def test_near_duplicates_are_those_of_one_hash_and_the_largest_stays(conn: db.Connection, library: Library) -> None:
    stored: Counter[UUID] = Counter()
    for blob in library.blobs:
        stored[blob["image_id"]] += blob["bytes"]
    groups: dict[int, list[Row]] = defaultdict(list)
    for image in library.live:
        if image["phash"] not in {None, 0, -(1 << 63)}:
            groups[image["phash"]].append(image)
    alike = [sorted(group, key=lambda i: (-i["bytes"], i["id"])) for group in groups.values() if len(group) > 1]
    assert len(alike) >= 2
    assert dashboards.near_duplicates(conn) == dashboards.NearDuplicates(
        groups=len(alike),
        photos=sum(map(len, alike)),
        size=sum(stored[image["id"]] for group in alike for image in group),
        reclaimable=sum(stored[image["id"]] for group in alike for image in group[1:]),
    )


# ---------------------------------------------------------------------------------------------------------- people


def recounted_people(library: Library) -> list[dashboards.Appearance]:
    days = {image["id"]: image["local_day"] for image in library.images}
    found = []
    for person in library.people:
        faces = [face for face in library.live_faces() if face["person_id"] == person["id"]]
        if faces and not person["hidden"]:
            shown = {face["image_id"] for face in faces}
            first, last = first_and_last(days[image_id] for image_id in shown)
            found.append(dashboards.Appearance(person["id"], person["name"], len(shown), len(faces), first, last))
    return sorted(found, key=lambda each: (-each.images, each.person_id))


def test_appearances_equal_a_recount_without_hidden_people(conn: db.Connection, library: Library) -> None:
    found = dashboards.appearances(conn, limit=1000)
    assert found == recounted_people(library)
    assert any(each.faces > each.images for each in found), "somebody is in one photo twice"
    listed = people.page(conn, limit=1000, with_hidden=False)
    assert {person.id for person in listed} == {each.person_id for each in found}


@pytest.mark.parametrize("limit", [1, 3])
def test_pages_of_appearances_give_everybody_once(conn: db.Connection, library: Library, limit: int) -> None:
    found: list[dashboards.Appearance] = []
    while page := dashboards.appearances(
        conn, limit=limit, after=(found[-1].images, found[-1].person_id) if found else None
    ):
        found += page
    assert found == recounted_people(library)


def test_companions_are_those_in_most_photos_together(conn: db.Connection, library: Library) -> None:
    names = {p["id"]: p["name"] for p in library.people if not p["hidden"]}
    photos: dict[UUID, set[UUID]] = defaultdict(set)
    for face in library.live_faces():
        photos[face["person_id"]].add(face["image_id"])
    shown = [each.person_id for each in recounted_people(library)]
    found = dashboards.companions(conn, shown, most=4)
    assert list(found) == shown
    for person_id in shown:
        together = [
            dashboards.Companion(person_id, other, names[other], len(photos[person_id] & photos[other]))
            for other in names
            if other != person_id and photos[person_id] & photos[other]
        ]
        assert found[person_id] == sorted(together, key=lambda each: (-each.images, each.person_id))[:4]
    assert any(len(each) == 4 for each in found.values())


# ---------------------------------------------------------------------------------------------------------- places


def recounted_places(
    library: Library, key: Callable[[Row], Any]
) -> dict[Any, tuple[int, int, date | None, date | None]]:
    groups: dict[Any, list[date | None]] = defaultdict(list)
    for image in library.arranged:
        if image["country_code"] and key(image):
            groups[key(image)].append(image["local_day"])
    return {
        name: (len(days), len(set(days) - {None}), *first_and_last(days))
        for name, days in groups.items()
    }  # fmt: skip


def numbers(place: dashboards.Place) -> Numbers:
    return place.images, place.days, place.first_day, place.last_day


def test_countries_and_cities_equal_a_recount(conn: db.Connection, library: Library) -> None:
    countries = dashboards.countries(conn)
    assert {p.country_code: numbers(p) for p in countries} == recounted_places(library, lambda i: i["country_code"])
    cities = dashboards.cities(conn)
    assert {(p.country_code, p.region, p.city): numbers(p) for p in cities} == recounted_places(
        library, lambda i: (i["country_code"], i["region"], i["city"]) if i["city"] else None
    )
    assert len([place for place in cities if place.city == "Springfield"]) == 2
    for level, places in (("country", countries), ("city", cities)):
        listed = albums.by_location(conn, level, limit=1000)
        assert sorted((p.country_code, p.city, p.image_count, p.first_day, p.last_day) for p in listed) == sorted(
            (p.country_code, p.city, p.images, p.first_day, p.last_day) for p in places
        )
    for places in (countries, cities):
        assert [place.images for place in places] == sorted((place.images for place in places), reverse=True)


def test_a_countrys_name_is_the_one_most_of_its_photos_carry(vault: Path) -> None:
    person = somebody()
    fill(person.user_id, seed=7, photos=80)
    with db.transaction(person.user_id) as conn:
        conn.execute(
            "UPDATE images SET country = 'Lusitania' WHERE id = (SELECT id FROM images WHERE country_code = 'PT' "
            "AND deleted_at IS NULL AND NOT archived LIMIT 1)"
        )
        names = {place.country_code: place.country for place in dashboards.countries(conn)}
    assert names["PT"] == "Portugal"


def test_homes_are_those_of_drafting_over_the_located_photos(conn: db.Connection, library: Library) -> None:
    located = [
        drafts.Photo(
            id=i["id"],
            local=i["sort_at"],
            local_day=i["local_day"],
            lat=i["lat"],
            lon=i["lon"],
            place=tuple(i[name] or "" for name in ("country_code", "country", "region", "city")),  # type: ignore[arg-type]
        )
        for i in sorted(library.arranged, key=lambda i: (i["sort_at"], i["id"]))
        if i["lat"] is not None
    ]
    homes = dashboards.homes(conn)
    assert [(h.city, h.photos, h.days, h.first_day, h.last_day) for h in homes] == [
        (h.city, h.photos, h.days, h.first_day, h.last_day) for h in find_homes(located)
    ]
    assert "Lisbon" in {home.city for home in homes}


def test_trips_are_the_albums_of_that_kind_with_the_photos_they_still_have(
    conn: db.Connection, library: Library
) -> None:
    live = {image["id"] for image in library.live}
    members = Counter(m["album_id"] for m in library.members if m["image_id"] in live)
    expected = [
        dashboards.Trip(a["id"], a["title"], a["first_day"], a["last_day"], members[a["id"]])
        for a in library.albums
        if a["kind"] == "trip" and a["deleted_at"] is None and members[a["id"]]
    ]
    expected.sort(key=lambda trip: (trip.last_day, trip.album_id), reverse=True)
    assert expected
    assert dashboards.trips(conn) == expected


# ------------------------------------------------------------------------------------------------ nothing, nobody


def test_an_empty_vault_counts_nothing(vault: Path) -> None:
    with db.transaction(somebody().user_id) as conn:
        assert dashboards.images(conn) == dashboards.Images(*[0] * 8, None, None, *[0] * 4)  # type: ignore[arg-type]
        assert dashboards.albums_by_kind(conn) == {}
        assert dashboards.people(conn) == dashboards.People(0, 0, 0)
        assert dashboards.faces(conn) == dashboards.Faces(0, 0)
        assert dashboards.stored(conn) == dashboards.Stored(0, 0)
        nothing = dashboards.Share("", 0, 0, 0)
        assert dashboards.storage(conn) == dashboards.Storage(
            nothing, dashboards.Share("true", 0, 0, 0), [], [], [], []
        )
        assert dashboards.near_duplicates(conn) == dashboards.NearDuplicates(0, 0, 0, 0)
        assert dashboards.appearances(conn, limit=10) == []
        assert dashboards.companions(conn, []) == {}
        assert dashboards.countries(conn) == dashboards.cities(conn) == dashboards.trips(conn) == []
        assert dashboards.homes(conn) == ()
