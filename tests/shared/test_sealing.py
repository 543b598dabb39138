"""The sealed envelope: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from photovault import sealing
from photovault.errors import RangeNotSatisfiable, Tampered
from photovault.sealing import CHUNK_SIZE, Address, Opener, Sealer

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "envelope-v1.json").read_text())
ADDRESS = Address(uuid.UUID(int=1), uuid.UUID(int=2), "preview")
KEY = sealing.blob_key(bytes(range(32)), ADDRESS)
HEADER = sealing.header_size("preview")
SEALED_CHUNK = CHUNK_SIZE + 16

names = st.sampled_from(["original", "preview", "thumbnail", "metadata", "upload", "motion"]) | st.uuids().map(
    lambda face: f"face:{face}"
)
addresses = st.builds(Address, user_id=st.uuids(), image_id=st.uuids(), name=names)
keys = st.binary(min_size=32, max_size=32)


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@lru_cache
def sealed_pattern(size: int) -> bytes:
    return sealing.seal(pattern(size), key=KEY, address=ADDRESS)


def opener(sealed: bytes, **changes: Any) -> Opener:
    arguments = {"key": KEY, "address": ADDRESS, "total": len(sealed)} | changes
    return Opener(lambda offset, length: sealed[offset : offset + length], **arguments)


class Trickle(io.RawIOBase):
    """A source that answers each read with less than was asked for, as sockets and pipes do."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 1000))


# Round trips


@given(data=st.binary(max_size=5000), content_key=keys, address=addresses)
@example(data=b"", content_key=bytes(32), address=ADDRESS)
def test_what_is_sealed_opens_again(data: bytes, content_key: bytes, address: Address) -> None:
    key = sealing.blob_key(content_key, address)
    sealed = sealing.seal(data, key=key, address=address)
    assert len(sealed) == sealing.sealed_size(len(data), address.name)
    header_sha256 = hashlib.sha256(sealed[: sealing.header_size(address.name)]).digest()
    assert sealing.unseal(sealed, key=key, address=address, header_sha256=header_sha256) == data


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 5 * CHUNK_SIZE + 9])
def test_streaming_and_sealing_at_once_make_the_same_bytes(size: int) -> None:
    salt = bytes(range(32))
    sealer = Sealer(KEY, ADDRESS, size, salt=salt)
    streamed = b"".join(sealer.chunks(io.BytesIO(pattern(size))))
    assert streamed == sealing.seal(pattern(size), key=KEY, address=ADDRESS, salt=salt)
    assert sealer.sealed_size == len(streamed)
    assert sealer.header_sha256 == hashlib.sha256(streamed[:HEADER]).digest()
    assert sealing.unseal(streamed, key=KEY, address=ADDRESS) == pattern(size)
    assert b"".join(opener(streamed).chunks(0, size)) == pattern(size)


def test_a_source_may_answer_in_small_pieces() -> None:
    data = pattern(CHUNK_SIZE + 4321)
    sealed = b"".join(Sealer(KEY, ADDRESS, len(data)).chunks(Trickle(data)))  # type: ignore[arg-type]
    assert sealing.unseal(sealed, key=KEY, address=ADDRESS) == data


def test_the_same_photo_sealed_twice_shares_no_bytes_of_ciphertext() -> None:
    first, second = (sealing.seal(bytes(64), key=KEY, address=ADDRESS)[HEADER:] for _ in range(2))
    assert not {first[i : i + 4] for i in range(60)} & {second[i : i + 4] for i in range(60)}


@given(st.data())
def test_any_range_opens_to_that_range(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([0, 1, 1000, CHUNK_SIZE, 3 * CHUNK_SIZE + 77]))
    edges = st.sampled_from([0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, size])
    position = (st.integers(0, size) | edges).filter(lambda value: value <= size)
    start, stop = sorted((data.draw(position), data.draw(position)))
    assert b"".join(opener(sealed_pattern(size)).chunks(start, stop)) == pattern(size)[start:stop]


# What a reader fetches and holds


class Recorder:
    """A reader of ciphertext that remembers what was asked of it."""

    def __init__(self, sealed: bytes) -> None:
        self._sealed = sealed
        self.asked: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, offset + length))
        return self._sealed[offset : offset + length]


@pytest.mark.parametrize(
    ("start", "stop", "first", "last"),
    [(0, 1, 0, 0), (CHUNK_SIZE, CHUNK_SIZE + 1, 1, 1), (CHUNK_SIZE - 1, CHUNK_SIZE + 1, 0, 1), (10, 5_000_000, 0, 4)],
)
def test_a_range_reads_only_the_chunks_that_hold_it(start: int, stop: int, first: int, last: int) -> None:
    sealed = sealed_pattern(6 * CHUNK_SIZE + 5)
    read = Recorder(sealed)
    opened = Opener(read, key=KEY, address=ADDRESS, total=len(sealed))
    assert read.asked == [(0, HEADER)]
    assert b"".join(opened.chunks(start, stop)) == pattern(stop)[start:]
    fetched = read.asked[1:]
    assert fetched[0][0] == HEADER + first * SEALED_CHUNK
    assert fetched[-1][1] == HEADER + (last + 1) * SEALED_CHUNK
    assert sum(end - begin for begin, end in fetched) == (last + 1 - first) * SEALED_CHUNK


def test_an_empty_range_reads_nothing_but_the_header() -> None:
    read = Recorder(sealed_pattern(1000))
    assert list(Opener(read, key=KEY, address=ADDRESS, total=len(sealed_pattern(1000))).chunks(7, 7)) == []
    assert read.asked == [(0, HEADER)]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 1001), (1001, 1001)])
def test_a_range_outside_the_plaintext_is_refused_at_once(start: int, stop: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as refusal:
        opener(sealed_pattern(1000)).chunks(start, stop)
    assert refusal.value.size == 1000


def test_memory_does_not_grow_with_the_photo(tmp_path: Path) -> None:
    size = 25 * CHUNK_SIZE
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(pattern(size))
    tracemalloc.start()
    try:
        with plain.open("rb") as source, sealed.open("wb") as target:
            for chunk in Sealer(KEY, ADDRESS, size).chunks(source):
                target.write(chunk)
        while_sealing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        digest = hashlib.sha256()
        with sealed.open("rb") as source:

            def read(offset: int, length: int) -> bytes:
                source.seek(offset)
                return source.read(length)

            for chunk in Opener(read, key=KEY, address=ADDRESS, total=sealed.stat().st_size).chunks(0, size):
                digest.update(chunk)
        while_opening = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert digest.digest() == hashlib.sha256(pattern(size)).digest()
    assert while_sealing < 4 * CHUNK_SIZE
    assert while_opening < 4.1 * CHUNK_SIZE


# What is refused


def is_refused(sealed: bytes, **changes: Any) -> bool:
    """By both readers, the streaming one and the one in memory, with an error that names the blob."""
    arguments = {"key": KEY, "address": ADDRESS} | changes
    name = arguments["address"].name
    with pytest.raises(Tampered, match=f"sealed {name} does not verify"):
        sealing.unseal(sealed, **arguments)
    with pytest.raises(Tampered, match=f"sealed {name} does not verify"):
        stream_all(sealed, **changes)
    return True


def stream_all(sealed: bytes, **changes: Any) -> bytes:
    opened = opener(sealed, **changes)
    return b"".join(opened.chunks(0, opened.size))


@pytest.mark.parametrize("size", [0, 1, 40])
def test_every_single_flipped_bit_is_refused(size: int) -> None:
    sealed = bytearray(sealed_pattern(size))
    for bit in range(8 * len(sealed)):
        sealed[bit // 8] ^= 1 << bit % 8
        assert is_refused(bytes(sealed))
        sealed[bit // 8] ^= 1 << bit % 8
    assert sealing.unseal(bytes(sealed), key=KEY, address=ADDRESS) == pattern(size)


@pytest.mark.parametrize("size", [0, 40])
def test_every_truncation_is_refused(size: int) -> None:
    sealed = sealed_pattern(size)
    assert all(is_refused(sealed[:length]) for length in range(len(sealed)))


def test_bytes_after_the_end_are_refused() -> None:
    assert is_refused(sealed_pattern(40) + b"\x00")


@given(st.permutations(range(3)).filter(lambda order: list(order) != [0, 1, 2]))
def test_chunks_in_another_order_are_refused(order: list[int]) -> None:
    sealed = sealed_pattern(3 * CHUNK_SIZE)
    parts = [sealed[HEADER + index * SEALED_CHUNK : HEADER + (index + 1) * SEALED_CHUNK] for index in range(3)]
    assert is_refused(sealed[:HEADER] + b"".join(parts[index] for index in order))


def test_a_photo_cut_at_a_chunk_with_a_header_to_match_is_refused() -> None:
    sealed = sealed_pattern(2 * CHUNK_SIZE)
    shorter = bytearray(sealed[: HEADER + SEALED_CHUNK])
    shorter[HEADER - 72 : HEADER - 64] = CHUNK_SIZE.to_bytes(8, "big")
    assert is_refused(bytes(shorter))


def test_a_chunk_of_another_envelope_under_the_same_key_is_refused() -> None:
    """An older version of the same blob: same key, same name, same length."""
    old, new = (sealing.seal(data, key=KEY, address=ADDRESS) for data in (b"old", b"new"))
    assert is_refused(new[:HEADER] + old[HEADER:])


@given(other=addresses)
def test_another_person_image_or_name_is_refused_even_with_the_key(other: Address) -> None:
    for changed in (
        replace(ADDRESS, user_id=other.user_id),
        replace(ADDRESS, image_id=other.image_id),
        replace(ADDRESS, name=other.name),
    ):
        if changed != ADDRESS:
            assert is_refused(sealed_pattern(40), address=changed)
            assert is_refused(sealed_pattern(40), key=sealing.blob_key(bytes(range(32)), changed))


def test_an_older_envelope_of_the_same_blob_is_refused_by_its_header() -> None:
    old, new = (sealing.seal(data, key=KEY, address=ADDRESS) for data in (b"old", b"new"))
    recorded = hashlib.sha256(new[:HEADER]).digest()
    assert sealing.unseal(new, key=KEY, address=ADDRESS, header_sha256=recorded) == b"new"
    assert is_refused(old, header_sha256=recorded)


def test_an_envelope_opens_under_one_key_only_before_any_chunk_is_read() -> None:
    read = Recorder(sealed_pattern(40))
    with pytest.raises(Tampered, match="another key"):
        Opener(read, key=bytes(32), address=ADDRESS, total=len(sealed_pattern(40)))
    assert read.asked == [(0, HEADER)]


def test_nothing_of_a_chunk_leaves_before_it_verifies() -> None:
    sealed = bytearray(sealed_pattern(3 * CHUNK_SIZE))
    sealed[HEADER + 2 * SEALED_CHUNK - 1] ^= 1  # the tag of the second chunk
    pieces: Iterator[bytes] = opener(bytes(sealed)).chunks(10, 3 * CHUNK_SIZE)
    assert next(pieces) == pattern(CHUNK_SIZE)[10:]
    with pytest.raises(Tampered, match="chunk 1"):
        next(pieces)


def test_an_envelope_that_shrinks_while_it_is_read_is_refused() -> None:
    sealed = sealed_pattern(CHUNK_SIZE + 5)
    opened = Opener(
        lambda offset, length: sealed[:-3][offset : offset + length], key=KEY, address=ADDRESS, total=len(sealed)
    )
    with pytest.raises(Tampered, match="cut within chunk 1"):
        list(opened.chunks(0, opened.size))


# Sealing with care


@pytest.mark.parametrize("actual", [0, 999, 1001, CHUNK_SIZE])
def test_a_source_of_another_length_never_becomes_a_whole_envelope(actual: int) -> None:
    pieces = []
    with pytest.raises(ValueError, match="1000 bytes"):
        pieces.extend(Sealer(KEY, ADDRESS, 1000).chunks(io.BytesIO(bytes(actual))))
    assert sum(map(len, pieces)) < sealing.sealed_size(1000, "preview")


def test_a_sealer_seals_once_so_that_no_nonce_is_used_twice() -> None:
    sealer = Sealer(KEY, ADDRESS, 3)
    list(sealer.chunks(io.BytesIO(b"one")))
    with pytest.raises(RuntimeError, match="seals once"):
        sealer.chunks(io.BytesIO(b"two"))


@pytest.mark.parametrize(
    "name", ["", "Original", "original ", "originals", "face:", "face:me", f"face:{uuid.UUID(int=10)}\n", "../original"]
)
def test_only_the_names_of_blobs_are_taken(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a blob"):
        Address(uuid.uuid4(), uuid.uuid4(), name)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_keys_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.blob_key(bytes(length), ADDRESS)
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.seal(b"photo", key=bytes(length), address=ADDRESS)


@given(content_key=keys, one=addresses, other=addresses)
def test_blob_keys_differ_whenever_anything_of_the_address_does(
    content_key: bytes, one: Address, other: Address
) -> None:
    same = sealing.blob_key(content_key, one) == sealing.blob_key(content_key, other)
    assert same == (one == other)


# The published vectors, made by a second implementation


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["label"])
def test_the_published_envelopes_are_made_and_opened(vector: dict[str, Any]) -> None:
    address = Address(uuid.UUID(vector["user_id"]), uuid.UUID(vector["image_id"]), vector["name"])
    plaintext = pattern(vector["plaintext_size"])
    key = sealing.blob_key(bytes.fromhex(vector["content_key"]), address)
    assert key.hex() == vector["blob_key"]
    sealed = sealing.seal(plaintext, key=key, address=address, salt=bytes.fromhex(vector["salt"]))
    assert sealed.hex().startswith(vector["header"])
    assert hashlib.sha256(sealed).hexdigest() == vector["sealed_sha256"]
    assert sealed.hex() == vector.get("sealed", sealed.hex())
    recorded = bytes.fromhex(vector["header_sha256"])
    assert sealing.unseal(sealed, key=key, address=address, header_sha256=recorded) == plaintext


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["label"])
def test_the_published_forgeries_are_refused(vector: dict[str, Any]) -> None:
    original = next(each for each in VECTORS["accepted"] if each["label"] == vector["from"])
    source = Address(uuid.UUID(original["user_id"]), uuid.UUID(original["image_id"]), original["name"])
    genuine = sealing.seal(
        pattern(original["plaintext_size"]),
        key=bytes.fromhex(original["blob_key"]),
        address=source,
        salt=bytes.fromhex(original["salt"]),
    )
    forged = bytearray(b"".join(genuine[start:stop] for start, stop in vector["pieces"]))
    for offset, mask in vector["flip"]:
        forged[offset] ^= mask
    read = vector["read"]
    changes: dict[str, Any] = {
        "key": bytes.fromhex(read["blob_key"]),
        "address": Address(uuid.UUID(read["user_id"]), uuid.UUID(read["image_id"]), read["name"]),
    }
    if "header_sha256" in read:
        changes["header_sha256"] = bytes.fromhex(read["header_sha256"])
    assert is_refused(bytes(forged), **changes)
