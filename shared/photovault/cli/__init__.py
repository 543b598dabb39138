"""``photovault``: the operator's commands. ``photovault --help`` lists them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import typer

from photovault.cli import database, export, invoke, keys, maintenance, models, renewal, storage, telling
from photovault.errors import PhotoVaultError
from photovault.showing import plain

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(database.app, name="db")
app.add_typer(keys.app, name="keys")
models.app.command("status")(renewal.status)
models.app.command("renew")(renewal.renew)
app.add_typer(models.app, name="models")
app.add_typer(storage.app, name="storage")
app.command("export")(export.export)
app.command("invoke")(invoke.invoke)
app.command("maintain")(maintenance.maintain)

# Written by `make run`, and there for as long as it runs: what its functions are configured with.
RUNNING = Path(".photovault", "environment.json")

# `photovault db replay-erasures` leaves it to the log to name what is away.
WITH_LOGS = frozenset({"db"})
# A person's command and not the operator's: it asks for a password, and no file that happens to lie in the folder that
# it is run in may decide which server that is sent to.
OF_PERSONS = frozenset({"export"})


@app.callback()
def begin(context: typer.Context) -> None:
    """PhotoVault: a private photo vault.

    In a clone of the project, beside `make run`, the commands work on the cloud that runs there; with DATABASE_URL in
    the environment, on what the environment says.
    """
    if context.invoked_subcommand not in OF_PERSONS:
        join_local_cloud()
        context.with_resource(telling.logs_aside(on_terminal=context.invoked_subcommand in WITH_LOGS))


def join_local_cloud() -> None:
    """Take what the cloud that runs here is configured with for what the environment does not say."""
    if "DATABASE_URL" in os.environ or not RUNNING.is_file():
        return
    for name, value in json.loads(RUNNING.read_text()).items():
        os.environ.setdefault(name, value)


def main() -> None:
    """The console entry point: an error of ours is a sentence, not a traceback."""
    try:
        app()
    except PhotoVaultError as error:
        print(f"photovault: {plain(error.detail)}", file=sys.stderr)
        raise SystemExit(1) from None
