"""``photovault db``: migrations and signing keys."""

from __future__ import annotations

import typer

from photovault import migrate
from photovault.errors import Unavailable
from photovault.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="The database: migrations and published signing keys.")


@app.command()
def upgrade() -> None:
    """Apply missing migrations and publish the signing keys of JWT_SECRET. Safe to run at every deployment."""
    import psycopg

    settings = get_settings()
    url = settings.require("database_url")
    settings.require("jwt_secret")
    try:
        applied = migrate.upgrade(url, jwt_secrets=settings.jwt_secrets)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).strip().splitlines()[0]}") from None
    for name in applied:
        print(f"applied {name}")
    print("The database is up to date." if not applied else f"{len(applied)} migrations applied.")


@app.command()
def status() -> None:
    """Show which migrations are missing; exit 1 when there are any."""
    import psycopg

    try:
        with psycopg.connect(get_settings().require("database_url"), connect_timeout=10) as conn:
            missing = migrate.pending(conn)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).strip().splitlines()[0]}") from None
    for migration in missing:
        print(f"missing {migration.name}")
    if missing:
        raise typer.Exit(1)
    print("The database is up to date.")
