"""Runs a module as `python -m` would, until it ends or the pipe that holds it closes: `held.py FD MODULE ARGUMENTS...`.

Runs under the interpreter of any environment, so it uses the standard library only and is named by its path.
"""

import os
import runpy
import signal
import sys
import threading


def hold(end: int) -> None:
    """Kills the own process group when the writing end of the pipe is closed."""
    while os.read(end, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    descriptor, sys.argv[:] = int(sys.argv[1]), sys.argv[2:]
    threading.Thread(target=hold, args=(descriptor,), name="tether", daemon=True).start()
    sys.path[0] = os.getcwd()  # instead of this file's folder  # noqa: PTH109
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
