"""Keeps one Postgres server running for as long as its starter lives.

`python -m infra.local.postmaster DATA UID GID COMMAND...`, with a pipe as stdin: when the pipe closes, because the
starter closed it or because it was killed, the server gets a fast shutdown. A server that dies is started again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

STOP_SECONDS = 20  # a fast shutdown writes a checkpoint; after that, an immediate one, which is crash-safe too
RESTARTS = 10  # in a row, each followed by half a second: a server that cannot start at all is given up


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown (SIGINT), then immediate (SIGQUIT), then the end."""
    for wanted, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(wanted)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def main(data: str, uid: str, gid: str, *command: str) -> int:
    """Returns the exit status; blocks until stdin closes or the server cannot be kept running."""
    closing = threading.Event()

    def watch() -> None:
        while os.read(0, 1):
            pass
        closing.set()

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, lambda *_: closing.set())
    threading.Thread(target=watch, daemon=True).start()
    root = os.geteuid() == 0
    failures = 0
    while not closing.is_set() and failures < RESTARTS:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=data,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=int(uid) if root else None,
            group=int(gid) if root else None,
            extra_groups=[] if root else None,
        )
        while process.poll() is None and not closing.wait(0.2):
            pass
        if closing.is_set():
            stop(process)
            return 0
        failures = failures + 1 if time.monotonic() - started < 10 else 1
        closing.wait(0.5)  # the dead server's own children need a moment before its memory is free again
    return 0 if closing.is_set() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
