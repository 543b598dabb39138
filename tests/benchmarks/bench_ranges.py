"""What is read from the storage for 1 MiB out of an original of 25 MB, through ``vault.fetch_range``.

    python -m tests.benchmarks.bench_ranges

Counted at the driver (local files here; tests/shared/api/test_delivery_by_drivers.py counts on S3 and Cloudinary, too,
through the API). The header is one small read; the chunks that hold the range are another.

Aim: two chunks at most, and one for a range that starts where a chunk does.
"""

from __future__ import annotations

import hashlib
import os
import random
import statistics
import tempfile
import time
from unittest import mock
from uuid import UUID

from photovault import ids, sealing, storage, vault
from photovault.blobs import Blob
from photovault.storage.local import LocalDriver

MIB = sealing.CHUNK_SIZE
SIZE = 25_000_000
ROUNDS = 15
STARTS = {
    "first": 0,
    "aligned": 12 * MIB,
    "one byte off": 12 * MIB + 1,
    "half a chunk off": 12 * MIB + MIB // 2,
    "last": SIZE - MIB,
}


def put(driver: LocalDriver, plaintext: bytes, *, content_key: bytes, user_id: UUID) -> Blob:
    address = sealing.Address(user_id, ids.new(), "original")
    sealed = sealing.seal(plaintext, key=sealing.blob_key(content_key, address), address=address)
    header_sha256 = hashlib.sha256(sealed[: sealing.header_size("original")]).digest()
    key = driver.new_key(len(sealed))
    driver.put(key, sealed, size=len(sealed))
    return Blob(address.image_id, "original", "local", key, len(sealed), bytes(32), header_sha256, SIZE, "image/jpeg")


def main() -> None:
    content_key, user_id, plaintext = os.urandom(32), ids.new(), random.Random(1).randbytes(SIZE)
    with tempfile.TemporaryDirectory() as folder:
        driver = LocalDriver(folder, public_url="https://photos.example", signing_keys=lambda: (bytes(32),))
        blob = put(driver, plaintext, content_key=content_key, user_id=user_id)
        original, reads = driver.read, []

        def read(key: str, offset: int, length: int) -> bytes:
            found = original(key, offset, length)
            reads.append(len(found))
            return found

        print(f"1 MiB out of {SIZE} bytes    reads   bytes read   chunks      ms")
        with mock.patch.object(driver, "read", read), mock.patch.object(storage, "driver", {"local": driver}.get):
            for label, start in [*STARTS.items(), ("the whole", None)]:
                begin, stop = (0, SIZE) if start is None else (start, start + MIB)
                times = []
                for _ in range(ROUNDS):
                    reads.clear()
                    began = time.perf_counter()
                    pieces = vault.fetch_range(blob, content_key=content_key, user_id=user_id, start=begin, stop=stop)
                    found = b"".join(pieces)
                    times.append((time.perf_counter() - began) * 1000)
                    if found != plaintext[begin:stop]:
                        raise SystemExit(f"{label}: other bytes came")
                chunks = -(-sum(reads[1:]) // (MIB + sealing.TAG_SIZE))
                if start is not None and chunks > 2:
                    raise SystemExit(f"{label}: {chunks} chunks were read")
                print(f"  {label:22} {len(reads):6} {sum(reads):12} {chunks:8} {statistics.median(times):7.2f}")


if __name__ == "__main__":
    main()
