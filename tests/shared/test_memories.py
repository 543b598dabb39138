"""Memories: which days, which photos of them, and what they are called."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import memories
from photovault.memories import Memory, Photo

TODAY = date(2026, 5, 17)
ANNA, BEN, CLEO, DAN = (UUID(int=n) for n in range(1, 5))
NAMES = {ANNA: "Anna", BEN: "Ben", CLEO: "Cleo", DAN: "Dan"}


def photo(number: int, day: date, hour: float = 12, **values: Any) -> Photo:
    return Photo(
        **{
            "id": UUID(int=1000 + number),
            "order": number.to_bytes(4),
            "local": datetime.combine(day, time()) + timedelta(hours=hour),
            "day": day,
            "filename": "IMG_1.jpg",
            "content_type": "image/jpeg",
            "pixels": 12_000_000,
            "from_camera": True,
            "favourite": False,
            "best_face": 0.0,
            "people": frozenset(),
            "phash": None,
            "city": None,
            "country": None,
        }
        | values
    )


def chosen(photos: list[Photo], today: date = TODAY, **options: Any) -> list[Memory]:
    return memories.choose(photos, today=today, **options)


def numbers(memory: Memory) -> list[int]:
    return [image_id.int - 1000 for image_id in memory.photos]


# ------------------------------------------------------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("today", "photo_day", "kind", "years"),
    [
        (date(2026, 5, 17), date(2025, 5, 17), "on-this-day", 1),
        (date(2026, 5, 17), date(2023, 5, 14), "this-week", 3),
        (date(2026, 5, 17), date(2023, 5, 20), "this-week", 3),
        (date(2026, 5, 17), date(2023, 5, 21), None, 0),
        (date(2026, 5, 17), date(2026, 5, 17), None, 0),
        (date(2026, 5, 17), date(2026, 5, 16), None, 0),
        (date(2026, 5, 17), date(2027, 5, 17), None, 0),
        (date(2026, 1, 2), date(2024, 12, 31), "this-week", 1),
        (date(2025, 12, 30), date(2024, 1, 1), "this-week", 2),
        (date(2024, 2, 29), date(2020, 2, 29), "on-this-day", 4),
        (date(2024, 2, 29), date(2023, 2, 28), "on-this-day", 1),
        (date(2024, 2, 29), date(2023, 3, 1), "this-week", 1),
        (date(2025, 2, 28), date(2024, 2, 29), "on-this-day", 1),
        (date(2025, 2, 28), date(2024, 2, 28), "on-this-day", 1),
        (date(2024, 2, 28), date(2020, 2, 29), "this-week", 4),
        (date(2025, 3, 1), date(2024, 2, 29), "this-week", 1),
    ],
)
def test_what_a_day_is_remembered_on(today: date, photo_day: date, kind: str | None, years: int) -> None:
    found = [(memory.kind, memory.years) for memory in chosen([photo(1, photo_day)], today)]
    assert found == ([(kind, years)] if kind else [])


@given(today=st.dates(date(1900, 1, 1), date(2100, 1, 1)), years=st.integers(1, 70))
def test_the_days_around_are_a_week_in_which_the_very_day_lies(today: date, years: int) -> None:
    around = memories.days_around(today, years)
    assert len(around) in {7, 8}
    assert set(memories.same_days(today, years)) <= set(around)
    assert max(around) < today


def test_the_very_day_goes_before_the_days_around_it_and_later_years_before_earlier() -> None:
    photos = [
        photo(1, date(2023, 5, 17)),
        photo(2, date(2023, 5, 16), favourite=True),
        photo(3, date(2019, 5, 18)),
        photo(4, date(2025, 5, 17)),
    ]
    assert [(m.title, numbers(m), m.day) for m in chosen(photos)] == [
        ("1 year ago", [4], date(2025, 5, 17)),
        ("3 years ago", [1], date(2023, 5, 17)),
        ("This week, 7 years ago", [3], date(2019, 5, 17)),
    ]


# ----------------------------------------------------------------------------------------------------------- the best

DAY = date(2023, 5, 17)


def test_favourites_go_before_people_and_people_before_the_rest() -> None:
    photos = [photo(n, DAY, n) for n in range(5)]
    photos += [photo(5, DAY, 5, best_face=0.9, people=frozenset({ANNA})), photo(6, DAY, 6, favourite=True)]
    (memory,) = chosen(photos, most=2)
    assert numbers(memory) == [5, 6]
    assert memory.cover == photos[6].id
    assert memory.of == 7


@pytest.mark.parametrize(
    "values",
    [
        {"filename": "Screenshot_20230517-101500.png", "content_type": "image/png"},
        {"filename": "Bildschirmfoto 2023-05-17.jpg"},
        {"content_type": "image/png", "from_camera": False},
    ],
    ids=["screenshot", "in German", "a PNG of no camera"],
)
def test_screenshots_are_no_memories(values: dict[str, Any]) -> None:
    assert chosen([photo(1, DAY, **values)]) == []


def test_no_two_are_alike() -> None:
    photos = [
        photo(1, DAY, 8, phash=0xFFFF0000FFFF0000, favourite=True),
        photo(2, DAY, 9, phash=0xFFFF0000FFFF000F),  # 4 bits away
        photo(3, DAY, 10, phash=0x0000FFFF0000FFFF),
        photo(4, DAY, 8 + 5 / 3600),  # of the same moment as the first
        photo(5, DAY, 15),  # found to be a copy of the third
        photo(6, DAY, 16, phash=0),
        photo(7, DAY, 17, phash=0),  # flat: not alike for that
    ]
    (memory,) = chosen(photos, alike=[(photos[4].id, photos[2].id)])
    assert numbers(memory) == [1, 3, 6, 7]


def test_a_day_is_shown_rather_than_one_of_its_hours() -> None:
    photos = [photo(n, DAY, 9 + n / 60) for n in range(1, 21)] + [photo(50 + n, DAY, 12 + n) for n in range(4)]
    (memory,) = chosen(photos, most=6)
    assert {50, 51, 52, 53} < set(numbers(memory))


def test_photos_stand_in_the_order_in_which_they_were_taken() -> None:
    (memory,) = chosen([photo(n, DAY, 20 - n) for n in range(5)])
    assert numbers(memory) == [4, 3, 2, 1, 0]


@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    drawn = random.Random(7)
    photos = [
        photo(
            n,
            DAY + timedelta(days=drawn.randint(-3, 3)),
            drawn.choice([9, 9.1, 12, 18]) + n / 1000,
            favourite=drawn.random() < 0.1,
            best_face=drawn.choice([0, 0.5]),
            phash=drawn.choice([None, 1 << n % 40]),
        )
        for n in range(60)
    ]
    shuffled = list(photos)
    random.Random(seed).shuffle(shuffled)
    assert chosen(shuffled) == chosen(photos)


# ---------------------------------------------------------------------------------------------------------- in words


def said(photos: list[Photo], album: str | None = None) -> str:
    (memory,) = chosen(photos)
    return memories.subtitle(memory, names=NAMES, album=album)


def test_a_memory_says_who_and_where_or_what_trip_it_is_of() -> None:
    both = {"city": "Lisbon", "country": "Portugal"}
    assert said([photo(1, DAY, people=frozenset({ANNA, BEN}), **both)]) == "With Anna and Ben in Lisbon"
    everybody = frozenset({ANNA, BEN, CLEO, DAN})
    assert said([photo(1, DAY, people=everybody)]) == "With Anna, Ben and Cleo"
    assert said([photo(1, DAY, **both)]) == "Lisbon"
    assert said([photo(1, DAY, 8, **both), photo(2, DAY, city="Porto", country="Portugal")]) == "Portugal"
    assert said([photo(1, DAY)]) == ""
    assert said([photo(1, DAY, **both)], album="Weekend in Lisbon") == "Weekend in Lisbon"


def test_whoever_is_in_most_photos_is_named_first() -> None:
    photos = [photo(n, DAY, 8 + n, people=frozenset({BEN} | ({ANNA} if n == 0 else set()))) for n in range(3)]
    assert said(photos) == "With Ben and Anna"


def test_who_is_not_to_be_named_is_not() -> None:
    (memory,) = chosen([photo(1, DAY, people=frozenset({ANNA}))])
    assert memories.subtitle(memory, names={}, album=None) == ""
