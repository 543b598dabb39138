"""Child processes that cannot outlive their parent, however it ends.

The parent keeps the writing end of a pipe open and the child reads the other end in a thread of its own. Whatever ends
the parent, kill -9 included, closes the pipe, and the child then kills its process group. Unlike PR_SET_PDEATHSIG this
works on macOS too, and it is tied to the parent *process*, not to the thread that happened to start the child.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_HELD = Path(__file__).with_name("held.py")
_CAN_LOOK = hasattr(os, "waitid")  # everywhere but on macOS before Python 3.13


class Child:
    """A running child and the end of the pipe that keeps it alive.

    The child is collected in one place, under a lock, and its group is signalled only before that: afterwards its id
    may be another process's, and a signal to the group would end a stranger.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", keep: int) -> None:
        self.process = process
        self._keep = keep
        self._collecting = threading.Lock()

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        """Whether it has not ended. A look at the process, which does not collect it."""
        if self.process.returncode is not None:
            return False
        if not _CAN_LOOK:
            return self.process.poll() is None
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:  # collected just now
            return False

    def wait(self) -> int:
        """Waits for its end, kills what it leaves in its group, and returns its exit status."""
        if _CAN_LOOK:
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        else:
            while self.running():
                time.sleep(0.05)
        return self.kill()

    def stop(self, *, patience: float) -> None:
        """Asks with SIGTERM, and after `patience` seconds kills the child's whole process group."""
        with self._collecting:
            if self.running():
                os.kill(self.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill()

    def kill(self) -> int:
        """Kills the child and everything in its process group, collects it, and returns its exit status."""
        with self._collecting:
            if self.process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                    os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
            if self._keep >= 0:
                os.close(self._keep)
                self._keep = -1
        return code


def start(
    module: str,
    *arguments: str,
    python: str | Path,
    cwd: str | Path,
    env: Mapping[str, str],
    output: int | IO[bytes],
    flags: Sequence[str] = (),
) -> Child:
    """Starts `python -m module arguments` in a session of its own, held by a pipe; stdout and stderr go to `output`."""
    end, keep = os.pipe()
    try:
        process = subprocess.Popen(
            [str(python), *flags, str(_HELD), str(end), module, *arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(end,),
        )
    except BaseException:
        os.close(keep)
        raise
    finally:
        os.close(end)
    return Child(process, keep)
