"""A tiny CLIP: networks with the inputs and outputs of the real export that know a few colours, and their vocabulary.

A picture is its mean colour. A word that names a colour lies where pictures of that colour lie; any other word lies in
directions that no picture has.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.shared.inference import FLOAT, INT64, node, onnx_model, value

from photovault import embeddings, model_manifest

COLOURS = {"red": (220, 20, 20), "lime": (20, 190, 30), "blue": (20, 40, 220), "yellow": (240, 230, 20)}
WORDS = ("a", "of", "photo", "picture", "dog", "cat", "beach", *COLOURS)

_OTHER = 5  # dimensions beside the colour's three
_RANDOM = np.random.default_rng(7)
# Rows are orthogonal and of length 1, so that angles are those of before.
SPACE = np.linalg.qr(_RANDOM.normal(size=(512, 3 + _OTHER)))[0].T.astype(np.float32)
_LETTERS = 2 * 256


def merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Merges that make a token of each word, letter by letter; no word may hold two letters that begin another."""
    found: dict[tuple[str, str], None] = {}
    for word in words:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        for end in range(1, len(parts)):
            found.setdefault(("".join(parts[:end]), parts[end]))
    return list(found)


def vocabulary(words: Iterable[str] = WORDS) -> bytes:
    """A file of the form of OpenAI's list of merges."""
    lines = ["#version: tests", *(f"{left} {right}" for left, right in merges(words))]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def table(words: Iterable[str] = WORDS) -> np.ndarray:
    """Where each token lies, a row each: in three dimensions of colour and some others."""
    known = merges(words)
    rows = np.zeros((_LETTERS + len(known) + 2, 3 + _OTHER), np.float32)
    rows[:, 3:] = np.random.default_rng(3).normal(0, 3, (len(rows), _OTHER))
    rows[-2:] = 0  # the two marks
    rows[256 + ord("a") - ord("!")] *= 0.02
    for number, (left, right) in enumerate(known):
        colour = COLOURS.get((left + right).removesuffix("</w>"))
        if colour and right.endswith("</w>"):
            rows[_LETTERS + number] = 0
            rows[_LETTERS + number, :3] = (np.array(colour) / 255 - embeddings.MEAN) / embeddings.DEVIATION
        elif (left + right) in {"of</w>", "photo</w>", "picture</w>"}:
            rows[_LETTERS + number] *= 0.02  # says next to nothing
    return rows


def image_tower(projection: np.ndarray = SPACE[:3]) -> bytes:
    """Mean colour times a matrix."""
    return onnx_model(
        [
            node("GlobalAveragePool", ["pixel_values"], ["last_hidden_state"]),
            node("Flatten", ["last_hidden_state"], ["colour"], axis=1),
            node("MatMul", ["colour", "projection"], ["image_embeds"]),
        ],
        weights={"projection": projection},
        inputs=[value("pixel_values", FLOAT, ["batch", 3, 224, 224])],
        outputs=[
            value("last_hidden_state", FLOAT, ["batch", 3, 1, 1]),
            value("image_embeds", FLOAT, ["batch", 512]),
        ],
    )


def text_tower(
    rows: np.ndarray | None = None,
    projection: np.ndarray = SPACE,
    *,
    length: int | str = "sequence",
    mask: bool = False,
) -> bytes:
    """The mean of a row for each token, or of those that the ``mask`` names, times a matrix."""
    inputs = [value("input_ids", INT64, ["batch", length])]
    nodes = [node("Gather", ["table", "input_ids"], ["rows"], axis=0)]
    if mask:
        inputs.append(value("attention_mask", INT64, ["batch", length]))
        nodes += [
            node("Cast", ["attention_mask"], ["shares"], to=FLOAT),
            node("Unsqueeze", ["shares"], ["weights"], axes=[2]),
            node("Mul", ["rows", "weights"], ["weighted"]),
            node("ReduceSum", ["weighted"], ["sum"], axes=[1], keepdims=0),
            node("ReduceSum", ["shares"], ["count"], axes=[1], keepdims=1),
            node("Div", ["sum", "count"], ["mean"]),
        ]
    else:
        nodes.append(node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0))
    return onnx_model(
        [*nodes, node("MatMul", ["mean", "projection"], ["text_embeds"])],
        weights={"table": table() if rows is None else rows, "projection": projection},
        inputs=inputs,
        outputs=[value("text_embeds", FLOAT, ["batch", 512])],
    )


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, **content: bytes) -> None:
    """Write files for manifest entries, such as ``clip_text``, and pin them as they are; the tiny CLIP by default."""
    content = content or {"clip_image": image_tower(), "clip_text": text_tower(), "clip_vocabulary": vocabulary()}
    pins = {}
    for name, raw in content.items():
        entry = model_manifest.get(name.replace("_", "-"))
        (folder / entry.file).write_bytes(raw)
        pins[entry.name] = replace(entry, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    known = model_manifest.get
    monkeypatch.setattr(model_manifest, "get", lambda name: pins.get(name) or known(name))
