"""``photovault albums``: those that make themselves and say why, and those made by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from photovault.cli import entering, search
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, cut, say, show, shown, table
from photovault.errors import Conflict, NotFound
from photovault.showing import plain

if TYPE_CHECKING:
    from photovault.client import Client

app = typer.Typer(
    help="Albums: list them, look into one, ask why it is there, make one and fill it.", invoke_without_command=True
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Kind = Annotated[str | None, typer.Option(help="Only place, date, person, trip, event, manual or smart albums.")]
Album = Annotated[str, typer.Argument(metavar="ALBUM", help="An album's title or id.")]


@app.callback()
def begin(
    context: typer.Context,
    *,
    kind: Kind = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Albums: list them, look into one, ask why it is there, make one and fill it. Alone, it lists them."""
    if context.invoked_subcommand is None:
        list_albums(kind=kind, server=server, email=email, as_json=as_json)


@app.command("list")
def list_albums(
    *,
    kind: Kind = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """List the albums, those with the latest photos first."""
    with entering.entered(server, email=email) as client:
        made = table("album", "kind", "photos", "days", "id")
        wanted: dict[str, Any] = {"kind": kind} if kind else {}
        for album in client.items("/albums/", **wanted):
            if as_json:
                print(json.dumps(_without_ticket(album)))
            else:
                made.add_row(
                    shown(cut(album["title"])), album["kind"], f"{album['image_count']:,}", _days(album), album["id"]
                )
        if not as_json:
            if made.row_count:
                show(made)
            else:
                say("There are no albums yet. They make themselves of photos, or by `photovault albums create`.")


@app.command("show")
def show_album(
    album: Album,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many photos to show.")] = 50,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Show the photos of an album, each with the reason why it is in it."""
    with entering.entered(server, email=email) as client:
        found = _one(client, album)
        photos = islice(client.items(f"/albums/{found['id']}/images", limit=min(limit, 200)), limit)
        made = table("taken", "name", "place", "because", "id")
        for photo in photos:
            if as_json:
                print(json.dumps({name: value for name, value in photo.items() if name != "tickets"}))
            else:
                made.add_row(
                    search.day_of(photo),
                    shown(cut(photo["filename"])),
                    shown(search.place_of(photo)),
                    shown(photo["because"]),
                    photo["id"],
                )
        if not as_json:
            say(f"{found['title']}: {counted(found['image_count'], 'photo')}")
            if made.row_count:
                show(made)


@app.command()
def why(album: Album, *, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """Say why an album is there, and why its photos are in it."""
    with entering.entered(server, email=email) as client:
        explained = client.json("GET", f"/albums/{_one(client, album)['id']}/explanation")
        if as_json:
            print(json.dumps(explained))
            return
        for sentence in explained["sentences"]:
            print(plain(sentence))
        for reason in explained["reasons"]:
            print(plain(f"{counted(reason['image_count'], 'photo')}: {reason['because']}"))


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="What to call it.")],
    *,
    description: Annotated[str | None, typer.Option(help="A few words about it.")] = None,
    query: Annotated[str | None, typer.Option("--search", help="Fill it with what this search finds.")] = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Make an album by hand."""
    with entering.entered(server, email=email) as client:
        photos = search.chosen(client, (), query) if query else []
        body = {"title": title, "description": description, "image_ids": photos}
        _told(client.create("/albums/manual", body), as_json)


@app.command()
def add(
    album: Album,
    photos: search.Photos = None,
    *,
    query: search.Query = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Put photos into an album, by their ids or by a search."""
    with entering.entered(server, email=email) as client:
        image_ids = search.chosen(client, photos, query)
        found = _one(client, album)
        for start in range(0, len(image_ids), search.MOST):
            body = {"image_ids": image_ids[start : start + search.MOST]}
            found = client.json("PUT", f"/albums/{found['id']}/images", body=body)
        _told(found, as_json)


def _one(client: Client, wanted: str) -> dict[str, Any]:
    """An album by its id, its title, or how its title alone begins. Raises ``NotFound``, ``Conflict``."""
    try:
        found: dict[str, Any] = client.json("GET", f"/albums/{UUID(wanted)}")
    except ValueError:
        pass
    else:
        return found
    text = wanted.strip().casefold()
    begun = [album for album in client.items("/albums/") if text and album["title"].casefold().startswith(text)]
    alike = [album for album in begun if album["title"].casefold() == text]
    exact = [album for album in alike if album["title"] == wanted] or alike or begun
    if not exact:
        raise NotFound(f"There is no album of the title {wanted!r}. `photovault albums` lists them.")
    if len(exact) > 1:
        named = ", ".join(f"{album['id']} ({album['title']}, {album['kind']})" for album in exact[:10])
        raise Conflict(f"Several albums have the title {wanted!r}, or begin so. Name one by its id: {named}.")
    return exact[0]


def _told(album: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(_without_ticket(album)))
    else:
        print(plain(f"{album['title']}: {counted(album['image_count'], 'photo')}. Its id is {album['id']}."))


def _without_ticket(album: Mapping[str, Any]) -> dict[str, Any]:
    cover = album["cover"]
    return {**album, "cover": cover and cover["image_id"]}


def _days(album: Mapping[str, Any]) -> str:
    first, last = album["first_day"], album["last_day"]
    return "" if not first else first if first == last else f"{first} to {last}"
