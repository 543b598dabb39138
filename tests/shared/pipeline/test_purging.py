"""Emptied trashes are noted in staging and finished by the sweep, whatever died before."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.arranging import add_photo, table
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import db, ids, jobs, staging, users
from photovault.pipeline import maintenance, purging

pytestmark = pytest.mark.usefixtures("vault", "sent")


def asks_to_empty(who: Somebody) -> UUID:
    """As the route does before it begins to work."""
    purging.note(who.user_id)
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        return jobs.begin(conn, purging.JOB, total=1)


def test_the_sweep_finishes_what_staging_notes(bucket: Bucket) -> None:
    who = somebody()
    add_photo(who.user_id, deleted_at=datetime(2026, 1, 1))
    job = asks_to_empty(who)
    assert list(bucket.contents) == [purging.note_of(who.user_id)]
    report = maintenance.run(daily=False, now=datetime.now(UTC))
    assert report.failures == []
    assert report.staged == report.removed == 0, "a note is nobody's plaintext"
    assert bucket.contents == {}
    assert table(who.user_id, "SELECT id FROM images") == []
    with db.transaction(who.user_id) as conn:
        found = jobs.get(conn, job)
    assert found
    assert (found.state, found.done, found.total) == ("done", 1, 1)


def test_with_no_time_left_the_note_stays(bucket: Bucket) -> None:
    who = somebody()
    add_photo(who.user_id, deleted_at=datetime(2026, 1, 1))
    asks_to_empty(who)
    maintenance.run(daily=False, now=datetime.now(UTC), remaining=lambda: 5.0)
    assert list(bucket.contents) == [purging.note_of(who.user_id)]
    assert len(table(who.user_id, "SELECT id FROM images")) == 1


def test_what_is_in_the_trash_of_others_stays(bucket: Bucket) -> None:
    who, other = somebody(), somebody()
    kept = add_photo(other.user_id, deleted_at=datetime.now(UTC))
    asks_to_empty(who)
    maintenance.run(daily=False, now=datetime.now(UTC))
    assert table(other.user_id, "SELECT id FROM images") == [(kept,)]


def test_only_a_whole_note_is_one() -> None:
    user_id = ids.new()
    assert purging.person_of(purging.note_of(user_id)) == user_id
    for key in (
        staging.PURGING,
        f"{staging.PURGING}x",
        f"{staging.PURGING}{user_id}/a",
        f"{staging.PURGING}{user_id.hex}",
    ):
        assert purging.person_of(key) is None
