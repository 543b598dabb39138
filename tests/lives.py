"""Lives of people who take photos, with known truth: which photos are one trip, which are one event.

Every life is drawn from a seed: everyday photos at home and around it, a workplace, parties and hikes, and journeys as
its story wants them. Positions are as exact as phones are, some photos have none, and people forget to take photos.
Cities are real ones, so that titles can be read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from photovault.drafts import Person, Photo
from photovault.globe import distance_km

Position = tuple[float, float]


@dataclass(frozen=True)
class City:
    name: str
    at: Position
    region: str
    country: str
    code: str


CITIES = {
    name: City(name, (lat, lon), region, country, code)
    for name, lat, lon, region, country, code in (
        ("Vienna", 48.2085, 16.3721, "Vienna", "Austria", "AT"),
        ("Graz", 47.0667, 15.4500, "Styria", "Austria", "AT"),
        ("Linz", 48.3064, 14.2861, "Upper Austria", "Austria", "AT"),
        ("Salzburg", 47.7994, 13.0440, "Salzburg", "Austria", "AT"),
        ("Innsbruck", 47.2627, 11.3945, "Tyrol", "Austria", "AT"),
        ("Villach", 46.6111, 13.8558, "Carinthia", "Austria", "AT"),
        ("Krems", 48.4102, 15.6142, "Lower Austria", "Austria", "AT"),
        ("Neusiedl am See", 47.9490, 16.8431, "Burgenland", "Austria", "AT"),
        ("Baden", 48.0055, 16.2341, "Lower Austria", "Austria", "AT"),
        ("Bratislava", 48.1482, 17.1067, "Bratislava", "Slovakia", "SK"),
        ("Ljubljana", 46.0511, 14.5051, "Ljubljana", "Slovenia", "SI"),
        ("Lisbon", 38.7167, -9.1333, "Lisbon", "Portugal", "PT"),
        ("Sintra", 38.7975, -9.3906, "Lisbon", "Portugal", "PT"),
        ("Porto", 41.1496, -8.6110, "Porto", "Portugal", "PT"),
        ("Madrid", 40.4165, -3.7026, "Madrid", "Spain", "ES"),
        ("Barcelona", 41.3888, 2.1590, "Catalonia", "Spain", "ES"),
        ("Paris", 48.8534, 2.3488, "Île-de-France", "France", "FR"),
        ("Marseille", 43.2970, 5.3811, "Provence", "France", "FR"),
        ("Rome", 41.8919, 12.5113, "Lazio", "Italy", "IT"),
        ("Naples", 40.8522, 14.2681, "Campania", "Italy", "IT"),
        ("Palermo", 38.1157, 13.3615, "Sicily", "Italy", "IT"),
        ("Venice", 45.4371, 12.3327, "Veneto", "Italy", "IT"),
        ("Valletta", 35.8997, 14.5147, "Valletta", "Malta", "MT"),
        ("Athens", 37.9838, 23.7278, "Attica", "Greece", "GR"),
        ("London", 51.5085, -0.1257, "England", "United Kingdom", "GB"),
        ("Berlin", 52.5244, 13.4105, "Berlin", "Germany", "DE"),
        ("Oslo", 59.9127, 10.7461, "Oslo", "Norway", "NO"),
        ("Lillehammer", 61.1153, 10.4662, "Innlandet", "Norway", "NO"),
        ("Trondheim", 63.4305, 10.3951, "Trøndelag", "Norway", "NO"),
        ("Ålesund", 62.4723, 6.1549, "Møre og Romsdal", "Norway", "NO"),
        ("Bergen", 60.3930, 5.3242, "Vestland", "Norway", "NO"),
        ("Stavanger", 58.9701, 5.7333, "Rogaland", "Norway", "NO"),
        ("Kristiansand", 58.1467, 7.9956, "Agder", "Norway", "NO"),
        ("Tokyo", 35.6895, 139.6917, "Tokyo", "Japan", "JP"),
        ("Kyoto", 35.0211, 135.7538, "Kyoto", "Japan", "JP"),
        ("Bangkok", 13.7540, 100.5014, "Bangkok", "Thailand", "TH"),
        ("Chiang Mai", 18.7904, 98.9847, "Chiang Mai", "Thailand", "TH"),
        ("Hanoi", 21.0245, 105.8412, "Hanoi", "Vietnam", "VN"),
        ("Ubud", -8.5069, 115.2625, "Bali", "Indonesia", "ID"),
        ("Cape Town", -33.9258, 18.4232, "Western Cape", "South Africa", "ZA"),
        ("Suva", -18.1416, 178.4415, "Central", "Fiji", "FJ"),
    )
}
PLACE_KM = 50.0  # farther from every city, no city is named: the reach of the real table


@dataclass
class Life:
    """Photos, and what they belong to in truth. ``trips`` and ``events`` name the one of each photo that is on one."""

    seed: int
    home: str = "Vienna"
    a_day: float = 2.5
    active: float = 0.4
    photos: list[Photo] = field(default_factory=list)
    trips: dict[UUID, str] = field(default_factory=dict)
    events: dict[UUID, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._away: set[date] = set()
        self._busy: set[date] = set()

    # ---- one photo

    def take(
        self,
        at: datetime,
        where: Position | None,
        *,
        spread_km: float = 0.05,
        located: float = 0.92,
        people: Sequence[Person] = (),
        trip: str | None = None,
        event: str | None = None,
        camera: str = "phone",
        clock: float = 0.0,
        sea: bool = False,
    ) -> None:
        """One photo of a place, ``clock`` hours later than it was; ``located``: how often the position is known."""
        spot = None if where is None else self.near(where, spread_km)
        if camera == "blind" or self.dice.random() > located:
            spot = None
        local = at + timedelta(hours=clock)
        number = UUID(int=self.dice.getrandbits(112) << 8 | len(self.photos) % 256)
        self.photos.append(
            Photo(
                id=number,
                local=local,
                local_day=local.date(),
                lat=spot[0] if spot else None,
                lon=spot[1] if spot else None,
                place=None if spot is None or sea else place_of(spot),
                people=tuple(person.id for person in people if self.dice.random() < 0.6),
                camera=camera,
            )
        )
        if trip:
            self.trips[number] = trip
        if event:
            self.events[number] = event

    def near(self, where: Position, km: float) -> Position:
        north, east = (self.dice.gauss(0, km) / 111.2 for _ in range(2))
        lat = max(-90.0, min(90.0, where[0] + north))
        lon = where[1] + east / max(0.01, math.cos(math.radians(lat)))
        return (lat, (lon + 180.0) % 360.0 - 180.0)

    def times(self, day: date, count: int, first: float = 8.0, last: float = 22.0) -> list[datetime]:
        """Times of a day, in a few clusters: people stop, take some, and go on."""
        midnight = datetime.combine(day, time())
        spots = [self.dice.uniform(first, last) for _ in range(max(1, count // 4))]
        hours = (min(last, max(first, self.dice.choice(spots) + self.dice.gauss(0, 0.12))) for _ in range(count))
        return sorted(midnight + timedelta(hours=hour) for hour in hours)

    def poisson(self, mean: float) -> int:
        limit, count, product = math.exp(-mean), 0, self.dice.random()
        while product > limit:
            count, product = count + 1, product * self.dice.random()
        return count

    # ---- everyday life

    def live(self, first: date, last: date, *, work: Position | None = None, where: Position | None = None) -> None:
        """Photos of everyday life, on days that are not spent elsewhere: call it after the journeys."""
        home = where or CITIES[self.home].at
        day = first
        while day <= last:
            if day not in self._away and day not in self._busy and self.dice.random() < self.active:
                count = 1 + self.poisson(self.a_day - 1)
                for at in self.times(day, count, 7.5, 22.5):
                    at_work = work and day.weekday() < 5 and 9 <= at.hour < 17
                    spread = 0.1 if at_work or self.dice.random() < 0.6 else 2.5
                    self.take(at, work if at_work and work else home, spread_km=spread, located=0.85)
            day += timedelta(days=1)

    def party(self, day: date, *, where: Position | None = None, people: Sequence[Person] = ()) -> None:
        """An evening or an afternoon with many photos."""
        start = datetime.combine(day, time()) + timedelta(hours=self.dice.uniform(13, 20))
        self._burst(f"party {day}", start, hours=self.dice.uniform(1.5, 6), count=self.dice.randint(15, 60),
                    where=where or CITIES[self.home].at, spread_km=0.03, people=people)  # fmt: skip

    def hike(self, day: date, where: Position | None = None) -> None:
        """A day out of town."""
        home = CITIES[self.home].at
        if where is None:
            angle, km = self.dice.uniform(0, 2 * math.pi), self.dice.uniform(15, 45)
            where = (home[0] + km / 111.2 * math.sin(angle), home[1] + km / 74 * math.cos(angle))
        start = datetime.combine(day, time()) + timedelta(hours=self.dice.uniform(8.5, 11))
        self._burst(f"hike {day}", start, hours=self.dice.uniform(3, 7), count=self.dice.randint(12, 45),
                    where=where, spread_km=2.0)  # fmt: skip

    def _burst(
        self,
        name: str,
        start: datetime,
        *,
        hours: float,
        count: int,
        where: Position,
        spread_km: float,
        people: Sequence[Person] = (),
    ) -> None:
        day = start.date()
        if day in self._away or day in self._busy:
            return
        self._busy.add(day)
        gaps = [self.dice.expovariate(1) for _ in range(count - 1)]
        scale, at = hours / sum(gaps), start
        for gap in [0.0, *gaps]:
            at += timedelta(hours=gap * scale)
            self.take(at, where, spread_km=spread_km, located=0.8, people=people, event=name)
        # The rest of the day is a usual one, apart from it.
        for other in (start - timedelta(hours=self.dice.uniform(3, 6)), at + timedelta(hours=self.dice.uniform(4, 8))):
            if self.dice.random() < self.active / 2 and other.date() == day:
                self.take(other, CITIES[self.home].at, spread_km=0.1, located=0.85)

    # ---- journeys

    def travel(
        self,
        name: str,
        first: date,
        stops: Sequence[tuple[Position, int]],
        *,
        a_day: float = 12.0,
        blind: float = 0.0,
        clock: float = 0.0,
        gps_clock: float = 0.0,
        skipped: float = 0.06,
        sea: Iterable[int] = (),
        people: Sequence[Person] = (),
    ) -> date:
        """A journey: nights at each stop. ``blind``: photos more of a camera without positions, whose clock is
        ``clock`` hours off; ``gps_clock``: the same for one that knows positions. ``sea``: days out at sea. Ends on the
        returned day."""
        places = [where for where, nights in stops for _ in range(nights)]
        at_sea = set(sea)
        days = [first + timedelta(days=n) for n in range(len(places) + 1)]
        self._away.update(days)
        for n, day in enumerate(days):
            where = places[min(n, len(places) - 1)]
            begins, ends = (13.0 if n == 0 else 8.0), (14.0 if n == len(places) else 22.0)
            if 0 < n < len(days) - 1 and self.dice.random() < skipped:
                continue
            if n == 0 and self.dice.random() < 0.4:
                self.take(datetime.combine(day, time(7, 10)), CITIES[self.home].at)
            if n == len(places) and self.dice.random() < 0.5:
                self.take(datetime.combine(day, time(20, 40)), CITIES[self.home].at)
            for at in self.times(day, max(1, self.poisson(a_day)), begins, ends):
                self.take(at, where, spread_km=3.0, trip=name, sea=n in at_sea, people=people)
            for share, camera, off in ((blind, "blind", clock), (0.3 if gps_clock else 0.0, "gps", gps_clock)):
                for at in self.times(day, self.poisson(a_day * share), begins, ends) if share else ():
                    self.take(at, where, spread_km=3.0, trip=name, camera=camera, clock=off)
        return days[-1]

    def weekend(self, friday: date, city: str, *, people: Sequence[Person] = (), **more: float) -> None:
        self.travel(f"weekend {city} {friday}", friday, [(CITIES[city].at, 2)], people=people, **more)  # type: ignore[arg-type]

    def fill(self, first: date, last: date, *, parties: int, hikes: int) -> None:
        """Events on days of chance."""
        length = (last - first).days
        for _ in range(parties):
            self.party(first + timedelta(days=self.dice.randrange(length)))
        for _ in range(hikes):
            self.hike(first + timedelta(days=self.dice.randrange(length)))


def place_of(at: Position) -> tuple[str, str, str, str]:
    """The nearest city, if it is near; else the land alone."""
    city = min(CITIES.values(), key=lambda city: distance_km(at, city.at))
    near = distance_km(at, city.at) <= PLACE_KM
    return (city.code, city.country, city.region if near else "", city.name if near else "")


def at(*names: str, nights: int = 2) -> list[tuple[Position, int]]:
    return [(CITIES[name].at, nights) for name in names]


YEARS = (date(2022, 1, 3), date(2023, 12, 30))


def friday(year: int, week: int) -> date:
    return date.fromisocalendar(year, week, 5)


def two_homes(seed: int) -> Life:
    """A flat in town, and a house in the country for every other weekend."""
    life = Life(seed)
    house = CITIES["Krems"].at
    life.travel("Portugal", date(2022, 6, 4), at("Lisbon", "Porto", nights=4))
    life.weekend(friday(2022, 16), "Berlin")
    life.weekend(friday(2023, 10), "Rome")
    life.travel("Greece", date(2023, 8, 12), at("Athens", nights=9), a_day=8)
    for week in range(2, 100, 2):
        start = date.fromisocalendar(2022, 1, 5) + timedelta(weeks=week)
        days = [start + timedelta(days=n) for n in range(3)]
        if not life._away & set(days):
            life._away.update(days)
            for day in days[:2]:
                for moment in life.times(day, 1 + life.poisson(3)):
                    life.take(moment, house, spread_km=0.6)
    life.fill(*YEARS, parties=16, hikes=10)
    life.live(*YEARS)
    return life


def commuting(seed: int) -> Life:
    """Five days a week to a town far out, for photos now and then."""
    life = Life(seed, active=0.45)
    life.weekend(friday(2022, 20), "Venice")
    life.weekend(friday(2022, 40), "Ljubljana")
    life.travel("Spain", date(2023, 5, 6), at("Barcelona", "Madrid", nights=4))
    life.fill(*YEARS, parties=20, hikes=12)
    life.live(*YEARS, work=CITIES["Bratislava"].at)
    return life


def road_trip(seed: int) -> Life:
    """Two weeks through Norway, a week through the Alps."""
    life = Life(seed)
    norway = ("Oslo", "Lillehammer", "Trondheim", "Ålesund", "Bergen", "Stavanger", "Kristiansand")
    life.travel("Norway", date(2022, 7, 2), at(*norway), a_day=18)
    life.travel("Alps", date(2023, 9, 2), at("Graz", "Villach", "Innsbruck", "Salzburg", nights=2))
    life.weekend(friday(2023, 18), "Paris")
    life.fill(*YEARS, parties=14, hikes=14)
    life.live(*YEARS)
    return life


def cruise(seed: int) -> Life:
    """Eleven days on a ship, some of them out at sea."""
    life = Life(seed)
    ports: list[tuple[Position, int]] = [
        (CITIES["Barcelona"].at, 1), ((40.4, 6.5), 2), (CITIES["Naples"].at, 1), ((37.6, 15.9), 1),
        (CITIES["Valletta"].at, 2), ((37.2, 19.2), 2), (CITIES["Athens"].at, 2),
    ]  # fmt: skip
    life.travel("Mediterranean", date(2022, 9, 10), ports, sea={1, 2, 4, 7, 8}, a_day=10)
    life.weekend(friday(2022, 12), "London")
    life.travel("Sicily", date(2023, 4, 8), at("Palermo", nights=7))
    life.fill(*YEARS, parties=16, hikes=10)
    life.live(*YEARS)
    return life


def weekends(seed: int) -> Life:
    """A weekend away every few weeks."""
    life = Life(seed)
    for n, city in enumerate(("Berlin", "Porto", "Graz", "Venice", "Salzburg", "Paris", "Ljubljana", "Rome", "London",
                              "Barcelona", "Innsbruck", "Lisbon", "Marseille", "Linz")):  # fmt: skip
        life.weekend(friday(2022, 8) + timedelta(weeks=6 * n), city)
    life.fill(*YEARS, parties=18, hikes=12)
    life.live(*YEARS)
    return life


def second_camera(seed: int) -> Life:
    """A camera that knows no positions beside a phone that does."""
    life = Life(seed)
    life.travel("Italy", date(2022, 5, 14), at("Rome", "Naples", nights=4), a_day=6, blind=2.0)
    life.travel("Portugal", date(2023, 3, 4), at("Porto", "Lisbon", nights=5), a_day=4, blind=3.0)
    life.weekend(friday(2023, 28), "Paris", blind=2.0)
    life.fill(*YEARS, parties=16, hikes=10)
    life.live(*YEARS)
    return life


def wrong_clocks(seed: int) -> Life:
    """Cameras that stay on the time of home, far away from it."""
    life = Life(seed)
    life.travel("Japan", date(2022, 4, 2), at("Tokyo", "Kyoto", nights=5), blind=1.5, clock=-7)
    life.travel("Bali", date(2023, 2, 4), at("Ubud", nights=10), gps_clock=-7)
    life.travel("Cape", date(2023, 10, 7), at("Cape Town", nights=8), gps_clock=9)
    life.weekend(friday(2022, 30), "London", gps_clock=6)
    life.fill(*YEARS, parties=14, hikes=10)
    life.live(*YEARS)
    return life


def a_move(seed: int) -> Life:
    """From Graz to Vienna, with a summer in Berlin before it and visits to Graz after."""
    life = Life(seed, home="Graz")
    life.travel("Berlin", date(2022, 4, 30), at("Berlin", nights=75), a_day=2, skipped=0.5)
    life.weekend(friday(2022, 42), "Venice")
    life.fill(date(2022, 1, 3), date(2022, 12, 1), parties=8, hikes=6)
    life.live(date(2022, 1, 3), date(2022, 12, 10))
    life.home = "Vienna"
    life.weekend(friday(2023, 24), "Graz")
    life.weekend(friday(2023, 36), "Graz")
    life.travel("France", date(2023, 8, 5), at("Paris", "Marseille", nights=4))
    life.fill(date(2022, 12, 20), YEARS[1], parties=10, hikes=6)
    life.live(date(2022, 12, 12), YEARS[1])
    return life


def nomad(seed: int) -> Life:
    """Weeks here, weeks there, and no home."""
    life = Life(seed)
    day = YEARS[0]
    for city in ("Lisbon", "Madrid", "Bangkok", "Ubud", "Hanoi", "Chiang Mai", "Athens", "Berlin", "Cape Town",
                 "London", "Rome", "Tokyo"):  # fmt: skip
        nights = life.dice.randint(18, 60)
        name = f"{city} {day}"
        for n in range(nights):
            if life.dice.random() < 0.55:
                for moment in life.times(day + timedelta(days=n), 1 + life.poisson(3)):
                    life.take(moment, CITIES[city].at, spread_km=4.0, trip=name)
        day += timedelta(days=nights + 1)
    return life


def no_positions(seed: int) -> Life:
    """A library without any position: everyday life and events."""
    life = Life(seed, active=0.5)
    life.fill(*YEARS, parties=24, hikes=20)
    life.live(*YEARS)
    life.photos = [Photo(p.id, p.local, p.local_day, people=p.people, camera=p.camera) for p in life.photos]
    return life


def many_photos(seed: int) -> Life:
    """Somebody who takes a dozen photos every day."""
    life = Life(seed, active=0.9, a_day=10)
    life.travel("Portugal", date(2022, 6, 4), at("Lisbon", "Porto", nights=4), a_day=40)
    life.weekend(friday(2023, 10), "Rome", a_day=50)
    life.fill(*YEARS, parties=20, hikes=15)
    life.live(*YEARS)
    return life


LIVES: dict[str, Callable[[int], Life]] = {
    "two homes": two_homes,
    "commuting": commuting,
    "road trip": road_trip,
    "cruise": cruise,
    "weekends": weekends,
    "second camera": second_camera,
    "wrong clocks": wrong_clocks,
    "a move": a_move,
    "nomad": nomad,
    "no positions": no_positions,
    "many photos": many_photos,
}
