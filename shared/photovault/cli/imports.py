"""``photovault import``: what other services export, with the albums, favourites, captions and times that they know."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovault.cli import upload
from photovault.cli.entering import Email, Server
from photovault.cli.telling import counted, say, shown

if TYPE_CHECKING:
    from photovault.importing import Collected, Described
    from photovault.photo_files import PassedOver
    from photovault.uploading import Item

app = typer.Typer(no_args_is_help=True, help="Import what other services export, with what they know of your photos.")

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATHS...", help="The export: its zips, or folders of them or unpacked; all of its parts."),
]
Jobs = Annotated[int, typer.Option(min=1, max=32, help="How many files go up at a time.")]
Sealed = Annotated[bool, typer.Option("--sealed", help="Encrypt on this computer, so that the storage sees no photo.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be uploaded.")]
Albums = Annotated[bool, typer.Option("--albums/--no-albums", help="Make the albums of the export, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="Tell what became of every file as a line of JSON.")]

_NAMED = 5


@app.command()
def takeout(
    paths: Paths,
    *,
    server: Server = None,
    email: Email = None,
    albums: Albums = True,
    jobs: Jobs = 4,
    sealed: Sealed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import Google Photos from Google Takeout: photos, albums, favourites, archive, descriptions, times and places.

    Zips need not be unpacked; give all parts at once, for what Google knows of a photo may lie in another part. What
    a photo's own file says of time and place stays as it is; Google's word counts where the file says nothing, with
    times taken to be those of this computer's time zone. Names of people are not taken over: Google does not say whose
    face is whose. Photos in Google's trash are left out.

    Exit codes: as those of upload.
    """
    from photovault import importing

    settings: dict[str, object] = {"jobs": jobs, "sealed": sealed or None, "dry_run": dry_run}
    _run(paths, importing.takeout, server=server, email=email, albums=albums, settings=settings, as_json=as_json)


@app.command()
def apple(
    paths: Paths,
    *,
    server: Server = None,
    email: Email = None,
    albums: Albums = True,
    jobs: Jobs = 4,
    sealed: Sealed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import iCloud Photos from privacy.apple.com: photos, Live Photos, albums, favourites, hidden ones and times.

    Zips need not be unpacked; give all parts at once. Hidden photos come into the archive; what was deleted is left
    out. What a photo's own file says of its time stays as it is.

    Exit codes: as those of upload.
    """
    from photovault import importing

    settings: dict[str, object] = {"jobs": jobs, "sealed": sealed or None, "dry_run": dry_run}
    _run(paths, importing.apple, server=server, email=email, albums=albums, settings=settings, as_json=as_json)


@app.command()
def immich(
    paths: Paths,
    *,
    server: Server = None,
    email: Email = None,
    albums: Albums = True,
    tags: Annotated[bool, typer.Option("--tags", help="Make an album of each tag, too.")] = False,
    jobs: Jobs = 4,
    sealed: Sealed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import from Immich: its storage folder, zips downloaded from its page, or what `immich-go archive` wrote.

    Only immich-go takes favourites, the archive and most albums along: in Immich's own folders there are photos and
    XMP sidecars, of which descriptions, corrected times and corrected places are taken. A zip of an album becomes that
    album again. Live Photos find their films. Tags become labels, each level of them by itself, and with --tags albums,
    too. Photos of five stars become favourites; other stars have no place here, which is told at the end. Previews and
    other files that Immich made itself are left out.

    Exit codes: as those of upload.
    """
    from photovault import importing

    settings: dict[str, object] = {"jobs": jobs, "sealed": sealed or None, "dry_run": dry_run}
    collect = partial(importing.immich, with_tags=tags)
    _run(
        paths,
        collect,
        server=server,
        email=email,
        albums=albums,
        settings=settings,
        as_json=as_json,
    )


@app.command("photovault")
def own(
    paths: Paths,
    *,
    server: Server = None,
    email: Email = None,
    albums: Albums = True,
    jobs: Jobs = 4,
    sealed: Sealed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import what `photovault export` wrote: photos, Live Photos, albums by hand, captions, favourites, corrections and
    labels by hand.

    The zip need not be unpacked. People and the albums that make themselves come again by themselves; names of people
    are not taken over.

    Exit codes: as those of upload.
    """
    from photovault import importing

    settings: dict[str, object] = {"jobs": jobs, "sealed": sealed or None, "dry_run": dry_run}
    _run(
        paths,
        importing.photovault,
        server=server,
        email=email,
        albums=albums,
        settings=settings,
        as_json=as_json,
        nameless="Faces are found and grouped anew here.",
    )


def _run(
    paths: Sequence[Path],
    collect: Callable[..., Collected],
    *,
    server: str | None,
    email: str | None,
    albums: bool,
    settings: dict[str, object],
    as_json: bool,
    nameless: str = "The export does not say whose face is whose.",
) -> None:
    from photovault import importing, zips

    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{shown(str(path))} is not there.", param_hint="PATHS")
        try:
            readable = path.is_dir() or zips.is_zip(path)
        except OSError as error:
            raise typer.BadParameter(f"{shown(str(path))}: {error.strerror}.", param_hint="PATHS") from None
        if not readable:
            raise typer.BadParameter(
                f"{shown(str(path))} is neither a folder nor a zip. Unpack it, and give the folder.", param_hint="PATHS"
            )

    collected: list[Collected] = []

    with ExitStack() as held:

        def find(stop: threading.Event) -> tuple[list[Item], list[PassedOver]]:
            if not as_json:
                say("Looking through the export.")  # a hundred thousand photos take half a minute
            collected.append(held.enter_context(collect(paths, with_albums=albums, stop=stop)))
            return collected[-1].items, collected[-1].passed_over

        with upload.uploads(server, email, as_json=as_json, find=find, settings=settings) as run:
            results = run.once(wait=not settings["dry_run"])
            (export,) = collected
            described = importing.Described(0, 0)
            if not settings["dry_run"]:
                described = importing.describe(run.client, results, export.known)
            _tell(run, export, described, as_json=as_json, nameless=nameless)


def _tell(run: upload.Run, export: Collected, described: Described, *, as_json: bool, nameless: str) -> None:
    from photovault.beside import MOST_STARS

    fewer = sum(photos for stars, photos in export.stars.items() if 0 < stars < MOST_STARS)
    if as_json:
        lost = {"people": sorted(export.names), "photos_of_fewer_stars": fewer}
        told = {"described": described.photos, "in_trash_there": export.trashed, "nothing_known": export.unknown}
        print(json.dumps({"event": "imported", **told, "not_taken_over": lost}), flush=True)
        return
    note = run.teller.note
    if described.photos:
        note(f"{counted(described.photos, 'photo')} got what the export knows of it beside its file.")
    if described.too_early:
        note(
            f"The vault is still looking at {counted(described.too_early, 'photo')}. Run the same command again later: "
            "they then get the times and places that only the export knows."
        )
    if export.trashed:
        note(f"{counted(export.trashed, 'photo')} of the export's trash left out.")
    if export.unknown:
        note(f"Of {counted(export.unknown, 'file')} the export says nothing beside the file itself.")
    if five := export.stars[MOST_STARS]:
        note(f"{counted(five, 'photo')} of five stars {'is a favourite' if five == 1 else 'are favourites'} here.")
    if fewer:
        note(f"The stars of {counted(fewer, 'photo')} were not taken over: there are favourites here, and no stars.")
    if export.names:
        what = counted(len(export.names), "name of a person was", "names of people were")
        note(
            f"{what} not taken over: {_some(export.names)}. {nameless} Name people in the gallery, or with "
            "`photovault people name`."
        )


def _some(words: Collection[str]) -> str:
    """The first of them, by the alphabet."""
    told = ", ".join(sorted(words, key=str.casefold)[:_NAMED])
    return told if len(words) <= _NAMED else f"{told} and {len(words) - _NAMED:,} more"
