"""``photovault labels``: what photos show, and saying so by hand."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from photovault.cli import entering, search
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, cut, say, show, shown, table
from photovault.showing import plain

app = typer.Typer(help="Labels: list them, add one to photos, take one away.", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Label = Annotated[str, typer.Argument(metavar="LABEL", help="Such as beach.")]


@app.callback()
def begin(context: typer.Context, *, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """Labels: list them, add one to photos, take one away. Alone, it lists them."""
    if context.invoked_subcommand is None:
        list_labels(server=server, email=email, as_json=as_json)


@app.command("list")
def list_labels(*, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """List the labels, those of most photos first: what models see, keywords of files, and what you added."""
    with entering.entered(server, email=email) as client:
        made = table("label", "photos")
        for label in client.items("/labels"):
            if as_json:
                print(json.dumps({"name": label["name"], "image_count": label["image_count"]}))
            else:
                made.add_row(shown(cut(label["name"])), f"{label['image_count']:,}")
        if not as_json:
            if made.row_count:
                show(made)
            else:
                say("There are no labels yet. `photovault labels add` makes some.")


@app.command()
def add(
    label: Label,
    photos: search.Photos = None,
    *,
    query: search.Query = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Add a label to photos, by their ids or by a search."""
    _say("add_labels", label, photos, query, server=server, email=email, as_json=as_json)


@app.command()
def remove(
    label: Label,
    photos: search.Photos = None,
    *,
    query: search.Query = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Take a label away from photos, by their ids or by a search. Models that see it again do not bring it back."""
    _say("remove_labels", label, photos, query, server=server, email=email, as_json=as_json)


def _say(
    verb: str,
    label: str,
    photos: list[str] | None,
    query: str | None,
    *,
    server: str | None,
    email: str | None,
    as_json: bool,
) -> None:
    with entering.entered(server, email=email) as client:
        image_ids = list(dict.fromkeys(search.chosen(client, photos, query)))
        changed = 0
        for start in range(0, len(image_ids), search.MOST):
            body = {"image_ids": image_ids[start : start + search.MOST], verb: [label]}
            changed += client.json("POST", "/images/edit", body=body, repeatable=True)["changed"]
    if as_json:
        print(json.dumps({"label": label, "changed": changed, "unchanged": len(image_ids) - changed}))
        return
    did = "added to" if verb == "add_labels" else "removed from"
    print(plain(f"{label}: {did} {counted(changed, 'photo')}."))
