"""The sealed envelope: authenticated encryption of one blob, streamed, readable in ranges, decodable with WebCrypto.

This docstring is the format's specification (version 1); ``tests/vectors/envelope-v1.json`` holds its test vectors.
All integers are unsigned and big-endian, ``‖`` joins bytes, UUIDs are their 16 bytes, names are ASCII.

**Header**, 86 + n bytes, where n is the length of the blob's name::

    offset   bytes   field
    0        8       magic: "PVSEALED" (50 56 53 45 41 4C 45 44)
    8        1       version: 1
    9        1       n, length of the blob's name
    10       n       blob name: original | preview | thumbnail | metadata | upload | motion | face:<uuid, lower case>
    10+n     4       chunk size in bytes: 1048576, nothing else in version 1
    14+n     8       plaintext length in bytes
    22+n     32      salt, random for every envelope
    54+n     32      key commitment

**Body**: the plaintext is cut into ceil(length / 1048576) chunks, all of 1048576 bytes but the last; an empty plaintext
is one empty chunk. Each is stored as AES-256-GCM ciphertext of the same length ‖ 16-byte tag (what WebCrypto returns).
So chunk i starts at 86 + n + i * (1048576 + 16), and the whole has 86 + n + length + 16 * chunks bytes.

**Keys**::

    blob key      = HKDF-SHA-256(ikm = content key (32 bytes), no salt (an empty one to WebCrypto), 32 bytes,
                    info = "PhotoVault/v1/blob" ‖ user id ‖ image id ‖ n (1 byte) ‖ blob name)
    aes key ‖ key commitment = HKDF-SHA-512(ikm = blob key, salt = the header's salt, 64 bytes (32 + 32),
                    info = "PhotoVault/v1/envelope")

Tickets carry the blob key, so a reader in a browser starts at the second line.

**Each chunk**, by its index i from 0::

    nonce (12 bytes)           = i
    additional data (37 bytes) = SHA-256(header ‖ user id ‖ image id) ‖ i (4 bytes) ‖ last (1 byte: 1 for the last
                                 chunk, else 0)

**A reader** knows from its row or ticket: the blob key, user id, image id, blob name, the envelope's total length and
SHA-256(header). Before anything else it checks the header's hash, magic, version, name, chunk size, that the total
length is what the plaintext length says, and the commitment; it releases nothing of a chunk before its tag verifies.
The key of AES is new for every envelope, so that a counter is a safe nonce; the commitment means that an envelope opens
under one key only (GCM alone does not promise that: Albertini et al., "How to Abuse and Fix Authenticated Encryption
Without Key Commitment", 2022); the "last" flag and the length make truncation an error (as in Hoang et al., "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015, STREAM).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from photovault.errors import RangeNotSatisfiable, Tampered

CHUNK_SIZE = 1024 * 1024
TAG_SIZE = 16
KEY_SIZE = 32
SALT_SIZE = 32
MAGIC = b"PVSEALED"
VERSION = 1
# The index of a chunk has four bytes in the additional data: 4 PiB.
MAX_PLAINTEXT = (2**32 - 1) * CHUNK_SIZE

_FIXED_HEADER_SIZE = 86
_BLOB_INFO = b"PhotoVault/v1/blob"
_ENVELOPE_INFO = b"PhotoVault/v1/envelope"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(rf"original|preview|thumbnail|metadata|upload|motion|face:{_UUID}")
# Ranges are fetched this many chunks at a time: with the piece that is opened and the one before it, which a consumer
# may hold, that is a constant 4 MiB of memory.
_CHUNKS_PER_READ = 2


@dataclass(frozen=True)
class Address:
    """What an envelope is bound to: whose, of which image, and which of its blobs. ``ValueError`` for another name."""

    user_id: UUID
    image_id: UUID
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not the name of a blob")


def blob_key(content_key: bytes, address: Address) -> bytes:
    """The 32-byte key of one blob; it opens this blob only, so that it can be handed out in a ticket."""
    _check_key(content_key)
    name = address.name.encode("ascii")
    info = _BLOB_INFO + address.user_id.bytes + address.image_id.bytes + bytes([len(name)]) + name
    return _hkdf("sha256", content_key, salt=b"", info=info)


@lru_cache(maxsize=64)
def header_size(name: str) -> int:
    """Bytes of the header of a blob of this name."""
    return _FIXED_HEADER_SIZE + len(name.encode("ascii"))


def sealed_size(plaintext_size: int, name: str) -> int:
    """Bytes of the whole envelope for a plaintext of so many bytes."""
    if not 0 <= plaintext_size <= MAX_PLAINTEXT:
        raise ValueError(f"a plaintext of {plaintext_size} bytes cannot be sealed")
    return header_size(name) + plaintext_size + TAG_SIZE * _chunk_count(plaintext_size)


class Sealer:
    """Seals one plaintext of a known size, once.

    ``key`` is the blob key (32 bytes) of ``address``. ``salt`` is for test vectors alone: one used twice with
    the same key would use nonces twice. For the same reason a sealer seals once, and a second try needs a new one.
    """

    def __init__(self, key: bytes, address: Address, size: int, *, salt: bytes | None = None) -> None:
        self.address = address
        self.size = size
        self.sealed_size = sealed_size(size, address.name)
        salt = os.urandom(SALT_SIZE) if salt is None else salt
        if len(salt) != SALT_SIZE:
            raise ValueError(f"a salt has {SALT_SIZE} bytes")
        cipher_key, commitment = _schedule(key, salt)
        self.header = _header_before_salt(address.name, size) + salt + commitment
        self._cipher = AESGCM(cipher_key)
        self._context = _context(self.header, address)
        self._used = False

    @property
    def header_sha256(self) -> bytes:
        """What the row and every ticket carry, so that an older blob of the same name is not taken for this one."""
        return hashlib.sha256(self.header).digest()

    def chunks(self, source: BinaryIO) -> Iterator[bytes]:
        """The envelope in pieces: the header, then each sealed chunk. Holds about 2 MiB whatever the size.

        Raises ``ValueError`` before the last piece if the source is shorter or longer than the size promised.
        """
        self._use_once()
        return self._stream(source)

    def _stream(self, source: BinaryIO) -> Iterator[bytes]:
        yield self.header
        last = _chunk_count(self.size) - 1
        for index in range(last + 1):
            wanted = min(CHUNK_SIZE, self.size - index * CHUNK_SIZE)
            plaintext = _read_exactly(source, wanted)
            if len(plaintext) != wanted or (index == last and source.read(1)):
                raise ValueError(f"the source of the {self.address.name} does not have the {self.size} bytes it should")
            yield self._cipher.encrypt(_nonce(index), plaintext, _additional(self._context, index, index == last))

    def _seal_into(self, plaintext: memoryview, target: memoryview) -> None:
        """Write the whole envelope to ``target`` without a copy in between."""
        self._use_once()
        position = len(self.header)
        target[:position] = self.header
        last = _chunk_count(self.size) - 1
        for index in range(last + 1):
            chunk = plaintext[index * CHUNK_SIZE : (index + 1) * CHUNK_SIZE]
            end = position + len(chunk) + TAG_SIZE
            extra = _additional(self._context, index, index == last)
            self._cipher.encrypt_into(_nonce(index), chunk, extra, target[position:end])
            position = end

    def _use_once(self) -> None:
        if self._used:
            raise RuntimeError("a sealer seals once: sealing again under the same key would use nonces twice")
        self._used = True


def seal(plaintext: bytes, *, key: bytes, address: Address, salt: bytes | None = None) -> bytes:
    """The envelope of a plaintext that is in memory. ``key`` is the blob key; ``salt`` is for test vectors alone."""
    sealer = Sealer(key, address, len(plaintext), salt=salt)
    buffer = _buffer(sealer.sealed_size)
    with memoryview(plaintext) as source, buffer.getbuffer() as target:
        sealer._seal_into(source, target)
    return buffer.getvalue()


class Opener:
    """Opens an envelope of ``total`` bytes through ``read(offset, length) -> bytes``, a reader of its ciphertext.

    The constructor reads the header and verifies it against ``address``, ``key`` (the blob key), ``total`` and, when
    given, ``header_sha256``. ``size`` is the plaintext's length in bytes. Raises ``Tampered``; what ``read`` raises
    passes through.
    """

    def __init__(
        self,
        read: Callable[[int, int], bytes | memoryview],
        *,
        key: bytes,
        address: Address,
        total: int,
        header_sha256: bytes | None = None,
    ) -> None:
        self._read = read
        self.address = address
        name = address.name
        header = bytes(read(0, header_size(name)))
        if len(header) != header_size(name):
            raise self._tampered("it is cut within its header")
        if header_sha256 is not None and not hmac.compare_digest(hashlib.sha256(header).digest(), header_sha256):
            raise self._tampered("its header is not the one recorded for it")
        if header[:8] != MAGIC:
            raise self._tampered("it is not a sealed envelope")
        if header[8] != VERSION:
            raise self._tampered(f"its version {header[8]} is not known")
        self.size = int.from_bytes(header[-72:-64], "big")
        if self.size > MAX_PLAINTEXT or header[:-64] != _header_before_salt(name, self.size):
            raise self._tampered("its header names another blob, chunk size or length")
        if total != sealed_size(self.size, name):
            raise self._tampered(f"it has {total} bytes instead of {sealed_size(self.size, name)}")
        cipher_key, commitment = _schedule(key, header[-64:-32])
        if not hmac.compare_digest(commitment, header[-32:]):
            raise self._tampered("it was sealed with another key, or for another person, image or name")
        self._cipher = AESGCM(cipher_key)
        self._context = _context(header, address)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The plaintext's bytes from ``start`` up to ``stop``, in pieces of at most 1 MiB, each verified first.

        Touches only the chunks that hold them, and holds at most 2 MiB of ciphertext. Raises ``RangeNotSatisfiable``
        at once for a range outside the plaintext, and ``Tampered`` where a chunk does not verify.
        """
        if not 0 <= start <= stop <= self.size:
            raise RangeNotSatisfiable(self.size)
        if start == stop and self.size:
            return iter(())
        return self._open(start, stop)

    def _open(self, start: int, stop: int) -> Iterator[bytes]:
        first, after_last = start // CHUNK_SIZE, max(1, -(-stop // CHUNK_SIZE))
        for batch in range(first, after_last, _CHUNKS_PER_READ):
            batch_end = min(batch + _CHUNKS_PER_READ, after_last)
            begin = self._offset(batch)
            with memoryview(self._read(begin, self._offset(batch_end) - begin)) as sealed:
                for index in range(batch, batch_end):
                    chunk_start = index * CHUNK_SIZE
                    plaintext = self._chunk(
                        index, sealed[self._offset(index) - begin : self._offset(index + 1) - begin]
                    )
                    if start > chunk_start or stop < chunk_start + len(plaintext):
                        plaintext = plaintext[max(0, start - chunk_start) : stop - chunk_start]
                    if plaintext:
                        yield plaintext
                    del plaintext  # else it would be held beside the next one

    def _chunk(self, index: int, sealed: memoryview) -> bytes:
        try:
            return self._cipher.decrypt(*self._arguments(index, sealed))
        except InvalidTag:
            raise self._tampered(f"chunk {index} does not verify") from None

    def _open_into(self, target: memoryview) -> None:
        """Write the whole plaintext to ``target``, which its owner must not show if this raises."""
        for index in range(_chunk_count(self.size)):
            offset = self._offset(index)
            with memoryview(self._read(offset, self._offset(index + 1) - offset)) as sealed:
                part = target[index * CHUNK_SIZE : (index + 1) * CHUNK_SIZE]
                try:
                    self._cipher.decrypt_into(*self._arguments(index, sealed), part)
                except InvalidTag:
                    raise self._tampered(f"chunk {index} does not verify") from None

    def _arguments(self, index: int, sealed: memoryview) -> tuple[bytes, memoryview, bytes]:
        """Nonce, sealed chunk and additional data, after a look at the chunk's length."""
        if len(sealed) != self._offset(index + 1) - self._offset(index):
            raise self._tampered(f"it is cut within chunk {index}")
        return _nonce(index), sealed, _additional(self._context, index, index == _chunk_count(self.size) - 1)

    def _offset(self, index: int) -> int:
        """Where sealed chunk ``index`` starts; one past the last chunk, where the envelope ends."""
        return header_size(self.address.name) + min(index * CHUNK_SIZE, self.size) + index * TAG_SIZE

    def _tampered(self, what: str) -> Tampered:
        return Tampered(f"The sealed {self.address.name} does not verify: {what}.")


def unseal(sealed: bytes, *, key: bytes, address: Address, header_sha256: bytes | None = None) -> bytes:
    """The plaintext of an envelope that is in memory. ``key`` is the blob key. Raises ``Tampered``."""
    with memoryview(sealed) as view:
        opener = Opener(
            lambda offset, length: view[offset : offset + length],
            key=key,
            address=address,
            total=len(sealed),
            header_sha256=header_sha256,
        )
        buffer = _buffer(opener.size)
        with buffer.getbuffer() as target:
            opener._open_into(target)
    return buffer.getvalue()


def _header_before_salt(name: str, size: int) -> bytes:
    """Everything of the header that a reader can foretell."""
    encoded = name.encode("ascii")
    return b"".join(
        (MAGIC, bytes((VERSION, len(encoded))), encoded, CHUNK_SIZE.to_bytes(4, "big"), size.to_bytes(8, "big"))
    )


def _chunk_count(size: int) -> int:
    return -(-size // CHUNK_SIZE) or 1


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


def _context(header: bytes, address: Address) -> bytes:
    return hashlib.sha256(header + address.user_id.bytes + address.image_id.bytes).digest()


def _additional(context: bytes, index: int, last: bool) -> bytes:
    return context + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def _schedule(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The AES key and the commitment, 32 bytes each."""
    _check_key(key)
    material = _hkdf("sha512", key, salt=salt, info=_ENVELOPE_INFO)
    return material[:KEY_SIZE], material[KEY_SIZE:]


def _hkdf(algorithm: str, key: bytes, *, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for an output of exactly one block of the hash, which both uses here are. An empty salt is no salt."""
    return hmac.digest(hmac.digest(salt, key, algorithm), info + b"\x01", algorithm)


def _check_key(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise ValueError(f"a key has {KEY_SIZE} bytes")


def _read_exactly(source: BinaryIO, size: int) -> bytes:
    """``size`` bytes, or fewer at the end; raw sources may answer in smaller pieces."""
    data = source.read(size) if size else b""
    if len(data) == size or not data:
        return data
    pieces = [data]
    missing = size - len(data)
    while missing and (data := source.read(missing)):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


def _buffer(size: int) -> io.BytesIO:
    """A buffer of ``size`` bytes whose ``getvalue`` gives out its bytes without copying them."""
    buffer = io.BytesIO()
    if size:
        buffer.seek(size - 1)
        buffer.write(b"\x00")
    return buffer
