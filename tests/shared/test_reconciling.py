"""Which album goes on in which draft, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault.drafts import Draft, Member
from photovault.reconciling import (
    NOTHING,
    Album,
    Change,
    Members,
    Packer,
    Plan,
    batches,
    changes,
    recognise,
    settled,
    to_read,
)

DAY = date(2025, 5, 9)


def photos(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


def draft(numbers: Iterable[int], *, kind: Any = "trip", key: str | None = None, title: str = "Lisbon") -> Draft:
    its = photos(*numbers)
    members = tuple(Member(photo, {"by": "time"}) for photo in its)
    return Draft(kind, key or f"{kind}:{its[0]}", title, DAY, DAY, its[0], {"rule": kind}, members)


def album(number: int, *, kind: Any = "trip", key: str | None = None, **said: Any) -> Album:
    known = Album(
        id=UUID(int=1000 + number),
        kind=kind,
        key=key or f"{kind}:{number}",
        title="Lisbon",
        title_edited=False,
        cover_image_id=None,
        cover_edited=False,
        first_day=DAY,
        last_day=DAY,
        image_count=1,
        deleted=False,
        kept=False,
        occupied=True,
        trashed=False,
        past=None,
        fingerprint=None,
    )
    return replace(known, **said)


def plan(albums: dict[Album, Iterable[int]], drafts: list[Draft]) -> Plan:
    """With these photos in the albums that have any."""
    had = {known.id: frozenset(photos(*its)) for known, its in albums.items()}
    return recognise(list(albums), drafts, had, {})


def goes_on(albums: dict[Album, Iterable[int]], *drafts: Draft) -> list[UUID | None]:
    made = plan(albums, list(drafts)).goes_on
    return [made[each.key].id if each.key in made else None for each in drafts]


def test_half_of_all_photos_of_both_is_the_same_trip() -> None:
    one = album(1)
    assert goes_on({one: range(10)}, draft(range(5, 10))) == [one.id]
    assert goes_on({one: range(10)}, draft(range(5, 15))) == [one.id], "a third of all, but half of each"
    assert goes_on({one: range(10)}, draft(range(6, 16))) == [None]


def test_a_trip_that_grew_by_many_photos_at_once_is_still_that_trip() -> None:
    one = album(1, kept=True)
    assert goes_on({one: range(10)}, draft(range(200))) == [one.id]


def test_of_two_trips_that_became_one_the_larger_goes_on_and_the_edited_one_is_remembered() -> None:
    small, large = album(1, kept=True), album(2)
    made = plan({small: range(10), large: range(10, 100)}, [draft(range(100))])
    assert [each.id for each in made.goes_on.values()] == [large.id]
    (retired,) = made.retired
    assert (retired.album_id, retired.past, retired.seen) == (small.id, tuple(photos(*range(10))), True)


def test_of_two_trips_of_one_size_the_edited_one_goes_on() -> None:
    first, second = album(1), album(2, kept=True)
    assert goes_on({first: range(10), second: range(10, 20)}, draft(range(20))) == [second.id]


def test_of_a_trip_that_fell_apart_the_largest_part_goes_on() -> None:
    one = album(1)
    drafts = [draft(range(3)), draft(range(3, 7)), draft(range(7, 10))]
    assert goes_on({one: range(10)}, *drafts) == [None, one.id, None]


def test_an_album_comes_back_with_its_photos() -> None:
    away = album(1, kept=True, past=tuple(photos(*range(10))), image_count=0, occupied=False)
    now = album(2)
    assert goes_on({away: (), now: range(10, 100)}, draft(range(10)), draft(range(10, 100))) == [away.id, now.id]


def test_a_trip_that_became_an_event_is_still_that_album() -> None:
    one = album(1, kind="trip")
    assert goes_on({one: range(10)}, draft(range(9), kind="event")) == [one.id]


def test_a_deleted_trip_stays_away_grown_shrunk_and_in_parts() -> None:
    gone = album(1, deleted=True)
    for drafts in ([draft(range(20))], [draft(range(4))], [draft(range(5)), draft(range(5, 10), kind="event")]):
        assert plan({gone: range(10)}, drafts).unwanted == {each.key for each in drafts}


def test_a_trip_that_a_deleted_one_is_a_small_part_of_is_another() -> None:
    gone = album(1, deleted=True)
    made = plan({gone: range(10)}, [draft(range(200))])
    assert (made.unwanted, dict(made.goes_on)) == (set(), {})
    assert made.retired[0].key != draft(range(200)).key, "the key is free for it"


@pytest.mark.parametrize("kept", [False, True])
def test_a_trip_that_was_restored_is_kept_as_it_is_where_a_longer_one_has_its_photos(*, kept: bool) -> None:
    there, back = album(1), album(2, restored=True, kept=kept)
    made = plan({there: range(30), back: range(8)}, [draft(range(30))])
    assert [each.id for each in made.goes_on.values()] == [there.id]
    assert (made.by_hand, made.gone, made.retired) == ((back,), (), ())
    assert plan({back: range(8)}, [draft(range(10))]).by_hand == (), "it goes on as a trip"
    assert plan({replace(back, deleted=True): range(8)}, [draft(range(30))]).by_hand == (), "it was deleted again"
    assert plan({replace(back, occupied=False, trashed=True): range(8)}, []).by_hand == (), "all is in the trash"


def test_an_album_that_is_there_is_not_taken_away_by_one_that_was_deleted() -> None:
    gone, there = album(1, deleted=True), album(2)
    made = plan({gone: range(10), there: range(15)}, [draft(range(14))])
    assert [each.id for each in made.goes_on.values()] == [there.id]
    assert made.unwanted == set()


def test_places_go_on_by_their_key_alone() -> None:
    lisbon = album(1, kind="place", key="place:city:Lisbon")
    gone = album(2, kind="place", key="place:city:Porto", deleted=True)
    drafts = [draft([7], kind="place", key=each.key) for each in (lisbon, gone)]
    made = plan({lisbon: (), gone: ()}, drafts)
    assert made.goes_on == {lisbon.key: lisbon}
    assert made.unwanted == {gone.key}
    assert [retired.key for retired in made.retired] == [gone.key]


@pytest.mark.parametrize("reason", ["kept", "trashed", "deleted"])
def test_what_was_said_and_what_is_in_the_trash_keep_a_row(reason: str) -> None:
    plain, bound = album(1), album(2, **{reason: True})
    made = plan({plain: range(5), bound: range(5, 10)}, [])
    assert [each.id for each in made.gone] == [plain.id]
    assert [each.album_id for each in made.retired] == [bound.id]


def test_what_is_away_already_is_not_written_again() -> None:
    away = album(1, kept=True, past=tuple(photos(1, 2)), image_count=0, occupied=False)
    assert plan({away: ()}, []).retired == ()


def test_an_album_as_it_was_needs_no_reading() -> None:
    packed = Packer().pack(draft(range(10)))
    same = album(1, key=packed.draft.key, fingerprint=packed.fingerprint)
    doubtful = album(2, key="trip:other")
    unchanged = settled([same, doubtful], [packed])
    assert unchanged == {packed.draft.key: same}
    assert to_read([same, doubtful], unchanged) == [doubtful]


def test_a_fingerprint_tells_photos_reasons_and_the_reason_of_the_whole_apart() -> None:
    plain = draft(range(3))
    other_reason = replace(plain, members=(*plain.members[:2], Member(plain.members[2].image_id, {"by": "place"})))
    moved_reason = replace(plain, members=(Member(plain.members[0].image_id, {"by": "place"}), *plain.members[1:]))
    different = [plain, draft(range(4)), other_reason, moved_reason, replace(plain, why={"rule": "event"})]
    assert len({Packer().pack(each).fingerprint for each in different}) == len(different)
    packer = Packer()
    assert (
        packer.pack(other_reason).fingerprint
        == Packer().pack(other_reason).fingerprint
        == packer.pack(other_reason).fingerprint
    )


def written(stored: Members, wanted: Draft, known: Album) -> Change:
    (change,) = changes(
        [Packer().pack(wanted)],
        Plan((), (), {wanted.key: known}, frozenset()),
        members=lambda _: stored,
        new_id=lambda: UUID(int=0),
    )
    return change


def test_only_what_differs_is_written() -> None:
    a, b, c, d = photos(1, 2, 3, 4)
    stored = Members('{"rule":"trip"}', {a: '{"by": "time"}', b: '{"by":"place"}', d: '{"by": "time"}'}, {d})
    change = written(stored, draft([1, 2, 3]), album(1))
    assert change.added == ((b, '{"by": "time"}'), (c, '{"by": "time"}'))
    assert change.removed == (), "what is in the trash stays"


def test_a_title_of_ones_own_is_no_difference() -> None:
    wanted = draft([1], key="trip:1")
    stored = Members('{"rule": "trip"}', {photos(1)[0]: '{"by": "time"}'}, set())
    known = album(1, key="trip:1", title="Honeymoon", title_edited=True, cover_image_id=photos(1)[0])
    assert not written(stored, wanted, known).told
    assert written(stored, wanted, replace(known, title_edited=False)).row
    assert written(NOTHING, wanted, known).added


@given(st.lists(st.integers(0, 30)), st.integers(1, 40))
def test_batches_hold_so_many_photos_at_most_unless_one_album_has_more(sizes: list[int], most: int) -> None:
    packed = Packer().pack(draft([1]))
    planned = [Change(UUID(int=n), packed, added=((UUID(int=1), ""),) * size) for n, size in enumerate(sizes)]
    made = list(batches(planned, most))
    assert [change for batch in made for change in batch] == planned
    assert all(len(batch) == 1 or sum(change.size for change in batch) <= most for batch in made)


numbers = st.sets(st.integers(0, 25), min_size=1)


@given(st.data())
def test_matching_is_the_same_in_any_order_and_gives_nothing_twice(data: st.DataObject) -> None:
    free = set(range(40))
    albums: dict[Album, set[int]] = {}
    for n in range(data.draw(st.integers(0, 6))):
        its = data.draw(st.sets(st.sampled_from(sorted(free)), min_size=1)) if free else set()
        free -= its
        kind = data.draw(st.sampled_from(["trip", "event"]))
        albums[album(n, kind=kind, kept=data.draw(st.booleans()), deleted=data.draw(st.booleans()))] = its
    left, drafts = set(range(40)), []
    for n in range(data.draw(st.integers(0, 6))):
        its = data.draw(st.sets(st.sampled_from(sorted(left)), min_size=1)) if left else set()
        left -= its
        if its:
            drafts.append(draft(sorted(its), key=f"draft:{n}"))
    made = plan(albums, drafts)
    again = plan(dict(data.draw(st.permutations(list(albums.items())))), data.draw(st.permutations(drafts)))
    assert (made.goes_on, made.unwanted) == (again.goes_on, again.unwanted)
    assert len({each.id for each in made.goes_on.values()}) == len(made.goes_on)
    assert not any(each.deleted for each in made.goes_on.values())
    claimed = {each.id for each in made.goes_on.values()} | {each.id for each in made.gone}
    assert claimed | {each.album_id for each in made.retired} == {each.id for each in albums}
    for known, its in albums.items():
        for each in drafts:
            numbers = {member.image_id.int for member in each.members}
            if not known.deleted and 2 * len(its & numbers) > len(its | numbers):
                assert made.goes_on[each.key] == known
