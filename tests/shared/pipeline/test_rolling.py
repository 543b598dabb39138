"""Smart albums that follow the calendar, once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.arranging import add_photo, table, value
from tests.vaults import Somebody, somebody

from photovault import db, smart_albums, users
from photovault.filters import Filter
from photovault.pipeline import rolling
from photovault.pipeline.reports import Report
from photovault.saved_filters import Saved

pytestmark = pytest.mark.usefixtures("vault", "sent")
NOW = datetime.now(UTC)


@pytest.fixture
def ada(vault: object) -> Somebody:
    return somebody()


def smart(who: Somebody, saved: Saved) -> UUID:
    with db.transaction(who.user_id) as conn:
        return smart_albums.add(conn, title="Smart", description=None, saved=saved, revision=users.next_revision(conn))


def photos_of(who: Somebody, album_id: UUID) -> set[UUID]:
    return {row[0] for row in table(who.user_id, "SELECT image_id FROM album_images WHERE album_id = %s", [album_id])}


def grow_older(who: Somebody, days: int) -> None:
    """As the calendar sees it."""
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE images SET local_day = local_day - %s", [days])


def test_photos_leave_when_their_days_are_over(ada: Somebody) -> None:
    new, old = (add_photo(ada.user_id, taken=(NOW - timedelta(days=age)).replace(tzinfo=None)) for age in (0, 5))
    album = smart(ada, Saved(last_days=7))
    still = smart(ada, Saved(Filter(date_from=NOW.date() - timedelta(days=9))))
    assert photos_of(ada, album) == {new, old}
    grow_older(ada, 4)
    rolling.roll_smart_albums(Report(), now=NOW)
    assert photos_of(ada, album) == {new}
    assert photos_of(ada, still) == {new, old}


def test_a_day_that_changes_nothing_writes_nothing(ada: Somebody) -> None:
    add_photo(ada.user_id, taken=NOW.replace(tzinfo=None))
    smart(ada, Saved(last_days=7))
    before = value(ada.user_id, "SELECT revision FROM users")
    rolling.roll_smart_albums(Report(), now=NOW)
    assert value(ada.user_id, "SELECT revision FROM users") == before


def test_without_time_nothing_is_begun(ada: Somebody) -> None:
    photo = add_photo(ada.user_id, taken=NOW.replace(tzinfo=None))
    album = smart(ada, Saved(last_days=7))
    grow_older(ada, 30)
    rolling.roll_smart_albums(Report(), now=NOW, remaining=lambda: 1.0)
    assert photos_of(ada, album) == {photo}


def test_maintenance_sees_whose_albums_roll_and_nothing_else_of_them(ada: Somebody) -> None:
    smart(ada, Saved(last_days=7))
    grace = somebody()
    smart(grace, Saved(Filter(favourite=True)))
    with db.maintenance() as conn:
        found = smart_albums.rolling(conn)
        assert ada.user_id in found
        assert grace.user_id not in found
