"""``photovault doctor``: whether everything that a person's commands need is as it should be, and what to do if not."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from photovault import __version__, credentials
from photovault.cli import entering
from photovault.cli.entering import Server
from photovault.cli.telling import shown
from photovault.errors import PhotoVaultError, Unavailable

if TYPE_CHECKING:
    from photovault.client import Client

# S3 refuses what was signed more than a quarter of an hour ago; forms and tickets live for five minutes.
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 30, 240
SLOW_SECONDS = 3.0
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``remedy`` is what to do about it."""

    check: str
    state: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


def doctor(
    server: Server = None, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False
) -> None:
    """Check server, clock, session, storage and this computer's own files. Exit 1 when something fails."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    failed = False
    for finding in findings(server):
        failed = failed or finding.state == "fail"
        if as_json:
            print(json.dumps(asdict(finding)), flush=True)
        else:
            colour = _COLOURS[finding.state]
            console.print(f"[{colour}]{finding.state:<4}[/] {finding.check:<9} {shown(finding.detail)}")
            if finding.remedy:
                console.print(f"     {'':<9} {shown(finding.remedy)}")
    if failed:
        raise typer.Exit(1)


def findings(server: str | None) -> Iterator[Finding]:
    """All that is looked at, one after the other."""
    from photovault.client import Client

    yield from _files()
    try:
        address = entering.server_of(server)
    except PhotoVaultError as error:  # told by what looks at the files
        if server is None:
            yield Finding("server", "fail", error.detail, "Name it with --server.")
            return
        address = server
    with Client(address, sleep=lambda _: None) as client:
        reached = False
        for finding in _server(client):
            reached = reached or finding.check == "clock"
            yield finding
        if reached:
            yield from _session(client)


def _files() -> Iterator[Finding]:
    from photovault.cli.upload import HASHES
    from photovault.hash_cache import HashCache

    try:
        store = entering.store()
        store.read()
    except PhotoVaultError as error:
        yield Finding("files", "fail", error.detail)
    else:
        if not store.path.exists():
            yield Finding("files", "ok", f"No session is kept in {store.path}.")
        elif os.name == "posix" and stat.S_IMODE(store.path.stat().st_mode) & 0o077:
            yield Finding(
                "files", "fail", f"Others can read {store.path}.", f"Run: chmod 600 '{store.path}', and log in again."
            )
        else:
            yield Finding("files", "ok", f"{store.path} is yours alone.")
    path = credentials.cache_folder() / HASHES
    if not path.exists():
        yield Finding("cache", "ok", "No files have been uploaded from here yet.")
        return
    with HashCache(path) as cache:
        wrong = cache.check()
        if wrong:
            yield Finding("cache", "warn", wrong, f"Remove {path}: files are then read once more.")
        else:
            yield Finding("cache", "ok", f"{cache.count():,} files are known, so that they are not read again.")


def _server(client: Client) -> Iterator[Finding]:
    """A finding about the clock comes when the server was reached."""
    try:
        seen = client.sight("/health")
    except Unavailable as error:
        yield Finding("server", "fail", error.detail)
        return
    version = seen.body.get("version")
    if seen.status != 200 or not isinstance(version, str):
        yield Finding(
            "server",
            "fail",
            f"{client.server} answers {seen.status}, and not as PhotoVault does.",
            "Is the address right? A gateway's stage, such as /prod, belongs to it.",
        )
        return
    told = f"{client.server} runs version {version}; it answered within {seen.seconds * 1000:.0f} ms."
    if version.split(".")[:2] != __version__.split(".")[:2]:
        yield Finding("server", "warn", f"{told} This command has {__version__}.", "Bring both to one version.")
    elif seen.seconds > SLOW_SECONDS:
        yield Finding("server", "warn", told, "A function that has slept needs a moment; try again.")
    else:
        yield Finding("server", "ok", told)
    yield _clock(seen.server_time)
    providers = seen.body.get("providers")
    if isinstance(providers, dict):
        yield Finding("runs", "ok", ", ".join(f"{part}: {name}" for part, name in providers.items()) + ".")
    with suppress(Unavailable):
        ready = client.sight("/ready")
        if ready.status == 200:
            models = ready.body.get("models") or ["nothing yet"]
            yield Finding("ready", "ok", f"Database and keys are in order. At work so far: {', '.join(models)}.")
        else:
            detail = str(ready.body.get("detail") or f"It answers {ready.status}.")
            yield Finding("ready", "fail", detail, "This is for whoever runs the vault.")


def _clock(server_time: datetime | None) -> Finding:
    if server_time is None:
        return Finding("clock", "warn", "The server does not say what time it is.")
    apart = (datetime.now(UTC) - server_time).total_seconds()
    told = f"This computer's clock is {abs(apart):,.0f} s {'ahead of' if apart > 0 else 'behind'} the server's."
    remedy = "Set this computer's clock by the network."
    if abs(apart) >= CLOCK_FAIL_SECONDS:
        return Finding("clock", "fail", told, remedy)
    return Finding("clock", "warn", told, remedy) if abs(apart) >= CLOCK_WARN_SECONDS else Finding("clock", "ok", told)


def _session(client: Client) -> Iterator[Finding]:
    token = os.environ.get("PHOTOVAULT_TOKEN") or os.environ.get("PHOTOVAULT_API_KEY")
    try:
        store = entering.store()
        kept = None if token else store.read().sessions.get(client.server)
        if token and not client.use_token(token):
            yield Finding("session", "ok", "PHOTOVAULT_API_KEY is a key that may not tell whose it is.")
            return
        if token:
            pass
        elif kept is None:
            yield Finding("session", "warn", f"You are not logged in at {client.server}.", "Run: photovault login")
            return
        else:
            client.resume(kept, store)
        user = client.json("GET", "/auth/verify")["user"]
        yield Finding("session", "ok", f"You are {user['email']}.")
        yield _storage(client)
    except PhotoVaultError as error:
        yield Finding("session", "fail", error.detail, "Run: photovault login")


def _storage(client: Client) -> Finding:
    """The way that every picture takes: a ticket is fetched, and what it leads to is opened."""
    try:
        photos = client.json("GET", "/images/list", params={"limit": 1, "status": "ready"})["items"]
        tickets = photos[0]["tickets"] if photos else {}
        if not tickets:
            return Finding("storage", "ok", "There is no photo yet to try it with.")
        name, ticket = next(iter(tickets.items()))
        with client.opened(ticket, image_id=UUID(photos[0]["id"])) as opener:
            size = sum(len(chunk) for chunk in opener.chunks(0, opener.size))
    except PhotoVaultError as error:
        return Finding("storage", "fail", error.detail, "Try again; then it is for whoever runs the vault.")
    return Finding("storage", "ok", f"A {name} of {size:,} bytes came from it and opened.")
