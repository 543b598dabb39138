"""Sealing against the limit (AES-GCM in one call) and against Fernet, side by side in one run.

    python tests/benchmarks/bench_sealing.py

Times are medians of rounds in which all candidates take their turn, so that a busy machine slows them alike; read the
ratios. Extra memory is the peak beyond the plaintext, as tracemalloc sees it, in a run of its own.

- in memory: bytes in, one bytes object out (``sealing.seal``, ``sealing.unseal``);
- streamed: from an open file to a consumer that drops each piece (``Sealer.chunks``; its limit reads the file whole),
  and from a reader that copies what it is asked for, as storages do, to such a consumer (``Opener.chunks``).

A small plaintext pays for the envelope's own key (HKDF, commitment, header hash), which one-shot AES-GCM under a shared
key does not do; ``fixed cost`` shows it, measured on an empty plaintext.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "shared"))

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from photovault import sealing
from photovault.sealing import Address, Opener, Sealer

MIB = 1024 * 1024
SIZES = (0.1, 5, 25)  # MiB
ADDRESS = Address(uuid.uuid4(), uuid.uuid4(), "original")
KEY = sealing.blob_key(os.urandom(32), ADDRESS)
FERNET = Fernet(Fernet.generate_key())


def candidates(plaintext: bytes, path: Path) -> dict[str, Callable[[], object]]:
    sealed = sealing.seal(plaintext, key=KEY, address=ADDRESS)
    nonce = os.urandom(12)
    one_shot = AESGCM(KEY).encrypt(nonce, plaintext, None)

    def streamed() -> None:
        with path.open("rb") as source:
            for _ in Sealer(KEY, ADDRESS, len(plaintext)).chunks(source):
                pass

    def streamed_limit() -> bytes:
        return AESGCM(KEY).encrypt(os.urandom(12), path.read_bytes(), None)

    def opened_in_ranges() -> None:
        opener = Opener(lambda at, length: sealed[at : at + length], key=KEY, address=ADDRESS, total=len(sealed))
        for _ in opener.chunks(0, opener.size):
            pass

    return {
        "seal: AES-GCM, one shot": lambda: AESGCM(KEY).encrypt(os.urandom(12), plaintext, None),
        "seal: envelope, in memory": lambda: sealing.seal(plaintext, key=KEY, address=ADDRESS),
        "seal: AES-GCM, one shot, from a file": streamed_limit,
        "seal: envelope, streamed from a file": streamed,
        "seal: Fernet": lambda: FERNET.encrypt(plaintext),
        "open: AES-GCM, one shot": lambda: AESGCM(KEY).decrypt(nonce, one_shot, None),
        "open: envelope, in memory": lambda: sealing.unseal(sealed, key=KEY, address=ADDRESS),
        "open: envelope, streamed": opened_in_ranges,
    }


LIMITS = {
    "seal: envelope, in memory": "seal: AES-GCM, one shot",
    "seal: envelope, streamed from a file": "seal: AES-GCM, one shot, from a file",
    "seal: Fernet": "seal: AES-GCM, one shot",
    "open: envelope, in memory": "open: AES-GCM, one shot",
    "open: envelope, streamed": "open: AES-GCM, one shot",
}


def seconds(actions: dict[str, Callable[[], object]], *, rounds: int, repeats: int) -> dict[str, float]:
    """Median seconds of one call of each."""
    times: dict[str, list[float]] = {label: [] for label in actions}
    for _ in range(rounds):
        for label, action in actions.items():
            count = 1 if "Fernet" in label else repeats
            start = time.perf_counter()
            for _ in range(count):
                action()
            times[label].append((time.perf_counter() - start) / count)
    return {label: statistics.median(values) for label, values in times.items()}


def peak(action: Callable[[], object]) -> int:
    """Bytes allocated at the worst moment of one call."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            plaintext = os.urandom(int(size * MIB))
            path = Path(folder) / "plaintext"
            path.write_bytes(plaintext)
            actions = candidates(plaintext, path)
            small = size < 1
            took = seconds(actions, rounds=21 if small else 11, repeats=200 if small else 5)
            print(f"\n{size} MiB{'':34}      ms    times its limit    peak extra MiB")
            for label, action in actions.items():
                limit = LIMITS.get(label)
                ratio = f"{took[label] / took[limit]:10.2f}" if limit else f"{'limit':>10}"
                print(f"  {label:38} {took[label] * 1e3:8.3f} {ratio}  {peak(action) / MIB:16.2f}")
    empty = candidates(b"", Path(os.devnull))
    took = seconds(empty, rounds=21, repeats=500)
    fixed = took["seal: envelope, in memory"] - took["seal: AES-GCM, one shot"]
    print(f"\nfixed cost of an envelope beyond one AES-GCM call: {fixed * 1e6:.1f} microseconds")


if __name__ == "__main__":
    main()
