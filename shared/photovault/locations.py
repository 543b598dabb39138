"""Positions of photos that no file gives: what a person says, and what is estimated.

A corrected position has the source ``person``. What the file says stays beside it in the row (``file_*``), so that it
can be given back, and so that vision, should it look at the photo later, does not overwrite the correction. A person
may say that it is nowhere known, too: then there is the source ``person`` and no position.

An estimate has the source ``estimated``. It is derived by the rebuild of the albums from all located photos (see
``estimating``), goes with its evidence, and is never written over a position that a file or a person gives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from photovault import estimating, terms, timezones
from photovault.estimating import Estimate, Names

if TYPE_CHECKING:
    from photovault.db import Connection

PERSON = "person"
ESTIMATED = "estimated"

NameAt = Callable[[float, float], Names]


# -------------------------------------------------------------------------------------------------- corrections


def correct(
    conn: Connection,
    image_ids: Collection[UUID],
    at: tuple[float, float] | None,
    *,
    name_at: NameAt,
    revision: int,
) -> list[UUID]:
    """Put photos where the person says they were taken (degrees), or nowhere for None: then nothing is estimated.

    Returns those that were not there by the person's word already. Names come from ``name_at``, and finer ones are
    asked for again where that is switched on.
    """
    lat, lon = at or (None, None)
    found = conn.execute(
        "UPDATE images SET lat = %(lat)s, lon = %(lon)s, location_source = 'person', location_accuracy_km = NULL, "
        "file_lat = CASE location_source WHEN 'person' THEN file_lat WHEN 'estimated' THEN NULL ELSE lat END, "
        "file_lon = CASE location_source WHEN 'person' THEN file_lon WHEN 'estimated' THEN NULL ELSE lon END, "
        "file_location_source = CASE location_source WHEN 'person' THEN file_location_source "
        "WHEN 'estimated' THEN NULL ELSE location_source END, revision = %(revision)s "
        "WHERE id = ANY(%(ids)s) "
        "AND (location_source, lat, lon) IS DISTINCT FROM ('person', %(lat)s::float8, %(lon)s::float8) RETURNING id",
        {"ids": list(image_ids), "lat": lat, "lon": lon, "revision": revision},
    ).fetchall()
    moved = [row[0] for row in found]
    _name(conn, dict.fromkeys(moved, at), name_at)
    return moved


def give_back(conn: Connection, image_ids: Collection[UUID], *, name_at: NameAt, revision: int) -> list[UUID]:
    """Take corrections back: the photos are where their files say, or nowhere. Returns those that had one."""
    found = conn.execute(
        "UPDATE images SET lat = file_lat, lon = file_lon, location_source = file_location_source, "
        "file_lat = NULL, file_lon = NULL, file_location_source = NULL, revision = %s "
        "WHERE id = ANY(%s) AND location_source = 'person' RETURNING id, lat, lon",
        [revision, list(image_ids)],
    ).fetchall()
    _name(conn, {image_id: None if lat is None else (lat, lon) for image_id, lat, lon in found}, name_at)
    return [row[0] for row in found]


def _name(conn: Connection, positions: Mapping[UUID, tuple[float, float] | None], name_at: NameAt) -> None:
    """Note what the positions of photos are called, in the rows and among their words, and the time zones there.

    A thousand positions, as many photos of many journeys have, are two statements.
    """
    if not positions:
        return
    named = {at: (Names(), None) if at is None else (name_at(*at), timezones.zone_at(*at)) for at in positions.values()}
    found = [(image_id, at is None, *named[at]) for image_id, at in positions.items()]
    conn.execute(
        """
        UPDATE images i SET
            country_code = u.country_code, country = u.country, region = u.region, city = u.city,
            place_id = u.place_id, place_refined_at = CASE WHEN u.nowhere THEN now() END, zone = u.zone
        FROM unnest(%s::uuid[], %s::bool[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[])
            AS u(id, nowhere, country_code, country, region, city, place_id, zone)
        WHERE i.id = u.id
        """,
        [
            [image_id for image_id, *_ in found],
            [nowhere for _, nowhere, *_ in found],  # what has no name needs no finer one
            [names.country_code for *_, names, _ in found],
            [names.country for *_, names, _ in found],
            [names.region for *_, names, _ in found],
            [names.city for *_, names, _ in found],
            [names.place_id for *_, names, _ in found],
            [zone for *_, zone in found],
        ],
    )
    terms.refresh_all(conn, list(positions))


class FileLocation(NamedTuple):
    """Where a file says that its photo was taken, in degrees."""

    lat: float
    lon: float
    source: str | None


def by_file(conn: Connection, image_id: UUID) -> FileLocation | None:
    """What the file of a photo says that a person put somewhere else; None when it says nothing."""
    row = conn.execute(
        "SELECT file_lat, file_lon, file_location_source FROM images WHERE id = %s AND file_lat IS NOT NULL", [image_id]
    ).fetchone()
    return FileLocation(*row) if row else None


# ---------------------------------------------------------------------------------------------------- estimates


class Located(NamedTuple):
    """A photo as a rebuild needs it; the position and its names are what the row shows, estimated or not.

    A rebuild makes one of each photo of a library: a tuple costs a sixth of a frozen dataclass.
    """

    id: UUID
    sort_at: datetime
    local_day: date | None
    taken_instant: datetime | None
    taken_source: str | None
    camera: str | None
    in_trash: bool
    archived: bool
    zone: str | None
    lat: float | None
    lon: float | None
    location_source: str | None
    location_accuracy_km: float | None
    names: Names

    @property
    def estimate(self) -> Estimate | None:
        """What is stored as an estimate."""
        if self.location_source != ESTIMATED or self.lat is None or self.lon is None:
            return None
        return Estimate(self.lat, self.lon, self.location_accuracy_km or 0.0, self.names)

    @property
    def may_change(self) -> bool:
        """Whether there is an estimate, or could be one."""
        if self.location_source == ESTIMATED:
            return True
        return self.lat is None and self.location_source != PERSON and self.camera is not None

    def estimated(self, estimate: Estimate | None) -> Located:
        """The photo with this estimate, or without any."""
        if estimate is None:
            return self._replace(lat=None, lon=None, location_source=None, location_accuracy_km=None, names=Names())
        return self._replace(
            lat=estimate.lat,
            lon=estimate.lon,
            location_source=ESTIMATED,
            location_accuracy_km=estimate.accuracy_km,
            names=estimate.names,
        )


@dataclass(frozen=True)
class Change:
    """What a photo's estimate becomes; None when nothing speaks for one any more."""

    image_id: UUID
    estimate: Estimate | None
    renamed: bool


def read(conn: Connection) -> list[Located]:
    """All photos of a person that are neither refused nor on their way, those in the trash and in the archive too."""
    places: dict[Names, Names] = {}
    with conn.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT id, sort_at, local_day, taken_instant, taken_source, "
            "CASE WHEN camera_make IS NOT NULL OR camera_model IS NOT NULL "
            "THEN concat_ws(' ', camera_make, camera_model) END, "
            "deleted_at IS NOT NULL, archived, zone, lat, lon, location_source, location_accuracy_km, "
            "country_code, country, region, city, place_id FROM images WHERE status IN ('processing', 'ready')"
        )
        found = []
        for row in cursor:
            names = Names(*row[13:])
            # Ten thousand photos of a town have its name once.
            found.append(Located._make((*row[:13], places.setdefault(names, names))))
        return found


def changes(photos: Sequence[Located]) -> list[Change]:
    """From the stored estimates to those that the photos speak for. Pure. What is in the trash is no evidence."""
    if not any(photo.may_change for photo in photos):
        return []
    made = estimating.estimate(
        _shown(photo) for photo in photos if photo.may_change or (photo.lat is not None and not photo.in_trash)
    )
    found = []
    for photo in photos:
        if photo.may_change:
            estimate = made.get(photo.id)
            if estimate != photo.estimate:
                found.append(Change(photo.id, estimate, _names(estimate) != _names(photo.estimate)))
    return found


def _names(estimate: Estimate | None) -> Names:
    return Names() if estimate is None else estimate.names


def _shown(photo: Located) -> estimating.Photo:
    instant = photo.taken_instant
    position = None
    if photo.lat is not None and photo.lon is not None and photo.location_source != ESTIMATED:
        position = estimating.Position(photo.lat, photo.lon, photo.names)
        if instant is None and photo.zone is not None:  # a position that the person gave tells the offset, too
            offset = timezones.offset_at(photo.zone, photo.sort_at)
            instant = None if offset is None else timezones.instant_of(photo.sort_at, offset)
    return estimating.Photo(
        id=photo.id,
        local=photo.sort_at,
        instant=instant.astimezone(UTC) if instant is not None else None,
        time_source=photo.taken_source,
        has_camera=photo.camera is not None,
        position=position,
    )


def write(conn: Connection, wanted: Sequence[Change], *, revision: int) -> None:
    """Store what changed. A photo that got a position, or left, since the data was read is left alone."""
    given = [change.estimate for change in wanted]
    conn.execute(
        """
        UPDATE images i SET
            lat = u.lat, lon = u.lon, location_accuracy_km = u.accuracy,
            location_source = CASE WHEN u.lat IS NOT NULL THEN 'estimated' END,
            country_code = u.country_code, country = u.country, region = u.region, city = u.city,
            place_id = u.place_id, place_refined_at = NULL, revision = %s
        FROM unnest(%s::uuid[], %s::float8[], %s::float8[], %s::float8[], %s::text[], %s::text[], %s::text[],
                    %s::text[], %s::int[])
            AS u(id, lat, lon, accuracy, country_code, country, region, city, place_id)
        WHERE i.id = u.id AND (i.location_source = 'estimated' OR i.location_source IS NULL)
        """,
        [
            revision,
            [change.image_id for change in wanted],
            [each and each.lat for each in given],
            [each and each.lon for each in given],
            [each and each.accuracy_km for each in given],
            [each and each.names.country_code for each in given],
            [each and each.names.country for each in given],
            [each and each.names.region for each in given],
            [each and each.names.city for each in given],
            [each and each.names.place_id for each in given],
        ],
    )
    terms.refresh_all(conn, [change.image_id for change in wanted if change.renamed])
