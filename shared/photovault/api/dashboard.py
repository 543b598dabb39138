"""The five dashboards: what is in the vault, what happened, what takes space, who and where."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from photovault import activity, cursors, dashboards, users
from photovault.albums import Kind
from photovault.api.edge import CurrentPerson
from photovault.api.paging import next_cursor
from photovault.api.schemas import Cursor, Limit, Page, Schema
from photovault.errors import Unauthenticated

router = APIRouter(prefix="/dashboard", tags=["dashboard"])


class ImageCounts(Schema):
    total: int = Field(description="Photos of any status, without the trash.")
    by_status: dict[str, int] = Field(
        description="pending, processing, ready and rejected, without the trash.",
        examples=[{"pending": 0, "processing": 1, "ready": 57, "rejected": 1}],
    )
    archived: int = Field(description="Of the total.")
    favourites: int = Field(description="Of the total.")
    trash: int = Field(description="Photos in the trash; no other number here counts them, but for `bytes`.")


class AlbumCounts(Schema):
    total: int
    by_kind: dict[str, int] = Field(
        description="Every kind, with 0 where there is none.", examples=[{"place": 4, "trip": 1}]
    )


class PeopleCounts(Schema):
    total: int = Field(description="People in at least one photo, without hidden ones.")
    named: int
    unnamed: int
    hidden: int


class FaceCounts(Schema):
    total: int
    with_person: int
    without_person: int


class PlaceCounts(Schema):
    """As in `GET /albums/by-location`: the archive is left out."""

    countries: int
    cities: int


class ByteCounts(Schema):
    originals: int = Field(description="Of the photos as they were uploaded, with the trash: what the quota counts.")
    stored: int = Field(description="Of everything as it is stored: sealed originals, renditions, faces, metadata.")


class Stats(Schema):
    images: ImageCounts
    albums: AlbumCounts
    people: PeopleCounts
    faces: FaceCounts
    places: PlaceCounts
    bytes: ByteCounts
    first_day: date | None = Field(description="The first local day with a photo.")
    last_day: date | None = Field(description="The last local day with a photo.")


class Event(Schema):
    id: UUID
    kind: str = Field(description="Such as upload, album-created, person-named, log-in.")
    at: datetime
    detail: dict[str, Any]


class StoragePart(Schema):
    photos: int = Field(description="How many photos have something in this part.")
    blobs: int = Field(description="Sealed files.")
    bytes: int = Field(description="Of the sealed files.")


class DriverPart(StoragePart):
    driver: str = Field(examples=["s3"])


class RenditionPart(StoragePart):
    rendition: str = Field(description="original, preview, thumbnail, face or metadata", examples=["original"])


class TypePart(StoragePart):
    content_type: str = Field(description="Of the photo; its renditions count with it.", examples=["image/jpeg"])


class MonthPart(StoragePart):
    month: str = Field(description="In which the photo was taken, by the local clock.", examples=["2025-05"])


class Duplicates(Schema):
    groups: int
    photos: int
    bytes: int = Field(description="Of everything stored for these photos.")
    reclaimable_bytes: int = Field(description="What would be freed if only the largest original of each group stayed.")


class Quota(Schema):
    """In bytes."""

    used: int = Field(description="By originals, the trash included.")
    reserved: int = Field(description="For announced uploads that have not arrived.")
    limit: int
    free: int


class StorageAnalysis(Schema):
    total: StoragePart = Field(description="Everything stored, the trash included. Each breakdown adds up to it.")
    trash: StoragePart = Field(description="The part of the total that emptying the trash frees.")
    by_driver: list[DriverPart]
    by_rendition: list[RenditionPart]
    by_content_type: list[TypePart]
    by_month: list[MonthPart] = Field(description="The newest first.")
    duplicates: Duplicates = Field(
        description="Photos outside the trash with one perceptual hash: likely resized or recompressed copies."
    )
    quota: Quota


class Companion(Schema):
    person_id: UUID
    name: str | None
    images: int = Field(description="Photos that show both.")


class PersonAnalysis(Schema):
    person_id: UUID
    name: str | None
    images: int
    faces: int
    first_day: date | None = Field(description="The local day of the first photo.")
    last_day: date | None
    appears_with: list[Companion] = Field(description="The ten people in most photos together.")


class CityAnalysis(Schema):
    city: str
    region: str | None
    images: int
    days: int = Field(description="Local days with a photo.")
    first_day: date | None
    last_day: date | None


class CountryAnalysis(Schema):
    country_code: str
    country: str | None
    images: int
    days: int
    first_day: date | None
    last_day: date | None
    cities: list[CityAnalysis] = Field(description="Photos without a known city count for the country alone.")


class HomeAnalysis(Schema):
    """An area to which photos keep returning."""

    city: str | None
    country_code: str | None
    lat: float
    lon: float
    images: int
    days: int
    first_day: date
    last_day: date
    provisional: bool = Field(description="Too little is known yet: only the place where most photos were taken.")


class TripAnalysis(Schema):
    album_id: UUID
    title: str
    first_day: date | None
    last_day: date | None
    image_count: int


class LocationAnalysis(Schema):
    """Of the photos that albums are made of: the archive is left out."""

    located: int = Field(description="Photos with a position.")
    unlocated: int = Field(description="Photos without one.")
    countries: list[CountryAnalysis]
    homes: list[HomeAnalysis]
    trips: list[TripAnalysis]


@router.get("/stats", operation_id="dashboardStats")
def stats(person: CurrentPerson) -> Stats:
    """How much of everything is in the vault."""
    with person.transaction() as conn:
        images = dashboards.images(conn)
        albums = dashboards.albums_by_kind(conn)
        people = dashboards.people(conn)
        faces = dashboards.faces(conn)
        stored = dashboards.stored(conn)
    return Stats(
        images=ImageCounts(
            total=images.total,
            by_status={
                "pending": images.pending,
                "processing": images.processing,
                "ready": images.ready,
                "rejected": images.rejected,
            },
            archived=images.archived,
            favourites=images.favourite,
            trash=images.trash,
        ),
        albums=AlbumCounts(total=sum(albums.values()), by_kind={kind: albums.get(kind, 0) for kind in get_args(Kind)}),
        people=PeopleCounts(
            total=people.named + people.unnamed, named=people.named, unnamed=people.unnamed, hidden=people.hidden
        ),
        faces=FaceCounts(
            total=faces.total, with_person=faces.with_person, without_person=faces.total - faces.with_person
        ),
        places=PlaceCounts(countries=images.countries, cities=images.cities),
        bytes=ByteCounts(originals=stored.originals, stored=stored.stored),
        first_day=images.first_day,
        last_day=images.last_day,
    )


@router.get("/recent-activity", operation_id="dashboardRecentActivity")
def recent_activity(person: CurrentPerson, cursor: Cursor = None, limit: Limit = 50) -> Page[Event]:
    """What happened in the vault, newest first."""
    before = cursors.decode("activity", cursor, "u")
    with person.transaction() as conn:
        found = activity.latest(conn, limit=limit + 1, before=before[0] if before else None)
    return Page(
        items=[Event(id=e.id, kind=e.kind, at=e.at, detail=e.detail) for e in found[:limit]],
        next_cursor=next_cursor("activity", found, limit=limit, key=lambda e: (e.id,)),
    )


@router.get("/storage-analysis", operation_id="dashboardStorageAnalysis")
def storage_analysis(person: CurrentPerson) -> StorageAnalysis:
    """What takes how much space, and what could be freed."""
    with person.transaction() as conn:
        found = dashboards.storage(conn)
        alike = dashboards.near_duplicates(conn)
        user = users.get(conn)
    if user is None:
        raise Unauthenticated("The account is gone.")
    return StorageAnalysis(
        total=StoragePart(**_part(found.total)),
        trash=StoragePart(**_part(found.trash)),
        by_driver=[DriverPart(driver=share.name, **_part(share)) for share in found.by_driver],
        by_rendition=[RenditionPart(rendition=share.name, **_part(share)) for share in found.by_rendition],
        by_content_type=[TypePart(content_type=share.name, **_part(share)) for share in found.by_content_type],
        by_month=[MonthPart(month=share.name, **_part(share)) for share in found.by_month],
        duplicates=Duplicates(
            groups=alike.groups, photos=alike.photos, bytes=alike.size, reclaimable_bytes=alike.reclaimable
        ),
        quota=Quota(
            used=user.used_bytes,
            reserved=user.reserved_bytes,
            limit=user.quota_bytes,
            free=max(0, user.quota_bytes - user.used_bytes - user.reserved_bytes),
        ),
    )


def _part(share: dashboards.Share) -> dict[str, int]:
    return {"photos": share.photos, "blobs": share.blobs, "bytes": share.size}


@router.get("/person-analysis", operation_id="dashboardPersonAnalysis")
def person_analysis(person: CurrentPerson, cursor: Cursor = None, limit: Limit = 50) -> Page[PersonAnalysis]:
    """Who is in how many photos, when, and with whom; those in most photos first. Hidden people are left out."""
    after = cursors.decode("person-analysis", cursor, "iu")
    with person.transaction() as conn:
        found = dashboards.appearances(conn, limit=limit + 1, after=after)
        shown = found[:limit]
        together = dashboards.companions(conn, [each.person_id for each in shown])
    return Page(
        items=[
            PersonAnalysis(
                person_id=each.person_id,
                name=each.name,
                images=each.images,
                faces=each.faces,
                first_day=each.first_day,
                last_day=each.last_day,
                appears_with=[
                    Companion(person_id=other.person_id, name=other.name, images=other.images)
                    for other in together[each.person_id]
                ],
            )
            for each in shown
        ],
        next_cursor=next_cursor("person-analysis", found, limit=limit, key=lambda each: (each.images, each.person_id)),
    )


@router.get("/location-analysis", operation_id="dashboardLocationAnalysis")
def location_analysis(person: CurrentPerson) -> LocationAnalysis:
    """Where photos were taken: countries and their cities, homes, and journeys."""
    with person.transaction() as conn:
        images = dashboards.images(conn)
        countries = dashboards.countries(conn)
        cities = dashboards.cities(conn)
        homes = dashboards.homes(conn)
        trips = dashboards.trips(conn)
    inside: dict[str, list[CityAnalysis]] = defaultdict(list)
    for place in cities:
        inside[place.country_code].append(
            CityAnalysis(
                city=place.city or "",
                region=place.region,
                images=place.images,
                days=place.days,
                first_day=place.first_day,
                last_day=place.last_day,
            )
        )
    return LocationAnalysis(
        located=images.located,
        unlocated=images.arranged - images.located,
        countries=[
            CountryAnalysis(
                country_code=place.country_code,
                country=place.country,
                images=place.images,
                days=place.days,
                first_day=place.first_day,
                last_day=place.last_day,
                cities=inside[place.country_code],
            )
            for place in countries
        ],
        homes=[
            HomeAnalysis(
                city=home.city or None,
                country_code=home.country_code,
                lat=home.lat,
                lon=home.lon,
                images=home.photos,
                days=home.days,
                first_day=home.first_day,
                last_day=home.last_day,
                provisional=home.provisional,
            )
            for home in homes
        ],
        trips=[
            TripAnalysis(
                album_id=trip.album_id,
                title=trip.title,
                first_day=trip.first_day,
                last_day=trip.last_day,
                image_count=trip.images,
            )
            for trip in trips
        ],
    )
