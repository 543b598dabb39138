"""From a position to the name of a place: offline by the table of ``places``, and finer by Nominatim where allowed.

``reverse`` is what a photo waits for: a look-up in memory. It has no way to fail a photo. ``named`` goes the other way,
for whoever says where a photo was taken.

``refine`` is what ``maintenance`` asks afterwards, when ``ENABLE_GEOCODER`` is on. Nominatim's usage policy
(https://operations.osmfoundation.org/policies/nominatim/) asks for an application's name and address, at most one
request per second *of the whole application*, and caching; privacy asks for no more than a hundredth of a degree
(about 1 km). So the answers live in ``geocoder_cache``, and one row, ``geocoder_state``, gives out the seconds and is
the circuit breaker. Its data is OpenStreetMap's, (c) its contributors, ODbL.

No transaction spans a request: ``refine`` takes a way to begin one (``db.maintenance``) and begins a short one before
and another after it. ``reserve``, ``cached``, ``remember``, ``report_outage`` and ``report_answer`` are its SQL, for
whoever wants other steps; they never commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photovault import db
from photovault.errors import Misconfigured, Unavailable
from photovault.settings import get_settings

if TYPE_CHECKING:
    from photovault.db import Connection
    from photovault.places import Place, Table

    Begin = Callable[[], AbstractContextManager[Connection]]

HOW_TO_BUILD = "`make places`"

#: Seconds between two requests of the whole application, and the longest that one waits for its turn.
INTERVAL_S = 1.0
PATIENCE_S = 10.0
TIMEOUT_S = 8.0
#: After so many outages in a row the breaker opens for this long, then for twice as long, up to a day.
TOLERATED_OUTAGES = 3
PAUSE_S = 600.0
LONGEST_PAUSE_S = 86_400.0
#: The pause when Nominatim itself says that it is too much, and does not say until when.
BLOCKED_PAUSE_S = 3600.0
#: Days after which a cached answer is asked for again.
KEEP_DAYS = 365
#: Nominatim's level of detail: a village or suburb, with the town and city that contain it.
ZOOM = 13


# ------------------------------------------------------------------------------------------------- offline


def table_path() -> Path:
    """Where the table of places is: ``PLACES_FILE``, else in the package.

    Raises ``Misconfigured`` with the command that builds it.
    """
    setting = get_settings().places_file
    path = Path(setting) if setting else Path(__file__).parent / "data" / "places.bin"
    if path.is_file():
        return path
    where = f"PLACES_FILE names {setting}, which is not there" if setting else "There is no table of places"
    raise Misconfigured(f"{where}. Photos keep their coordinates but get no place names. Build it: {HOW_TO_BUILD}")


@lru_cache(maxsize=1)
def load() -> Table:
    """The table of places, read on first use (0.1 s, 25 MB). Raises ``Misconfigured`` when it is absent or damaged."""
    from photovault.places import Table

    path = table_path()
    try:
        return Table.from_bytes(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path} cannot be used ({error}). Delete it and build it again: {HOW_TO_BUILD}") from error


@lru_cache(maxsize=1)
def _table_or_none() -> Table | None:
    """The table, or None and one line in the log: a vault without place names still takes photos."""
    from photovault.observability import logger

    try:
        return load()
    except Misconfigured as error:
        logger().warning("geocoder.no_table", extra={"reason": error.detail})
        return None


def reverse(lat: float, lon: float) -> Place | None:
    """The place at a position in degrees (WGS 84), or None without a table or for a position that does not exist."""
    table = _table_or_none()
    if table is None:
        return None
    try:
        return table.nearest(lat, lon, zone=_time_zone(lat, lon))
    except ValueError:
        return None


def named(text: str, *, limit: int) -> list[Place]:
    """Places whose names begin like this, the most populous first; none without a table."""
    table = _table_or_none()
    return [] if table is None else table.named(text, limit=limit)


def _time_zone(lat: float, lon: float) -> str | None:
    import tzfpy

    return tzfpy.get_tz((lon + 180.0) % 360.0 - 180.0, lat) or None


def forget() -> None:
    """Drop what was loaded, so that the next look-up reads the settings and the file again."""
    load.cache_clear()
    _table_or_none.cache_clear()


# ----------------------------------------------------------------------------------------------- Nominatim


@dataclass(frozen=True)
class Cell:
    """A position rounded to hundredths of a degree: all that leaves the vault, and the key of the cache."""

    lat_hundredths: int
    lon_hundredths: int

    @classmethod
    def of(cls, lat: float, lon: float) -> Cell:
        """The cell of a position in degrees; 180 and -180 are one meridian."""
        return cls(round(lat * 100), (round(lon * 100) + 18_000) % 36_000 - 18_000)

    @property
    def degrees(self) -> tuple[float, float]:
        return self.lat_hundredths / 100, self.lon_hundredths / 100


@dataclass(frozen=True)
class Refined:
    """Nominatim's answer for a cell; all None when nothing is there (the sea)."""

    city: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None


@dataclass(frozen=True)
class Server:
    """A Nominatim, given as geopy wants it."""

    domain: str = "nominatim.openstreetmap.org"
    scheme: str = "https"


class Outage(Unavailable):
    """Nominatim did not answer as it should. ``pause``: the seconds it wants to be left alone, if it said so."""

    def __init__(self, detail: str, pause: float | None = None) -> None:
        super().__init__(detail)
        self.pause = pause


def refine(begin: Begin, lat: float, lon: float, *, server: Server | None = None) -> Refined | None:
    """A finer name for a position, or None: switched off, nothing there, not now. Outages never raise.

    ``begin`` begins a transaction that may write the geocoder's tables (``db.maintenance``). Raises ``Misconfigured``
    when ``ENABLE_GEOCODER`` is on without ``GEOCODER_EMAIL``, and what ``begin`` raises when the database is away.
    """
    settings = get_settings()
    if not settings.enable_geocoder:
        return None
    email = settings.require("geocoder_email")
    cell = Cell.of(lat, lon)
    with begin() as conn:
        answer = cached(conn, cell)
        turn = reserve(conn) if answer is None else None
    if answer is None and turn is not None:
        time.sleep(turn)
        try:
            answer = ask(cell, email=email, server=server or Server())
        except Outage as outage:
            with begin() as conn:
                report_outage(conn, pause=outage.pause)
        else:
            with begin() as conn:
                remember(conn, cell, answer)
                report_answer(conn)
    return answer if answer is not None and answer.country_code is not None else None


def ask(cell: Cell, *, email: str, server: Server) -> Refined:
    """One request to Nominatim. Raises ``Outage`` for anything but an answer of the form that it documents."""
    from geopy.exc import (
        GeocoderAuthenticationFailure,
        GeocoderInsufficientPrivileges,
        GeocoderRateLimited,
        GeopyError,
    )
    from geopy.geocoders import Nominatim

    client = Nominatim(
        user_agent=f"PhotoVault ({email})", domain=server.domain, scheme=server.scheme, timeout=int(TIMEOUT_S)
    )
    try:
        found = client.reverse(cell.degrees, exactly_one=True, language="en", addressdetails=True, zoom=ZOOM)
        return _refined(found.raw["address"]) if found is not None else Refined()
    except GeocoderRateLimited as error:
        raise Outage("Nominatim asks for fewer requests.", pause=error.retry_after or BLOCKED_PAUSE_S) from error
    except (GeocoderInsufficientPrivileges, GeocoderAuthenticationFailure) as error:
        raise Outage("Nominatim refuses this application.", pause=BLOCKED_PAUSE_S) from error
    except (GeopyError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Outage("Nominatim is away or answers what nobody can read.") from error


def _one_line(value: object) -> str:
    """Text that a database takes and a line can show, of whatever a server wrote."""
    text = str(value)[:200] if value else ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _refined(address: Mapping[str, Any]) -> Refined:
    """The parts of a Nominatim address that we keep: https://nominatim.org/release-docs/latest/api/Output/."""

    def first(*keys: str) -> str | None:
        return next((text for key in keys if (text := _one_line(address.get(key)))), None)

    return Refined(
        city=first("city", "town", "village", "hamlet", "municipality"),
        region=first("state", "region", "province", "county"),
        country=first("country"),
        country_code=(first("country_code") or "").upper()[:2] or None,
    )


# ----------------------------------------------------------------------------------------------------- SQL


def cached(conn: Connection, cell: Cell) -> Refined | None:
    """What is known of a cell, or None when it has not been asked for (in ``KEEP_DAYS``)."""
    return db.row(
        conn,
        Refined,
        """
        SELECT city, region, country, country_code FROM geocoder_cache
        WHERE lat_hundredths = %(lat)s AND lon_hundredths = %(lon)s
          AND fetched_at > now() - make_interval(days => %(days)s)
        """,
        {"lat": cell.lat_hundredths, "lon": cell.lon_hundredths, "days": KEEP_DAYS},
    )


def remember(conn: Connection, cell: Cell, answer: Refined) -> None:
    """Keep an answer for the next photo near there."""
    conn.execute(
        """
        INSERT INTO geocoder_cache (lat_hundredths, lon_hundredths, city, region, country, country_code)
        VALUES (%(lat)s, %(lon)s, %(city)s, %(region)s, %(country)s, %(country_code)s)
        ON CONFLICT (lat_hundredths, lon_hundredths) DO UPDATE SET
            city = excluded.city, region = excluded.region, country = excluded.country,
            country_code = excluded.country_code, fetched_at = now()
        """,
        {
            "lat": cell.lat_hundredths,
            "lon": cell.lon_hundredths,
            "city": answer.city,
            "region": answer.region,
            "country": answer.country,
            "country_code": answer.country_code,
        },
    )


def reserve(conn: Connection) -> float | None:
    """Take the application's next free second. Returns how long to wait for it, in seconds; commit before waiting.

    None when the breaker is open or the queue longer than ``PATIENCE_S``: ask again another time. The row's lock puts
    callers in line; the clock is the database's, so that machines need not agree on the time.
    """
    wait = db.value(
        conn,
        """
        UPDATE geocoder_state
        SET next_request_at = greatest(next_request_at, clock_timestamp()) + make_interval(secs => %(interval)s)
        WHERE open_until <= clock_timestamp()
          AND next_request_at <= clock_timestamp() + make_interval(secs => %(patience)s)
        RETURNING extract(epoch FROM next_request_at - clock_timestamp())::float8 - %(interval)s
        """,
        {"interval": INTERVAL_S, "patience": PATIENCE_S},
    )
    return None if wait is None else max(0.0, float(wait))


def report_outage(conn: Connection, *, pause: float | None = None) -> None:
    """Count an outage; open the breaker after ``TOLERATED_OUTAGES`` in a row, or at once for ``pause`` seconds."""
    conn.execute(
        """
        UPDATE geocoder_state SET
            failures = failures + 1,
            open_until = CASE
                WHEN %(pause)s::float8 IS NULL AND failures + 1 < %(tolerated)s THEN open_until
                ELSE clock_timestamp() + make_interval(secs => least(%(longest)s, greatest(
                    coalesce(%(pause)s::float8, 0),
                    CASE WHEN failures + 1 < %(tolerated)s THEN 0
                         ELSE %(unit)s * 2.0 ^ least(failures + 1 - %(tolerated)s, 20) END)))
            END
        """,
        {"pause": pause, "tolerated": TOLERATED_OUTAGES, "unit": PAUSE_S, "longest": LONGEST_PAUSE_S},
    )


def report_answer(conn: Connection) -> None:
    """Close the breaker: Nominatim answers again."""
    conn.execute("UPDATE geocoder_state SET failures = 0, open_until = 'epoch' WHERE failures > 0")
