"""Albums that exist already are recognised when they are drafted again. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from photovault.drafts import Draft, Existing


def match(previous: Iterable[Existing], drafts: Sequence[Draft]) -> dict[str, UUID]:
    """Which existing album each draft continues: draft key -> album id. Drafts without one are new.

    Places, dates and people by their key. Trips and events by overlap, the greatest first, of at least one half
    (Jaccard: shared by all photos of both); what is left, by the photo they begin with.
    """
    albums = sorted(previous, key=lambda album: (album.key, album.album_id))
    found: dict[str, UUID] = {}
    taken: set[UUID] = set()
    runs = {"trip", "event"}
    owners: dict[UUID, list[int]] = defaultdict(list)
    for n, album in enumerate(albums):
        if album.kind in runs:
            for image in album.image_ids:
                owners[image].append(n)
    pairs: list[tuple[float, str, int]] = []
    for made in drafts:
        if made.kind not in runs:
            continue
        shared = Counter(n for member in made.members for n in owners.get(member.image_id, ()))
        for n, count in shared.items():
            overlap = count / (len(made.members) + len(albums[n].image_ids) - count)
            if albums[n].kind == made.kind and overlap >= 0.5:
                pairs.append((-overlap, made.key, n))
    for _, key, n in sorted(pairs):
        if key not in found and albums[n].album_id not in taken:
            found[key] = albums[n].album_id
            taken.add(albums[n].album_id)
    by_key: dict[tuple[str, str], UUID] = {}
    for album in albums:
        if album.album_id not in taken:
            by_key.setdefault((album.kind, album.key), album.album_id)
    for made in drafts:
        if made.key not in found and (made.kind, made.key) in by_key:
            found[made.key] = by_key[made.kind, made.key]
    return found
