"""Search on a real database: filters, words, meaning, look-alikes, and the plans that make them fast."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from tests import libraries
from tests.explained import of_table, plan, run
from tests.libraries import LISBON, PARIS, PARIS_TEXAS, TinyEncoder, photo, towards
from tests.vaults import Somebody, client, somebody

from photovault import (
    concepts,
    db,
    embeddings,
    images,
    library_names,
    listing,
    meanings,
    model_manifest,
    models,
    queries,
    search,
    users,
    vectors,
    word_search,
)
from photovault.api import search as search_api
from photovault.errors import Unavailable
from photovault.filters import PlaceRef
from photovault.model_manifest import ModelInfo

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2025, 6, 1)
ANY = listing.Filter()


@pytest.fixture(scope="module", autouse=True)
def configured(vault: Path) -> Path:
    return vault


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([search_api.router])


@pytest.fixture
def person() -> Somebody:
    return somebody()


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyEncoder]:
    tiny = TinyEncoder()
    monkeypatch.setattr(embeddings, "provider", lambda: tiny)
    meanings._meaning_of.cache_clear()
    yield tiny
    meanings._meaning_of.cache_clear()


def filtered(person: Somebody, q: str, wanted: listing.Filter = ANY, *, archived_given: bool = False) -> list[UUID]:
    """What a query without a rest lists, newest first."""
    with db.transaction(person.user_id) as conn:
        known = library_names.names_of(conn, person.user_id)
        parsed = queries.parse_with(q, known.vocabulary, today=TODAY)
        assert parsed.text == ""
        both = search.narrowed(wanted, parsed.filter, known, archived_given=archived_given)
        return [image.id for image in images.page(conn, both, limit=100)] if both and parsed.possible else []


def found(person: Somebody, text: str, wanted: listing.Filter = ANY) -> list[UUID]:
    """What a text finds by words and, with an encoder, by meaning."""
    meaning = meanings.meaning_of(text)
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, text, library_names.names_of(conn, person.user_id))
        return [one.id for one in search.ranked(conn, wanted, words, meaning)]


# ------------------------------------------------------------------------------------------------------- filter


def test_places_are_those_of_their_country(person: Somebody) -> None:
    lisbon, paris, texas = (photo(person.user_id, **place) for place in (LISBON, PARIS, PARIS_TEXAS))
    nowhere = photo(person.user_id)

    assert filtered(person, "in lisbon") == [lisbon]
    assert filtered(person, "in paris") == [texas, paris]
    assert filtered(person, "paris, france") == [paris]
    assert filtered(person, "in texas") == [texas]
    assert filtered(person, "in portugal or france") == [paris, lisbon]
    assert filtered(person, "not in paris") == [nowhere, lisbon]


def test_days_and_seasons_and_their_negation(person: Somebody) -> None:
    summer, winter, new_year, undated = (
        photo(person.user_id, day=day) for day in (date(2024, 7, 1), date(2024, 12, 20), date(2025, 1, 3), None)
    )

    assert filtered(person, "last summer") == [summer]
    assert filtered(person, "in winter") == [new_year, winter]
    assert filtered(person, "2025 or summer 2024") == [new_year, summer]
    assert filtered(person, "not 2024") == [new_year, undated]
    assert filtered(person, "since december 2024") == [new_year, winter]
    with db.transaction(person.user_id) as conn:
        assert [i.id for i in images.page(conn, listing.Filter(without_yearly=((1201, 228),)), limit=9)] == [
            undated,
            summer,
        ]
        assert len(images.page(conn, listing.Filter(days=((None, None),)), limit=9)) == 3


def test_times_of_day_are_local_and_known(person: Somebody) -> None:
    late, early, noon = (photo(person.user_id, sort_at=datetime(2025, 5, 1, hour)) for hour in (23, 3, 12))
    for source in ("upload", "file_modified", "exif_modified"):  # says nothing of when it was taken
        photo(person.user_id, sort_at=datetime(2025, 5, 1, 23), taken_source=source)
    photo(person.user_id, sort_at=datetime(2025, 5, 1, 12), taken_source="filename")  # a day without a time

    assert set(filtered(person, "at night")) == {late, early}
    assert filtered(person, "at noon") == [noon]
    assert filtered(person, "not at night") == [noon]


def test_what_is_near_a_place(person: Somebody) -> None:
    city = photo(person.user_id, lat=38.72, lon=-9.14, **LISBON)
    sintra = photo(person.user_id, lat=38.80, lon=-9.38, city="Sintra", country="Portugal", country_code="PT")
    far = photo(person.user_id, lat=41.15, lon=-8.61, city="Porto", country="Portugal", country_code="PT")
    nowhere = photo(person.user_id)

    assert filtered(person, "near:lisbon") == [sintra, city]
    assert filtered(person, "in lisbon") == [city]
    assert filtered(person, "-near:lisbon") == [nowhere, far]


def test_what_is_near_reaches_across_the_antimeridian(person: Somebody) -> None:
    here = {"city": "Taveuni", "country": "Fiji", "country_code": "FJ"}
    west = photo(person.user_id, lat=-16.8, lon=179.98, **here)
    east = photo(person.user_id, lat=-16.8, lon=-179.96, **here)

    assert filtered(person, "near:taveuni") == [east, west]


def test_which_way_up_a_picture_is(person: Somebody) -> None:
    tall, wide, square, panorama = (
        photo(person.user_id, width=w, height=h) for w, h in ((300, 400), (400, 300), (400, 399), (900, 300))
    )
    photo(person.user_id, width=None, height=None)

    assert filtered(person, "orientation:portrait") == [tall]
    assert filtered(person, "orientation:landscape") == [panorama, wide]
    assert filtered(person, "is:square") == [square]
    assert filtered(person, "is:panorama") == [panorama]


def test_the_years_of_somebody_whose_birthday_is_known(person: Somebody) -> None:
    anna = libraries.named_person(person.user_id, "Anna")
    with db.transaction(person.user_id) as conn:
        conn.execute("UPDATE person_clusters SET birthday = '2020-05-01' WHERE id = %s", [anna])
    photo(person.user_id, day=date(2023, 4, 30), people=[anna])
    third = photo(person.user_id, day=date(2023, 5, 1), people=[anna])
    party = photo(person.user_id, day=date(2024, 5, 1))

    assert filtered(person, "anna at 3") == [third]
    assert filtered(person, "anna's birthday 2024") == [party]
    assert filtered(person, "annas geburtstag") == [party, third]


def test_german_words_find_what_the_detector_calls_in_english(person: Somebody) -> None:
    photo(person.user_id, labels=["cat"])
    dog = photo(person.user_id, labels=["dog"])

    assert filtered(person, "hunde") == [dog]


def test_people_together_either_and_without(person: Somebody) -> None:
    anna, ben = (libraries.named_person(person.user_id, name) for name in ("Anna", "Ben"))
    both = photo(person.user_id, people=[anna, ben])
    one, other = (photo(person.user_id, people=[who]) for who in (anna, ben))
    nobody = photo(person.user_id)

    assert filtered(person, "anna and ben") == [both]
    assert filtered(person, "anna or ben") == [other, one, both]
    assert filtered(person, "without anna") == [nobody, other]
    assert filtered(person, "nobody") == [nobody]


def test_labels_cameras_types_albums_and_flags(person: Somebody) -> None:
    album = libraries.album(person.user_id, "Best of")
    dog = photo(person.user_id, labels=["dog"], camera_make="Canon", camera_model="Canon EOS 5D", albums=[album])
    cat = photo(person.user_id, labels=["cat"], content_type="image/heic", favourite=True)
    both = photo(person.user_id, labels=["cat", "dog"], camera_make="Google", camera_model="Pixel 7", lat=1, lon=2)

    assert filtered(person, "dogs and cats") == [both]
    assert filtered(person, "dog or cat") == [both, cat, dog]
    assert filtered(person, "-label:dog") == [cat]
    assert filtered(person, "canon eos 5d") == [dog]
    assert filtered(person, "camera:pixel") == [both]
    assert filtered(person, "-camera:canon") == [both, cat]
    assert filtered(person, "camera:leica") == []
    assert filtered(person, "heic") == [cat]
    assert filtered(person, "-type:heic") == [both, dog]
    assert filtered(person, 'album:"best of"') == [dog]
    assert filtered(person, '-album:"best of"') == [both, cat]
    assert filtered(person, "favourites") == [cat]
    assert filtered(person, "has:gps") == [both]
    assert filtered(person, "-has:gps") == [cat, dog]


def test_both_filters_hold_and_contradictions_find_nothing(person: Somebody) -> None:
    anna, ben = (libraries.named_person(person.user_id, name) for name in ("Anna", "Ben"))
    both = photo(person.user_id, people=[anna, ben], favourite=True, **LISBON)
    photo(person.user_id, people=[anna], **PARIS)

    assert filtered(person, "anna", listing.Filter(person_ids=(ben,))) == [both]
    assert filtered(person, "anna", listing.Filter(cities=("Lisbon",))) == [both]
    assert filtered(person, "in paris", listing.Filter(cities=("Lisbon",))) == []
    assert filtered(person, "may 2025", listing.Filter(from_day=date(2025, 6, 1))) == []
    assert filtered(person, "-is:favourite", listing.Filter(favourite=True)) == []


def test_the_archive_is_left_out_unless_asked_for(person: Somebody) -> None:
    kept, archived = photo(person.user_id), photo(person.user_id, archived=True)

    assert filtered(person, "may 2025") == [kept]
    assert filtered(person, "may 2025 is:archived") == [archived]
    assert filtered(person, "may 2025 is:archived", listing.Filter(archived=False), archived_given=True) == []


# -------------------------------------------------------------------------------------------------------- words


def test_more_words_and_heavier_places_come_first(person: Somebody) -> None:
    camera = photo(person.user_id, camera_model="Beach Cam")
    caption = photo(person.user_id, caption="the beach")
    everything = photo(person.user_id, caption="a dog on the beach")
    photo(person.user_id, caption="the mountains")

    assert found(person, "beach") == [everything, caption, camera]
    # Its maker's name is too little of what was asked for, beside a photo that has all of it.
    assert found(person, "dog on the beach") == [everything, caption]


def test_the_last_word_may_be_unfinished(person: Somebody) -> None:
    whole, longer = photo(person.user_id, caption="sun"), photo(person.user_id, caption="sunset")
    photo(person.user_id, caption="sum")

    assert found(person, "the sun") == [whole, longer]
    assert found(person, "suns") == [whole, longer]
    assert found(person, "sunse") == [longer]
    assert found(person, "sunse red") == []


def test_words_of_labels_people_and_albums_find_their_photos(person: Somebody) -> None:
    annas = [libraries.named_person(person.user_id, name) for name in ("Anna Smith", "Anna Jones")]
    hike = libraries.album(person.user_id, "Hike with friends")
    dog = photo(person.user_id, labels=["dog"])
    first, second = (photo(person.user_id, people=[anna]) for anna in annas)
    hiking = photo(person.user_id, albums=[hike])

    assert found(person, "dogs running") == [dog]
    assert set(found(person, "anna")) == {first, second}
    assert found(person, "hike") == [hiking]


def test_file_names_are_found_as_they_are_written(person: Somebody) -> None:
    wanted = photo(person.user_id, filename="IMG_20250501-1234.JPG")
    photo(person.user_id, filename="IMG_20250502-9999.JPG")

    assert found(person, "IMG_20250501-1234.JPG")[0] == wanted


def test_reasons_say_which_words_a_photo_has(person: Somebody) -> None:
    beach = photo(person.user_id, caption="beach", labels=["dog"])
    with db.transaction(person.user_id) as conn:
        words = word_search.words_of(conn, "dogs at the bea", library_names.names_of(conn, person.user_id))
        assert words
        why = word_search.reasons(conn, [beach], words)[beach]

    assert {(reason.kind, reason.text) for reason in why} == {("label", "dog"), ("word", "beach")}


def test_words_are_looked_up_within_the_filter(person: Somebody) -> None:
    photo(person.user_id, caption="beach", day=date(2024, 1, 1))
    kept = photo(person.user_id, caption="beach", day=date(2025, 1, 1))

    assert found(person, "beach", listing.Filter(from_day=date(2025, 1, 1))) == [kept]


def test_trash_archive_and_other_people_are_not_found(person: Somebody, encoder: TinyEncoder) -> None:
    stranger = somebody()
    photo(stranger.user_id, caption="beach", vector=towards(0.3))
    gone = photo(person.user_id, caption="beach", vector=towards(0.3))
    archived = photo(person.user_id, caption="beach", vector=towards(0.3), archived=True)
    with db.transaction(person.user_id) as conn:
        images.move_to_trash(conn, gone, revision=users.next_revision(conn))

    assert found(person, "beach") == []
    assert found(person, "beach", listing.Filter(archived=True)) == [archived]
    assert found(person, "beach", listing.Filter(archived=None)) == [archived]


@pytest.mark.parametrize("text", ["", "...", "🙂🙂", "'; DROP TABLE images; --", ".*[", "%", "\\", "שלום", "the"])
def test_what_no_photo_has_finds_nothing(person: Somebody, text: str) -> None:
    photo(person.user_id, caption="beach")

    assert found(person, text) == []


def test_stop_words_alone_are_looked_up_all_the_same(person: Somebody) -> None:
    caption = photo(person.user_id, caption="to be or not to be")

    assert found(person, "to be") == [caption]


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_a_prefix_is_a_range_of_text(prefix: str, rest: str) -> None:
    past = word_search.past_prefix(prefix)
    points = [ord(letter) for letter in prefix + rest]

    assert [ord(letter) for letter in prefix] <= points < [ord(letter) for letter in past]


# ------------------------------------------------------------------------------------------------------ meaning


def test_words_and_meaning_together_come_first(person: Somebody, encoder: TinyEncoder) -> None:
    both = photo(person.user_id, caption="sunset", vector=towards(0.26))
    meaning = photo(person.user_id, vector=towards(0.3))
    word = photo(person.user_id, caption="sunset")

    assert found(person, "sunset")[0] == both
    assert set(found(person, "sunset")) == {both, meaning, word}


def test_nonsense_is_nowhere_near_and_finds_nothing(person: Somebody, encoder: TinyEncoder) -> None:
    photo(person.user_id, caption="sunset", vector=towards(0.1))

    assert found(person, "flurbl") == []


def test_a_text_is_encoded_once_for_all_its_pages(encoder: TinyEncoder) -> None:
    assert meanings.meaning_of("sunset") == meanings.meaning_of("sunset")
    assert encoder.asked == ["sunset"]


def test_a_provider_without_words_is_not_asked(encoder: TinyEncoder) -> None:
    encoder.understands_text = False

    assert meanings.meaning_of("sunset") is None
    assert encoder.asked == []


def test_words_still_find_when_the_encoder_cannot_be_had(person: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("The models bucket does not answer.")

    monkeypatch.setattr(embeddings, "provider", away)
    monkeypatch.setattr(meanings, "_away_until", 0.0)
    beach = photo(person.user_id, caption="beach")

    assert found(person, "beach") == [beach]


# -------------------------------------------------------------------------------------------------------- names


def test_names_are_read_again_when_the_library_changed(person: Somebody) -> None:
    with db.transaction(person.user_id) as conn:
        before = library_names.names_of(conn, person.user_id)
        assert library_names.names_of(conn, person.user_id) is before
    libraries.named_person(person.user_id, "Anna")

    with db.transaction(person.user_id) as conn:
        assert ("anna",) in library_names.names_of(conn, person.user_id).vocabulary.people


def test_names_are_those_of_one_person(person: Somebody) -> None:
    stranger = somebody()
    libraries.named_person(stranger.user_id, "Zoe")
    libraries.album(stranger.user_id, "Secret")
    photo(stranger.user_id, labels=["dog"], **LISBON)
    with db.transaction(person.user_id) as conn:
        assert library_names.read_names(conn).known == ()


def names_of(person: Somebody) -> list[tuple[str, str, int, bool]]:
    with db.transaction(person.user_id) as conn:
        return sorted((n.kind, n.value, n.image_count, n.hidden) for n in library_names.read_names(conn).known)


def test_names_count_the_photos_that_search_shows(person: Somebody) -> None:
    photo(person.user_id, labels=["dog"], **LISBON)
    photo(person.user_id, labels=["dog", "cat"], archived=True, **LISBON)
    photo(person.user_id, labels=["cat"], archived=True, **PARIS)
    gone = photo(person.user_id, labels=["dog", "cow"], **PARIS_TEXAS)
    with db.transaction(person.user_id) as conn:
        images.move_to_trash(conn, gone, revision=users.next_revision(conn))
        conn.execute(
            "UPDATE image_labels SET searchable = false WHERE image_id IN (SELECT id FROM images WHERE archived)"
        )

    assert names_of(person) == [
        ("label", "cat", 0, True),
        ("label", "cow", 0, True),
        ("label", "dog", 1, False),
        ("place", "France", 0, True),
        ("place", "Lisbon", 1, False),
        ("place", "Lisbon District", 1, False),
        ("place", "Paris", 0, True),
        ("place", "Portugal", 1, False),
        ("place", "Île-de-France", 0, True),
    ]
    assert len(filtered(person, "in paris is:archived")) == 1


def test_the_middle_of_a_place_is_that_of_its_photos(person: Somebody) -> None:
    here = {"city": "Taveuni", "country": "Fiji", "country_code": "FJ"}
    for lat, lon in ((-16.8, 179.9), (-16.8, -179.9)):
        photo(person.user_id, lat=lat, lon=lon, **here)
    photo(person.user_id, city="Suva", country="Fiji", country_code="FJ")
    with db.transaction(person.user_id) as conn:
        known = library_names.read_names(conn)

    lat, lon = known.vocabulary.centres.get(PlaceRef("city", "Taveuni", "FJ")) or (0.0, 0.0)
    assert (lat, abs(lon)) == pytest.approx((-16.8, 180.0), abs=0.001)
    assert known.vocabulary.centres.get(PlaceRef("city", "Suva", "FJ")) is None
    assert known.southern


def test_summer_is_in_january_where_most_photos_are_from_the_south(person: Somebody) -> None:
    january = photo(person.user_id, day=date(2025, 1, 10), lat=-33.9, lon=151.2)
    july = photo(person.user_id, day=date(2024, 7, 10), lat=-33.9, lon=151.2)
    assert filtered(person, "in summer") == [january]
    for _ in range(2):
        photo(person.user_id, day=date(2024, 4, 1), lat=52.5, lon=13.4)
    assert filtered(person, "in summer") == [july]


# -------------------------------------------------------------------------------------------------------- plans


@pytest.fixture(scope="module")
def one_of_many(vault: Path, database_url: str) -> Somebody:
    """Many people with 400 photos each, five words on a photo, vacuumed: one of them. Three have words on every photo,
    too, and a city of every other one."""
    people = [somebody() for _ in range(25)]
    with psycopg.connect(database_url, autocommit=True) as conn:
        for one in people:
            parameters = {"person": one.user_id}
            conn.execute(
                "INSERT INTO user_keys (user_id, version, wrapped, master_fingerprint) "
                "VALUES (%(person)s, 1, 'x', 'x')",
                parameters,
            )
            conn.execute(
                "INSERT INTO images (id, user_id, sha256, filename, content_type, bytes, status, key_version, "
                "content_key, sealed_at, sort_at) SELECT gen_random_uuid(), %(person)s, "
                "sha256((n::text || %(person)s::text)::bytea), 'a.jpg', 'image/jpeg', 1, 'ready', 1, 'x', now(), "
                "now()::timestamp FROM generate_series(1, 400) n",
                parameters,
            )
            conn.execute(
                "INSERT INTO image_terms (user_id, term, image_id, weight) "
                "SELECT user_id, 'word' || (n * 100 + row_number() OVER () %% 100), id, 1 FROM images, "
                "generate_series(1, 5) n WHERE user_id = %(person)s",
                parameters,
            )
            conn.execute(
                "INSERT INTO image_sights (user_id, name, image_id, strength, boxes) "
                "SELECT user_id, 'sight' || (row_number() OVER () + n * 20) %% 100, id, 0.5, 1 FROM images, "
                "generate_series(1, 5) n WHERE user_id = %(person)s",
                parameters,
            )
        three = [one.user_id for one in people[:3]]
        conn.execute(
            "INSERT INTO image_terms (user_id, term, image_id, weight) SELECT user_id, term, id, 0.5 FROM images, "
            "unnest(array['the', 'img', 'jpg']) AS term WHERE user_id = ANY(%s)",
            [three],
        )
        conn.execute(
            "UPDATE images SET country = 'Portugal', country_code = 'PT', city = CASE WHEN hashtext(id::text) %% 2 = 0 "
            "THEN 'Lisbon' ELSE 'Porto' END WHERE user_id = ANY(%s)",
            [three],
        )
        for table in ("images", "image_terms", "image_sights"):
            conn.execute(f"VACUUM ANALYZE {table}".encode())
    return people[0]


@pytest.fixture
def crowd(one_of_many: Somebody) -> UUID:
    return one_of_many.user_id


def test_the_planner_knows_whose_photos_a_list_holds(crowd: UUID, database_url: str) -> None:
    """Somebody with more photos than the average is not taken for the average person, nor read from end to end."""
    large = somebody()
    with db.transaction(large.user_id) as conn:
        label_model = vectors.model_id(conn, ModelInfo(name="labels", version="1", kind="label", dims=0))
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, false)", [str(large.user_id)])
        conn.execute("INSERT INTO user_keys (version, wrapped, master_fingerprint) VALUES (1, 'x', 'x')")
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at) SELECT gen_random_uuid(), sha256(('large' || n)::bytea), 'a.jpg', 'image/jpeg', 1, "
            "'ready', 1, 'x', now(), now()::timestamp - n * interval '1 hour' FROM generate_series(1, 12000) n"
        )
        conn.execute(
            "INSERT INTO image_labels (image_id, label, model_id, score) SELECT id, 'dog', %s, 0.5 FROM images "
            "WHERE user_id = %s AND random() < 0.3",
            [label_model, large.user_id],
        )
        conn.execute("VACUUM ANALYZE images")
        conn.execute("VACUUM ANALYZE image_labels")
    where, parameters = listing.conditions(listing.Filter(labels=("dog",)))
    with db.transaction(large.user_id) as conn:
        nodes = plan(
            conn, f"SELECT i.id FROM images i WHERE {where} ORDER BY i.sort_at DESC, i.id DESC LIMIT 51", parameters
        )

    (images_read,) = of_table(nodes, "images")
    assert images_read["Index Name"] == "images_timeline"
    assert images_read["Plan Rows"] > 6_000
    (labels_read,) = of_table(nodes, "image_labels")
    assert labels_read["Actual Rows"] * labels_read["Actual Loops"] < 500


def test_a_search_by_conditions_costs_few_statements(person: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(person.user_id, **LISBON)
    asked: list[str] = []
    execute = psycopg.Connection.execute

    def counted(self: psycopg.Connection, query: Any, *rest: Any, **more: Any) -> Any:
        asked.append(str(query))
        return execute(self, query, *rest, **more)

    filtered(person, "in lisbon")
    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    filtered(person, "in lisbon")
    # Role and person, and whether the library has changed; the page itself goes through a cursor.
    assert len([sql for sql in asked if "SET LOCAL" in sql]) == 1
    assert len(asked) <= 3, asked


def lookups(crowd: UUID, text: str) -> list[str]:
    """The conditions by which words are looked up in the primary key: of the whole ones, then of the last's range."""
    with db.transaction(crowd) as conn:
        words = word_search.words_of(conn, text, library_names.read_names(conn))
        assert words
        nodes = of_table(plan(conn, *word_search.by_words_sql(ANY, words, most=1000)), "image_terms")
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert {node["Node Type"] for node in nodes} == {"Index Only Scan"}
    conditions = [node["Index Cond"] for node in nodes if node.get("Index Name") == "image_terms_pkey"]
    return sorted(conditions, key=lambda condition: "ANY" not in condition)


def test_what_photos_seem_to_show_is_read_from_an_index_alone(crowd: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concepts, "_meant", lambda key, known, *, language: {f"sight{n}": 1.0 for n in (3, 14, 15)})
    with db.transaction(crowd) as conn:
        words = word_search.words_of(conn, "beach", library_names.read_names(conn))
        assert words
        (node,) = of_table(plan(conn, *word_search.by_words_sql(ANY, words, most=1000)), "image_sights")

    assert node["Node Type"] == "Index Only Scan"
    assert "user_id" in node["Index Cond"]
    assert "name" in node["Index Cond"]


@pytest.mark.parametrize("text", ["word203 word101", "word10"])
def test_words_are_looked_up_by_person_and_term(crowd: UUID, text: str) -> None:
    whole, begun = lookups(crowd, text)

    assert "user_id" in whole
    assert "term = ANY" in whole
    assert "user_id" in begun


def test_an_unfinished_word_is_a_range_of_the_index(crowd: UUID) -> None:
    with db.transaction(crowd) as conn:
        collation = db.value(
            conn,
            "SELECT collname FROM pg_attribute a JOIN pg_collation c ON c.oid = attcollation "
            "WHERE attrelid = 'image_terms'::regclass AND attname = 'term'",
        )
    if collation != "C":
        pytest.skip(f"image_terms.term is in collation {collation}: all terms of the person are read")
    _, begun = lookups(crowd, "word10")

    assert "term > " in begun
    assert "term < " in begun


PAGE = 10
EVERY = 400
# A page's photos are looked at once more, as are the eight words that each of them has: whole ones, and the last begun.
SHOWN, WORDS_SHOWN = PAGE, PAGE * 8 * 2

# What odd queries may read at most: entries of words, and photos.
READS = {
    "": (0, PAGE + 1),
    "%": (0, 0),
    "_": (0, 0),
    ".*": (0, 0),
    r"100% %a% _b_ \\": (0, 0),
    "' OR 1=1 --": (0, 0),
    "a" * 1000: (0, 0),
    "a b " * 250: (0, 0),
    "im": (0, 0),
    "🐕" * 300: (0, 0),
    "- " * 500: (0, 0),
    "not " * 250: (0, 0),
    " or ".join(f"w{n}" for n in range(120)): (0, 0),
    " ".join(f"x{n}" for n in range(200)): (0, 0),
    "the": (EVERY + WORDS_SHOWN, EVERY + SHOWN),
    "the of and in a": (EVERY + WORDS_SHOWN, EVERY + SHOWN),
    "photos": (0, PAGE + 1),
    "the img jpg photos": (2 * EVERY + WORDS_SHOWN, EVERY + SHOWN),
    "wor": (5 * EVERY + WORDS_SHOWN, EVERY + SHOWN),
    "2024 " * 200: (0, EVERY),
    "-city:lisbon -city:porto": (0, EVERY),
    " or ".join(["lisbon", "porto"] * 40): (0, EVERY),
    "img in lisbon": (EVERY + WORDS_SHOWN, EVERY + SHOWN),
}


@pytest.mark.parametrize(("q", "most"), READS.items(), ids=[q.strip()[:20] or "nothing" for q in READS])
def test_odd_queries_read_what_they_ask_for(
    one_of_many: Somebody, api: TestClient, q: str, most: tuple[int, int]
) -> None:
    """Of one person, by an index: neither a table from end to end, nor what is somebody else's."""
    sent: list[tuple[str, Any]] = []
    execute = psycopg.Cursor.execute

    def recorded(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        sent.append((query.decode() if isinstance(query, bytes) else str(query), params))
        return execute(self, query, params, **more)

    with mock.patch.object(psycopg.Cursor, "execute", recorded):
        answer = api.get("/search", headers=one_of_many.headers, params={"q": q, "today": "2025-06-01", "limit": PAGE})
    assert answer.status_code == 200
    read = Counter[str]()
    with db.transaction(one_of_many.user_id) as conn:
        for sql, parameters in sent:
            if sql.lstrip().startswith(("SELECT", "WITH")) and "set_config" not in sql:
                for node in run(plan(conn, sql, parameters or {})):
                    if (table := node.get("Relation Name")) in {"image_terms", "images"}:
                        assert node["Node Type"] != "Seq Scan"
                        left = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
                        read[table] += round(node["Actual Loops"] * (node["Actual Rows"] + left))

    assert read["image_terms"] <= most[0]
    assert read["images"] <= most[1]


# ------------------------------------------------------------------------------------------------------ imports


def test_the_search_api_loads_no_encoder_until_a_query_needs_one() -> None:
    script = (
        "import sys, photovault.api.search\n"
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'PIL', 'cv2') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "shared", capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "[]"


def test_the_models_of_the_manifest_have_the_kind_that_is_asked_for() -> None:
    assert {model_manifest.CLIP.kind, model_manifest.PHASH.kind} == {"image"}
    assert models.image_model().kind == "image"
