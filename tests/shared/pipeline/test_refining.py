"""Finer names of places from an online geocoder: asked for later, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from tests.arranging import BERLIN, LISBON, PORTO, add_photo
from tests.local_cloud import database_of_its_own
from tests.vaults import forget, somebody

from photovault import db, geocoder, images, locations
from photovault.estimating import Names
from photovault.geocoder import Refined
from photovault.pipeline import maintenance
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "sent")

# One pass asks for so many photos, and for those of other tests first.
database_url = database_of_its_own()


@pytest.fixture
def allowed(vault: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENABLE_GEOCODER", "true")
        patch.setenv("GEOCODER_EMAIL", "operator@example.com")
        forget()
        yield
    forget()


def photo(user_id: UUID, image_id: UUID) -> images.Image:
    with db.transaction(user_id) as conn:
        found = images.get(conn, image_id)
    assert found is not None
    return found


def refine() -> Report:
    report = Report()
    maintenance.refine_places(report, now=datetime.now(UTC))
    return report


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Refined | None) -> list[tuple[float, float]]:
    asked: list[tuple[float, float]] = []

    def stand_in(begin: object, lat: float, lon: float) -> Refined | None:
        asked.append((lat, lon))
        return answer

    monkeypatch.setattr(geocoder, "refine", stand_in)
    return asked


@pytest.mark.usefixtures("allowed")
def test_a_finer_name_replaces_the_offline_one_and_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = somebody().user_id
    where = (38.6812, -9.1587)  # where no other test has been
    image_id = add_photo(user_id, where=(*LISBON[:4], *where))
    asked = answer_with(monkeypatch, Refined("Almada", "Setúbal", "Portugal", "PT"))
    assert refine().refined >= 1
    assert photo(user_id, image_id).city == "Almada"
    refine()
    assert asked.count(where) == 1


@pytest.mark.usefixtures("allowed")
def test_without_an_answer_the_offline_name_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = somebody().user_id
    image_id = add_photo(user_id, where=LISBON)
    before = photo(user_id, image_id).city
    answer_with(monkeypatch, None)
    assert refine().refined == 0
    assert photo(user_id, image_id).city == before


@pytest.mark.usefixtures("allowed")
def test_what_an_outage_left_unanswered_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = somebody().user_id
    image_id = add_photo(user_id, where=PORTO)
    answer_with(monkeypatch, None)
    refine()
    answer_with(monkeypatch, Refined("Gaia", "Porto", "Portugal", "PT"))
    refine()
    assert photo(user_id, image_id).city == "Gaia"


@pytest.mark.usefixtures("allowed")
def test_where_nothing_is_known_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(somebody().user_id, where=BERLIN)
    with db.maintenance() as conn:
        geocoder.remember(conn, geocoder.Cell.of(*BERLIN[4:]), Refined())
    answer_with(monkeypatch, None)
    refine()
    asked = answer_with(monkeypatch, None)
    refine()
    assert BERLIN[4:] not in asked


def test_nothing_is_asked_unless_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    add_photo(somebody().user_id, where=LISBON)
    asked = answer_with(monkeypatch, Refined("Almada", None, "Portugal", "PT"))
    refine()
    assert asked == []


@pytest.mark.usefixtures("allowed")
def test_an_estimate_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = somebody().user_id
    add_photo(user_id, where=(*LISBON[:4], -48.5, -48.5), location_source="estimated")
    asked = answer_with(monkeypatch, Refined("Almada", "Setúbal", "Portugal", "PT"))
    refine()
    assert (-48.5, -48.5) not in asked


@pytest.mark.usefixtures("allowed")
def test_a_place_corrected_while_its_name_was_asked_for_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = somebody().user_id
    image_id = add_photo(user_id, where=LISBON)

    def slow(begin: object, lat: float, lon: float) -> Refined:
        with db.transaction(user_id) as conn:
            locations.correct(
                conn, [image_id], (52.52, 13.405), name_at=lambda *_: Names("DE", "Germany", None, "Berlin"), revision=9
            )
        return Refined("Almada", "Setúbal", "Portugal", "PT")

    monkeypatch.setattr(geocoder, "refine", slow)
    refine()
    assert photo(user_id, image_id).city == "Berlin"
    with db.maintenance() as conn:
        assert (user_id, image_id) in images.unrefined(conn, limit=1000)  # the new position is asked about next time
