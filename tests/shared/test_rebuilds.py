"""Generations and leases: who wants, who edits, who builds."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.vaults import somebody

from photovault import db, rebuilds
from photovault.rebuilds import Generations, Lease


@pytest.fixture
def ada(vault: Path) -> UUID:
    return somebody().user_id


def lease(user_id: UUID) -> Lease:
    with db.transaction(user_id) as conn:
        taken = rebuilds.take_lease(conn)
    assert taken is not None
    return taken


def read(user_id: UUID) -> Generations:
    with db.transaction(user_id) as conn:
        found = rebuilds.generations(conn)
    assert found is not None
    return found


def expire(user_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        conn.execute("UPDATE rebuilds SET lease_expires_at = now() - interval '1 second'")


def mark_built(user_id: UUID, token: UUID, generations: Generations) -> bool:
    with db.transaction(user_id) as conn:
        return rebuilds.mark_built(conn, token, generations)


def is_due(user_id: UUID) -> bool:
    with db.transaction(user_id) as conn:
        return rebuilds.is_due(conn)


def test_wanting_makes_a_rebuild_due_until_it_is_built(ada: UUID) -> None:
    assert not is_due(ada)
    with db.transaction(ada) as conn:
        assert [rebuilds.want(conn), rebuilds.want(conn)] == [1, 2]
    assert is_due(ada)
    assert mark_built(ada, lease(ada).token, read(ada))
    assert not is_due(ada)


def test_a_lease_has_one_holder(ada: UUID) -> None:
    first, second = lease(ada), lease(ada)
    assert (first.held_by_other, second.held_by_other) == (False, True)
    assert 0 < second.seconds <= first.seconds == rebuilds.LEASE.total_seconds()
    with db.transaction(ada) as conn:
        assert rebuilds.is_held(conn, first.token)
        assert not rebuilds.is_held(conn, second.token)


def test_a_lease_can_be_taken_once_it_is_released_or_has_expired(ada: UUID) -> None:
    first = lease(ada)
    with db.transaction(ada) as conn:
        rebuilds.release(conn, first.token)
    second = lease(ada)
    assert not second.held_by_other
    expire(ada)
    assert not lease(ada).held_by_other


def test_nobody_releases_somebody_elses_lease(ada: UUID) -> None:
    lease(ada)
    with db.transaction(ada) as conn:
        rebuilds.release(conn, uuid4())
    assert lease(ada).held_by_other


def test_who_lost_the_lease_has_built_nothing(ada: UUID) -> None:
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    generations, slow = read(ada), lease(ada)
    expire(ada)
    lease(ada)
    assert not mark_built(ada, slow.token, generations)
    assert is_due(ada)


def test_an_edit_fences_what_was_read_before_it(ada: UUID) -> None:
    generations, held = read(ada), lease(ada)
    with db.transaction(ada) as conn:
        rebuilds.edited(conn)
    assert not mark_built(ada, held.token, generations)
    assert mark_built(ada, held.token, read(ada))


def test_a_wish_during_a_build_is_still_due_after_it(ada: UUID) -> None:
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    generations, held = read(ada), lease(ada)
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    assert mark_built(ada, held.token, generations)
    assert is_due(ada)


def test_a_finished_build_never_falls_back(ada: UUID) -> None:
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    old, held = read(ada), lease(ada)
    with db.transaction(ada) as conn:
        rebuilds.want(conn)
    assert mark_built(ada, held.token, read(ada))
    assert mark_built(ada, held.token, old)
    assert not is_due(ada)


def test_who_is_gone_has_no_lease(vault: Path) -> None:
    with db.transaction(uuid4()) as conn:
        assert rebuilds.take_lease(conn) is None
        assert rebuilds.generations(conn) is None
