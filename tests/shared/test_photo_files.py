"""Files are found once each, told by what they hold, and noticed when they change under the reader's eyes."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.pictures import encode, paint
from tests.shared.test_motion import live_film

from photovault import photo_files
from photovault.photo_files import Changed, Found, PassedOver, Stamp, find, read

PHOTO = encode(paint(1, (64, 48)), format="JPEG")
POSIX = pytest.mark.skipif(os.name != "posix", reason="files of POSIX")


def write(path: Path, data: bytes = PHOTO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(folder: Path, *exclude: str) -> list[str]:
    found = find([folder], exclude=exclude)
    return [os.path.relpath(each.name, folder) for each in found if isinstance(each, Found)]


def stamp(path: Path) -> Stamp:
    return Stamp.of(path.stat())


def test_the_date_of_a_file_is_what_the_clock_here_showed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jpg")
    os.utime(path, (1405780085, 1405780085.9))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert photo_files.modified_at(stamp(path), None) == "2014-07-19T23:28:05"
        assert photo_files.modified_at(replace(stamp(path), modified=10**9 * 2**60), None) is None
    finally:
        monkeypatch.undo()
        time.tzset()


# ------------------------------------------------------------------------------------------------------- finding


def test_folders_are_walked_and_a_film_comes_beside_its_photo(tmp_path: Path) -> None:
    for name in ("b/IMG_1.MOV", "b/IMG_1.HEIC", "b/IMG_10.HEIC", "a.jpg", "b/c/d.jpg"):
        write(tmp_path / name)
    assert names(tmp_path) == ["a.jpg", "b/IMG_1.HEIC", "b/IMG_1.MOV", "b/IMG_10.HEIC", "b/c/d.jpg"]


def test_hidden_files_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    for name in (".hidden.jpg", ".folder/a.jpg", "@eaDir/a.jpg", "Thumbs.db", "seen.jpg"):
        write(tmp_path / name)
    assert names(tmp_path) == ["seen.jpg"]
    assert len(list(find([tmp_path / ".folder", tmp_path / ".hidden.jpg"]))) == 2


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("*.png", ["a.jpg", "s/c.jpg"]), ("s", ["a.jpg", "b.png"]), ("s/", ["a.jpg", "b.png"]),
     ("s/*", ["a.jpg", "b.png"]), ("c.jpg", ["a.jpg", "b.png"]), ("[", ["a.jpg", "b.png", "s/c.jpg"])],
)  # fmt: skip
def test_patterns_leave_out_names_and_paths(tmp_path: Path, pattern: str, left: list[str]) -> None:
    for name in ("a.jpg", "b.png", "s/c.jpg"):
        write(tmp_path / name)
    assert names(tmp_path, pattern) == left


@POSIX
def test_links_are_followed_and_none_in_circles(tmp_path: Path) -> None:
    write(tmp_path / "real/a.jpg")
    (tmp_path / "real/round").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "nothing").symlink_to(tmp_path / "none")
    found = list(find([tmp_path, tmp_path / "real", tmp_path / "real/a.jpg"]))
    assert [each.name for each in found if isinstance(each, Found)] == [str(tmp_path / "real/a.jpg")]
    broken = {Path(each.name).name for each in found if isinstance(each, PassedOver) and each.broken}
    assert broken == {"self", "nothing"}


@POSIX
def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "empty.jpg", b"")
    told = {Path(each.name).name: each.why for each in find([tmp_path]) if isinstance(each, PassedOver)}
    assert told == {"pipe": "It is no file.", "empty.jpg": "The file is empty."}


@POSIX
def test_names_in_no_encoding_are_text_all_the_same(tmp_path: Path) -> None:
    try:
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (found,) = find([tmp_path])
    assert found.name.endswith("caf\ufffd.jpg")
    found.name.encode()


# ------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(PHOTO, "image/jpeg"), (encode(paint(2, (64, 48)), format="PNG"), "image/png"), (live_film(), "video/quicktime")],
    ids=["jpeg", "png", "film"],
)
def test_photos_are_told_by_what_they_hold(tmp_path: Path, data: bytes, content_type: str) -> None:
    path = write(tmp_path / "name.txt", data)
    contents = read(path, stamp(path))
    assert (contents.content_type, contents.sha256) == (content_type, hashlib.sha256(data).digest())


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"just words", "a text"), (b"%PDF-1.7", "a PDF document"), (b"\0\0\0\x18ftypmp42" + bytes(100), "a video"),
     (live_film().replace(b"content.identifier", b"content.idontknows"), "a video"), (bytes(100), "not a photo")],
    ids=["text", "pdf", "mp4", "film", "zeros"],
)  # fmt: skip
def test_what_is_no_photo_is_told_in_a_sentence(tmp_path: Path, data: bytes, why: str) -> None:
    path = write(tmp_path / "photo.jpg", data)
    contents = read(path, stamp(path))
    assert contents.content_type is None
    assert why in contents.why


def test_a_film_with_its_table_at_a_far_end_is_not_read_whole(tmp_path: Path) -> None:
    film = live_film()
    head, table = film[:20], film[film.index(b"moov") - 4 :]
    gap = 3 * 1024**3
    path = tmp_path / "film.mov"
    with path.open("wb") as file:
        file.write(head + (1).to_bytes(4, "big") + b"mdat" + (gap + 16).to_bytes(8, "big"))
        file.seek(len(head) + 16 + gap)
        file.write(table)
    with path.open("rb", buffering=0) as file:
        assert photo_files._kind(file, file.read(64)) == "video/quicktime"


def test_a_long_video_is_read_no_further_than_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "long.avi"
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0AVI ")
        file.truncate(1024**4)
    assert "a video" in read(path, stamp(path)).why


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", PHOTO + bytes(200_000))

    def grow(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(Changed):
        read(path, stamp(path), on_bytes=grow)


def test_another_file_of_that_name_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg")
    before = stamp(path)
    write(tmp_path / "b.jpg", PHOTO[::-1]).replace(path)
    with pytest.raises(Changed):
        read(path, before)
    with pytest.raises(Changed):
        list(photo_files.pieces(path, before))


def test_pieces_are_the_file(tmp_path: Path) -> None:
    data = os.urandom(photo_files.PIECE + 17)
    path = write(tmp_path / "a.jpg", data)
    assert b"".join(photo_files.pieces(path, stamp(path))) == data


def test_a_file_that_shrinks_on_its_way_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", os.urandom(3 * photo_files.PIECE))
    pieces = photo_files.pieces(path, stamp(path))
    next(pieces)
    os.truncate(path, photo_files.PIECE + 1)
    with pytest.raises(Changed):
        list(pieces)
