"""``photovault maintain``: what the schedule does, by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from photovault.showing import plain


def maintain(
    daily: Annotated[bool, typer.Option(help="Also do what runs once a day.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Finish what died, sweep staging, empty the trash, and say what was done. Exit 1 when something failed."""
    from photovault.pipeline import maintenance

    report = maintenance.run(daily=daily, now=datetime.now(UTC))
    if as_json:
        print(json.dumps(vars(report)))
    else:
        for name, value in vars(report).items():
            if name != "failures":
                print(f"{name}: {value}")
        for failure in report.failures:
            print(f"failed: {plain(failure)}")
    if report.failures:
        raise typer.Exit(1)
