"""``photovault models``: list, pull, push and verify the files of the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from photovault import model_manifest, models
from photovault.errors import PhotoVaultError
from photovault.model_manifest import ModelFile
from photovault.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="The models: what is there, where it comes from, fetching it.")
console = Console()

Names = Annotated[list[str] | None, typer.Argument(help="Models by name, as `photovault models list` shows them.")]
Folder = Annotated[Path | None, typer.Option("--dir", help="The folder, MODELS_DIR by default.", file_okay=False)]


@app.command("list")
def list_models(folder: Folder = None) -> None:
    """Show every model, its licence, and whether its file is there."""
    with _sentences():
        place = _folder(folder)
        table = Table("name", "MB", "licence", "state")
        for entry in model_manifest.MANIFEST:
            table.add_row(entry.name, f"{entry.size / 1e6:.1f}", entry.licence, _state(entry, place))
        console.print(table)
        for part, info in models.providers().items():
            runs = f"{info.name} {info.version}{' (fallback)' if info.weak else ''}" if info else "off"
            console.print(f"{part}: {runs}")


@app.command()
def pull(
    names: Names = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Copy from this folder and download nothing.", exists=True, file_okay=False),
    ] = None,
    folder: Folder = None,
) -> None:
    """Fetch models into MODELS_DIR, going on where an earlier try stopped; every file is verified."""
    with _sentences():
        place = _needed(folder)
        failed = False
        with _progress() as progress:
            for entry in _chosen(names):
                there = place / entry.file
                if there.is_file() and models.matches(entry, there):
                    progress.console.print(f"{entry.name}: already there")
                    continue
                fetch = _way(entry, source, place)
                if fetch is None:
                    progress.console.print(f"[yellow]{entry.name}: {escape(_no_way(entry, source))}")
                    failed = failed or bool(names)
                    continue
                task = progress.add_task(entry.name, total=entry.size)
                try:
                    fetch(partial(progress.advance, task))
                except PhotoVaultError as error:
                    progress.console.print(f"[red]{entry.name}: {escape(error.detail)}")
                    failed = True
                else:
                    progress.console.print(f"{entry.name}: {there.name} verified")
        if failed:
            raise typer.Exit(1)


@app.command()
def push(
    names: Names = None,
    folder: Folder = None,
    bucket: Annotated[str | None, typer.Option(help="The bucket, MODELS_BUCKET by default.")] = None,
) -> None:
    """Put models that are in MODELS_DIR into the models bucket, from where functions load them at cold start."""
    with _sentences():
        place = _needed(folder)
        target = bucket or get_settings().models_bucket
        if not target:
            raise typer.BadParameter("Set MODELS_BUCKET or give --bucket (the stack's output ModelsBucket).")
        failed = False
        with _progress() as progress:
            for entry in _chosen(names):
                path = place / entry.file
                if not path.is_file():
                    progress.console.print(f"[yellow]{entry.name}: not in {escape(str(place))}")
                    failed = failed or bool(names)
                    continue
                task = progress.add_task(entry.name, total=entry.size)
                pushed = models.push(entry, path, bucket=target, on_bytes=partial(progress.advance, task))
                progress.console.print(f"{entry.name}: {'pushed' if pushed else 'already there'}")
        if failed:
            raise typer.Exit(1)


@app.command()
def verify(names: Names = None, folder: Folder = None) -> None:
    """Hash the files of MODELS_DIR; exit 1 when one is not the pinned file, or a named one is missing."""
    with _sentences():
        place = _needed(folder)
        wrong = False
        for entry in _chosen(names):
            state = _state(entry, place)
            console.print(f"{entry.name}: {state}")
            wrong = wrong or "not the pinned" in state or (bool(names) and state == "absent")
        if wrong:
            raise typer.Exit(1)


@contextmanager
def _sentences() -> Iterator[None]:
    """An error as its sentence and exit code 1 instead of a traceback."""
    try:
        yield
    except PhotoVaultError as error:
        console.print(f"[red]{escape(error.detail)}")
        raise typer.Exit(1) from None


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console
    )


def _folder(given: Path | None) -> Path | None:
    configured = get_settings().models_dir
    return given or (Path(configured) if configured else None)


def _needed(given: Path | None) -> Path:
    folder = _folder(given)
    if folder is None:
        raise typer.BadParameter("Set MODELS_DIR or give --dir: the folder that keeps the models.")
    return folder


def _chosen(names: list[str] | None) -> list[ModelFile]:
    known = {entry.name: entry for entry in model_manifest.MANIFEST}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise typer.BadParameter(f"No model is called {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [known[name] for name in names] if names else list(model_manifest.MANIFEST)


def _state(entry: ModelFile, folder: Path | None) -> str:
    path = folder / entry.file if folder else None
    if path is None or not path.is_file():
        return "absent"
    return "verified" if models.matches(entry, path) else "not the pinned file"


def _way(entry: ModelFile, source: Path | None, folder: Path) -> Callable[[models.Progress], Path] | None:
    """How to get a file: out of the folder ``source`` when one is given, else from its address; None for no way."""
    if source is not None:
        path = source / entry.file
        return (lambda told: models.copy(entry, path, folder, on_bytes=told)) if path.is_file() else None
    url = entry.url
    return (lambda told: models.download(entry, folder, url=url, on_bytes=told)) if url else None


def _no_way(entry: ModelFile, source: Path | None) -> str:
    return f"{entry.file} is not in {source}" if source else f"no download exists. {entry.source}"
