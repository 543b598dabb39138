"""``photovault``: what people do with their vault, and what its operator does. ``photovault --help`` lists both."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from photovault import __version__, photo_files
from photovault.cli import (
    account,
    albums,
    api_keys,
    calibration,
    database,
    doctor,
    export,
    helping,
    imports,
    invoke,
    keys,
    labels,
    maintenance,
    models,
    people,
    renewal,
    search,
    storage,
    telling,
    upload,
)

YOURS = "Your vault"
OPERATORS = "Running a vault (for its operator)"


class _InSentences(TyperGroup):
    """All commands: an error of ours is a sentence, not a traceback; with --json a line of JSON."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _readable(args))

    def invoke(self, ctx: Any) -> Any:
        with telling.sentences(as_json="--json" in ctx.args):
            return super().invoke(ctx)


def _readable(args: list[str]) -> list[str]:
    """What somebody typed as text, whatever the locale makes of its bytes; names of files stay what the disk has."""

    def is_file(n: int) -> bool:
        option = args[n].startswith("-") or args[n - 1].startswith("-")
        return os.path.lexists(args[n]) or (args[0] in OF_FILES and not option)

    return [word if word.isprintable() or is_file(n) else photo_files.text_of(word) for n, word in enumerate(args)]


app = typer.Typer(cls=_InSentences, no_args_is_help=True, pretty_exceptions_enable=False)

app.command("signup", rich_help_panel=YOURS)(account.signup)
app.command("login", rich_help_panel=YOURS)(account.login)
app.command("logout", rich_help_panel=YOURS)(account.logout)
app.command("whoami", rich_help_panel=YOURS)(account.whoami)
app.command("password", rich_help_panel=YOURS)(account.password)
app.command("upload", rich_help_panel=YOURS)(upload.upload)
app.add_typer(imports.app, name="import", rich_help_panel=YOURS)
app.command("search", rich_help_panel=YOURS)(search.search)
app.add_typer(albums.app, name="albums", rich_help_panel=YOURS)
app.add_typer(labels.app, name="labels", rich_help_panel=YOURS)
app.add_typer(people.app, name="people", rich_help_panel=YOURS)
app.add_typer(api_keys.app, name="api-keys", rich_help_panel=YOURS)
app.command("export", rich_help_panel=YOURS)(export.export)
app.command("doctor", rich_help_panel=YOURS)(doctor.doctor)

models.app.command("status")(renewal.status)
models.app.command("renew")(renewal.renew)
models.app.command("calibrate")(calibration.calibrate)
app.add_typer(database.app, name="db", rich_help_panel=OPERATORS)
app.add_typer(keys.app, name="keys", rich_help_panel=OPERATORS)
app.add_typer(models.app, name="models", rich_help_panel=OPERATORS)
app.add_typer(storage.app, name="storage", rich_help_panel=OPERATORS)
app.command("invoke", rich_help_panel=OPERATORS)(invoke.invoke)
app.command("maintain", rich_help_panel=OPERATORS)(maintenance.maintain)

# Written by `make run`, and there for as long as it runs: what its functions are configured with.
RUNNING = Path(".photovault", "environment.json")

# `photovault db replay-erasures` leaves it to the log to name what is away.
WITH_LOGS = frozenset({"db"})
# What works on the vault itself and not through its API. The others are a person's: they ask for a password, and no
# file that happens to lie in the folder that they are run in may decide which server that is sent to.
OF_OPERATORS = frozenset({"db", "keys", "models", "storage", "invoke", "maintain"})
# What takes names of files beside its options.
OF_FILES = frozenset({"upload", "import", "export"})


def _version(wanted: bool) -> None:
    if wanted:
        print(f"photovault {__version__}")
        raise typer.Exit


@app.callback()
def begin(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """PhotoVault: a private photo vault.

    The commands for its operator work, in a clone of the project and beside `make run`, on the cloud that runs there;
    with DATABASE_URL in the environment, on what the environment says.
    """
    if context.invoked_subcommand in OF_OPERATORS:
        join_local_cloud()
        context.with_resource(telling.logs_aside(on_terminal=context.invoked_subcommand in WITH_LOGS))


def join_local_cloud() -> None:
    """Take what the cloud that runs here is configured with for what the environment does not say."""
    if "DATABASE_URL" in os.environ or not RUNNING.is_file():
        return
    for name, value in json.loads(RUNNING.read_text()).items():
        os.environ.setdefault(name, value)


helping.complete(app)


def main() -> None:
    """The console entry point."""
    with telling.output():
        app()
