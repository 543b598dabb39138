"""The drafts of automatic albums as the person wants them: without what was taken out, with what was put in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from photovault.drafts import Draft, Member, Photo, order

if TYPE_CHECKING:
    from photovault.album_choices import Chosen

BY_HAND = {"rule": "hand"}
"""The ``why`` of a photo that is in an album because the person put it there."""


def applied(draft: Draft, chosen: Chosen, photos: Mapping[UUID, Photo]) -> Draft | None:
    """The draft with the person's choices; None when nothing is left of it.

    ``photos`` are all that albums are made of: what was put in and is not among them, because it is in the archive,
    stays out until it is back. ``why`` remains that of the rule.
    """
    ruled = {member.image_id for member in draft.members}
    members = [member for member in draft.members if member.image_id not in chosen.taken_out]
    members += [Member(image_id, BY_HAND) for image_id in sorted(chosen.put_in - ruled) if image_id in photos]
    if not members:
        return None
    members.sort(key=lambda member: order(photos[member.image_id]))
    days = [photos[member.image_id].local_day for member in members]
    gone = draft.cover in chosen.taken_out
    return replace(
        draft,
        members=tuple(members),
        first_day=min(days),
        last_day=max(days),
        cover=members[len(members) // 2].image_id if gone else draft.cover,
    )
