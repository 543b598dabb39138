"""Ranges, conditions and names of files, as headers carry them."""

from __future__ import annotations

import email.parser
import email.utils
import urllib.parse
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from photovault.api.headers import LONGEST_NAME, Conditions, conditions, content_disposition, parse_range
from photovault.api.headers import rendition_name as named
from photovault.errors import RangeNotSatisfiable


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers(0, 12_000), st.integers(0, 12_000))
def test_a_range_is_the_slice_it_names(size: int, first: int, last: int) -> None:
    data = bytes(n % 251 for n in range(size))
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_range(header, size) is None
    elif first >= size:
        with pytest.raises(RangeNotSatisfiable) as caught:
            parse_range(header, size)
        assert caught.value.size == size
    else:
        found = parse_range(header, size)
        assert found is not None
        assert data[slice(*found)] == data[first : last + 1]


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers(0, 12_000))
def test_open_and_suffix_ranges_reach_to_the_end(size: int, number: int) -> None:
    if number < size:
        assert parse_range(f"bytes={number}-", size) == (number, size)
    else:
        with pytest.raises(RangeNotSatisfiable):
            parse_range(f"bytes={number}-", size)
    if number:
        assert parse_range(f"bytes=-{number}", size) == (max(0, size - number), size)
    else:
        with pytest.raises(RangeNotSatisfiable):
            parse_range("bytes=-0", size)


@settings(deadline=None)
@given(st.text(st.characters(codec="latin-1"), max_size=40), st.integers(1, 1000))
def test_any_header_is_a_range_inside_or_none(text: str, size: int) -> None:
    for header in (text, f"bytes={text}", None):
        try:
            found = parse_range(header, size)
        except RangeNotSatisfiable:
            continue
        assert found is None or 0 <= found[0] < found[1] <= size


@pytest.mark.parametrize(
    "header", ["bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=-", "bytes=", "bytes", "bytes 0-1", "bytes=1-0", "0-1",
               "bytes=--1", "bytes=+1-2", "bytes=1_0-", "bytes=١-٢", "bytes=0x1-", "bytes=0 - 1"]
)  # fmt: skip
def test_ranges_that_the_standard_lets_one_ignore_are_ignored(header: str) -> None:
    assert parse_range(header, 100) is None


@pytest.mark.parametrize("header", ["Bytes=3-9", "bytes= 3-9 ", "bytes=,3-9", "bytes=3-9,\t,", "bytes=003-0000009"])
def test_a_range_may_be_written_in_every_way_of_the_standard(header: str) -> None:
    assert parse_range(header, 100) == (3, 10)


def test_numbers_beyond_all_lengths_are_numbers() -> None:
    huge = "9" * 5000
    assert parse_range(f"bytes=5-{huge}", 100) == (5, 100)
    assert parse_range(f"bytes=-{huge}", 100) == (0, 100)
    with pytest.raises(RangeNotSatisfiable):
        parse_range(f"bytes={huge}-", 100)


def test_of_nothing_there_is_no_part() -> None:
    assert parse_range("bytes=-5", 0) is None
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=0-", 0)


# ---------------------------------------------------------------------------------------------------- conditions

TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "current"),
    [(None, False), (TAG, True), (f"W/{TAG}", True), (f'"x", {TAG}', True), (f'"x",W/{TAG},"y"', True), ("*", True),
     ('"x"', False), ("abc", False), ("", False), ('"ABC"', False), (f"w/{TAG}", False)],
)  # fmt: skip
def test_what_the_client_has_is_compared_weakly(header: str | None, current: bool) -> None:
    assert Conditions(if_none_match=header).is_current(TAG) is current


@pytest.mark.parametrize(
    ("header", "fails"),
    [(None, False), (TAG, False), ("*", False), (f'"x", {TAG}', False), ('"x"', True), (f"W/{TAG}", True), ("", True)],
)
def test_what_the_client_expects_is_compared_strongly(header: str | None, fails: bool) -> None:
    assert Conditions(if_match=header).fails(TAG) is fails


def test_a_part_is_given_only_of_what_the_client_began_with() -> None:
    asked = Conditions(range="bytes=2-")
    assert asked.part(TAG, 10) == (2, 10)
    assert replace(asked, if_range=TAG).part(TAG, 10) == (2, 10)
    for other in ('"other"', f"W/{TAG}", "Wed, 21 Oct 2015 07:28:00 GMT", "*", ""):
        assert replace(asked, if_range=other).part(TAG, 10) is None
        assert Conditions(range="bytes=99-", if_range=other).part(TAG, 10) is None, "not even 416"


def test_lines_of_one_header_are_one_list() -> None:
    lines = {"if-none-match": ['"x"', TAG], "range": ["bytes=0-1", "bytes=4-5"]}
    asked = conditions(lambda name: lines.get(name, []))
    assert asked.is_current(TAG)
    assert asked.part(TAG, 10) is None, "two ranges are the whole"
    assert not asked.fails(TAG)


# --------------------------------------------------------------------------------------------------------- names


def read_back(header: str) -> tuple[str, str]:
    """Disposition and name, as an implementation of RFC 2231 that is not ours understands them."""
    message = email.parser.Parser().parsestr(f"Content-Disposition: {header}\r\nX-After: here\r\n\r\n")
    assert message.keys() == ["Content-Disposition", "X-After"]
    disposition, plain, extended = message.get_params(header="Content-Disposition") or []
    assert (disposition[1], plain[0], extended[0]) == ("", "filename", "filename")
    assert isinstance(extended[1], tuple), "the second is the extended one"
    return disposition[0], email.utils.collapse_rfc2231_value(extended[1], errors="strict")


any_text = st.text(st.characters(), max_size=300)
odd_text = st.text(st.sampled_from("a \"'\\/;,=%\r\n\t\0\x7f\x85.()*\u202e\u200f\u2028\ud83d\udc80é写🌊"), max_size=300)


@settings(deadline=None)
@given(any_text | odd_text, st.booleans())
@example("", True)
@example("\u202egpj.exe", False)
@example("\ud800", True)
@example('a"; filename="b.html', True)
@example("a\r\nSet-Cookie: x=1\r\n\r\n<script>", True)
@example("🌊" * 300 + ".jpeg", True)
def test_whatever_a_file_is_called_its_header_is_one_safe_line_with_one_name(text: str, inline: bool) -> None:
    header = content_disposition(text, inline=inline)
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 1100
    plain, _, extended = header.partition("; filename*=UTF-8''")
    assert plain.startswith(('attachment; filename="', 'inline; filename="')[inline])
    assert plain.count('"') == 2
    assert not set(extended) & set(" \"';,\\")
    disposition, name = read_back(header)
    assert disposition == ("attachment", "inline")[inline]
    assert name == urllib.parse.unquote(extended, errors="strict")
    assert name.strip(". ")
    assert len(name.splitlines()) == 1
    assert len(name.encode()) <= LONGEST_NAME
    assert not set(name) & set("/\\\r\n\0\u202e\u200f\u2028")
    assert content_disposition(name, inline=inline) == header, "what is clean stays as it is"


@pytest.mark.parametrize(
    "name",
    ["IMG_1.jpg", "写真 🌊.heic", 'ключ "quoted".jpg', "100% o'clock; a=b,c*.png", ".hidden.jpg", "👩\u200d🚀.jpg"],
)
def test_a_name_comes_through_as_it_is(name: str) -> None:
    assert read_back(content_disposition(name, inline=True)) == ("inline", name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("é" * 300 + ".jpeg", "é" * 125 + ".jpeg"), ("x" * 300, "x" * 255), ("x" * 300 + " (preview).jpg",
     "x" * 241 + " (preview).jpg"), ("x." + "y" * 300, "x." + "y" * 253)],
    ids=["not within a character", "without an ending", "of a rendition", "with an endless ending"],
)  # fmt: skip
def test_a_name_too_long_for_a_file_is_cut_before_its_ending(name: str, kept: str) -> None:
    assert read_back(content_disposition(name, inline=True))[1] == kept


@pytest.mark.parametrize(
    ("original", "name"),
    [("IMG_1.HEIC", "IMG_1 (preview).jpg"), ("写真.jpg", "写真 (preview).jpg"), ("scan", "scan (preview).jpg"),
     ("a.b.tiff", "a.b (preview).jpg"), (".hidden", ".hidden (preview).jpg"), ("2025. May", "2025. May (preview).jpg")],
)  # fmt: skip
def test_a_rendition_is_told_apart_by_its_name(original: str, name: str) -> None:
    assert named(original, "preview", "jpg") == name
