"""What all commands have in common on a terminal: texts of others, numbers of things, and where log lines go."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from photovault.showing import plain


def shown(text: str) -> str:
    """What others wrote, as it is, for a console that has colours."""
    return escape(plain(text))


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
