"""``photovault upload``: files and folders into the vault, with what is there already left alone."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from photovault.beside import LONGEST_TITLE
from photovault.cli import entering
from photovault.cli.entering import Email, Server
from photovault.cli.telling import INTERRUPTED, counted, failed, say, sentences, shown
from photovault.errors import Forbidden, TooManyRequests, Unavailable

if TYPE_CHECKING:
    from photovault.client import Client
    from photovault.hash_cache import HashCache
    from photovault.photo_files import PassedOver, Stamp
    from photovault.uploading import Event, Item, Result, Uploader

    Find = Callable[[threading.Event], tuple[list[Item], list[PassedOver]]]

AGAIN = "What has arrived is safe: run the same command again to go on."
HASHES = "hashes.sqlite"
# How often a watched folder is looked at, and after how long something that went wrong is tried again.
WATCH_SECONDS = 5.0
RETRY_SECONDS = 60.0
# Names that are shown of each kind of file that was left out.
_NAMED = 5
_FAILED = frozenset({"failed", "rejected"})


def upload(
    paths: Annotated[list[Path], typer.Argument(metavar="PATHS...", help="Photos, and folders of them.")],
    *,
    server: Server = None,
    email: Email = None,
    album: Annotated[
        str | None, typer.Option(help="Put all of them into the album of this title; it is made when there is none.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Leave out what fits this pattern, such as '*.png' or 'Screenshots'. May be repeated."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="How many files go up at a time.")] = 4,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Encrypt on this computer, so that the storage never sees a photo.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be uploaded.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the vault has looked at all of them.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on uploading what is added, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell what became of every file as a line of JSON.")] = False,
) -> None:
    """Upload photos and folders of photos; what is in the vault already is skipped.

    Photos are told by their content, not by their names. Hidden files are left out. The film of a Live Photo goes up
    with its photo and becomes its moving part. Stopped or killed, the same command goes on where it was; unchanged
    files are not even read again.

    Exit codes: 0 all photos are in the vault; 1 some could not be uploaded, or were rejected; 2 wrong usage; 130
    stopped with Ctrl-C.
    """
    if watch and dry_run:
        raise typer.BadParameter("--watch and --dry-run do not go together.")
    if album is not None and not album.strip():
        raise typer.BadParameter("An album needs a title.", param_hint="--album")
    if album is not None and len(album.strip()) > LONGEST_TITLE:
        raise typer.BadParameter(f"A title has at most {LONGEST_TITLE} characters.", param_hint="--album")
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{shown(str(path))} is not there.", param_hint="PATHS")
    from photovault import photo_files, uploading

    def find(stop: threading.Event) -> tuple[list[Item], list[PassedOver]]:
        items: list[Item] = []
        passed_over: list[PassedOver] = []
        for found in photo_files.find(paths, exclude=exclude or ()):
            if stop.is_set():
                raise uploading.Stopped
            if isinstance(found, photo_files.Found):
                items.append(uploading.Item.of(found, albums=(album.strip(),) if album else ()))
            else:
                passed_over.append(found)
        return items, passed_over

    settings = {"jobs": jobs, "sealed": True if sealed else None, "dry_run": dry_run}
    with uploads(server, email, as_json=as_json, find=find, settings=settings) as run:
        if watch:
            run.watch()
        else:
            run.once(wait=wait)


@contextmanager
def uploads(
    server: str | None, email: str | None, *, as_json: bool, find: Find, settings: dict[str, Any]
) -> Iterator[Run]:
    """Everything around a run: who it is for, the cache of hashes, Ctrl-C, sentences, and the exit code."""
    from photovault import credentials, uploading
    from photovault.hash_cache import HashCache

    stop = threading.Event()
    teller = Lines() if as_json else Bars()
    with (
        sentences(again=AGAIN, tell=teller.failed),
        entering.entered(server, email=email, patient=True, sleep=_pause(stop)) as client,
        HashCache(credentials.cache_folder() / HASHES) as cache,
        _stopping(stop),  # last: at a prompt Ctrl-C is to do what it always does
    ):
        if cache.trouble:
            say(f"Files are read again each time: {cache.trouble}")
        run = Run(client, cache, teller, stop, find=find, settings=settings)
        try:
            yield run
        except uploading.Stopped:
            teller.failed(f"Stopped. {AGAIN}", "stopped")
            raise typer.Exit(INTERRUPTED) from None
    if run.failed:
        raise typer.Exit(1)


class Run:
    """One command: what is there is found, uploaded and, where that is asked for, waited for."""

    def __init__(
        self,
        client: Client,
        cache: HashCache,
        teller: Bars | Lines,
        stop: threading.Event,
        *,
        find: Find,
        settings: dict[str, Any],
    ) -> None:
        self.client, self.cache, self.teller, self.stop = client, cache, teller, stop
        self.find, self.settings = find, settings
        self.failed = False

    def once(self, *, wait: bool) -> list[Result]:
        """Everything that is there now. Raises ``Stopped``, and what stops all."""
        items, passed_over = self.find(self.stop)
        return self._upload(items, passed_over, wait=wait)

    def watch(self) -> None:
        """Everything that is there, and whatever comes. Raises ``Stopped``; what passes is waited for.

        What cannot be read any more, such as a folder that was moved away, is told once.
        """
        from photovault.uploading import Stopped

        done: dict[Path, Stamp] = {}
        seen: dict[Path, Stamp] = {}
        lost: set[PassedOver] = set()
        told: set[PassedOver] = set()
        first, retry_at = True, 0.0
        while True:
            items, passed_over = self.find(self.stop)
            now = {item.path: item.stamp for item in items}
            # What is still being written is another file at each look, or has only just changed.
            settled = [
                item
                for item in items
                if done.get(item.path) != item.stamp
                and (_is_old(item.stamp) if first else seen.get(item.path) == item.stamp)
            ]
            broken = {each for each in passed_over if each.broken}
            for each in sorted(broken & lost - told, key=lambda each: each.name):  # not what is being renamed just now
                self.teller.note(f"{each.name}: {each.why} Watching for it to come back.")
            told, lost = broken & (told | lost | (broken if first else set())), broken
            if settled and time.monotonic() >= retry_at:
                try:
                    results = self._upload(settled, passed_over if first else [], wait=False)
                except (Unavailable, TooManyRequests) as error:
                    self.teller.note(f"{error.sentence} Trying again in a minute.")
                    retry_at = time.monotonic() + RETRY_SECONDS
                else:
                    done |= {each.item.path: each.item.stamp for each in results if each.state != "failed"}
                    if any(each.state == "failed" for each in results):
                        retry_at = time.monotonic() + RETRY_SECONDS
            if first:
                self.teller.note("Watching for more. Ctrl-C ends it.")
            seen, first = now, False
            done = {path: stamp for path, stamp in done.items() if path in now}
            if self.stop.wait(WATCH_SECONDS):
                raise Stopped

    def _upload(self, items: Sequence[Item], passed_over: Sequence[PassedOver], *, wait: bool) -> list[Result]:
        from photovault import processing
        from photovault.uploading import Result, Uploader

        results: list[Result] = []
        with self.teller.telling(len(items)) as tell:

            def heard(event: Event) -> None:
                if isinstance(event, Result):
                    results.append(event)
                tell(event)

            uploader = Uploader(self.client, self.cache, tell=heard, stop=self.stop, **self.settings)
            for each in passed_over:
                self.teller.passed_over(each)
            uploader.run(items)
        reasons: dict[str, str] = {}
        on_their_way = {each.image_id for each in results if each.state == "uploaded" and not each.film}
        if wait:
            waited_for = {
                each.image_id for each in results if each.state in {"uploaded", "duplicate"} and not each.film
            }
            with self.teller.waiting(len(on_their_way)) as waiting:
                processing.wait(self.client, _known(waited_for), pause=_pause(self.stop), tell=waiting)
        rejected = _known(each.image_id for each in results if each.state == "rejected")
        with suppress(Forbidden):  # a key that may upload, and not look
            reasons = processing.rejections(self.client, rejected | (_known(on_their_way) if wait else set()))
        self.teller.summary(results, passed_over, reasons, uploader, waited=wait)
        for trouble in dict.fromkeys(uploader.troubles):
            self.teller.note(trouble)
        self.failed = (
            self.failed
            or bool(uploader.troubles)
            or bool(reasons)
            or any(each.state in _FAILED for each in results)
            or any(each.broken for each in passed_over)
        )
        return results


def _is_old(stamp: Stamp) -> bool:
    """Whether a file has not changed for as long as lies between two looks."""
    return time.time_ns() - max(stamp.modified, stamp.changed) >= WATCH_SECONDS * 1e9


def _known(image_ids: Iterable[str | None]) -> set[str]:
    return {image_id for image_id in image_ids if image_id}


def _pause(stop: threading.Event) -> Callable[[float], None]:
    """A wait that ends with the command."""
    from photovault.uploading import Stopped

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    return pause


@contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and a polite kill end the work after the pieces at hand; a second one ends it at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            if sys.stderr.isatty():
                sys.stderr.write("\x1b[?25h\n")  # the cursor, which a bar hides
                sys.stderr.flush()
            os._exit(INTERRUPTED)
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# ------------------------------------------------------------------------------------------------------- telling


class Bars:
    """Bars while it lasts, where there is a terminal, and sentences at the end."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def telling(self, files: int) -> Iterator[Callable[[Event], None]]:
        from rich.console import Group
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.table import Column

        from photovault.uploading import Advanced, Read, Wanted

        if not self._console.is_terminal:
            yield lambda _: None
            return
        label = TextColumn("{task.description}", table_column=Column(min_width=9))
        reading = Progress(label, BarColumn(), MofNCompleteColumn())
        sending = Progress(label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        looked, sent = reading.add_task("Reading", total=files), sending.add_task("Uploading", total=0)
        total = went = 0

        def tell(event: Event) -> None:
            nonlocal total, went
            if isinstance(event, Read):
                reading.advance(looked, event.files)
            elif isinstance(event, Wanted):
                total += event.bytes
                sending.update(sent, total=total)
            elif isinstance(event, Advanced):
                went += event.bytes
                sending.update(sent, completed=went)

        with Live(Group(reading, sending), console=self._console, transient=True):
            yield tell

    @contextmanager
    def waiting(self, photos: int) -> Iterator[Callable[[int], None]]:
        if not self._console.is_terminal:
            yield lambda _: None
            return
        with self._console.status("") as status:
            yield lambda left: status.update(f"The vault is looking at {counted(left, 'photo')}.")

    def passed_over(self, each: PassedOver) -> None:
        """Told at the end."""

    def note(self, sentence: str) -> None:
        self._console.print(shown(sentence))

    def failed(self, sentence: str, kind: str) -> None:
        self._console.print(f"[red]{shown(sentence)}")

    def summary(
        self,
        results: Sequence[Result],
        passed_over: Sequence[PassedOver],
        reasons: dict[str, str],
        uploader: Uploader,
        *,
        waited: bool,
    ) -> None:
        from rich.filesize import decimal

        for sentence, colour, names in _left_out(results, passed_over, reasons):
            self._console.print(f"[{colour}]{shown(sentence)}")
            for name in names[:_NAMED]:
                self._console.print(f"  {shown(name)}")
            if len(names) > _NAMED:
                self._console.print(f"  and {len(names) - _NAMED:,} more")
        counts = uploader.counts
        parts = []
        if uploader.dry_run:
            size = decimal(sum(each.item.stamp.size for each in results if each.state == "new"))
            parts.append(f"{counted(counts['new'], 'file')} would be uploaded ({size})")
        else:
            parts.append(f"{counted(counts['uploaded'], 'file')} uploaded ({decimal(uploader.uploaded_bytes)})")
        parts.append(f"{counts['duplicate']:,} there already")
        if counts["in_trash"]:
            parts.append(f"{counts['in_trash']:,} in the trash, where you put them")
        self._console.print(", ".join(parts) + ".")
        if counts["uploaded"] and not waited:
            self._console.print("The vault is looking at them now; --wait waits for that.")


def _left_out(
    results: Sequence[Result], passed_over: Sequence[PassedOver], reasons: dict[str, str]
) -> Iterator[tuple[str, str, list[str]]]:
    """(why, colour, names) of what is not in the vault, by why."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in results:
        if each.state == "skipped":
            groups.setdefault((f"Left out: {each.why}", "yellow"), []).append(each.item.name)
        elif each.state == "rejected" or (each.image_id in reasons and each.state in {"uploaded", "duplicate"}):
            why = reasons.get(each.image_id or "") or each.why or "It could not be taken."
            groups.setdefault((f"The vault rejected: {why}", "red"), []).append(each.item.name)
        elif each.state == "failed":
            groups.setdefault((f"Not uploaded: {each.why}", "red"), []).append(each.item.name)
    for found in passed_over:
        colour = "red" if found.broken else "yellow"
        groups.setdefault((f"Left out: {found.why}", colour), []).append(found.name)
    for (why, colour), names in sorted(groups.items(), key=lambda group: (group[0][1] == "red", group[0][0])):
        yield why, colour, names


class Lines:
    """Lines of JSON on standard output: an ``item`` for every file, at the end a ``summary`` or ``failed``."""

    @contextmanager
    def telling(self, files: int) -> Iterator[Callable[[Event], None]]:
        from photovault.uploading import Result

        def tell(event: Event) -> None:
            if isinstance(event, Result):
                _line(
                    "item",
                    path=event.item.name,
                    state=event.state,
                    image_id=event.image_id,
                    bytes=event.item.stamp.size,
                    why=event.why or None,
                )

        yield tell

    @contextmanager
    def waiting(self, photos: int) -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def passed_over(self, each: PassedOver) -> None:
        _line(
            "item",
            path=each.name,
            state="failed" if each.broken else "skipped",
            image_id=None,
            bytes=None,
            why=each.why,
        )

    def note(self, sentence: str) -> None:
        _line("note", detail=sentence)

    def failed(self, sentence: str, kind: str) -> None:
        failed(sentence, kind)

    def summary(
        self,
        results: Sequence[Result],
        passed_over: Sequence[PassedOver],
        reasons: dict[str, str],
        uploader: Uploader,
        *,
        waited: bool,
    ) -> None:
        counts: Counter[str] = Counter({str(state): number for state, number in uploader.counts.items()})
        counts["skipped"] += sum(not each.broken for each in passed_over)
        counts["failed"] += sum(each.broken for each in passed_over)
        states = ("uploaded", "new", "duplicate", "in_trash", "rejected", "skipped", "failed")
        names = {each.image_id: each.item.name for each in results if each.image_id}
        _line(
            "summary",
            **{state: counts[state] for state in states},
            uploaded_bytes=uploader.uploaded_bytes,
            rejections=[{"path": names.get(id_), "image_id": id_, "why": why} for id_, why in reasons.items()],
            waited=waited,
        )


def _line(event: str, **values: object) -> None:
    print(json.dumps({"event": event, **values}), flush=True)
