"""``photovault models status`` and ``renew``: which models photos were looked at with, and looking at them anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from photovault.cli import database
from photovault.cli.telling import counted, shown

if TYPE_CHECKING:
    from photovault.recipes import Step
    from photovault.renewals import Ingredients

console = Console()

# How often progress is looked at, and how long a function may take until it has begun.
LOOK_SECONDS = 2.0
BEGIN_SECONDS = 60.0


@dataclass(frozen=True)
class Standing:
    """Where a step is: photos by recipe, in words, and of them those that the models at hand would find more in."""

    step: Step
    at_hand: str
    photos: dict[str, int]
    outdated: frozenset[str]
    given_up: int
    under_way: bool

    @property
    def waiting(self) -> int:
        return sum(self.photos[words] for words in self.outdated if words in self.photos)


def status() -> None:
    """Show which models people's photos were looked at with, and how many wait to be looked at anew.

    Which models are at hand is told by MODELS_DIR, MODELS_BUCKET and the providers set here; the functions go by
    theirs.
    """
    database.require_migrations()
    for standing in _standings():
        table = Table("photos", "looked at with", "", title=standing.step, title_justify="left")
        for words, photos in standing.photos.items():
            table.add_row(f"{photos:,}", words, "[yellow]outdated" if words in standing.outdated else "")
        console.print(table)
        console.print(f"At hand: {standing.at_hand}." + (" Photos are being looked at." if standing.under_way else ""))
        if standing.given_up:
            several = f"{standing.given_up:,} photos could not be looked at anew and stay as they are."
            one = "1 photo could not be looked at anew and stays as it is."
            console.print(
                f"[yellow]{one if standing.given_up == 1 else several} The log's image.renewal_failed says why."
            )


def renew(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be looked at anew.")] = False,
    wait: Annotated[bool, typer.Option(help="Show how far it is until it is done.")] = True,
    walkers: Annotated[int, typer.Option(help="How many photos of a kind are looked at at a time.", min=1, max=50)] = 1,
) -> None:
    """Let the functions look anew at all photos that better models would find more in. Safe to repeat and to leave.

    They do so once a day by themselves; this is for not waiting. Uploads go on meanwhile, and people keep their names.
    """
    database.require_migrations()
    from photovault.pipeline import renewing

    standings = _standings()
    for standing in standings:
        what = counted(standing.waiting, "photo is to be looked at anew", "photos are to be looked at anew")
        console.print(shown(f"{standing.step}: {what} with {standing.at_hand}."))
    if dry_run:
        return
    renewing.begin(walkers=walkers)
    console.print("The functions have been asked.")
    if wait and any(standing.waiting for standing in standings):
        _show_progress(standings)


def _show_progress(standings: list[Standing]) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    began = time.monotonic()
    with Progress(*columns, console=console) as progress:
        tasks = {each.step: progress.add_task(each.step, total=each.waiting) for each in standings if each.waiting}
        first = {each.step: each.waiting for each in standings}
        while True:
            now = [each for each in _standings() if each.step in tasks]
            for each in now:
                progress.update(tasks[each.step], completed=max(0, first[each.step] - each.waiting))
            idle = not any(each.under_way for each in now) and time.monotonic() - began > BEGIN_SECONDS
            if idle or not any(each.waiting for each in now):
                break
            time.sleep(LOOK_SECONDS)
    if left := sum(each.waiting for each in now):
        console.print(
            f"[yellow]{counted(left, 'photo is', 'photos are')} left for another day: see the functions' log."
        )
        raise typer.Exit(1)


def _standings() -> list[Standing]:
    from photovault.pipeline import embedding, reunderstanding

    return [_standing(made_of) for made_of in (reunderstanding.ingredients(), embedding.ingredients())]


def _standing(made_of: Ingredients) -> Standing:
    from photovault import db, renewals

    step = made_of.step
    with db.before_login() as conn:
        at_hand = renewals.recipe_of(conn, made_of)
        outdated = renewals.outdated_ids(conn, at_hand, yields=made_of.yields)
        words = renewals.in_words(conn, step)
    with db.maintenance() as conn:
        photos = {words[tally.recipe_id]: tally.photos for tally in renewals.tallies(conn, step)}
        given_up, under_way = renewals.given_up(conn, step), renewals.is_under_way(conn, step)
    return Standing(
        step,
        at_hand=words[at_hand.id],
        photos=photos,
        outdated=frozenset(words[recipe_id] for recipe_id in outdated),
        given_up=given_up,
        under_way=under_way,
    )
