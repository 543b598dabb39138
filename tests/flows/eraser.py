"""One deletion of an account, or one run of maintenance, for a process of its own, which a failpoint may kill."""

import sys
from datetime import UTC, datetime
from uuid import UUID

from photovault import accounts
from photovault.pipeline import maintenance


def delete(user_id: str, session_id: str, password: str) -> None:
    accounts.delete(UUID(user_id), UUID(session_id), password=password, address="a test")


def sweep(often: str = "") -> None:
    """``often`` is "daily" for the pass of once a day. Ends with what failed, if anything did."""
    report = maintenance.run(daily=often == "daily", now=datetime.now(UTC))
    if report.failures:
        sys.exit(f"failed: {report.failures}")
