"""Drafts of automatic albums with what a person put in and took out."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from photovault import choosing
from photovault.album_choices import Chosen
from photovault.drafts import Draft, Member, Photo

START = datetime(2025, 5, 9, 10)
PHOTOS = {
    photo.id: photo
    for n in range(8)
    for photo in [Photo(UUID(int=n), START + timedelta(days=n), (START + timedelta(days=n)).date())]
}
some = st.sets(st.sampled_from(sorted(PHOTOS)))


def draft(image_ids: set[UUID]) -> Draft:
    members = tuple(Member(one, {"by": "place"}) for one in sorted(image_ids))
    days = [PHOTOS[one].local_day for one in image_ids]
    why = {"rule": "trip"}
    return Draft("trip", "trip:1", "Trip", min(days), max(days), members[0].image_id, why, members)


@given(some.filter(bool), some, some)
def test_an_album_is_its_rule_without_what_was_taken_out_and_with_what_was_put_in(
    ruled: set[UUID], put_in: set[UUID], taken_out: set[UUID]
) -> None:
    put_in -= taken_out
    found = choosing.applied(draft(ruled), Chosen(put_in=put_in, taken_out=taken_out), PHOTOS)
    expected = (ruled - taken_out) | put_in
    assert {member.image_id for member in found.members} == expected if found else not expected
    if found is None:
        return
    assert [member.image_id for member in found.members] == sorted(expected)
    days = [PHOTOS[one].local_day for one in expected]
    assert (found.first_day, found.last_day) == (min(days), max(days))
    assert found.cover in expected
    assert found.why == {"rule": "trip"}
    by_hand = {member.image_id for member in found.members if member.why == choosing.BY_HAND}
    assert by_hand == put_in - ruled


def test_a_photo_that_albums_are_not_made_of_is_not_put_in() -> None:
    archived = UUID(int=99)
    found = choosing.applied(draft({UUID(int=1)}), Chosen(put_in={archived}), PHOTOS)
    assert found
    assert [member.image_id for member in found.members] == [UUID(int=1)]


def test_an_untouched_draft_stays_as_it_is() -> None:
    made = draft(set(PHOTOS))
    assert choosing.applied(made, Chosen(), PHOTOS) == made
