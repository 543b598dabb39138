"""``photovault db``: migrations, signing keys, numbers that are kept, and erasures to be done again after a restore."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from photovault import migrate
from photovault.cli.telling import counted
from photovault.errors import Misconfigured, PersonGone, Unavailable
from photovault.settings import get_settings
from photovault.showing import plain

app = typer.Typer(
    no_args_is_help=True, help="The database: migrations, published signing keys, and what a restore needs."
)


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
    print("The database is up to date." if not applied else f"{counted(len(applied), 'migration')} applied.")
    _tell_unopened(settings.jwt_secrets)


def _tell_unopened(jwt_secrets: Sequence[str]) -> None:
    from photovault import db, second_factors

    try:
        with db.rotation() as conn:
            left = second_factors.not_sealed_by(conn, jwt_secrets)
    finally:
        db.close()
    if left:
        print(
            f"{counted(left, 'second factor')} cannot be opened: JWT_SECRET lacks what sealed them. Put it back behind "
            "the newest one and run this again; until then these people log in with a recovery code."
        )


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


@app.command()
def replay_erasures(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
) -> None:
    """After a restore: delete again every account that the ledger says was deleted. Safe to repeat; exit 1 for a rest.

    Run it before anybody is let in: until then the restored accounts are as open as they were.
    """
    from photovault.pipeline import erasing

    require_migrations()
    done = already = 0
    left: list[str] = []
    for replayed in erasing.replay(dry_run=dry_run):
        if replayed.outcome == "gone":
            already += 1
            continue
        told = f"{replayed.outcome}: {replayed.subject}" + (f" ({replayed.detail})" if replayed.detail else "")
        print(plain(told))
        if replayed.outcome in {"erased", "would be erased"}:
            done += 1
        else:
            left.append(replayed.subject)
    verb = "to be erased" if dry_run else "erased"
    gone = counted(already, "entry of an account that is gone", "entries of accounts that are gone")
    print(f"{counted(done, 'account')} {verb}, {gone} already, {len(left):,} left.")
    if left:
        raise typer.Exit(1)


@app.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Count again what differs.")] = False,
) -> None:
    """Recount everybody's photos and compare with the numbers that are kept; exit 1 where they differ.

    Months, map, places and totals are kept in the transaction of every change, so nothing should ever differ.
    """
    from photovault import db, rollups, users

    require_migrations()
    with db.maintenance() as conn:
        everybody = rollups.everybody(conn)
    differing = 0
    for user_id in everybody:
        found: dict[str, int] = {}
        with suppress(PersonGone), db.transaction(user_id) as conn:
            users.next_revision(conn)  # nobody changes a photo while it is counted
            found = rollups.differences(conn)
            if found and repair:
                rollups.recount(conn)
        for name, rows in sorted(found.items()):
            print(f"{user_id}: {counted(rows, 'row')} of {name} {'differed' if repair else 'differ'}.")
        differing += bool(found)
    print(
        f"{counted(len(everybody), 'account')} checked, {differing:,} {'repaired' if repair else 'with differences'}."
    )
    if differing and not repair:
        raise typer.Exit(1)


def require_migrations() -> None:
    """Raises ``Misconfigured`` for a database that is older than this version."""
    import psycopg

    try:
        with psycopg.connect(get_settings().require("database_url"), connect_timeout=10) as conn:
            missing = migrate.pending(conn)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The database does not answer: {str(error).strip().splitlines()[0]}") from None
    if missing:
        raise Misconfigured(f"The database lacks {missing[0].name}. Run `photovault db upgrade` first, and then this.")
