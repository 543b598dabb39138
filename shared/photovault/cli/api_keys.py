"""``photovault api-keys``: keys for programs that a person trusts with a part of the vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photovault import scopes
from photovault.cli import entering
from photovault.cli.entering import Email, Server
from photovault.cli.telling import cut, say, show, shown, table
from photovault.errors import Conflict, Invalid, NotFound
from photovault.showing import plain

if TYPE_CHECKING:
    from photovault.client import Client

app = typer.Typer(
    help="API keys for programs that you trust with a part of your vault: list, make and revoke them.",
    invoke_without_command=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.callback()
def begin(context: typer.Context, *, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """API keys for programs that you trust with a part of your vault. Alone, it lists them."""
    if context.invoked_subcommand is None:
        list_keys(server=server, email=email, as_json=as_json)


@app.command("list")
def list_keys(*, server: Server = None, email: Email = None, as_json: AsJson = False) -> None:
    """List your API keys, newest first."""
    with entering.entered(server, email=email) as client:
        made = table("name", "begins with", "may", "ends", "last used")
        for key in _keys(client):
            if as_json:
                print(json.dumps(key))
            else:
                ends, used = _day(key["expires_at"], "never"), _day(key["last_used_at"], "not yet")
                made.add_row(shown(cut(key["name"])), key["hint"], " ".join(key["scopes"]), ends, used)
        if not as_json:
            if made.row_count:
                show(made)
            else:
                say("There are no API keys.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help=f"What it may do, as often as needed: {', '.join(scopes.SCOPES)}.")
    ],
    *,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=36500, help="After so many days it ends; without, never.")
    ] = None,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it, this once. It asks for your password once more.

    The key goes on when you log out, and after another password. Where nobody can be asked, set PHOTOVAULT_EMAIL and
    PHOTOVAULT_PASSWORD.
    """
    unknown = [each for each in scope if each not in scopes.SCOPES]
    if unknown:
        raise Invalid(f"There is no scope {unknown[0]!r}. There are: {', '.join(scopes.SCOPES)}.")
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat() if days is not None else None
    body = {"name": name, "scopes": scope, "expires_at": ends}
    with entering.entered(server, email=email) as client:
        made = entering.proven(lambda proof: client.json("POST", "/auth/keys", body=body | proof))
    if as_json:
        print(json.dumps(made))
        return
    print(made["secret"])
    say("It is shown this once: the vault keeps no copy. Programs send it as `Authorization: Bearer`.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its name, how it begins, or its id.")],
    *,
    server: Server = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """End an API key at once, and for good. Whatever uses it is locked out."""
    with entering.entered(server, email=email) as client:
        found = _one(_keys(client), key)
        client.json("DELETE", f"/auth/keys/{found['id']}")
        if as_json:
            print(json.dumps(found))
        else:
            print(plain(f"{found['name']} opens nothing any more."))


def _keys(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.json("GET", "/auth/keys")["items"]
    return found


def _one(keys: list[dict[str, Any]], wanted: str) -> Mapping[str, Any]:
    """The key of that name, start or id. Raises ``NotFound``, ``Conflict`` for a name that several have."""
    found = [key for key in keys if wanted in {key["name"], key["hint"], key["id"]}]
    if not found:
        raise NotFound(f"There is no API key {wanted!r}. `photovault api-keys` lists them.")
    if len(found) > 1:
        raise Conflict(f"Several keys are called {wanted!r}. Name one by how it begins; `photovault api-keys` says so.")
    return found[0]


def _day(instant: str | None, otherwise: str) -> str:
    return instant[:10] if instant else otherwise
