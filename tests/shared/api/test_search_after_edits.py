"""Search after every kind of edit: right with the edit's own answer, before any queue is worked, and right after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import BERLIN, LISBON, PORTO, add_photo, build, face_of, faces_in, who_is_in
from tests.libraries import TINY, TinyEncoder, towards
from tests.vaults import Somebody, client, somebody

from photovault import (
    db,
    embeddings,
    images,
    library_names,
    listing,
    meanings,
    names,
    queries,
    saved_filters,
    search,
    smart_albums,
    terms,
    users,
    vectors,
    word_search,
)
from photovault.api import album_photos, albums, edits, people, shared, shares, trash
from photovault.api import images as image_routes

pytestmark = pytest.mark.usefixtures("vault", "sent")

SMART = {
    "Of Anna": "anna",
    "Without Anna": "without anna",
    "Of Ben": "ben",
    "Dogs": "label:dog",
    "Favourites": "is:favourite",
    "In Lisbon": "city:lisbon",
    "A Saturday": "10 may 2025",
    "From the archive": "is:archived",
    "With words": "has:caption",
}
"""Smart albums of the library, by the query that each keeps."""

TODAY = date(2025, 6, 1)


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    # The routes of whole paths before those of ids, as the function has them.
    modules = (trash, edits, image_routes, people, albums, album_photos, shares, shared)
    with client(module.router for module in modules) as made:
        yield made


@dataclass
class Library:
    """Somebody's photos by a letter each, their people and albums by the names that they had first."""

    http: TestClient
    who: Somebody
    photos: dict[str, UUID]
    people: dict[str, str] = field(default_factory=dict)
    albums: dict[str, str] = field(default_factory=dict)

    @property
    def letters(self) -> dict[UUID, str]:
        return {image_id: letter for letter, image_id in self.photos.items()}

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self.http.request(method, path, headers=self.who.headers, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def ids(self, letters: str) -> list[str]:
        return [str(self.photos[letter]) for letter in letters]

    def face(self, letter: str) -> str:
        return str(faces_in(self.who.user_id, self.photos[letter])[0].id)

    def add_smart(self, title: str, q: str) -> None:
        with db.transaction(self.who.user_id) as conn:
            revision = users.next_revision(conn)
            known = library_names.read_names(conn)
            saved = saved_filters.Saved(queries.parse_with(q, known.vocabulary, today=TODAY).filter)
            album_id = smart_albums.add(conn, title=title, description=None, saved=saved, revision=revision)
        self.albums[title] = str(album_id)


@pytest.fixture
def library(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Anna in a, b, c and d; Ben in e, f and g; h has nobody and looks like every text. d is in the archive."""
    tiny = TinyEncoder()
    monkeypatch.setattr(embeddings, "provider", lambda: tiny)
    meanings._meaning_of.cache_clear()
    who = somebody()
    rows: dict[str, dict[str, Any]] = {
        "a": {"where": LISBON, "faces": [face_of(1, 1)], "caption": "a tram"},
        "b": {"where": LISBON, "faces": [face_of(1, 2)], "favourite": True},
        "c": {"where": PORTO, "faces": [face_of(1, 3)]},
        "d": {"where": PORTO, "faces": [face_of(1, 4)], "archived": True},
        "e": {"where": PORTO, "faces": [face_of(2, 1)], "caption": "the harbour"},
        "f": {"where": BERLIN, "faces": [face_of(2, 2)]},
        "g": {"where": BERLIN, "faces": [face_of(2, 3)], "caption": "the harbour"},
        "h": {},
    }
    made = Library(http, who, {letter: add_photo(who.user_id, **row) for letter, row in rows.items()})
    with db.transaction(who.user_id) as conn:
        users.next_revision(conn)
        terms.refresh_all(conn, list(made.photos.values()))
        vectors.add_embedding(conn, made.photos["h"], vectors.model_id(conn, TINY), towards(0.3))
    build(who.user_id)
    for name, letter in (("Anna Smith", "a"), ("Ben", "e")):
        (person,) = who_is_in(who.user_id, [made.photos[letter]])
        made.people[name] = str(person)
        made.ask("PATCH", f"/people/{person}", name=name)
    made.ask("POST", "/images/edit", image_ids=made.ids("ae"), add_labels=["dog"])
    for title, letters in (("Hills", "abd"), ("Zoo", "gh")):
        made.albums[title] = made.ask("POST", "/albums/manual", title=title, image_ids=made.ids(letters))["id"]
    for title, q in SMART.items():
        made.add_smart(title, q)
    return made


# --------------------------------------------------------------------------------------- what is found, and what is so


class Search:
    """What search answers now, in one transaction."""

    def __init__(self, library: Library, conn: db.Connection) -> None:
        self.conn, self.letters = conn, library.letters
        self.names = library_names.names_of(conn, library.who.user_id)

    def find(self, q: str) -> str:
        """The photos that a query finds."""
        parsed = queries.parse_with(q, self.names.vocabulary, today=TODAY)
        wanted = search.narrowed(listing.Filter(), parsed.filter, self.names, archived_given=False)
        if wanted is None or not parsed.possible:
            return ""
        if not parsed.text:
            return self.spell(image.id for image in images.page(self.conn, wanted, limit=50))
        words = word_search.words_of(self.conn, parsed.text, self.names)
        found = search.ranked(self.conn, wanted, words, meanings.meaning_of(parsed.text))
        return self.spell(one.id for one in found)

    def spell(self, image_ids: Iterable[UUID]) -> str:
        return "".join(sorted(self.letters[image_id] for image_id in image_ids))

    def told(self) -> dict[tuple[str, str], int]:
        """All that can be completed to, with its number of photos."""
        begun = {name.value[:3] for name in self.names.known}
        every = [found.name for q in begun for found in names.complete(self.names, q, limit=50)]
        return {(name.kind, name.value): name.image_count for name in every}


_HOLDING = """
    SELECT 'person', p.name, f.image_id FROM faces f JOIN person_clusters p ON p.id = f.person_id
    WHERE p.name IS NOT NULL AND NOT p.hidden
    UNION SELECT 'place', place, id FROM images, unnest(ARRAY[country, region, city]) AS place WHERE place IS NOT NULL
    UNION SELECT 'label', label, image_id FROM image_labels
    UNION SELECT 'album', a.title, m.image_id FROM albums a JOIN album_images m ON m.album_id = a.id
    WHERE a.deleted_at IS NULL AND a.kind IN ('manual', 'smart', 'trip', 'event')
    UNION SELECT 'word', word, id FROM images, regexp_split_to_table(lower(caption), ' ') AS word
    UNION SELECT 'day', local_day::text, id FROM images
    UNION SELECT 'favourite', '', id FROM images WHERE favourite
    UNION SELECT 'id', f.person_id::text, f.image_id FROM faces f WHERE person_id IS NOT NULL
"""


# Albums by hand and smart ones whose row says another number or other days than their photos.
_MISCOUNTED = """
    SELECT title FROM albums a CROSS JOIN LATERAL (
        SELECT count(*)::int AS images, min(i.local_day) AS first, max(i.local_day) AS last FROM album_images m
        JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL WHERE m.album_id = a.id
    ) AS now WHERE key IS NULL AND deleted_at IS NULL
    AND (image_count, first_day, last_day) IS DISTINCT FROM (now.images, now.first, now.last)
"""


def check(library: Library) -> None:
    """What search finds, completes to and keeps in smart albums is what the rows of photos say."""
    with db.transaction(library.who.user_id) as conn:
        asked = Search(library, conn)
        photos = conn.execute("SELECT id, archived FROM images WHERE deleted_at IS NULL").fetchall()
        there = {library.letters[image_id]: archived for image_id, archived in photos}
        shown = {letter for letter, archived in there.items() if not archived}
        holding: dict[tuple[str, str], set[str]] = defaultdict(set)
        for kind, name, image_id in conn.execute(_HOLDING.encode()).fetchall():
            if library.letters[image_id] in shown:
                holding[kind, name].add(library.letters[image_id])
        named = {thing: its for thing, its in holding.items() if thing[0] in {"person", "place", "label", "album"}}
        look = {"h"} & shown

        for (kind, name), its in named.items():
            if name not in SMART:  # they are looked at below
                assert asked.find(f'{kind}:"{name}"') == sort(its), name
        for q, its in {
            "favourites": holding["favourite", ""],
            "is:archived": there.keys() - shown,
            "9 may 2025": holding["day", "2025-05-09"],
            '"tram"': holding["word", "tram"] | look,
            '"harbour"': holding["word", "harbour"] | look,
            "flurbl": look,
        }.items():
            assert asked.find(q) == sort(its), q
        told = asked.told()
        empty = {("album", title) for (title,) in conn.execute("SELECT title FROM albums WHERE key IS NULL").fetchall()}
        assert {thing: count for thing, count in told.items() if count} == {
            thing: len(its) for thing, its in named.items()
        }
        assert {thing for thing, count in told.items() if not count} <= empty
        assert conn.execute(_MISCOUNTED).fetchall() == []
        for title, q in SMART.items():
            members = conn.execute(
                "SELECT m.image_id FROM album_images m JOIN images i ON i.id = m.image_id AND i.deleted_at IS NULL "
                "WHERE m.album_id = %s",
                [library.albums[title]],
            ).fetchall()
            # Whatever they are called, and whoever they are now.
            anna, ben = (holding["id", library.people[name]] for name in ("Anna Smith", "Ben"))
            people = {"anna": sort(anna), "without anna": sort(shown - anna), "ben": sort(ben)}
            expected = people[q] if q in people else asked.find(q)
            assert asked.spell(row[0] for row in members) == expected, title


def sort(letters: Iterable[str]) -> str:
    return "".join(sorted(letters))


# ----------------------------------------------------------------------------------------------------------- edits


Step = tuple[Callable[[Library], Any], dict[str, str]]
"""An edit, and what some queries find right after it."""


def edit(letters: str, **body: Any) -> Callable[[Library], Any]:
    return lambda library: library.ask("POST", "/images/edit", image_ids=library.ids(letters), **body)


def edit_one(letter: str, **body: Any) -> Callable[[Library], Any]:
    return lambda library: library.ask("PATCH", f"/images/{library.photos[letter]}", **body)


def of_photos(method: str, path: str, letters: str, **body: Any) -> Callable[[Library], Any]:
    return lambda library: library.ask(method, path, image_ids=library.ids(letters), **body)


def of_person(who: str, **body: Any) -> Callable[[Library], Any]:
    return lambda library: library.ask("PATCH", f"/people/{library.people[who]}", **body)


def of_album(method: str, which: str, path: str = "", letters: str = "", **body: Any) -> Callable[[Library], Any]:
    def act(library: Library) -> Any:
        more = {"image_ids": library.ids(letters)} if letters else {}
        return library.ask(method, f"/albums/{library.albums[which]}{path}", **more, **body)

    return act


def and_back(correct: Callable[[Library], Any]) -> Callable[[Library], Any]:
    """Make a correction and take it back."""

    def act(library: Library) -> None:
        said = correct(library)
        for one in said.get("correction_ids") or [said["correction_id"]]:
            library.ask("POST", f"/people/corrections/{one}/undo")
        for name, letter in (("Anna Smith", "a"), ("Ben", "e")):
            library.people[name] = str(faces_in(library.who.user_id, library.photos[letter])[0].person_id)

    return act


def merge(into: str, other: str) -> Callable[[Library], Any]:
    def act(library: Library) -> Any:
        kept, gone = library.people[into], library.people[other]
        library.people[other] = kept
        return library.ask("POST", "/people/merge", into=kept, people=[gone])

    return act


def split(library: Library) -> Any:
    said = library.ask(
        "POST", f"/people/{library.people['Anna Smith']}/split", face_ids=[library.face("a"), library.face("b")]
    )
    library.people["Cara"] = said["person"]["id"]
    return said


def give_to(letter: str, name: str) -> Callable[[Library], Any]:
    return lambda library: library.ask("PUT", f"/faces/{library.face(letter)}/person", person_id=library.people[name])


def take_away(letter: str) -> Callable[[Library], Any]:
    return lambda library: library.ask("DELETE", f"/faces/{library.face(letter)}/person")


def introduce(letter: str, name: str) -> Callable[[Library], Any]:
    return lambda library: library.ask("PUT", f"/faces/{library.face(letter)}/person", name=name)


def make_album(library: Library) -> None:
    made = library.ask("POST", "/albums/manual", title="Carnival", image_ids=library.ids("ch"))
    library.albums["Carnival"] = made["id"]


def purge(letter: str) -> Callable[[Library], Any]:
    def act(library: Library) -> None:
        library.ask("DELETE", f"/images/trash/{library.photos[letter]}")

    return act


BERLIN_AT = {"lat": 52.52, "lon": 13.405}

CHANGES: dict[str, list[Step]] = {
    "when": [
        (edit_one("a", taken={"local_time": "2025-05-10T10:00:00"}), {"10 may 2025": "a"}),
        (edit_one("a", taken=None), {"10 may 2025": "", "9 may 2025": "abcefgh"}),
        (of_photos("POST", "/images/shift-time", "bc", by_seconds=86_400), {"10 may 2025": "bc"}),
    ],
    "where": [
        (edit_one("a", location=BERLIN_AT), {"in lisbon": "b", "berlin": "afg", "country:portugal": "bce"}),
        (edit_one("a", location=None), {"in lisbon": "ab", "berlin": "fg"}),
        (edit("ab", location="nowhere"), {"city:lisbon": "", "portugal": "ce", "has:gps": "cefg"}),
    ],
    "what is written and liked": [
        (edit_one("f", caption="by the spree"), {'"spree"': "fh", "has:caption": "aefg"}),
        (edit("ef", caption="tram"), {'"spree"': "h", '"harbour"': "gh", '"tram"': "aefh"}),
        (edit_one("f", caption=""), {'"tram"': "aeh", "has:caption": "aeg"}),
        (edit("ac", favourite=True), {"favourites": "abc"}),
        (edit_one("b", favourite=False), {"favourites": "ac"}),
    ],
    "what it shows": [
        (edit_one("f", add_labels=["cat"]), {"label:cat": "f", "label:dog": "ae"}),
        (edit("ae", remove_labels=["dog"]), {"label:dog": ""}),
        (edit("a", add_labels=["dog"]), {"label:dog": "a"}),
        (edit_one("f", restore_labels=["cat"]), {"label:cat": ""}),
    ],
    "the archive": [
        (edit("abh", archived=True), {"anna": "c", "city:lisbon": "", "is:archived": "abdh", "flurbl": ""}),
        (edit_one("c", archived=True), {"anna": "", "anna is:archived": "abcd"}),
        (edit("abcdh", archived=False), {"anna": "abcd", "in lisbon": "ab", "is:archived": "", "flurbl": "h"}),
    ],
    "the trash": [
        (of_photos("POST", "/images/trash", "aeh"), {"anna": "bc", "label:dog": "", '"tram"': "", "flurbl": ""}),
        (edit("e", remove_labels=["dog"]), {"label:dog": ""}),
        (of_photos("POST", "/images/restore", "eh"), {"label:dog": "", '"harbour"': "egh"}),
        (purge("a"), {"anna": "bc", "in lisbon": "b", '"tram"': "h"}),
    ],
    "the last of somebody": [
        (of_photos("POST", "/images/trash", "efg"), {"person:ben": "", "city:berlin": "", '"harbour"': "h"}),
        (purge("e"), {"person:ben": ""}),
        (of_photos("POST", "/images/restore", "f"), {"person:ben": "f", "city:berlin": "f"}),
        (of_photos("POST", "/images/trash", "f"), {"person:ben": ""}),
        (purge("f"), {"person:ben": ""}),
        (purge("g"), {"ben": "h"}),  # a word like any other now: nobody is called so
    ],
    "names": [
        (of_person("Anna Smith", name="Cara Lang"), {"cara": "abc", "person:anna": "", "lang": "abch"}),
        (of_person("Ben", name="Anna Smith"), {"anna": "efg", "cara": "abc"}),
        (of_person("Ben", name=None), {"person:anna": "", "cara": "abc"}),
        (of_person("Anna Smith", birthday="2022-06-01"), {"cara at 3": "", "cara's birthday": ""}),
        (of_person("Anna Smith", birthday="2022-05-09"), {"cara at 3": "abc", "cara's birthday": "abcefgh"}),
        (of_person("Anna Smith", hidden=True), {"cara": "abc", "lang": "h"}),  # understood, but no reason to be found
        (of_person("Anna Smith", hidden=False), {"cara": "abc", "lang": "abch"}),
    ],
    "a merge and a split": [
        (and_back(merge("Anna Smith", "Ben")), {"anna": "abc", "ben": "efg"}),
        (and_back(split), {"anna": "abc"}),
        (split, {"anna": "c"}),
        (of_person("Cara", name="Cara"), {"cara": "ab", "anna": "c"}),
        (merge("Anna Smith", "Ben"), {"anna": "cefg", "person:ben": ""}),
    ],
    "a merge into somebody else": [(merge("Ben", "Anna Smith"), {"person:anna": "", "ben": "abcefg"})],
    "a face": [
        (give_to("e", "Anna Smith"), {"anna": "abce", "ben": "fg"}),
        (take_away("b"), {"anna": "ace", "ben": "fg"}),
        (introduce("f", "Cara"), {"cara": "f", "ben": "g"}),
    ],
    "an album": [
        (make_album, {"album:carnival": "ch"}),
        (of_album("PUT", "Hills", "/images", "ce"), {"album:hills": "abce"}),
        (of_album("DELETE", "Hills", "/images", "ae"), {"album:hills": "bc"}),
        (of_album("PATCH", "Hills", title="Carlsbad"), {"album:carlsbad": "bc", "album:hills": ""}),
        (of_album("DELETE", "Hills"), {"album:carlsbad": "", "album:carnival": "ch"}),
        (of_album("POST", "Hills", "/restore"), {"album:carlsbad": "bc"}),
        (of_photos("POST", "/images/trash", "c"), {"album:carlsbad": "b", "album:carnival": "h"}),
        (of_album("POST", "Of Anna", "/shares"), {"anna": "ab"}),
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_search_is_right_at_once_and_stays_so(library: Library, name: str) -> None:
    for change, expected in CHANGES[name]:
        change(library)
        finds(library, expected)
        check(library)
    build(library.who.user_id)
    finds(library, expected)
    check(library)


def finds(library: Library, expected: Mapping[str, str]) -> None:
    with db.transaction(library.who.user_id) as conn:
        asked = Search(library, conn)
        assert {q: asked.find(q) for q in expected} == expected


def test_who_has_a_link_sees_what_the_filter_says_now(library: Library, http: TestClient) -> None:
    """Somebody is said to be on a photo: whoever was sent the photos without them sees it no more."""
    share = library.ask("POST", f"/albums/{library.albums['Without Anna']}/shares", view_limit=9)
    path = "/s/" + share["link"].rpartition("/s/")[2]
    assert http.post(f"{path}/unlock", json={}).status_code < 300

    def seen() -> int:
        return len(http.get(f"{path}/photos").json()["items"])

    assert seen() == 4
    give_to("e", "Anna Smith")(library)
    assert seen() == 3
    library.ask("PATCH", f"/people/{library.people['Anna Smith']}", hidden=True)
    assert seen() == 3
