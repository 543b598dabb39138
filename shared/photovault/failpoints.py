"""Places where a test can kill the process: between every two effects of the pipeline.

``PHOTOVAULT_FAILPOINT=vision.sealed`` kills the worker at that point the first time it gets there; the marker file
named by ``PHOTOVAULT_FAILPOINT_ONCE`` makes it happen once over all processes. Without the variable this is one
look-up in the environment.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


def reach(name: str) -> None:
    if os.environ.get("PHOTOVAULT_FAILPOINT") != name:
        return
    marker = os.environ.get("PHOTOVAULT_FAILPOINT_ONCE")
    if marker:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
