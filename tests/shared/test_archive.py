"""The zip that can be killed: whole entries stay, nothing else does, and every reader of zips opens it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photovault import archive, failpoints
from photovault.archive import Archive, Damaged, WrongSize
from photovault.errors import Conflict

WHEN = datetime(2025, 5, 17, 10, 30, 4)
HEAD = {"of": "a test"}


class Killed(BaseException):
    """The process is gone: nothing may be tidied up on its way."""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.zip"


def add(growing: Archive, name: str, data: bytes, *, piece: int = 7) -> None:
    chunks = (data[at : at + piece] for at in range(0, len(data), piece))
    growing.add(name, chunks, size=len(data), written=WHEN)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as read:
        assert read.testzip() is None
        names = read.namelist()
        assert len(set(names)) == len(names)
        return {name: read.read(name) for name in names}


def unzip(path: Path) -> None:
    """What Info-ZIP says of it, where it is at hand."""
    if shutil.which("unzip"):
        done = subprocess.run(["unzip", "-tqq", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_went_in_comes_out(target: Path) -> None:
    files = {"a.txt": b"alpha", "folder/ä \U0001f468\u200d\U0001f469.jpg": os.urandom(3000), "empty": b""}
    with Archive(target, head=HEAD) as growing:
        for name, data in files.items():
            add(growing, name, data)
            growing.commit({"name": name})
        assert [commit.note for commit in growing.commits()] == [{"name": name} for name in files]
        growing.finish()
    assert contents(target) == files
    unzip(target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["out.zip"]
    with zipfile.ZipFile(target) as read:
        info = read.getinfo("a.txt")
        assert info.date_time == (2025, 5, 17, 10, 30, 4)
        assert info.compress_type == zipfile.ZIP_STORED
        assert stat.S_IMODE(info.external_attr >> 16) == 0o644


def test_an_empty_archive_is_one(target: Path) -> None:
    with Archive(target, head=HEAD) as growing:
        growing.finish()
    assert contents(target) == {}


def test_only_its_owner_reads_it(target: Path) -> None:
    with Archive(target, head=HEAD) as growing:
        add(growing, "a", b"secret")
        growing.commit({})
        modes = {stat.S_IMODE(path.stat().st_mode) for path in archive.paths(target)}
        growing.finish()
    assert modes | {stat.S_IMODE(target.stat().st_mode)} == {0o600}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (datetime(1826, 1, 1), (1980, 1, 1, 0, 0, 0)),
        (datetime(2107, 12, 31, 23, 59, 59), (2107, 12, 31, 23, 59, 58)),
        (datetime(9999, 1, 1), (2107, 12, 31, 23, 59, 58)),
    ],
    ids=["before-dos", "the-end-of-dos", "after-it"],
)
def test_times_that_a_zip_cannot_hold_are_the_nearest_it_can(target: Path, written: datetime, told: Any) -> None:
    with Archive(target, head=HEAD) as growing:
        growing.add("a", [b"x"], size=1, written=written)
        growing.commit({})
        growing.finish()
    with zipfile.ZipFile(target) as read:
        assert read.getinfo("a").date_time == told


# ------------------------------------------------------------------------------------------------------- going on


FILES = {f"{n}/{n}.jpg": bytes([n]) * (n * 37 % 400) for n in range(9)}
POINTS = ("archive.written", "archive.noted", "archive.closed", "archive.named")


def build(target: Path, files: dict[str, bytes], *, spoilt: bool = False) -> None:
    """Add what is missing, two files a commit, and finish."""
    with Archive(target, head=HEAD) as growing:
        assert growing.head == HEAD
        done = [name for commit in growing.commits() for name in commit.note["names"]]
        assert done == [entry.name for commit in growing.commits() for entry in commit.entries]
        names = list(files)
        for first in range(len(done), len(names), 2):
            batch = names[first : first + 2]
            for name in batch:
                add(growing, name, files[name])
            growing.commit({"names": batch})
        growing.finish()


class Budget:
    """Lets so many bytes through to disk, and then kills in the middle of a write."""

    def __init__(self, patch: pytest.MonkeyPatch, allowed: int) -> None:
        self.left = allowed
        write = archive._write_all

        def limited(file: Any, data: bytes) -> None:
            if len(data) > self.left:
                write(file, bytes(data)[: self.left])
                raise Killed
            self.left -= len(data)
            write(file, data)

        patch.setattr(archive, "_write_all", limited)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.lists(st.integers(0, 4500), min_size=1, max_size=4))
def test_killed_after_any_bytes_it_goes_on_and_is_whole(tmp_path_factory: pytest.TempPathFactory, kills: Any) -> None:
    target = tmp_path_factory.mktemp("killed") / "out.zip"
    for allowed in kills:
        with pytest.MonkeyPatch.context() as patch:
            Budget(patch, allowed)
            try:
                build(target, FILES)
            except Killed:
                assert not target.exists()
            else:
                break
    if not target.exists():
        build(target, FILES)
    assert contents(target) == FILES
    assert sorted(path.name for path in target.parent.iterdir()) == ["out.zip"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_between_two_effects_it_goes_on_and_is_whole(
    target: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = []

    def reach(name: str) -> None:
        reached.append(name)
        if name == point and reached.count(name) == (2 if name in POINTS[:2] else 1):
            raise Killed

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(Killed):
        build(target, FILES)
    monkeypatch.undo()
    assert target.exists() == (point == "archive.named")
    if archive.is_begun(target):
        assert not target.exists()
        build(target, FILES)
    assert contents(target) == FILES
    assert sorted(path.name for path in target.parent.iterdir()) == ["out.zip"]
    unzip(target)


KILLED = """
import sys
from pathlib import Path
from tests.shared.test_archive import FILES, build
build(Path(sys.argv[1]), FILES)
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_leaves_what_the_next_one_needs(target: Path, point: str) -> None:
    command = [sys.executable, "-c", KILLED, str(target)]
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'shared'}"}
    first = subprocess.run(command, env=environment | {"PHOTOVAULT_FAILPOINT": point}, cwd=root, check=False)
    assert first.returncode == -9
    if archive.is_begun(target):
        subprocess.run(command, env=environment, cwd=root, check=True)
    assert contents(target) == FILES


# ------------------------------------------------------------------------------------------------- what goes wrong


def broken() -> Iterator[bytes]:
    yield b"half"
    raise ConnectionError


@pytest.mark.parametrize(
    ("chunks", "error"),
    [([b"short"], WrongSize), ([b"much ", b"too long"], WrongSize), (broken(), ConnectionError)],
    ids=["short", "long", "breaks-off"],
)
def test_an_entry_that_fails_leaves_no_trace(target: Path, chunks: Any, error: type[Exception]) -> None:
    with Archive(target, head=HEAD) as growing:
        add(growing, "before", b"1")
        size = growing.size
        with pytest.raises(error):
            growing.add("failed", chunks, size=6, written=WHEN)
        assert growing.size == size
        add(growing, "after", b"2")
        growing.commit({})
        add(growing, "discarded", b"3")
        growing.discard()
        growing.discard()
        add(growing, "uncommitted", b"4")
        growing.finish()
    assert contents(target) == {"before": b"1", "after": b"2"}


def test_a_full_disk_is_told_and_gone_on_from(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = archive._write_all

    def full(file: Any, data: bytes) -> None:
        write(file, bytes(data)[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    with Archive(target, head=HEAD) as growing:
        add(growing, "a", b"first")
        growing.commit({"names": ["a"]})
        monkeypatch.setattr(archive, "_write_all", full)
        with pytest.raises(OSError, match="No space"):
            add(growing, "b", b"second")
        with pytest.raises(OSError, match="No space"):
            growing.commit({"names": ["b"]})
    monkeypatch.undo()
    with Archive(target) as growing:
        assert [commit.note for commit in growing.commits()] == [{"names": ["a"]}]
        add(growing, "b", b"second")
        growing.commit({"names": ["b"]})
        growing.finish()
    assert contents(target) == {"a": b"first", "b": b"second"}


def test_two_processes_do_not_write_one_archive(target: Path) -> None:
    with Archive(target, head=HEAD):
        with pytest.raises(Conflict):
            Archive(target, head=HEAD)
        with pytest.raises(Conflict):
            archive.forget(target)
    Archive(target).close()


def test_a_file_that_came_meanwhile_is_not_overwritten(target: Path) -> None:
    with Archive(target, head=HEAD) as growing:
        add(growing, "a", b"1")
        growing.commit({})
        target.write_text("somebody's")
        with pytest.raises(Conflict):
            growing.finish()
    assert target.read_text() == "somebody's"
    target.unlink()
    with Archive(target) as growing:
        growing.finish()
    assert contents(target) == {"a": b"1"}


def test_what_cannot_be_gone_on_with_is_said(target: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Archive(target)
    with Archive(target, head=HEAD) as growing:
        add(growing, "a", b"1")
        growing.commit({})
        add(growing, "b", b"2")
        growing.commit({})
    partial, journal = archive.paths(target)
    whole, lines = partial.read_bytes(), journal.read_bytes().splitlines(keepends=True)
    for data, noted in (
        (whole[:-1], lines),
        (whole, [lines[0], lines[2]]),
        (whole, [lines[0], b"{}\n", *lines[1:]]),
        (whole, [lines[0], b"\x00\x00\n"]),
        (whole, [b"[]\n"]),
        (whole, []),
    ):
        partial.write_bytes(data)
        journal.write_bytes(b"".join(noted))
        with pytest.raises(Damaged):
            Archive(target)
    archive.forget(target)
    assert not archive.is_begun(target)
    assert list(target.parent.iterdir()) == []


# ---------------------------------------------------------------------------------------------------------- large


def test_offsets_beyond_four_gigabytes_are_read(target: Path) -> None:
    """A hole in the file is as good as photos: what follows lies beyond what 32 bits can say."""
    far = 5 * 1024**3
    with Archive(target, head=HEAD) as growing:
        add(growing, "near", b"1")
        growing._data.seek(far)
        growing._position = far
        add(growing, "far", b"2")
        entries = list(growing._pending)
        growing.journal.write_text("")  # its own look at the offsets would not like the hole
        growing.commits = lambda: iter([archive.Commit(tuple(entries), {})])  # type: ignore[method-assign]
        growing._pending.clear()
        growing.finish()
    assert contents(target) == {"near": b"1", "far": b"2"}
    unzip(target)


def test_more_entries_than_sixteen_bits_can_count_are_read(target: Path) -> None:
    with Archive(target, head=HEAD) as growing:
        for number in range(66_000):
            growing.add(f"{number}", [], size=0, written=WHEN)
        growing.commit({})
        growing.finish()
    with zipfile.ZipFile(target) as read:
        assert len(read.namelist()) == 66_000
    unzip(target)


def test_a_file_beyond_four_gigabytes_says_so_in_both_headers() -> None:
    entry = archive.Entry("huge", 2**32 + 5, 2**32 + 7, 1, WHEN.isoformat())
    local, central = archive._local_header(entry), archive._central_header(entry)
    assert local.endswith((2**32 + 7).to_bytes(8, "little") * 2)
    assert central.endswith((2**32 + 7).to_bytes(8, "little") * 2 + (2**32 + 5).to_bytes(8, "little"))
    assert entry.end == entry.at + len(local) + entry.size
    assert (2**32 - 1).to_bytes(4, "little") * 2 in local


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../out", "photos/../../out", "photos//x", "photos/./x", "C:\\x", "photos\\..\\x", ""]
)
def test_no_entry_leads_out_of_the_folder_that_it_is_unpacked_in(target: Path, name: str) -> None:
    with Archive(target, head=HEAD) as growing:
        with pytest.raises(ValueError, match="not a path within"):
            add(growing, name, b"data")
        assert growing.size == 0


@pytest.mark.skipif(sys.platform == "win32", reason="links and owners are other things there")
@pytest.mark.parametrize("which", ["partial", "journal"])
@pytest.mark.parametrize("kind", ["symlink", "hard-link"])
def test_nothing_is_written_where_somebody_else_could_read_it(target: Path, which: str, kind: str) -> None:
    theirs = target.parent / "theirs"
    theirs.write_bytes(b"")
    theirs.chmod(0o666)
    trap = dict(zip(("partial", "journal"), archive.paths(target), strict=True))[which]
    if kind == "symlink":
        trap.symlink_to(theirs)
    else:
        trap.hardlink_to(theirs)
    with pytest.raises(Conflict, match=r"is a link|of yours alone"):
        Archive(target, head=HEAD)
    assert theirs.read_bytes() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="modes are other things there")
def test_an_archive_that_others_could_read_is_closed_to_them(target: Path) -> None:
    partial, _ = archive.paths(target)
    partial.write_bytes(b"")
    partial.chmod(0o644)
    with Archive(target, head=HEAD) as growing:
        add(growing, "a.txt", b"alpha")
        growing.commit({})
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
