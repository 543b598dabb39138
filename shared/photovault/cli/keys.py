"""``photovault keys``: making secrets, and changing keys without touching a photo."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from photovault import keys as key_chain
from photovault.cli import telling
from photovault.cli.telling import counted
from photovault.errors import NotFound
from photovault.showing import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from photovault.rotation import MasterReport

HELP = """Keys: making the secrets of a deployment, rotating them, and letting people in who lost theirs.

To change the master key while the vault stays in use:

1. photovault keys generate  (or a new key in KMS: kms:<its ARN>)

2. put it in front of MASTER_KEY, before a comma and the old one; deploy

3. photovault keys rotate-master, until it says that older keys may go

4. take the old one out of MASTER_KEY; deploy

Keep the old one for as long as you keep backups of the database that were made before."""

app = typer.Typer(no_args_is_help=True, help=HELP)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of sentences.")]
SHOWN = 20


@app.command()
def generate() -> None:
    """Print a new MASTER_KEY and JWT_SECRET. Keep the master key safe: without it no photo can be opened again."""
    print(f"MASTER_KEY={key_chain.generate_master_key()}")
    print(f"JWT_SECRET={secrets.token_urlsafe(48)}")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show which master keys wrap people's keys; exit 1 when one of them is missing in MASTER_KEY."""
    from photovault import db, keyring, rotation

    masters = keyring.master_keys()
    with _database(), db.rotation() as conn:
        counts = rotation.counts(conn)
    states = dict.fromkeys(dict.fromkeys(masters.fingerprints), "known") | {masters.fingerprint: "newest"}
    states |= {name: "MISSING" for name in counts if name not in states}
    lacking = [name for name, state in states.items() if state == "MISSING"]
    if as_json:
        rows = [{"fingerprint": name, "state": state, "keys": counts.get(name, 0)} for name, state in states.items()]
        print(json.dumps({"master_keys": rows}))
    else:
        for name, state in states.items():
            print(f"{plain(name):<20} {state:<8} {counted(counts.get(name, 0), 'key'):>17}")
        if lacking:
            print(plain(rotation.how_to_restore(lacking)))
        elif any(counts.get(name) for name, state in states.items() if state == "known"):
            print("Run `photovault keys rotate-master` before an older key is taken out of MASTER_KEY.")
        elif len(states) > 1:
            print(_may_go(masters.fingerprint))
    if lacking:
        raise typer.Exit(1)


@app.command()
def rotate_master(as_json: AsJson = False) -> None:
    """Wrap everybody's keys by the newest master key, the first one of MASTER_KEY. No photo is touched.

    It can be stopped at any time and run again; the vault stays in use meanwhile.

    Exit 1 when keys are left that an older or a missing master key wraps.
    """
    from photovault import db, keyring, rotation

    masters = keyring.master_keys()
    with _database():
        with db.rotation() as conn:
            total = sum(number for name, number in rotation.counts(conn).items() if name != masters.fingerprint)
        with _progress("keys", total, shown=not as_json) as advance:
            report = rotation.rotate_master(on_batch=advance)
    if as_json:
        found = asdict(report) | {"done": report.done}
        print(json.dumps(found, default=str))
    else:
        _tell(report, masters)
    if not report.done:
        raise typer.Exit(1)


@app.command()
def rotate_user(
    person: Annotated[str, typer.Argument(help="The person's e-mail address or id.")],
    as_json: AsJson = False,
) -> None:
    """Give a person a new key and wrap the keys of all their photos by it. No photo is touched.

    It can be stopped at any time and run again; the person can use the vault meanwhile.

    Exit 1 when photos are left whose keys do not open. Backups made before still hold the old key.
    """
    from photovault import rotation

    with _database():
        user_id = _user_id(person)
        with _progress("photos", rotation.photos_of(user_id), shown=not as_json) as advance:
            report = rotation.rotate_user(user_id, on_batch=advance)
    if as_json:
        print(json.dumps({"user_id": str(user_id)} | asdict(report), default=str))
    elif not report.version:
        print("This person has no key yet: nothing was ever uploaded.")
    else:
        photos = counted(report.rewrapped, "photo was", "photos were")
        print(f"{photos} wrapped anew; the key of version {report.version} is in use.")
        for photo in report.unopened[:SHOWN]:
            print(f"photo {photo.image_id}, key version {photo.version}: {photo.why}")
        if report.left:
            print(
                f"Photos that do not open: {len(report.unopened):,}. They stay as they are, with the older key. "
                "Restore their rows from a backup, or delete them, and run this again."
            )
    if report.unopened or report.left:
        raise typer.Exit(1)


@app.command()
def remove_second_factor(
    person: Annotated[str, typer.Argument(help="The person's e-mail address or id.")],
) -> None:
    """Turn two-step log-in off for somebody who has lost authenticator and recovery codes. Be sure that it is them.

    The password is asked for as before, and the person's history says what happened. Exit 1 when it was not on.
    """
    from photovault import activity, db, second_factors, users

    with _database():
        user_id = _user_id(person)
        with db.transaction(user_id) as conn:
            users.lock(conn)
            removed = second_factors.remove(conn)
            if removed:
                activity.record(conn, "second-factor-off", by="operator")
    if not removed:
        print("Two-step log-in is not on for this account.")
        raise typer.Exit(1)
    print("Two-step log-in is off: the password alone logs in. Tell the person to turn it on again.")


@app.command()
def reset_password(
    person: Annotated[str, typer.Argument(help="The person's e-mail address or id.")],
) -> None:
    """Print a new password for somebody who has forgotten theirs. Be sure that it is them.

    All their sessions end, and their history says what happened. No key of a photo hangs on a password, so nothing is
    lost; two-step log-in, API keys, webhooks and share links stay as they are.
    """
    from photovault import account_security, one_time_codes

    password = one_time_codes.new_code()
    with _database():
        changed = account_security.reset_password(_user_id(person), new=password)
    print(password)
    telling.say(
        f"That is the password now; {counted(changed.sessions_ended, 'session')} ended. "
        "Tell it to the person, who should change it in the settings."
    )
    if changed.api_keys:
        telling.say(f"{counted(changed.api_keys, 'API key works', 'API keys work')} as before.")
    if changed.webhooks:
        telling.say(f"{counted(changed.webhooks, 'webhook posts', 'webhooks post')} as before.")
    if changed.shares:
        telling.say(f"{counted(changed.shares, 'share link opens', 'share links open')} as before.")


def _tell(report: MasterReport, masters: key_chain.MasterKeys) -> None:
    print(f"{counted(report.rewrapped, 'key was', 'keys were')} wrapped anew.")
    for key in report.named[:SHOWN]:
        print(plain(f"person {key.user_id}, key version {key.version}, wrapped by {key.fingerprint}: {key.why}"))
    if report.unopened > SHOWN:
        print(f"... and {report.unopened - SHOWN:,} more that do not open.")
    if report.done:
        print(_may_go(report.newest))
        return
    for fingerprint, number in report.left.items():
        keep = "keep it in" if fingerprint in masters.fingerprints else "put it back into"
        left = counted(number, "key is left", "keys are left")
        print(f"{left} that {plain(fingerprint)} wraps: {keep} MASTER_KEY, and run this again.")


def _may_go(newest: str) -> str:
    return f"Every key is wrapped by {newest}; older keys may be taken out of MASTER_KEY."


def _user_id(person: str) -> UUID:
    try:
        return UUID(person)
    except ValueError:
        pass
    from photovault import accounts, db, users

    _, email_key = accounts.normalise_email(person)
    with db.before_login() as conn:
        account = users.find_account(conn, email_key)
    if account is None:
        raise NotFound("No account has this e-mail address.")
    return account.user_id


@contextmanager
def _database() -> Iterator[None]:
    from photovault import db

    try:
        yield
    finally:
        db.close()


@contextmanager
def _progress(what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """How far it is and how fast it goes, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")

    console = Console(file=sys.stderr)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        console=console,
        disable=not (shown and console.is_terminal),
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)
