"""The largest file of each format that is taken, and what a worker holds while it looks at one.

    python -m tests.largest NAME

Looks at a photo of 12 megapixels, as a worker that has been at work for a while, then at the file NAME. Prints the
process's peak of resident memory in bytes while it did, and how it ended. The files show next to nothing, so that they
are small and quickly made, and are padded to the 25 MiB that may be uploaded: a decoder's memory follows the size of
the picture.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

from PIL import Image

from photovault.errors import Rejected

PADDED = 25 * 2**20


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _plain(mode: str, width: int, height: int) -> Image.Image:
    """A picture of one colour, and half transparent where it can be."""
    return Image.new(mode, (width, height), {"RGB": (9, 99, 199), "RGBA": (9, 99, 199, 128)}[mode])


def png(colour_type: int, depth: int, *, width: int = 10_000, height: int = 10_000) -> bytes:
    """Black, or transparent: of 2 (RGB) or 6 (RGBA), 8 or 16 bits deep (PNG, 11.2.1), without a picture in memory."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(1 + width * {2: 3, 6: 4}[colour_type] * depth // 8)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def jpeg(width: int, height: int, **options: Any) -> bytes:
    """A small JPEG that says that it is so large; the decoder takes its word, and shows grey where there is nothing."""
    data = _saved(Image.new("RGB", (64, 64)), "JPEG", **options)
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def tiff(width: int, height: int, **options: Any) -> bytes:
    return _saved(_plain("RGB", width, height), "TIFF", compression="tiff_lzw", **options)


def _heic(width: int, height: int, *, chroma: int) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    picture = pillow_heif.from_pillow(_plain("RGB", width, height))
    picture.save(out, quality=40, chroma=chroma, enc_params={"preset": "ultrafast"})
    return out.getvalue()


FILES = MappingProxyType[str, Callable[[], bytes]](
    {
        "JPEG 200 MP": lambda: jpeg(20_000, 10_000),
        "JPEG 130 MP, progressive": lambda: jpeg(13_000, 10_000, progressive=True),
        "JPEG 68 MP, progressive, 4:4:4": lambda: jpeg(9_700, 7_000, progressive=True, subsampling=0),
        "PNG 100 MP": lambda: png(2, 8),
        "PNG 100 MP, translucent, 16-bit": lambda: png(6, 16),
        "TIFF 100 MP": lambda: tiff(10_000, 10_000),
        "TIFF 100 MP, to be turned": lambda: tiff(10_000, 10_000, tiffinfo={274: 6}),
        "TIFF 65 MP, one strip": lambda: tiff(10_000, 6_500, tiffinfo={278: 6_500}, strip_size=2**30),
        "GIF 100 MP": lambda: _saved(Image.new("P", (10_000, 10_000)), "GIF"),
        "WebP 36 MP": lambda: _saved(_plain("RGB", 7360, 4912), "WEBP", method=0),
        "WebP 36 MP, translucent": lambda: _saved(_plain("RGBA", 7360, 4912), "WEBP", lossless=True, method=0),
        "AVIF 50 MP": lambda: _saved(_plain("RGB", 8160, 6144), "AVIF", speed=10),
        "AVIF 48 MP, 4:4:4": lambda: _saved(_plain("RGB", 8000, 6000), "AVIF", speed=10, subsampling="4:4:4"),
        "HEIC 50 MP": lambda: _heic(8160, 6144, chroma=420),
        "HEIC 48 MP, 4:4:4": lambda: _heic(8000, 6000, chroma=444),
    }
)
"""What each is, with its megapixels -> its bytes."""

CHEAP = (
    "JPEG 130 MP, progressive",
    "PNG 100 MP, translucent, 16-bit",
    "TIFF 100 MP, to be turned",
    "WebP 36 MP, translucent",
)
"""Made and looked at in a second or two, and the worst of the formats that most photos have."""


def padded(data: bytes, size: int = PADDED) -> bytes:
    """The file with a box of nothing behind it, which every format's readers pass over."""
    missing = size - len(data)
    return data + struct.pack(">I", missing) + b"free" + bytes(missing - 8) if missing > 8 else data


def peak(name: str) -> tuple[int, str]:
    """Bytes at most, and "ready" or why not, in a process of its own with the models of ``MODELS_DIR``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.largest", name],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    most, end = json.loads(done.stdout.splitlines()[-1])
    return int(most), str(end)


def _held() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def main() -> None:
    name = sys.argv[1]
    path = Path("/proc/self/clear_refs")
    # Made by another process, so that this one's memory is what looking took.
    code = f"import sys; from tests import largest; sys.stdout.buffer.write(largest.FILES[{name!r}]())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    import boto3

    from photovault.pipeline import vision

    boto3.client("s3", region_name="eu-west-1")  # as in the function
    image: Any = SimpleNamespace(filename="photo", created_at=datetime.now(UTC), file_modified=None)
    vision.look(_saved(Image.linear_gradient("L").resize((4032, 3024)).convert("RGB"), "JPEG"), image)
    data = padded(made)
    del made
    path.write_text("5", encoding="ascii")  # begin the peak anew (proc(5))
    try:
        vision.look(data, image)
        end = "ready"
    except Rejected as refusal:
        end = refusal.reason
    print(json.dumps([_held(), end]))


if __name__ == "__main__":
    main()
