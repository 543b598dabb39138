"""`python -m infra.local.demo` (`make demo`): fills an account with pictures drawn on the spot, and shows what happens.

It does what any client does: signs up, announces the files, seals them, posts them straight to the storage, waits until
they are understood and asks for albums. Run again, it finds everything in the vault already.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from dotenv import dotenv_values
from infra.local import story
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from photovault import sealing

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:8999"
RUNNING = ROOT / ".photovault" / "environment.json"  # written by `make run`, and there for as long as it runs
EMAIL = "demo@example.com"
PARALLEL = 4
BATCH = 50  # announced at a time: their posts live five minutes
PATIENCE_SECONDS = 180  # without any progress

NEXT = """
[bold]Next[/bold]

  Open [bold]{url}[/bold] and log in as [bold]{email}[/bold], password [bold]{password}[/bold] (kept in {kept}).
  Search for "portugal", "birthday", "weekend in may not porto". Every endpoint: {url}/docs
"""


class Problem(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    email: str
    password: str
    kept: Path


@dataclass(frozen=True)
class File:
    """A drawn picture."""

    filename: str
    content_type: str
    data: bytes

    @property
    def announcement(self) -> dict[str, Any]:
        return {
            "filename": self.filename,
            "content_type": self.content_type,
            "size": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


class Vault:
    """The API as a client uses it. Raises Problem."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=60)
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> "Vault":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def greet(self) -> None:
        """Makes sure that it is a vault that answers."""
        answer = self._send("GET", "/health")
        if answer.status_code != 200 or "providers" not in _json(answer):
            raise Problem(f"Something else than PhotoVault answers at {self.url}. Name the right one with --url.")

    def log_in(self, account: Account) -> bool:
        """Whether the account is new."""
        body = {"email": account.email, "password": account.password}
        answer = self._send("POST", "/auth/login", json=body)
        new = answer.status_code == 401
        if new:
            answer = self._send("POST", "/auth/signup", json={**body, "name": "Demo"})
            if answer.status_code == 409:
                raise Problem(
                    f"{account.email} has an account with another password than {account.kept} says. "
                    "Put the right one there, or take another address with --email."
                )
        self._tokens = self._good(answer)
        return new

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """One request as the person; a token that expired meanwhile is renewed."""
        answer = self._send(method, path, headers=self._headers(), **options)
        if answer.status_code == 401:
            refresh = {"refresh_token": self._tokens["refresh_token"]}
            self._tokens = self._good(self._send("POST", "/auth/refresh", json=refresh))
            answer = self._send(method, path, headers=self._headers(), **options)
        return self._good(answer)

    def items(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """A whole list, page by page."""
        cursor: str | None = None
        while True:
            page = self.call("GET", path, params={"limit": 200, **parameters, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens['access_token']}"}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Problem(
                f"PhotoVault does not answer at {self.url} ({error}). "
                "Start it with `make run` in another terminal, or name another address with --url."
            ) from None

    def _good(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_success:
            return _json(answer)
        why = _json(answer).get("detail") or answer.text[:200]
        wait = answer.headers.get("retry-after")
        raise Problem(
            f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {why}"
            + (f" (try again in {wait} s)" if wait else "")
        )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def keep_account(path: Path, email: str) -> Account:
    """The demonstration's account; its password is made on the first run and kept where only its owner reads."""
    kept = dotenv_values(path) if path.exists() else {}
    password = kept.get("DEMO_PASSWORD")
    if kept.get("DEMO_EMAIL") != email or not password:
        password = secrets.token_urlsafe(12)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(f"DEMO_EMAIL={email}\nDEMO_PASSWORD={password}\n")
    return Account(email, password, path)


def post(target: dict[str, Any], seal: dict[str, Any], file: File) -> None:
    """Seals a file, so that no plaintext lies in the storage, and posts it there. Raises Problem."""
    address = sealing.Address(UUID(seal["user_id"]), UUID(seal["image_id"]), seal["name"])
    envelope = sealing.seal(file.data, key=base64.urlsafe_b64decode(seal["key"]), address=address)
    try:
        answer = httpx.post(
            target["url"],
            data=target["fields"],
            files={"file": (file.filename, envelope, "application/octet-stream")},
            timeout=60,
        )
    except httpx.TransportError as error:
        raise Problem(
            f"The storage does not answer at {target['url']} ({error}). Is `make run` still running?"
        ) from None
    if not answer.is_success:
        raise Problem(f"The storage refused {file.filename} ({answer.status_code}): {answer.text[:300]}")


def upload(vault: Vault, pictures: Sequence[story.Picture], progress: Progress) -> tuple[list[str], dict[str, int]]:
    """Draws, announces and posts everything; the ids of the photos, and how many were in which state."""
    bar = progress.add_task("Drawing and uploading", total=len(pictures))
    ids: list[str] = []
    states: dict[str, int] = {}
    remaining = iter(pictures)
    with ThreadPoolExecutor(PARALLEL) as pool:
        while batch := list(islice(remaining, BATCH)):
            files = list(pool.map(lambda picture: File(picture.filename, picture.content_type, picture.draw()), batch))
            announced = [file.announcement for file in files]
            answers = vault.call("POST", "/images/uploads", json={"sealed": True, "items": announced})["items"]
            for answer in answers:
                ids.append(answer["image_id"])
                states[answer["state"]] = states.get(answer["state"], 0) + 1
            wanted = [
                (answer["post"], answer["seal"], file)
                for answer, file in zip(answers, files, strict=True)
                if answer["post"]
            ]
            progress.advance(bar, len(files) - len(wanted))
            for _ in pool.map(lambda each: post(*each), wanted):
                progress.advance(bar)
    return ids, states


def wait_until_understood(vault: Vault, ids: Sequence[str], progress: Progress) -> None:
    """Follows the photos until each is ready or rejected. Raises Problem when nothing moves any more."""
    bar = progress.add_task("Sealing and understanding", total=len(ids))
    ours, moved, before = set(ids), time.monotonic(), -1
    while True:
        unfinished = sum(
            image["id"] in ours
            for status in ("pending", "processing")
            for image in vault.items("/images/list", status=status, archived="any")
        )
        progress.update(bar, completed=len(ids) - unfinished)
        if not unfinished:
            return
        if unfinished != before:
            before, moved = unfinished, time.monotonic()
        if time.monotonic() - moved > PATIENCE_SECONDS:
            raise Problem(
                f"{unfinished} photos have not moved for {PATIENCE_SECONDS} s. Nothing is lost: look into "
                ".photovault/logs, and run this again to see how far they are."
            )
        time.sleep(1)


def wait_for_albums(vault: Vault, progress: Progress) -> None:
    """Asks for albums and follows the job. Raises Problem when it failed or takes too long."""
    bar = progress.add_task("Arranging albums", total=1)
    job_id = vault.call("POST", "/albums/auto-generate", json={})["job_id"]
    began = time.monotonic()
    while (job := vault.call("GET", f"/jobs/{job_id}"))["state"] in {"queued", "running"}:
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise Problem(
                f"The albums are not done after {PATIENCE_SECONDS} s; GET {vault.url}/jobs/{job_id} says more."
            )
        time.sleep(1)
    if job["state"] == "failed":
        raise Problem(f"The albums could not be made: {job.get('error') or 'see .photovault/logs'}")
    progress.update(bar, completed=1)


def show_states(console: Console, states: dict[str, int]) -> None:
    total = sum(states.values())
    if states.get("upload"):
        console.print(f"{states['upload']} of {total} files were uploaded.")
    if states.get("duplicate"):
        console.print(f"{states['duplicate']} of {total} files were already in your vault.")
    if states.get("in_trash"):
        console.print(f"{states['in_trash']} of {total} files are in your trash, and stay there.")


def show_result(vault: Vault, console: Console) -> None:
    """The albums, and what was rejected and why."""
    table = Table("Album", "Kind", "Photos", title="Albums", title_justify="left")
    for album in vault.items("/albums/"):
        table.add_row(escape(album["title"]), album["kind"], str(album["image_count"]))
    console.print()
    console.print(table)
    rejected = list(vault.items("/images/list", status="rejected", archived="any"))
    if rejected:
        console.print("\n[bold]Rejected[/bold]")
        for image in rejected:
            console.print(f"  {image['filename']}: {image['reason']}", markup=False, soft_wrap=True)


def run(url: str, *, photos: int, email: str, folder: Path, console: Console) -> None:
    """The whole demonstration. Raises Problem."""
    with Vault(url) as vault:
        vault.greet()
        account = keep_account(folder / "demo.env", email)
        new = vault.log_in(account)
        console.print(f"{'Signed up' if new else 'Logged in'} as {account.email}, password {account.password}")
        columns = (TextColumn("{task.description:<26}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            ids, states = upload(vault, story.tell(photos), progress)
            wait_until_understood(vault, ids, progress)
            wait_for_albums(vault, progress)
        show_states(console, states)
        show_result(vault, console)
        console.print(
            NEXT.format(url=vault.url, email=account.email, password=account.password, kept=account.kept),
            highlight=False,
            soft_wrap=True,
        )


def address(running: Path = RUNNING) -> str:
    """Of the vault that `make run` serves in this folder, whichever port it got; the usual one when none runs."""
    try:
        return str(json.loads(running.read_text(encoding="utf-8"))["PUBLIC_URL"])
    except (OSError, ValueError, KeyError):
        return URL


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--url", default=address(), help="of the API (default: where `make run` serves it)")
    parser.add_argument("--photos", type=int, default=60, help=f"how many, {story.FEWEST} or more (default: 60)")
    parser.add_argument("--email", default=EMAIL, help=f"of the account (default: {EMAIL})")
    parser.add_argument("--folder", type=Path, default=ROOT / ".photovault", help="where the password is kept")
    given = parser.parse_args(arguments)
    if given.photos < story.FEWEST:
        parser.error(f"--photos: the story needs at least {story.FEWEST}")
    try:
        run(given.url, photos=given.photos, email=given.email, folder=given.folder, console=Console())
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Run it again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
