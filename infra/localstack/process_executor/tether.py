"""Child processes that cannot outlive their parent, however it ends.

The parent keeps the writing end of a pipe open and the child reads the other end in a thread of its own. Whatever ends
the parent, kill -9 included, closes the pipe, and the child then kills its process group. Unlike PR_SET_PDEATHSIG this
works on macOS too, and it is tied to the parent *process*, not to the thread that happened to start the child.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_HELD = Path(__file__).with_name("held.py")


class Child:
    """A running child and the end of the pipe that keeps it alive."""

    def __init__(self, process: "subprocess.Popen[bytes]", keep: int) -> None:
        self.process = process
        self._keep = keep

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        """Whether it has not ended. A look at the process itself: poll() learns nothing while another thread waits."""
        if self.process.returncode is not None:
            return False
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self.process.poll() is None
        try:
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:  # collected just now
            return False

    def stop(self, *, patience: float) -> None:
        """Asks with SIGTERM, and after `patience` seconds kills the child's whole process group."""
        if self.running():
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        self.kill()

    def kill(self) -> None:
        """Kills the child and everything in its process group, and collects it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self._keep >= 0:
            os.close(self._keep)
            self._keep = -1


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
