"""Makes envelope-v1.json, the vectors that every implementation of the sealed envelope passes.

    python tests/vectors/make_envelope_vectors.py

It imports nothing of photovault: it is a second implementation, written from the specification in the docstring of
``photovault.sealing`` with the HKDF and AES-GCM of ``cryptography``, so that the vectors check the library and not
itself. All inputs are derived from their labels, and the file is the same each time.

Bytes are hexadecimal. A plaintext is described by its length: byte i is i mod 251. In ``accepted``, long envelopes are
given by their SHA-256. In ``refused``, an envelope is made from an accepted one: join its byte ranges ``pieces``
([start, stop] each), then XOR the byte at each ``flip`` offset with its mask; ``read`` has what the reader believes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 1024 * 1024
FACE = "face:0190b6f0-3c1d-7a52-9b1e-5f0d4c3b2a19"
ACCEPTED = [
    ("an empty plaintext", "original", 0),
    ("one byte", "thumbnail", 1),
    ("a short plaintext", "preview", 300),
    ("a name with an id", FACE, 64),
    ("metadata", "metadata", 2),
    ("a sealed upload", "upload", 33),
    ("a motion clip", "motion", 5),
    ("one byte less than a chunk", "original", CHUNK - 1),
    ("exactly one chunk", "original", CHUNK),
    ("one byte more than a chunk", "original", CHUNK + 1),
    ("exactly two chunks", "original", 2 * CHUNK),
    ("three chunks, the last one short", "original", 2 * CHUNK + 5),
]


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def material(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


def envelope(*, content_key: bytes, user_id: uuid.UUID, image_id: uuid.UUID, name: str, salt: bytes, size: int) -> Any:
    encoded = name.encode()
    ids = user_id.bytes + image_id.bytes
    info = b"PhotoVault/v1/blob" + ids + len(encoded).to_bytes(1, "big") + encoded
    blob_key = HKDF(SHA256(), 32, None, info).derive(content_key)
    both = HKDF(SHA512(), 64, salt, b"PhotoVault/v1/envelope").derive(blob_key)
    header = b"PVSEALED\x01" + len(encoded).to_bytes(1, "big") + encoded
    header += CHUNK.to_bytes(4, "big") + size.to_bytes(8, "big") + salt + both[32:]
    context = hashlib.sha256(header + ids).digest()
    plaintext = pattern(size)
    chunks = [plaintext[start : start + CHUNK] for start in range(0, size, CHUNK)] or [b""]
    sealed = header
    for index, chunk in enumerate(chunks):
        extra = context + index.to_bytes(4, "big") + (b"\x01" if index == len(chunks) - 1 else b"\x00")
        sealed += AESGCM(both[:32]).encrypt(index.to_bytes(12, "big"), chunk, extra)
    return blob_key, both, header, sealed


def accepted() -> list[dict[str, Any]]:
    vectors = []
    for label, name, size in ACCEPTED:
        user_id, image_id = (uuid.UUID(bytes=material(f"{label}/{what}")[:16]) for what in ("user", "image"))
        content_key, salt = material(f"{label}/content key"), material(f"{label}/salt")
        blob_key, both, header, sealed = envelope(
            content_key=content_key, user_id=user_id, image_id=image_id, name=name, salt=salt, size=size
        )
        vector: dict[str, Any] = {
            "label": label,
            "content_key": content_key.hex(),
            "user_id": str(user_id),
            "image_id": str(image_id),
            "name": name,
            "salt": salt.hex(),
            "plaintext_size": size,
            "plaintext_sha256": hashlib.sha256(pattern(size)).hexdigest(),
            "blob_key": blob_key.hex(),
            "aes_key": both[:32].hex(),
            "commitment": both[32:].hex(),
            "header": header.hex(),
            "header_sha256": hashlib.sha256(header).hexdigest(),
            "sealed_size": len(sealed),
            "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
        }
        if len(sealed) < 1024:
            vector["sealed"] = sealed.hex()
        vectors.append(vector)
    return vectors


def refused(vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    short, long, other = (
        next(vector for vector in vectors if vector["label"] == label)
        for label in ("a short plaintext", "three chunks, the last one short", "one byte")
    )
    whole = [[0, short["sealed_size"]]]
    body = 86 + len(short["name"])
    first = 86 + len(long["name"])
    second, third, end = first + CHUNK + 16, first + 2 * (CHUNK + 16), long["sealed_size"]
    fields = {"magic": 0, "version": 8, "name length": 9, "name": 10, "chunk size": 17, "plaintext length": 28}
    cases = [
        (f"a bit of the {field} flipped", short, whole, [[offset, 1]], {})
        for field, offset in (
            fields | {"salt": 29, "commitment": 92, "ciphertext": body, "tag": body + 300 + 15}
        ).items()
    ]
    whole_long = [[0, end]]
    cases += [
        (f"a bit of {what} of three chunks flipped", long, whole_long, [[offset, 0x80]], {})
        for what, offset in {
            "the first": first,
            "the first tag": second - 1,
            "the second": second + 5,
            "the second tag": third - 16,
            "the last": third,
            "the last tag": end - 1,
        }.items()
    ]
    # Lengths in headers that were changed to fit what is there.
    two, empty = (
        next(vector for vector in vectors if vector["label"] == label)
        for label in ("exactly two chunks", "an empty plaintext")
    )
    length_of_two = 10 + len(two["name"]) + 4
    cases += [
        ("cut at a chunk, with the length to fit", two, [[0, 94 + CHUNK + 16]], [[length_of_two + 5, 0x30]], {}),
        ("a whole tag more", two, [[0, two["sealed_size"]], [94, 110]], [], {}),
        ("an empty one without its tag", empty, [[0, 94]], [], {}),
        ("a bit of the tag of an empty one flipped", empty, [[0, empty["sealed_size"]]], [[94, 1]], {}),
        ("nothing at all", short, [], [], {}),
        ("cut within the header", short, [[0, 60]], [], {}),
        ("cut after the header", short, [[0, body]], [], {}),
        ("the last byte missing", short, [[0, short["sealed_size"] - 1]], [], {}),
        ("a byte more", short, [*whole, [0, 1]], [], {}),
        ("two chunks swapped", long, [[0, first], [second, third], [first, second], [third, end]], [], {}),
        ("a chunk in the place of another", long, [[0, second], [first, second], [third, end]], [], {}),
        ("the last chunk missing", long, [[0, third]], [], {}),
        ("the middle chunk missing", long, [[0, second], [third, end]], [], {}),
        ("the last chunk twice", long, [[0, end], [third, end]], [], {}),
        ("another person's", short, whole, [], {"user_id": other["user_id"]}),
        ("another image's", short, whole, [], {"image_id": other["image_id"]}),
        ("another blob of the image", short, whole, [], {"name": "original"}),
        ("the key of another blob", short, whole, [], {"blob_key": other["blob_key"]}),
        ("an older header of the same blob", short, whole, [], {"header_sha256": other["header_sha256"]}),
    ]
    believed = ("user_id", "image_id", "name", "blob_key")
    return [
        {
            "label": label,
            "from": vector["label"],
            "pieces": pieces,
            "flip": flip,
            "read": {name: vector[name] for name in believed} | changes,
        }
        for label, vector, pieces, flip, changes in cases
    ]


def main() -> None:
    vectors = accepted()
    document = {
        "about": "PhotoVault sealed envelope, version 1. The format is specified in shared/photovault/sealing.py, "
        "this file in tests/vectors/make_envelope_vectors.py, which makes it.",
        "accepted": vectors,
        "refused": refused(vectors),
    }
    Path(__file__).with_name("envelope-v1.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
