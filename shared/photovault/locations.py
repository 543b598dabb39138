"""Positions of photos that no file gives: what a person says, and what is estimated.

A corrected position has the source ``person``. What the file says stays beside it in the row (``file_*``), so that it
can be given back, and so that vision, should it look at the photo later, does not overwrite the correction.

An estimate has the source ``estimated``. It is derived by the rebuild of the albums from all located photos (see
``estimating``), goes with its evidence, and is never written over a position that a file or a person gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from photovault import db, estimating, terms, timezones
from photovault.estimating import Estimate, Names

if TYPE_CHECKING:
    from photovault.db import Connection

PERSON = "person"
ESTIMATED = "estimated"

NameAt = Callable[[float, float], Names]


# -------------------------------------------------------------------------------------------------- corrections


def correct(conn: Connection, image_id: UUID, at: tuple[float, float], *, name_at: NameAt, revision: int) -> bool:
    """Put a photo where the person says it was taken (degrees); whether it was not there by their word already.

    Names come from ``name_at``, and finer ones are asked for again where that is switched on.
    """
    moved = db.value(
        conn,
        "UPDATE images SET lat = %(lat)s, lon = %(lon)s, location_source = 'person', location_accuracy_km = NULL, "
        "file_lat = CASE location_source WHEN 'person' THEN file_lat WHEN 'estimated' THEN NULL ELSE lat END, "
        "file_lon = CASE location_source WHEN 'person' THEN file_lon WHEN 'estimated' THEN NULL ELSE lon END, "
        "file_location_source = CASE location_source WHEN 'person' THEN file_location_source "
        "WHEN 'estimated' THEN NULL ELSE location_source END, revision = %(revision)s "
        "WHERE id = %(id)s AND (location_source, lat, lon) IS DISTINCT FROM ('person', %(lat)s, %(lon)s) "
        "RETURNING true",
        {"id": image_id, "lat": at[0], "lon": at[1], "revision": revision},
    )
    if moved:
        _name(conn, image_id, at, name_at)
    return bool(moved)


def give_back(conn: Connection, image_id: UUID, *, name_at: NameAt, revision: int) -> bool:
    """Take a correction back: the photo is where its file says, or nowhere; whether there was a correction."""
    found = conn.execute(
        "UPDATE images SET lat = file_lat, lon = file_lon, location_source = file_location_source, "
        "file_lat = NULL, file_lon = NULL, file_location_source = NULL, revision = %s "
        "WHERE id = %s AND location_source = 'person' RETURNING lat, lon",
        [revision, image_id],
    ).fetchone()
    if found is None:
        return False
    _name(conn, image_id, None if found[0] is None else (found[0], found[1]), name_at)
    return True


def _name(conn: Connection, image_id: UUID, at: tuple[float, float] | None, name_at: NameAt) -> None:
    """Note what a photo's position is called, in the row and among its words, and the time zone there."""
    names = Names() if at is None else name_at(*at)
    conn.execute(
        "UPDATE images SET country_code = %(code)s, country = %(country)s, region = %(region)s, city = %(city)s, "
        "place_id = %(place_id)s, place_refined_at = NULL, zone = %(zone)s WHERE id = %(id)s",
        {
            "id": image_id,
            "code": names.country_code,
            "country": names.country,
            "region": names.region,
            "city": names.city,
            "place_id": names.place_id,
            "zone": None if at is None else timezones.zone_at(*at),
        },
    )
    terms.refresh(conn, image_id)


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
        return self.location_source == ESTIMATED or (self.lat is None and self.camera is not None)

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
        WHERE i.id = u.id AND (i.location_source = 'estimated' OR i.lat IS NULL)
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
