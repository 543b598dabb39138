"""``photovault maintain``: what the schedule does, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer


def maintain(
    daily: Annotated[bool, typer.Option(help="Also do what runs once a day.")] = True,
) -> None:
    """Finish what died, sweep staging, empty the trash, and say what was done."""
    from photovault.pipeline import maintenance

    report = maintenance.run(daily=daily, now=datetime.now(UTC))
    for name, value in vars(report).items():
        print(f"{name}: {value}")
    if report.failures:
        raise typer.Exit(1)
