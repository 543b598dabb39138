"""``photovault storage``: where blobs rest, whether all of them are there and sound, and moving them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from photovault.cli.telling import shown
from photovault.errors import Misconfigured, StorageUnavailable, Unavailable
from photovault.pipeline import checking, migrating
from photovault.pipeline.findings import Finding, Position, Tally
from photovault.settings import DRIVERS, TIERED_BLOBS

app = typer.Typer(no_args_is_help=True, help="The storage: where blobs rest, whether all are there, moving them.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Jobs = Annotated[int, typer.Option(min=1, max=32, help="How many blobs to work on at a time.")]

_COLOURS = {"lost": "red", "tampered": "red", "orphan": "yellow", "unchecked": "yellow"}


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show where each kind of blob goes, and what lies where by the database. Exit 1 when a storage is out of reach."""
    from photovault import blobs, db
    from photovault.storage import placing

    homes = {kind: placing.home(kind) for kind in TIERED_BLOBS}
    with db.maintenance() as conn:
        totals = {total.driver: total for total in blobs.totals(conn)}
    names = sorted(totals.keys() | set(placing.in_use()))
    states = {name: _state(name) for name in names}
    if as_json:
        print(
            json.dumps(
                {
                    "homes": homes,
                    "fallback": placing.fallback(),
                    "drivers": {
                        name: asdict(totals.get(name) or blobs.Total(name, 0, 0, 0, 0)) | asdict(states[name])
                        for name in names
                    },
                }
            )
        )
    else:
        console = Console()
        for kind, driver in homes.items():
            console.print(f"{kind:<10} {driver}", highlight=False)
        console.print(f"{'fallback':<10} {placing.fallback() or 'none'}\n", highlight=False)
        table = Table("driver", "blobs", "size", "away from home", "retired copies", "state")
        for name in names:
            total = totals.get(name) or blobs.Total(name, 0, 0, 0, 0)
            state = states[name]
            row = (f"{total.blobs:,}", decimal(total.bytes), f"{total.away:,}", f"{total.retired:,}")
            table.add_row(name, *row, shown(state.problem) or "reachable")
        console.print(table)
        for name, state in states.items():
            if state.usage:
                console.print(f"{name}: {shown(_plan(state.usage))}", highlight=False)
    if any(state.problem for state in states.values()):
        raise typer.Exit(1)


@dataclass(frozen=True)
class State:
    """Of a driver: what is wrong with it, in a sentence, and its plan's usage where it has one."""

    problem: str
    usage: dict[str, Any] | None = None


def _state(name: str) -> State:
    from photovault import storage

    try:
        driver = storage.driver(name)
        driver.size(storage.new_key())
        usage = getattr(driver, "usage", None)
        return State("", asdict(usage()) if usage else None)
    except (Misconfigured, StorageUnavailable) as error:
        return State(error.detail)


def _plan(usage: dict[str, Any]) -> str:
    text = f"plan {usage['plan']}, {decimal(usage['stored'])} in {usage['files']:,} files"
    text += f", {decimal(usage['traffic'])} traffic in 30 days"
    if usage["credits"] is not None:
        text += f", {usage['credits']:g} of {usage['credits_limit'] or 0:g} credits used"
    return text


# ------------------------------------------------------------------------------------------------------------- check


@app.command()
def check(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended, and delete orphans older than 24 hours.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare listings with the rows; read no blob, so no altered byte is seen.")
    ] = False,
    driver: Annotated[str | None, typer.Option(help=f"This one alone: {', '.join(DRIVERS)}.")] = None,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where a check was interrupted.")] = None,
    jobs: Jobs = 4,
    as_json: AsJson = False,
) -> None:
    """Verify that every blob is there and unaltered, and find files that belong to none.

    Exit 0: all is well. 1: something is wrong, and left so. 2: nothing is wrong, but not everything could be checked.
    """
    start = Position.of(after)
    _known(driver)
    tally, out, stopped = Tally(cursor=start.cursor), _Out(as_json), ""
    with out.progress("Checking") as watched:
        try:
            watched.expect(*_rows_to_go(start, driver))
            walk = checking.walk(
                tally,
                now=datetime.now(UTC),
                start=start,
                quick=quick,
                driver=driver,
                jobs=jobs,
                told=watched.advance,
                adopt=_adopted if repair else None,
            )
            with closing(walk):
                for batch in walk:
                    for finding in _mended(batch) if repair else batch:
                        tally.take(finding)
                        out.finding(finding)
        except KeyboardInterrupt:
            stopped = "Interrupted."
        except Unavailable as error:
            stopped = error.detail
    out.checked(tally, stopped)
    if tally.left:
        raise typer.Exit(1)
    if stopped or not tally.complete:
        raise typer.Exit(2)


def _rows_to_go(start: Position, driver: str | None) -> tuple[int, int]:
    from photovault import blobs, db

    if start.driver is not None:
        return 0, 0
    with db.maintenance() as conn:
        return blobs.count(conn, after=start.row, driver=driver)


def _mended(batch: list[Finding]) -> list[Finding]:
    from photovault.pipeline import mending  # it makes renditions anew: a second of imports

    return mending.mend(batch)


def _adopted(files: list[Finding]) -> list[Finding]:
    from photovault.pipeline import mending

    return mending.adopt(files)


def _known(driver: str | None) -> None:
    if driver not in {None, *DRIVERS}:
        raise typer.BadParameter(f"There is no driver '{driver}'; there are {', '.join(DRIVERS)}.")


# ----------------------------------------------------------------------------------------------------------- migrate


@app.command()
def migrate(
    *,
    to: Annotated[str, typer.Option(help=f"Where to: {', '.join(DRIVERS)}.")],
    source: Annotated[
        str | None, typer.Option("--from", help="Only what lies there; else all that lies elsewhere.")
    ] = None,
    name: Annotated[str | None, typer.Option(help=f"Only this kind of blob: {', '.join(TIERED_BLOBS)}.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be moved.")] = False,
    jobs: Jobs = 4,
    as_json: AsJson = False,
) -> None:
    """Move blobs to another storage, verifying each one on both sides. Uploads may go on meanwhile.

    Only to where the settings place new ones, so change those first: what lies elsewhere would be brought back.
    It can be broken off at any time; the same command goes on. The copies left behind are deleted by maintenance after
    24 hours. Exit 1 when something could not be moved.
    """
    _known(to)
    _known(source)
    if name not in {None, *TIERED_BLOBS}:
        raise typer.BadParameter(f"There is no kind of blob '{name}'; there are {', '.join(TIERED_BLOBS)}.")
    chosen, out = migrating.Chosen(to, source, name), _Out(as_json)
    migrating.check_drivers(chosen)
    elsewhere = migrating.placed_elsewhere(chosen, TIERED_BLOBS)
    if elsewhere:
        places = ", ".join(f"{kind} to {driver}" for kind, driver in elsewhere.items())
        why = (
            f"By the settings blobs belong elsewhere ({places}): new ones go there, and maintenance would bring those "
            "back that were moved. Change STORAGE_DRIVER or STORAGE_TIERS first, here and where the vault runs, or "
            "choose another kind with --name."
        )
        if not dry_run:
            raise Misconfigured(why)
        out.warning(why)
    count, size = migrating.count(chosen)
    if dry_run:
        out.migrated(_Migrated(left=count), f"To be moved to {to}: {count:,} ({decimal(size)}).")
        return
    done, stopped = _Migrated(), ""
    with out.progress("Moving") as watched:
        watched.expect(count, size)
        try:
            with closing(migrating.migrate(chosen, jobs=jobs)) as steps:
                for step in steps:
                    done.take(step)
                    if step.why:
                        out.not_moved(step)
                    watched.advance(1, step.record.size)
        except KeyboardInterrupt:
            stopped = "Interrupted; the same command goes on."
        except Unavailable as error:
            stopped = error.detail
    done.left = migrating.count(chosen)[0] if not stopped else max(0, count - done.moved)
    out.migrated(done, _told(done, to, stopped))
    if stopped or done.failed or done.left:
        raise typer.Exit(1)


@dataclass
class _Migrated:
    """How far a migration is. ``left`` are the blobs that still lie elsewhere."""

    moved: int = 0
    bytes: int = 0
    failed: int = 0
    left: int = 0

    def take(self, step: migrating.Step) -> None:
        self.failed += bool(step.why)
        if step.moved:
            self.moved += 1
            self.bytes += step.record.size


def _told(done: _Migrated, to: str, stopped: str) -> str:
    text = f"Moved to {to}: {done.moved:,} ({decimal(done.bytes)}). Left: {done.left:,}. {stopped}".strip()
    if done.moved:
        text += (
            " The copies left behind stay for 24 hours, because addresses of them may be out; then `photovault "
            "maintain` deletes them."
        )
    if not done.left:
        text += (
            " Nothing of this lies elsewhere any more: once `photovault storage status` shows no retired copies there, "
            "the old storage can go."
        )
    return text


# ------------------------------------------------------------------------------------------------------------ output


class _Watched:
    """The bar on the terminal: how many blobs and bytes of how many, how fast."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar = bar
        self._what = what
        self._task = bar.add_task(what, total=None, blobs="")
        self._blobs = self._expected = 0

    def expect(self, blobs: int, size: int) -> None:
        self._expected = blobs
        self._bar.update(self._task, total=size or None)

    def advance(self, blobs: int, read: int) -> None:
        self._blobs += blobs
        self._bar.update(self._task, advance=read, blobs=f"{self._blobs:,} of {self._expected:,} blobs")


class _Out:
    """What is found goes to stdout, as sentences or as JSON; the bar to a terminal."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        on_terminal = self._console.is_terminal
        self._bar_console = self._console if on_terminal else Console(stderr=True)
        self._no_bar = (on_terminal and as_json) or not self._bar_console.is_terminal

    @contextmanager
    def progress(self, what: str) -> Iterator[_Watched]:
        """A bar, where there is a terminal for it."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[blobs]}"),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._bar_console,
            disable=self._no_bar,
            redirect_stdout=False,
            transient=True,
        )
        with bar:
            yield _Watched(bar, what)

    def finding(self, finding: Finding) -> None:
        if self._as_json:
            self._line(vars(finding))
            return
        what = f"{finding.name} of photo {finding.image_id}" if finding.image_id else "file" if finding.key else ""
        where = f"{finding.driver}: {finding.key}" if finding.key else finding.driver
        colour = "green" if finding.outcome else _COLOURS.get(finding.kind, "red")
        many = f"{finding.count:,} blobs" if finding.kind == "unchecked" and finding.count > 1 else ""
        words = [finding.outcome or finding.kind, what or many, f"({where})" if where else ""]
        self._console.print(f"[{colour}]{shown(' '.join(filter(None, words)))}[/] {shown(finding.detail)}")

    def checked(self, tally: Tally, stopped: str) -> None:
        if self._as_json:
            self._line({"summary": vars(tally) | {"left": tally.left, "complete": tally.complete and not stopped}})
            return
        counts = {
            "lost": tally.lost,
            "tampered": tally.tampered,
            "orphans": tally.orphans,
            "mended": tally.mended,
            "orphans deleted": tally.removed,
            "not checked": tally.unchecked,
            "files too young to judge": tally.young,
            "other files, left alone": tally.foreign,
            "left to do": tally.left,
        }
        told = ", ".join(f"{what}: {count:,}" for what, count in counts.items() if count)
        self._console.print(f"Blobs checked: {tally.blobs:,} ({decimal(tally.bytes)}), files: {tally.files:,}.")
        if told:
            self._console.print(f"{told[0].upper()}{told[1:]}.")
        if not tally.left and tally.complete and not stopped:
            self._console.print("All is well.")
        if stopped:
            self._console.print(shown(stopped))
        if tally.cursor:
            self._console.print(f"Go on with: --after {tally.cursor}")

    def not_moved(self, step: migrating.Step) -> None:
        record = step.record
        if self._as_json:
            self._line(
                {"kind": "not-moved", "image_id": record.image_id, "name": record.name, "driver": record.driver}
                | {"key": record.key, "detail": step.why}
            )
        else:
            self._console.print(
                f"[red]not moved[/] {record.name} of photo {record.image_id} ({record.driver}: {shown(record.key)}) "
                f"{shown(step.why)}"
            )

    def migrated(self, done: _Migrated, text: str) -> None:
        if self._as_json:
            self._line({"summary": vars(done)})
        else:
            self._console.print(shown(text))

    def warning(self, text: str) -> None:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[yellow]{escape(text)}")

    def _line(self, content: dict[str, Any]) -> None:
        print(json.dumps(content, default=str), flush=True)
