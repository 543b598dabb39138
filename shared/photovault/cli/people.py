"""``photovault people``: who is in the photos, and saying who they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from photovault.cli import entering
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, cut, say, show, shown, table
from photovault.errors import Conflict, NotFound
from photovault.showing import plain

if TYPE_CHECKING:
    from photovault.client import Client

app = typer.Typer(
    help="People in the photos: list and name them, say that two are one, hide some.", invoke_without_command=True
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Hidden = Annotated[bool, typer.Option("--hidden", help="Also those who are hidden.")]
Person = Annotated[str, typer.Argument(metavar="PERSON", help="A person's id or name.")]


@app.callback()
def begin(
    context: typer.Context,
    *,
    hidden: Hidden = False,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """People in the photos: list and name them, say that two are one, hide some. Alone, it lists them."""
    if context.invoked_subcommand is None:
        list_people(hidden=hidden, server=server, email=email, as_json=as_json)


@app.command("list")
def list_people(
    *,
    hidden: Hidden = False,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """List the people in the photos, those with most photos first."""
    with entering.entered(server, email=email) as client:
        made = table("name", "photos", "faces", "", "id")
        for person in _people(client, hidden=hidden):
            if as_json:
                print(json.dumps(_without_ticket(person)))
            else:
                made.add_row(
                    shown(cut(person["name"] or "(nobody has named them)")),
                    f"{person['image_count']:,}",
                    f"{person['face_count']:,}",
                    "hidden" if person["hidden"] else "",
                    person["id"],
                )
        if not as_json:
            if made.row_count:
                show(made)
            else:
                say("Nobody was found in the photos yet.")


@app.command()
def name(
    person: Person,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="What they are called; '' takes the name away.")],
    *,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Give a person a name. Albums and searches know them by it."""
    with entering.entered(server, email=email) as client:
        found = _one(client, person)
        answer = client.json("PATCH", f"/people/{found['id']}", body={"name": new_name or None}, repeatable=True)
        _told(answer["person"] or found, as_json)


@app.command()
def merge(
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person who stays, by id or name.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="Those who are the same person.")],
    *,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Say that several people are one. It survives every later look at the photos, and can be undone."""
    with entering.entered(server, email=email) as client:
        staying = _one(client, into)
        ids = list(dict.fromkeys(_one(client, other)["id"] for other in others))
        merged = client.create("/people/merge", {"into": staying["id"], "people": ids})
        _told(merged["person"] or staying, as_json)
        for correction in merged["correction_ids"]:
            say(f"To undo it: photovault people undo {correction}")


@app.command()
def undo(
    correction: Annotated[UUID, typer.Argument(help="As `photovault people merge` told it.")],
    *,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Take a merge back, exactly: as if it had never been said."""
    with entering.entered(server, email=email) as client:
        undone = client.json("POST", f"/people/corrections/{correction}/undo")
        for person in undone["people"]:
            _told(person, as_json)


@app.command()
def hide(person: Person, *, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """Leave a person out of lists, and let them have no album. Their photos stay."""
    _set_hidden(person, True, server, email, as_json)


@app.command()
def unhide(person: Person, *, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """Show a person again."""
    _set_hidden(person, False, server, email, as_json)


def _set_hidden(person: str, hidden: bool, server: str | None, email: str | None, as_json: bool) -> None:
    with entering.entered(server, email=email) as client:
        found = _one(client, person)
        answer = client.json("PATCH", f"/people/{found['id']}", body={"hidden": hidden}, repeatable=True)
        _told(answer["person"] or found, as_json)


def _people(client: Client, *, hidden: bool) -> list[dict[str, Any]]:
    return list(client.items("/albums/persons", hidden=hidden))


def _one(client: Client, wanted: str) -> dict[str, Any]:
    """A person by id or name. Raises ``NotFound``, ``Conflict`` for a name that several have."""
    try:
        found: dict[str, Any] = client.json("GET", f"/people/{UUID(wanted)}")
    except ValueError:
        pass
    else:
        return found
    key = wanted.strip().casefold()
    people = [one for one in _people(client, hidden=True) if (one["name"] or "").casefold() == key and key]
    if not people:
        raise NotFound(f"Nobody is called {wanted!r}. `photovault people` lists them with their ids.")
    if len(people) > 1:
        named = ", ".join(f"{one['id']} ({counted(one['image_count'], 'photo')})" for one in people)
        raise Conflict(f"Several people are called {wanted!r}. Name one by their id: {named}.")
    return people[0]


def _told(person: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(_without_ticket(person)))
        return
    who = person["name"] or "Somebody without a name"
    hidden = ", hidden" if person["hidden"] else ""
    print(plain(f"{who}: {counted(person['image_count'], 'photo')}{hidden}. Their id is {person['id']}."))


def _without_ticket(person: Mapping[str, Any]) -> dict[str, Any]:
    cover = person["cover_face"]
    return {**person, "cover_face": cover and {key: value for key, value in cover.items() if key != "ticket"}}
