"""``photovault``: the operator's commands. ``photovault --help`` lists them."""

from __future__ import annotations

import sys

import typer

from photovault.cli import database, export, invoke, keys, maintenance, models, storage
from photovault.errors import PhotoVaultError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="PhotoVault: a private photo vault.")
app.add_typer(database.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")
app.add_typer(storage.app, name="storage")
app.command("export")(export.export)
app.command("invoke")(invoke.invoke)
app.command("maintain")(maintenance.maintain)


def main() -> None:
    """The console entry point: an error of ours is a sentence, not a traceback."""
    try:
        app()
    except PhotoVaultError as error:
        print(f"photovault: {error.detail}", file=sys.stderr)
        raise SystemExit(1) from None
