"""Schedule: finish what died, sweep staging, empty the trash, forget what expired."""

from datetime import UTC, datetime, timedelta
from typing import Any

from photovault.pipeline import deadlines, maintenance

# The template's schedule; the first run of a day does what needs the database.
EVERY = timedelta(minutes=5)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A scheduled event, or ``{"daily": true}`` by hand."""
    now = datetime.now(UTC)
    daily = bool(event.get("daily")) or maintenance.is_daily(now, EVERY)
    return vars(maintenance.run(daily=daily, now=now, remaining=deadlines.time_left(context)))
