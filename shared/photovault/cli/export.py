"""``photovault export``: everything that a person has in the vault, as a zip on their own disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovault.cli import entering
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, failed, sentences, shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from photovault import exporting

AGAIN = "What is done is kept: run the same command again to go on."


def export(
    dest: Annotated[Path, typer.Argument(metavar="DEST.zip", help="The zip to build. It must not be there yet.")],
    server: Server = None,
    email: Email = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over instead of going on where an earlier run stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell every step as a line of JSON.")] = False,
) -> None:
    """Export all photos with everything known of them into a zip, going on where an earlier run stopped.

    Photos are opened on this computer: nothing readable is stored on the way. Without `photovault login` the password
    is asked for, or read from PHOTOVAULT_PASSWORD; PHOTOVAULT_TOKEN or PHOTOVAULT_API_KEY will do instead. Exits with 1
    when photos had to be left out; errors.txt in the zip names them.
    """
    from photovault import archive, exporting

    teller: Teller = JsonTeller() if as_json else BarTeller()
    with (
        sentences(again=lambda: AGAIN if archive.is_begun(dest) else "", tell=teller.failed),
        entering.entered(server, email=email, patient=True) as client,
        teller.telling() as tell,
    ):
        outcome = exporting.run(client, dest, fresh=fresh, tell=tell)
    teller.finished(dest, outcome)
    if outcome.left_out:
        raise typer.Exit(1)


class BarTeller:
    """A bar, and sentences for people."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)

    @contextmanager
    def telling(self) -> Iterator[Callable[[exporting.Event], None]]:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        from photovault import exporting

        columns = (
            TextColumn("{task.fields[photos]} of {task.fields[of]} photos"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task("export", total=None, visible=False, photos=0, of=0)
            photos = 0

            def tell(event: exporting.Event) -> None:
                nonlocal photos
                if isinstance(event, exporting.Begun):
                    photos = event.done_photos
                    self._begun(event)
                    bar.update(task, total=event.bytes, completed=event.done_bytes, visible=True)
                    bar.update(task, photos=photos, of=event.photos)
                elif isinstance(event, exporting.Advanced):
                    _advance(bar, task, event.bytes)
                elif isinstance(event, exporting.Added):
                    photos += 1
                    bar.update(task, photos=photos)
                else:
                    bar.console.print(f"[red]{shown(event.filename)}: {shown(event.why)}")

            yield tell

    def _begun(self, event: exporting.Begun) -> None:
        if event.done_photos:
            self._console.print(f"Going on: {_are(event.done_photos)} there already.")
        if event.waiting:
            self._console.print(f"[yellow]{_are(event.waiting)} still on the way into the vault: not exported.")
        if event.in_trash:
            self._console.print(f"[yellow]{_are(event.in_trash)} in the trash: not exported.")

    def finished(self, dest: Path, outcome: exporting.Outcome) -> None:
        self._console.print(f"{_are(outcome.photos)} in {shown(str(dest))}.")
        if outcome.left_out:
            self._console.print(
                f"[red]{counted(len(outcome.left_out), 'photo')} had to be left out; errors.txt in the zip names them."
            )

    def failed(self, sentence: str, kind: str) -> None:
        self._console.print(f"[red]{shown(sentence)}")


def _are(photos: int) -> str:
    return counted(photos, "photo is", "photos are")


def _advance(bar: Progress, task: TaskID, size: int) -> None:
    if size >= 0:
        bar.advance(task, size)
    else:
        bar.update(task, completed=bar.tasks[task].completed + size)


class JsonTeller:
    """Lines of JSON on standard output: ``begun``, ``added``, ``left_out``, then ``finished`` or ``failed``."""

    @contextmanager
    def telling(self) -> Iterator[Callable[[exporting.Event], None]]:
        from photovault import exporting

        def tell(event: exporting.Event) -> None:
            if isinstance(event, exporting.Begun):
                _line("begun", **vars(event))
            elif isinstance(event, exporting.Added):
                _line("added", **vars(event))
            elif isinstance(event, exporting.LeftOut):
                _line("left_out", **vars(event))

        yield tell

    def finished(self, dest: Path, outcome: exporting.Outcome) -> None:
        _line("finished", file=str(dest), photos=outcome.photos, bytes=outcome.bytes, left_out=len(outcome.left_out))

    def failed(self, sentence: str, kind: str) -> None:
        failed(sentence, kind)


def _line(event: str, **values: object) -> None:
    print(json.dumps({"event": event, **values}), flush=True)


Teller = BarTeller | JsonTeller
