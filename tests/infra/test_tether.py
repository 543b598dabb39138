"""A child process is asked, killed with its group, collected once, and never mistaken for another."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from infra.localstack.process_executor import tether

Start = Callable[[str], tether.Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a module with this source."""
    children = []

    def build(source: str) -> tether.Child:
        (tmp_path / "module.py").write_text(source)
        with (tmp_path / "output").open("wb") as output:
            child = tether.start(
                "module", "an argument", python=sys.executable, cwd=tmp_path, env=dict(os.environ), output=output
            )
        children.append(child)
        return child

    yield build
    for child in children:
        child.kill()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_module_runs_as_python_would_run_it(start: Start, tmp_path: Path) -> None:
    assert start("import sys, os\nprint(__name__, sys.argv[1:], sys.path[0] == os.getcwd())").wait() == 0
    assert (tmp_path / "output").read_text() == "__main__ ['an argument'] True\n"


def test_it_is_asked_first_and_may_end_in_its_own_way(start: Start, tmp_path: Path) -> None:
    child = start(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('in order', flush=True), sys.exit(7)))\n"
        "print('up', flush=True)\ntime.sleep(600)"
    )
    until(lambda: (tmp_path / "output").read_text() == "up\n")
    child.stop(patience=20)
    assert child.process.returncode == 7
    assert (tmp_path / "output").read_text() == "up\nin order\n"


def test_it_is_killed_when_it_does_not_listen(start: Start, tmp_path: Path) -> None:
    child = start(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
    )
    until(lambda: (tmp_path / "output").read_text() == "up\n")
    child.stop(patience=0.2)
    assert child.process.returncode == -signal.SIGKILL


def test_what_a_dead_child_leaves_in_its_group_is_killed(start: Start, tmp_path: Path) -> None:
    child = start("import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid, flush=True)")
    child.wait()
    grandchild = int((tmp_path / "output").read_text())
    until(lambda: ended(grandchild))


def test_a_process_that_got_the_id_of_a_collected_child_is_left_alone(start: Start) -> None:
    child = start("")
    child.wait()
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        child.process.pid = stranger.pid
        child.kill()
        child.stop(patience=0)
        assert not child.running()
        time.sleep(0.2)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
