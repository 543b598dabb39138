"""What all commands have in common on a terminal: texts of others, numbers of things, and where log lines go."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from photovault.errors import PhotoVaultError, TooLarge, TooManyRequests, Unauthenticated, Unavailable
from photovault.showing import plain

if TYPE_CHECKING:
    from rich.table import Table

INTERRUPTED = 130
# Columns of a table that nobody looks at on a screen.
WIDE = 400


def shown(text: str) -> str:
    """What others wrote, as it is, for a console that has colours."""
    return escape(plain(text))


def cut(text: str, most: int = 60) -> str:
    """A text that is not longer than a column of a table should be."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things, such as "1 photo" or "1,200 photos are"; of ``many`` that just take an s, ``one`` will do."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


@contextmanager
def logs_aside(*, on_terminal: bool = False) -> Iterator[None]:
    """Stdout is for results: log lines go to stderr, and metrics, which are for CloudWatch, nowhere.

    What a log line tells a command tells in words, so a terminal gets them only with ``on_terminal``.
    """
    from photovault import observability

    handler = observability.logger().registered_handler
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, observability.without_metrics():
        assert isinstance(handler, logging.StreamHandler)  # noqa: S101 - Powertools' own, as it was asked for no other
        before = handler.setStream(sys.stderr if on_terminal or not sys.stderr.isatty() else nowhere)
        try:
            yield
        finally:
            handler.setStream(before or sys.stdout)


def say(sentence: str) -> None:
    """Tell a person beside the results: on stderr, whatever others wrote in it."""
    print(plain(sentence), file=sys.stderr)


def table(*columns: str) -> Table:
    """A table that gives way to a pipe: without a terminal no cell is cut."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def show(made: Table) -> None:
    """Print a table whose last column are ids; where a terminal is too narrow for it, each row as some lines.

    An id that is folded cannot be copied.
    """
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    needed = Measurement.get(console, console.options.update(width=WIDE), made).maximum
    if needed <= console.width or not sys.stdout.isatty():
        console.print(made)
        return
    headers = [str(column.header) for column in made.columns]
    for row in zip(*(column.cells for column in made.columns), strict=True):
        *cells, last = map(str, row)
        numbered = (
            f"{cell} {header}" if re.fullmatch(r"[\d.,]+", cell) else cell
            for cell, header in zip(cells, headers, strict=False)
        )
        console.print("  ".join(cell for cell in numbered if cell))
        console.print(f"[dim]{last}", soft_wrap=True)


# A sentence, and the type of the problem that it tells of.
Tell = Callable[[str, str], None]
# What a full disk says.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def sentences(
    *, as_json: bool = False, again: str | Callable[[], str] = "", tell: Tell | None = None
) -> Iterator[None]:
    """An error as its sentence and exit code 1 instead of a traceback; Ctrl-C, and a question not answered, as 130.

    ``again`` says how to go on after what passes by itself. ``tell`` is how it is told, else on stderr, and with
    ``as_json`` as a line on stdout.
    """
    tell = tell or (failed if as_json else _say_failed)

    def done() -> str:
        return again if isinstance(again, str) else again()

    try:
        yield
    except (Unavailable, Unauthenticated, TooManyRequests, TooLarge) as error:
        tell(f"{error.sentence} {done()}".rstrip(), error.type)
        raise typer.Exit(1) from None
    except PhotoVaultError as error:
        tell(error.sentence, error.type)
        raise typer.Exit(1) from None
    except BrokenPipeError:  # `| head` has seen enough
        _silence()
        raise typer.Exit(1) from None
    except OSError as error:
        tell(f"{_of_disk(error)} {done() if error.errno in _FULL else ''}".rstrip(), "disk")
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, typer.Abort) as error:
        if isinstance(error, typer.Abort):
            print(file=sys.stderr)  # the question is still on its line
        tell(f"Stopped. {done()}".rstrip(), "stopped")
        raise typer.Exit(INTERRUPTED) from None


def failed(sentence: str, kind: str) -> None:
    """A line of JSON on stdout, the last of a command: what went wrong, by the type that the API's problem has."""
    print(json.dumps({"event": "failed", "type": kind, "detail": sentence}), flush=True)


def _say_failed(sentence: str, _: str) -> None:
    say(sentence)


def _of_disk(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _FULL:
        return f"{where}The disk is full. Make room, and run the command again."
    if error.errno == errno.EFBIG:
        return f"{where}This disk takes no file as large as this one becomes. Choose another disk."
    return f"{where}{error.strerror or error}."


@contextmanager
def output() -> Iterator[None]:
    """Around a command: what a terminal cannot show is shown as a question mark, and output that a pipe or a full disk
    does not take ends it without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _silence()
            if error.errno != errno.EPIPE:
                say(f"The output cannot be written: {error.strerror}.")
            raise SystemExit(1) from None


def _silence() -> None:
    """The interpreter flushes stdout at its end."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the interpreter ends
