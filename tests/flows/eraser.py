"""One deletion of an account, or one run of maintenance, in a process of its own, which a failpoint may kill.

``python -m tests.flows.eraser delete <person> <session> <password>`` or ``... sweep [daily]``.
"""

import sys
from datetime import UTC, datetime
from uuid import UUID

from photovault import accounts
from photovault.pipeline import maintenance

if __name__ == "__main__":
    if sys.argv[1] == "delete":
        user_id, session_id, password = sys.argv[2:5]
        accounts.delete(UUID(user_id), UUID(session_id), password=password, address="a test")
    else:
        report = maintenance.run(daily="daily" in sys.argv, now=datetime.now(UTC))
        if report.failures:
            sys.exit(f"failed: {report.failures}")
