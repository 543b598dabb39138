"""What the tests of the models share: where real files are, settings, a drawn face, a tiny file server, tiny ONNX."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.pictures import SHARED

from photovault import models
from photovault.settings import Settings

MODELS = SHARED / "models"
FACES = SHARED / "photos" / "faces"
COCO = SHARED / "photos" / "coco-mini"


def needs(*paths: Path) -> pytest.MarkDecorator:
    missing = [path.name for path in paths if not path.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not found; set PHOTOVAULT_SHARED")


def use_settings(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    """Run the models with these settings; those about models that are not given are unset."""
    unset = {
        "face_provider": "auto",
        "embeddings_provider": "auto",
        "models_dir": None,
        "models_bucket": None,
        "aws_endpoint_url": None,
    }
    chosen = Settings(_env_file=None, **{**unset, **values})
    for module in ("models", "aws", "cli.models"):
        monkeypatch.setattr(f"photovault.{module}.get_settings", lambda: chosen)
    models.forget()


def drawn_face(
    size: int = 400,
    *,
    side: int = 160,
    centre: tuple[int, int] = (200, 200),
    skin: tuple[int, int, int] = (205, 170, 140),
) -> np.ndarray:
    """An RGB picture of ``size`` pixels with one cartoon face, real enough for the cascades and for YuNet."""
    picture = np.full((size, size, 3), (120, 140, 150), np.uint8)
    unit = side / 2

    def at(x: float, y: float) -> tuple[int, int]:
        return int(centre[0] + x * unit), int(centre[1] + y * unit)

    def oval(x: float, y: float, wide: float, high: float, colour: tuple[int, ...], *, half: bool = False) -> None:
        axes = max(1, int(wide * unit)), max(1, int(high * unit))
        cv2.ellipse(picture, at(x, y), axes, 0, 180 if half else 0, 360, colour, -1, cv2.LINE_AA)

    shadow = tuple(int(value * 0.62) for value in skin)
    hair = (50, 35, 25)
    oval(0, 0, 0.85, 1.15, skin)
    oval(0, -0.75, 0.9, 0.6, hair, half=True)
    for way in (-1, 1):
        oval(0.36 * way, -0.22, 0.24, 0.14, shadow)
        oval(0.36 * way, -0.18, 0.17, 0.08, (235, 235, 235))
        oval(0.36 * way, -0.18, 0.08, 0.08, (40, 25, 15))
        oval(0.36 * way, -0.40, 0.24, 0.06, hair, half=True)
        oval(0.12 * way, 0.28, 0.07, 0.05, shadow)
    oval(0, 0.05, 0.09, 0.28, tuple(min(255, int(value * 1.12)) for value in skin))
    oval(0, 0.62, 0.32, 0.09, (150, 70, 70))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), side / 80), dtype=np.uint8)


# --- A server of files on the loopback, that can misbehave ---------------------------------------------------------


@dataclass
class Files:
    """What the server holds and saw. ``breaks_after`` cuts the next answer short after so many bytes."""

    address: str
    content: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    breaks_after: int | None = None
    knows_ranges: bool = True
    status: int | None = None


@contextmanager
def file_server() -> Iterator[Files]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            files.ranges.append(self.headers.get("Range"))
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            content = files.content.get(self.path.split("?")[0])
            if files.status or content is None:
                self.send_response(files.status or 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = 0
            asked = self.headers.get("Range")
            if asked and files.knows_ranges:
                start = int(asked.removeprefix("bytes=").split("-")[0])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if body:
                rest = content[start:]
                self.wfile.write(rest[: files.breaks_after])
                if files.breaks_after is not None:
                    files.breaks_after = None
                    self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    files = Files(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- ONNX files, written byte by byte (onnx.proto3, field numbers beside each) -------------------------------------

FLOAT, INT64 = 1, 7


def _varint(number: int) -> bytes:
    out = bytearray()
    number &= 2**64 - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _bytes(tag: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(tag << 3 | 2) + _varint(len(raw)) + raw


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def node(operator: str, inputs: list[str], outputs: list[str], **attributes: int | list[int]) -> bytes:
    """A NodeProto: input 1, output 2, op_type 4, attribute 5 (name 1, i 3, ints 8, type 20)."""
    out = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    out += _bytes(4, operator)
    for name, value in attributes.items():
        if isinstance(value, list):
            attribute = _bytes(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)
        else:
            attribute = _bytes(1, name) + _number(3, value) + _number(20, 2)
        out += _bytes(5, attribute)
    return out


def tensor(name: str, values: np.ndarray) -> bytes:
    """A TensorProto of float32: dims 1, data_type 2, name 8, raw_data 9."""
    dims = b"".join(_number(1, size) for size in values.shape)
    raw = struct.pack(f"<{values.size}f", *values.astype(np.float32).ravel())
    return dims + _number(2, FLOAT) + _bytes(8, name) + _bytes(9, raw)


def value(name: str, kind: int, shape: list[int | str]) -> bytes:
    """A ValueInfoProto: name 1, type 2 (tensor_type 1: elem_type 1, shape 2: dim 1: dim_value 1, dim_param 2)."""
    dims = b"".join(_bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def onnx_model(
    nodes: list[bytes], *, weights: Mapping[str, np.ndarray], inputs: list[bytes], outputs: list[bytes]
) -> bytes:
    """A ModelProto (ir_version 1, graph 7, opset_import 8) with opset 12."""
    graph = b"".join(_bytes(1, item) for item in nodes) + _bytes(2, "tiny")
    graph += b"".join(_bytes(5, tensor(name, values)) for name, values in weights.items())
    graph += b"".join(_bytes(11, item) for item in inputs) + b"".join(_bytes(12, item) for item in outputs)
    return _number(1, 7) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 12))
