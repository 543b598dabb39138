"""The reader of TIFF structures: types, bounds, and directories that mean harm."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import exif


def block(*entries: tuple[int, int, int, bytes], order: str = "<", tail: bytes = b"") -> bytes:
    """A TIFF block with one directory; each entry is tag, type, count and the four bytes of its value or offset."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    return head + b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries) + bytes(4) + tail


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_all_types_are_read(order: str) -> None:
    tail = struct.pack(order + "iiddf", -1, 3, 2.5, 1e300, 0.5)
    start = 8 + 2 + 12 * 5 + 4
    tags = exif.read(
        block(
            (1, 3, 2, struct.pack(order + "HH", 7, 8)),
            (2, 2, 4, b"abc\0"),
            (3, 10, 1, struct.pack(order + "I", start)),
            (4, 12, 2, struct.pack(order + "I", start + 8)),
            (5, 8, 1, struct.pack(order + "hxx", -5)),
            order=order,
            tail=tail,
        )
    ).image
    assert tags == {1: (7, 8), 2: b"abc\0", 3: ((-1, 3),), 4: (2.5, 1e300), 5: (-5,)}


def test_what_lies_outside_the_block_or_is_too_long_is_left_out() -> None:
    far = struct.pack("<I", 1_000_000)
    tags = exif.read(
        block((1, 2, 100, far), (2, 4, 0xFFFFFFFF, far), (3, 99, 1, far), (4, 3, 0, far), (5, 1, 1, b"\1\0\0\0"))
    )
    assert tags.image == {5: b"\1"}


def test_a_zero_denominator_and_nan_are_no_numbers() -> None:
    tail = struct.pack("<IIIId", 1, 0, 1, 2, float("nan"))
    start = 8 + 2 + 12 * 2 + 4
    tags = exif.read(block((1, 5, 2, struct.pack("<I", start)), (2, 12, 1, struct.pack("<I", start + 16)), tail=tail))
    assert tags.numbers(1, tags.image) == (None, 0.5)
    assert tags.number(2, tags.image) is None


@pytest.mark.parametrize(("value", "orientation"), [(0, 1), (1, 1), (6, 6), (8, 8), (9, 1), (65535, 1)])
def test_an_absurd_orientation_is_upright(value: int, orientation: int) -> None:
    assert exif.read(block((0x0112, 3, 1, struct.pack("<Hxx", value)))).orientation == orientation


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Canon\0\0\0", "Canon"),
        (b"  a \t\n b  ", "a b"),
        ("Größe".encode(), "Größe"),
        ("Größe".encode("latin-1"), "Größe"),
        ("\u202eevil\u200b".encode(), "evil"),
        (b"\0hidden", None),
        (b"\x1b\x07", None),
    ],
)
def test_text_is_cleaned(raw: bytes, text: str | None) -> None:
    assert exif.clean(raw, most=20) == text


def test_a_directory_that_points_at_itself_ends() -> None:
    block = b"II*\0" + struct.pack("<IHHHIIHHII", 8, 2, 0x8769, 4, 1, 8, 0x8825, 4, 1, 8) + bytes(4)
    tags = exif.read(block)
    assert set(tags.exif) == set(tags.gps) == {0x8769, 0x8825}


def test_entries_that_share_a_large_value_cost_no_more_than_what_is_read_of_it() -> None:
    """512 entries of 64 KiB each would be millions of numbers."""
    where = struct.pack("<I", 8)
    for kind, length in ((3, 1000), (5, 100), (12, 100)):
        tags = exif.read(block(*((1000 + n, kind, length, where) for n in range(500)), tail=bytes(9000))).image
        assert len(tags) == 500
        assert all(len(value) <= 64 for value in tags.values())
    tags = exif.read(block(*((1000 + n, 2, 60_000, where) for n in range(500)), tail=bytes(60_000))).image
    assert all(len(value) <= 16 * 1024 for value in tags.values())


def test_packets_of_any_type_are_bytes_as_they_lie_in_the_file() -> None:
    for order in ("<", ">"):
        tail = bytes(range(8))
        start = struct.pack(order + "I", 8 + 2 + 12 + 4)
        assert exif.read(block((0x83BB, 4, 2, start), order=order, tail=tail)).image == {0x83BB: tail}


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    exif.read(raw)
    exif.read(b"II*\0\x08\0\0\0" + raw)
    exif.read(b"MM\0*\0\0\0\x08" + raw)
