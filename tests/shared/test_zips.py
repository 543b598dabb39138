"""Members of zips are found and read where they are; what a zip says of itself is not trusted."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pictures import encode, paint
from tests.shared.test_motion import live_film

from photovault import hash_cache, photo_files, zips
from photovault.photo_files import Changed, Contents, Found, PassedOver

PHOTO = encode(paint(1, (64, 48)), format="JPEG")
LARGE = PHOTO + os.urandom(3 * photo_files.PIECE)
FILM = live_film("0A1B2C3D-0000-4000-8000-00000000ABCD")


def packed(path: Path, files: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as zip_:
        for name, data in files.items():
            zip_.writestr(name, data)
    return path


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[Found | PassedOver]]:
    """What is found in a zip, or why it is not opened."""
    archive = zips.opened(Found(path, path.name, photo_files.stamped(path)))
    if isinstance(archive, PassedOver):
        yield [archive]
        return
    try:
        yield list(zips.find(archive, path.name))
    finally:
        archive.close()


def read(found: Found | PassedOver) -> Contents:
    assert isinstance(found, Found)
    return photo_files.read(found.path, found.stamp, found.member)


def whole(found: Found | PassedOver) -> bytes:
    assert isinstance(found, Found)
    return b"".join(photo_files.pieces(found.path, found.stamp, found.member))


def names(found: list[Found | PassedOver]) -> list[str]:
    return [each.name for each in found]


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_as_files_are(tmp_path: Path, how: int) -> None:
    with opened(packed(tmp_path / "a.zip", {"x/a.jpg": LARGE, "x/a.mov": FILM, "x/b.txt": b"words"}, how)) as found:
        assert names(found) == ["a.zip/x/a.jpg", "a.zip/x/a.mov", "a.zip/x/b.txt"]
        photo, film, text = found
        for _ in range(2):
            assert read(photo) == Contents("image/jpeg", hashlib.sha256(LARGE).digest())
            assert whole(photo) == LARGE
        assert read(film) == Contents(photo_files.FILM_TYPE, hashlib.sha256(FILM).digest())
        assert "text" in read(text).why


def test_a_film_whose_table_of_contents_is_at_its_end_is_told(tmp_path: Path) -> None:
    film = live_film("0A1B2C3D-0000-4000-8000-00000000ABCD")
    (size,) = struct.unpack_from(">I", film)
    filler = struct.pack(">I", 200_008) + b"free" + bytes(200_000)
    film = film[:size] + filler + film[size:]
    with opened(packed(tmp_path / "a.zip", {"a.mov": film})) as (found,):
        assert read(found) == Contents(photo_files.FILM_TYPE, hashlib.sha256(film).digest())


def test_what_is_hidden_is_left_out(tmp_path: Path) -> None:
    files = dict.fromkeys(["__MACOSX/._a.jpg", ".x/a.jpg", "Thumbs.db", "@eaDir/a.jpg", "seen.jpg"], PHOTO)
    with opened(packed(tmp_path / "a.zip", files)) as found:
        assert names(found) == ["a.zip/seen.jpg"]


@pytest.mark.parametrize(
    "name", ["../../etc/a.jpg", "/etc/a.jpg", "etc/./a.jpg", "etc//../a.jpg", "..\\..\\etc\\a.jpg", "etc/../../a.jpg"]
)
def test_no_name_leads_out_of_a_zip(tmp_path: Path, name: str) -> None:
    with opened(packed(tmp_path / "a.zip", {name: PHOTO})) as (found,):
        assert isinstance(found, Found)
        assert found.path == tmp_path / "a.zip" / "etc" / "a.jpg"
        assert whole(found) == PHOTO
    assert [each.name for each in tmp_path.iterdir()] == ["a.zip"], "nothing is written"


def test_names_are_what_they_were_meant_to_be(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"Köln ☃.jpg": PHOTO, "x.jpg": PHOTO, "y.jpg": PHOTO})
    data = path.read_bytes()
    for at in [each for each in range(len(data) - 3) if data[each : each + 4] in {b"PK\3\4", b"PK\1\2"}]:
        flags = at + (6 if data[at + 2] == 3 else 8)
        data = data[:flags] + b"\0\0" + data[flags + 2 :]  # as Macs write it
    path.write_bytes(data.replace(b"y.jpg", b"\x81.jpg"))
    with opened(path) as found:
        assert {each.path.name for each in found if isinstance(each, Found)} == {"Köln ☃.jpg", "x.jpg", "ü.jpg"}


def test_a_damaged_member_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": LARGE, "b.jpg": PHOTO}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[photo_files.PIECE] ^= 1
    path.write_bytes(data)
    with opened(path) as (bad, good):
        with pytest.raises(OSError, match="damaged in its zip"):
            read(bad)
        assert whole(good) == PHOTO


@pytest.mark.parametrize("keep", [4, 1000, -30], ids=["nothing", "a beginning", "all but its end"])
def test_a_zip_that_is_not_whole_is_told(tmp_path: Path, keep: int) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO})
    path.write_bytes(path.read_bytes()[:keep])
    with opened(path) as (why,):
        assert why == PassedOver(
            "a.zip", "The zip is damaged, or did not arrive whole. Download it again.", broken=True
        )


def flagged(path: Path, *, flags: int = 0, method: int | None = None) -> None:
    """Change what a zip's table of contents says of its members."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2")
    while at >= 0:
        data[at + 8] |= flags
        if method is not None:
            data[at + 10] = method
        at = data.find(b"PK\1\2", at + 4)
    path.write_bytes(data)


def test_locked_files_are_told_once(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO, "b.jpg": PHOTO})
    flagged(path, flags=1)
    with opened(path) as (why,):
        assert why.name == "a.zip"
        assert isinstance(why, PassedOver)
        assert why.why == "2 files of the zip are locked with a password. Unpack it, and import the folder."
        assert why.broken


def test_a_packing_that_is_not_known_is_told_once(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO})
    flagged(path, method=9)  # Deflate64, as Windows packs what is large
    with opened(path) as (why,):
        assert isinstance(why, PassedOver)
        assert why.why.startswith("One file of the zip")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_what_would_be_unpacked_at_once_is_left_out(tmp_path: Path, how: int) -> None:
    """A few hundred bytes of these become gigabytes in memory, though the zip declares a size that is none to fear."""
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO + bytes(photo_files.PIECE)}, how)
    with opened(path) as (why,):
        assert isinstance(why, PassedOver)
        assert why.why.startswith("One file of the zip")


def test_what_unpacks_to_an_absurd_size_is_left_out(tmp_path: Path) -> None:
    with opened(packed(tmp_path / "a.zip", {"a.jpg": PHOTO + bytes(zips._ABSURD_BYTES)})) as (why,):
        assert isinstance(why, PassedOver)
        assert "absurd" in why.why


def test_no_more_is_read_than_a_member_declares(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO + bytes(8 * photo_files.PIECE)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\1\2") + 24, len(PHOTO))
    path.write_bytes(data)
    with opened(path) as (found,), pytest.raises(OSError, match="damaged"):
        read(found)


def test_members_that_lie_over_each_other_are_left_out(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": LARGE, "b.jpg": PHOTO}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\1\2")
    data[second + 20 : second + 28] = data[data.find(b"PK\1\2") + 20 :][:8]  # as large as the first
    struct.pack_into("<I", data, second + 42, 0)  # and where it is
    path.write_bytes(data)
    with opened(path) as (why,):
        assert isinstance(why, PassedOver)
        assert "lie over each other" in why.why


def test_a_zip_that_becomes_another_is_noticed(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": LARGE})
    with opened(path) as (found,):
        assert isinstance(found, Found)
        os.utime(path, ns=(1, 1))
        with pytest.raises(Changed):
            read(found)
        assert photo_files.stamped(found.path, found.member) != found.stamp


def test_members_are_told_apart_and_from_every_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": LARGE, "b.jpg": LARGE})
    with opened(path) as found, hash_cache.HashCache(tmp_path / "hashes", clock=lambda: 2**62) as cache:
        one, other = found
        assert isinstance(one, Found)
        assert isinstance(other, Found)
        cache.put(one.stamp, read(one))
        assert cache.get(other.stamp) is None
        assert one.stamp.inode < 0
    with opened(path) as (again, _), hash_cache.HashCache(tmp_path / "hashes") as cache:
        assert isinstance(again, Found)
        assert cache.get(again.stamp) == Contents("image/jpeg", hashlib.sha256(LARGE).digest())


def test_zips_are_told_by_how_they_begin(tmp_path: Path) -> None:
    (tmp_path / "none.zip").write_bytes(b"<!doctype html>")
    assert zips.is_zip(packed(tmp_path / "a", {"a": b"b"}))
    assert zips.is_zip(packed(tmp_path / "empty", {}))
    assert not zips.is_zip(tmp_path / "none.zip")


SOUND = io.BytesIO()
with zipfile.ZipFile(SOUND, "w", zipfile.ZIP_DEFLATED) as made:
    made.writestr("x/a.jpg", PHOTO)
    made.writestr("x/a.jpg.json", b"{}" * 50)


def test_a_member_without_a_name_does_no_harm(tmp_path: Path) -> None:
    data = SOUND.getvalue().replace(b"x/a.jpgPK", b"\0/a.jpgPK")  # in the table of contents
    (tmp_path / "a.zip").write_bytes(data)
    with opened(tmp_path / "a.zip") as found:
        assert [each.name for each in found] == ["a.zip/x/a.jpg.json"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SOUND.getvalue()) - 1), st.integers(0, 255)), max_size=8),
    tail=st.booleans(),
)
def test_nothing_in_a_zip_does_harm(tmp_path: Path, changes: list[tuple[int, int]], tail: bool) -> None:
    data = bytearray(SOUND.getvalue())
    for at, byte in changes:
        data[-1 - at % 200 if tail else at] = byte  # the table of contents is at the end
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with opened(path) as found:
        for each in found:
            if isinstance(each, Found):
                with contextlib.suppress(OSError, Changed):
                    read(each)
                with contextlib.suppress(OSError, Changed):
                    whole(each)
