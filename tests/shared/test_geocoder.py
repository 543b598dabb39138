"""The geocoder on a small table, a real Postgres and a stand-in Nominatim on 127.0.0.1."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from tests.local_cloud import database_of_its_own

from photovault import db, geocoder
from photovault.errors import Misconfigured
from photovault.geocoder import Cell, Refined, Server
from photovault.places import Place, Settlement, Table
from photovault.settings import get_settings

TORSHAVN = Settlement(2611396, "Tórshavn", 62.00973, -6.77164, 13_200, "FO", "Streymoy")
TABLE = Table.build([TORSHAVN], countries={"FO": "Faroe Islands"}, zones={"Atlantic/Faroe": ["FO"]}, source="made up")
CELL = Cell(6201, -677)
FAROE_ANSWER = {
    "lat": "62.01",
    "lon": "-6.77",
    "display_name": "Tórshavn, Streymoy, Faroe Islands",
    "address": {
        "suburb": "Við Á",
        "town": "Tórshavn",
        "county": "Streymoy",
        "country": "Faroe Islands",
        "country_code": "fo",
    },
}
REFINED = Refined(city="Tórshavn", region="Streymoy", country="Faroe Islands", country_code="FO")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Settings of this test alone, away from any .env file and any table that was built."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACES_FILE", str(tmp_path / "places.bin"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    get_settings.cache_clear()
    geocoder.forget()
    yield
    get_settings.cache_clear()
    geocoder.forget()


# ------------------------------------------------------------------------------------------------- offline


def test_a_position_becomes_a_place(tmp_path: Path):
    (tmp_path / "places.bin").write_bytes(TABLE.to_bytes())
    place = geocoder.reverse(62.0107, -6.7741)
    assert place is not None
    assert (place.city, place.region, place.country, place.country_code) == (
        "Tórshavn",
        "Streymoy",
        "Faroe Islands",
        "FO",
    )


def test_the_time_zone_tells_the_sea_from_the_land(tmp_path: Path):
    (tmp_path / "places.bin").write_bytes(TABLE.to_bytes())
    assert geocoder.reverse(30, -40) == Place(sea=True)
    assert geocoder.reverse(62.33, -6.57) != Place(sea=True)  # the north of the Faroes, 40 km from Tórshavn
    assert geocoder.reverse(-16.8, 180.0) == Place()  # land of a country that this table does not know


def test_a_position_that_does_not_exist_has_no_place(tmp_path: Path):
    (tmp_path / "places.bin").write_bytes(TABLE.to_bytes())
    assert geocoder.reverse(91, 0) is None
    assert geocoder.reverse(float("nan"), 0) is None
    assert geocoder.reverse(0, float("inf")) is None


def test_without_a_table_a_photo_has_no_place_and_the_operator_a_command():
    assert geocoder.reverse(62, -6.77) is None
    with pytest.raises(Misconfigured, match="`make places`"):
        geocoder.load()


def test_a_damaged_table_says_how_to_build_it_again(tmp_path: Path):
    (tmp_path / "places.bin").write_bytes(TABLE.to_bytes()[:-20])
    assert geocoder.reverse(62, -6.77) is None
    with pytest.raises(Misconfigured, match=r"cannot be used .*damaged.*`make places`"):
        geocoder.load()


def test_without_a_setting_the_table_is_looked_for_in_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("PLACES_FILE")
    get_settings.cache_clear()
    monkeypatch.setattr(geocoder, "__file__", str(tmp_path / "photovault" / "geocoder.py"))
    with pytest.raises(Misconfigured, match="There is no table of places"):
        geocoder.table_path()
    path = tmp_path / "photovault" / "data" / "places.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(TABLE.to_bytes())
    assert geocoder.table_path() == path


# ------------------------------------------------------------------------------------ a stand-in Nominatim

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, dict[str, str], bytes]]


def ok(body: Any) -> Answer:
    return lambda _: (200, {"Content-Type": "application/json"}, json.dumps(body).encode())


@dataclass
class StandIn:
    """What it was asked, and what it answers."""

    server: Server
    answer: Answer = field(default_factory=lambda: ok(FAROE_ANSWER))
    requests: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)


@pytest.fixture
def nominatim() -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            stand_in.requests.append((parts.path, parse_qs(parts.query), self.headers["User-Agent"]))
            status, headers, body = stand_in.answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in = StandIn(Server(domain=f"127.0.0.1:{http.server_port}", scheme="http"))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield stand_in
    http.shutdown()
    thread.join()
    http.server_close()


def test_the_request_names_the_application_and_only_a_rounded_position(nominatim: StandIn):
    assert geocoder.ask(CELL, email="me@example.org", server=nominatim.server) == REFINED
    ((path, query, agent),) = nominatim.requests
    assert path == "/reverse"
    assert (query["lat"], query["lon"], query["accept-language"]) == (["62.01"], ["-6.77"], ["en"])
    assert agent == "PhotoVault (me@example.org)"


@pytest.mark.parametrize(
    ("lat", "lon", "cell"),
    [
        (62.0107, -6.7741, Cell(6201, -677)),
        (0.001, -0.001, Cell(0, 0)),
        (-16.8, 180.0, Cell(-1680, -18000)),
        (-16.8, 179.999, Cell(-1680, -18000)),
        (-16.8, -180.0, Cell(-1680, -18000)),
        (90.0, 0.0, Cell(9000, 0)),
    ],
)
def test_cells_are_hundredths_of_a_degree(lat: float, lon: float, cell: Cell):
    assert Cell.of(lat, lon) == cell


@pytest.mark.parametrize(
    ("address", "city", "region"),
    [
        ({"city": "London", "suburb": "Islington", "state": "England"}, "London", "England"),
        ({"village": "Gásadalur", "region": "Vágar"}, "Gásadalur", "Vágar"),
        ({"municipality": "Nuuk"}, "Nuuk", None),
        ({"city": ""}, None, None),
        ({"city": "Tórs\x00havn\n", "state": "\ud800"}, "Tórs havn", None),
        ({"city": {"name": "x"}, "state": ["y"]}, "{'name': 'x'}", "['y']"),
        ({"city": "x" * 1000}, "x" * 200, None),
    ],
)
def test_the_city_is_the_largest_that_the_address_names(
    nominatim: StandIn, address: dict[str, str], city: str | None, region: str | None
):
    nominatim.answer = ok({**FAROE_ANSWER, "address": {**address, "country_code": "xx"}})
    refined = geocoder.ask(CELL, email="me@example.org", server=nominatim.server)
    assert refined == Refined(city=city, region=region, country_code="XX")


def test_the_sea_has_no_address(nominatim: StandIn):
    nominatim.answer = ok({"error": "Unable to geocode"})
    assert geocoder.ask(CELL, email="me@example.org", server=nominatim.server) == Refined()


OUTAGES: dict[str, Answer] = {
    "server error": lambda _: (500, {}, b"oh"),
    "unavailable": lambda _: (503, {}, b""),
    "no json": lambda _: (200, {}, b"<html>"),
    "a list": ok(["what"]),
    "a number": ok(7),
    "no address": ok({"lat": "1", "lon": "1", "display_name": "here"}),
    "a strange address": ok({**FAROE_ANSWER, "address": "here"}),
    "a strange position": ok({**FAROE_ANSWER, "lat": "north"}),
    "no name": ok({**FAROE_ANSWER, "display_name": None}),
    "another error": ok({"error": {"code": 500}}),
    "not utf-8": lambda _: (200, {}, b"\xff\xfe\xff"),
}


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_whatever_is_no_answer_is_an_outage(nominatim: StandIn, answer: Answer):
    nominatim.answer = answer
    with pytest.raises(geocoder.Outage) as caught:
        geocoder.ask(CELL, email="me@example.org", server=nominatim.server)
    assert caught.value.pause is None


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {"Retry-After": "77"}, 77),
        (429, {}, geocoder.BLOCKED_PAUSE_S),
        (403, {}, geocoder.BLOCKED_PAUSE_S),
    ],
)
def test_being_told_to_stop_is_obeyed(nominatim: StandIn, status: int, headers: dict[str, str], pause: float):
    nominatim.answer = lambda _: (status, headers, b"stop")
    with pytest.raises(geocoder.Outage) as caught:
        geocoder.ask(CELL, email="me@example.org", server=nominatim.server)
    assert caught.value.pause == pause


def test_a_server_that_never_answers_is_an_outage(nominatim: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(geocoder, "TIMEOUT_S", 1)
    given_up = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        given_up.wait(30)
        return 200, {}, b""

    nominatim.answer = hang
    try:
        with pytest.raises(geocoder.Outage):
            geocoder.ask(CELL, email="me@example.org", server=nominatim.server)
    finally:
        given_up.set()


def test_a_server_that_is_not_there_is_an_outage():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = Server(domain=f"127.0.0.1:{closed.getsockname()[1]}", scheme="http")
    with pytest.raises(geocoder.Outage):
        geocoder.ask(CELL, email="me@example.org", server=server)


# ----------------------------------------------------------------------------------- with the real database


database_url = database_of_its_own()


@pytest.fixture
def switched_on(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The geocoder on, nothing known, the breaker closed, and no waiting for one's turn."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ENABLE_GEOCODER", "true")
    monkeypatch.setenv("GEOCODER_EMAIL", "me@example.org")
    monkeypatch.setattr(geocoder, "INTERVAL_S", 0.0)
    get_settings.cache_clear()
    db.close()
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM geocoder_cache")
        conn.execute("UPDATE geocoder_state SET next_request_at = 'epoch', failures = 0, open_until = 'epoch'")
    yield
    db.close()


def state(column: str) -> Any:
    with db.maintenance() as conn:
        return db.value(conn, f"SELECT {column} FROM geocoder_state")


def test_switched_off_it_asks_nobody(nominatim: StandIn):
    def begin() -> Any:
        raise AssertionError("the database was asked")

    assert geocoder.refine(begin, 62.0107, -6.7741, server=nominatim.server) is None
    assert nominatim.requests == []


@pytest.mark.usefixtures("switched_on")
def test_without_an_address_it_says_which_setting_is_missing(nominatim: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GEOCODER_EMAIL")
    get_settings.cache_clear()
    with pytest.raises(Misconfigured, match="GEOCODER_EMAIL"):
        geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server)
    assert nominatim.requests == []


@pytest.mark.usefixtures("switched_on")
def test_neighbours_are_asked_for_once(nominatim: StandIn):
    for lat, lon in [(62.0107, -6.7741), (62.0149, -6.7661), (62.0107, -6.7741)]:
        assert geocoder.refine(db.maintenance, lat, lon, server=nominatim.server) == REFINED
    assert len(nominatim.requests) == 1


@pytest.mark.usefixtures("switched_on")
def test_an_empty_answer_is_remembered_too(nominatim: StandIn):
    nominatim.answer = ok({"error": "Unable to geocode"})
    assert geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server) is None
    assert geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server) is None
    assert len(nominatim.requests) == 1


@pytest.mark.usefixtures("switched_on")
def test_old_answers_are_asked_for_again(nominatim: StandIn):
    geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server)
    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_cache SET fetched_at = now() - interval '366 days'")
    nominatim.answer = ok({**FAROE_ANSWER, "address": {**FAROE_ANSWER["address"], "town": "Havn"}})  # type: ignore[dict-item]
    renamed = geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server)
    assert renamed is not None
    assert renamed.city == "Havn"
    with db.maintenance() as conn:
        assert geocoder.cached(conn, CELL) == renamed


@pytest.mark.usefixtures("switched_on")
def test_no_transaction_is_open_while_nominatim_is_asked(nominatim: StandIn):
    under_way = 0
    seen = []

    @contextmanager
    def begin() -> Iterator[Any]:
        nonlocal under_way
        with db.maintenance() as conn:
            under_way += 1
            try:
                yield conn
            finally:
                under_way -= 1

    def answer(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        seen.append(under_way)
        return ok(FAROE_ANSWER)(handler)

    nominatim.answer = answer
    assert geocoder.refine(begin, 62.0107, -6.7741, server=nominatim.server) == REFINED
    assert seen == [0]


@pytest.mark.usefixtures("switched_on")
def test_callers_at_the_same_moment_get_seconds_of_their_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(geocoder, "INTERVAL_S", 1.0)
    monkeypatch.setattr(geocoder, "PATIENCE_S", 3600.0)
    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_state SET next_request_at = now() + interval '10 minutes'")
    start = state("next_request_at")

    def reserve(_: int) -> float | None:
        with db.maintenance() as conn:
            return geocoder.reserve(conn)

    with ThreadPoolExecutor(5) as threads:
        waits = list(threads.map(reserve, range(5)))
    assert all(wait is not None and wait > 0 for wait in waits)
    assert (state("next_request_at") - start).total_seconds() == 5


@pytest.mark.usefixtures("switched_on")
def test_the_first_caller_after_a_pause_does_not_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(geocoder, "INTERVAL_S", 1.0)
    with db.maintenance() as conn:
        assert geocoder.reserve(conn) == 0
        assert 0 < (geocoder.reserve(conn) or 0) <= 1


@pytest.mark.usefixtures("switched_on")
def test_whoever_would_wait_too_long_comes_another_time(nominatim: StandIn):
    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_state SET next_request_at = now() + interval '10 minutes'")
    before = state("next_request_at")
    assert geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server) is None
    assert nominatim.requests == []
    assert state("next_request_at") == before


@pytest.mark.usefixtures("switched_on")
def test_outages_open_the_breaker_and_an_answer_closes_it(nominatim: StandIn):
    def ask_somewhere(lat: float) -> Refined | None:
        return geocoder.refine(db.maintenance, lat, 10.0, server=nominatim.server)

    nominatim.answer = OUTAGES["unavailable"]
    assert [ask_somewhere(lat) for lat in range(5)] == [None] * 5
    assert len(nominatim.requests) == geocoder.TOLERATED_OUTAGES
    pause = state("extract(epoch FROM open_until - clock_timestamp())::float8")
    assert 0 < pause <= geocoder.PAUSE_S

    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_state SET open_until = now()")
    assert ask_somewhere(6) is None  # still away: the pause is doubled
    pause = state("extract(epoch FROM open_until - clock_timestamp())::float8")
    assert geocoder.PAUSE_S < pause <= 2 * geocoder.PAUSE_S

    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_state SET open_until = now()")
    nominatim.answer = ok(FAROE_ANSWER)
    assert ask_somewhere(7) == REFINED
    assert state("failures") == 0
    assert ask_somewhere(8) == REFINED


@pytest.mark.usefixtures("switched_on")
def test_the_pause_never_exceeds_a_day():
    with db.maintenance() as conn:
        conn.execute("UPDATE geocoder_state SET failures = 100000")
        geocoder.report_outage(conn, pause=1e9)
    assert state("open_until - clock_timestamp() <= interval '1 day'")


@pytest.mark.usefixtures("switched_on")
def test_a_refusal_opens_the_breaker_at_once(nominatim: StandIn):
    nominatim.answer = lambda _: (403, {}, b"blocked")
    assert geocoder.refine(db.maintenance, 1, 1, server=nominatim.server) is None
    assert geocoder.refine(db.maintenance, 2, 2, server=nominatim.server) is None
    assert len(nominatim.requests) == 1


@pytest.mark.usefixtures("switched_on")
def test_what_is_known_is_told_even_while_the_breaker_is_open(nominatim: StandIn):
    assert geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server) == REFINED
    with db.maintenance() as conn:
        geocoder.report_outage(conn, pause=60)
    assert geocoder.refine(db.maintenance, 62.0107, -6.7741, server=nominatim.server) == REFINED
    assert geocoder.refine(db.maintenance, 1, 1, server=nominatim.server) is None
    assert len(nominatim.requests) == 1
