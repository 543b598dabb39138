"""``photovault search``: photos by what is in, on and around them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from photovault.cli import entering
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, cut, say, show, shown, table
from photovault.errors import BlobMissing, Invalid, NotFound, PhotoVaultError, Tampered

if TYPE_CHECKING:
    from photovault.client import Client

_MOST_BLAMED = 6  # conditions that are tried without

AsJson = Annotated[bool, typer.Option("--json", help="Print every photo as a line of JSON.")]
Photos = Annotated[list[str] | None, typer.Argument(metavar="PHOTO...", help="Ids of photos.")]
Query = Annotated[
    str | None,
    typer.Option("--search", help="What this search finds, up to 1,000 photos; of things those that surely show them."),
]
MOST = 1000
"""Photos that a search chooses, and that one request of the API takes."""


def search(
    words: Annotated[list[str], typer.Argument(metavar="QUERY...", help="Such as: anna in lisbon last summer")],
    *,
    server: Server = None,
    email: Email = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many photos to show.")] = 20,
    download: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the originals into this folder.", file_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find photos: dates, places, people, things, albums, cameras, and what a picture shows.

    Dates, places, names and the like narrow; the rest ranks. What was understood as what is told first. Exit 1 when
    nothing is found, or a download fails.
    """
    query = " ".join(words)
    with entering.entered(server, email=email) as client:
        understood, hits = found(client, query, limit)
        if as_json:
            print(json.dumps({"event": "query", "q": query, "filter": understood}))
            for hit in hits:
                print(json.dumps({"event": "hit", **_without_tickets(hit)}))
        else:
            for sentence in understanding(understood):
                say(sentence)
            if hits:
                _show(hits)
            else:
                say("Nothing is found. " + way_out(client, query, understood))
        failed = _download(client, [hit["image"] for hit in hits], download) if download else 0
    if failed or not hits:
        raise typer.Exit(1)


def found(client: Client, query: str, limit: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a query was understood, and the first so many hits."""
    hits: list[dict[str, Any]] = []
    understood: dict[str, Any] = {}
    cursor: str | None = None
    # The calendar day where the person is.
    params: dict[str, Any] = {"q": query, "today": date.today().isoformat()}  # noqa: DTZ011
    while len(hits) < limit:
        page = client.json(
            "GET",
            "/search",
            params=params | {"limit": min(200, limit - len(hits))} | ({"cursor": cursor} if cursor else {}),
        )
        understood = page["filter"]
        hits += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return understood, hits


def chosen(client: Client, photos: Sequence[str] | None, query: str | None) -> list[str]:
    """The ids of photos that are named, and of those that a search finds. Raises ``Invalid``, ``NotFound``."""
    ids = [_id(text) for text in photos or ()]
    if query:
        understood, hits = found(client, query, MOST)
        for sentence in understanding(understood):
            say(sentence)
        # What only may show a thing is for eyes to judge.
        sure = {(span["kind"], span["value"]) for span in understood["spans"] if not span["strict"]}
        hits = [hit for hit in hits if sure <= {(one["kind"], one["text"]) for one in hit["matched"]}]
        if not hits:
            raise NotFound("The search finds nothing.")
        ids += [hit["image"]["id"] for hit in hits]
    if not ids:
        raise Invalid("Name photos by their ids, or give --search.")
    return ids


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Invalid(f"{text!r} is no photo's id.") from None


def understanding(understood: Mapping[str, Any]) -> list[str]:
    """How a query was read, in sentences."""
    told = []
    chips = [
        f"{'not ' if span['negated'] else ''}{span['kind']} {span['value']}"
        + (f" (for “{span['text']}”)" if span["text"].casefold() != span["value"].casefold() else "")
        + (" by a guess" if span["guessed"] else "")
        + ("" if span["known"] else ", which names nothing here")
        for span in understood["spans"]
    ]
    if chips:
        told.append(f"Understood: {'; '.join(chips)}.")
    if understood["text"]:
        told.append(f"Ranked by: {understood['text']}")
    return told


def way_out(client: Client, query: str, understood: Mapping[str, Any]) -> str:
    """What to do where nothing is found: which conditions, left out, leave something."""
    spans = understood["spans"]
    if not spans or (len(spans) == 1 and not understood["text"]):
        return "Try a place, a name, a thing, or a month and a year."
    blamed = [
        f"“{span['text']}”"
        for span in sorted(spans, key=lambda span: bool(span["known"]))[:_MOST_BLAMED]
        if found(client, f"{query[: span['start']]} {query[span['end'] :]}", 1)[1]
    ]
    return f"There is something without {' or without '.join(blamed)}." if blamed else "Take several words away."


def _show(hits: Sequence[Mapping[str, Any]]) -> None:
    made = table("taken", "name", "place", "score", "because", "id")
    for hit in hits:
        photo = hit["image"]
        made.add_row(
            shown(day_of(photo)),
            shown(cut(photo["filename"])),
            shown(place_of(photo)),
            f"{hit['score']:.2f}",
            shown(_because(hit["matched"])),
            photo["id"],
        )
    show(made)


def day_of(photo: Mapping[str, Any]) -> str:
    """The local day on which a photo was taken."""
    taken = photo["taken"]
    return str(taken["local_day"]) if taken else ""


def place_of(photo: Mapping[str, Any]) -> str:
    place = (photo["location"] or {}).get("place") or {}
    return ", ".join(text for text in (place.get("city"), place.get("country")) if text)


def _because(matched: Sequence[Mapping[str, Any]]) -> str:
    told = [
        f"{one['kind']} {one['text'] or ''}".rstrip() + (f" {one['score']:.2f}" if one["score"] else "")
        for one in matched
    ]
    return ", ".join(dict.fromkeys(told))


def _without_tickets(hit: Mapping[str, Any]) -> dict[str, Any]:
    """A hit without what opens its pictures: lines of JSON end in logs."""
    return {**hit, "image": {name: value for name, value in hit["image"].items() if name != "tickets"}}


def _download(client: Client, photos: Sequence[Mapping[str, Any]], target: Path) -> int:
    """How many could not be fetched."""
    from photovault.downloading import Folder

    folder = Folder(target)
    done = there = failed = 0
    for photo in photos:
        try:
            _, was_there = folder.fetch(client, photo)
        except (Tampered, BlobMissing) as error:
            say(f"{photo['filename']}: {error.detail}")
            failed += 1
        except PhotoVaultError as error:
            if error.status in {401, 429, 503}:
                raise
            say(f"{photo['filename']}: {error.detail}")
            failed += 1
        else:
            done, there = done + (not was_there), there + was_there
    say(
        f"{counted(done, 'photo')} written to {target}"
        + (f", {there:,} there already" if there else "")
        + (f", {failed:,} could not be fetched" if failed else "")
        + "."
    )
    return failed
