"""The rules that keep the house liveable, read from the imports themselves."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "shared" / "photovault"

# Bytes or values in, values out: no I/O, no clock, no environment.
PURE = {
    "apple_export", "beside", "calendar_days", "calibrating", "cells", "choosing", "clip_tokens", "concept_words",
    "concepts", "cursors", "datenames", "devices", "drafting", "drafts", "duplicates", "embedded", "emoji", "errors",
    "estimating", "events", "exif", "explaining", "export_layout", "face_matching", "face_measures", "file_captions",
    "filters", "formats", "globe", "grouping", "grouping_memory", "heap", "homes", "immich_export", "inflections",
    "iptc", "keys", "label_names", "languages", "linkage", "listing", "memories", "metadata", "model_manifest",
    "moments", "motion", "names",
    "one_time_codes", "passwords", "perceptual", "places", "presigning", "profiles", "public_addresses", "queries",
    "ranking", "raw", "reaching", "readings", "reasons", "recipes", "reconciling", "remedies", "renditions",
    "saved_filters", "scopes", "sealing", "sharing", "showing", "sights", "speech", "spoken_ages", "spoken_dates",
    "spoken_english", "spoken_german", "spoken_hours", "spoken_names", "spoken_words", "stripping", "stripping_heif",
    "takeout", "thumbhash", "timezones", "titles", "tokens", "trip_albums", "trips", "vision_cv", "vocabularies",
    "webhook_events", "written_dates", "xmp",
}  # fmt: skip
IO_MODULES = {"boto3", "botocore", "psycopg", "psycopg_pool", "socket", "subprocess", "urllib.request", "http.client"}
HEAVY = ("cv2", "onnxruntime", "numpy", "PIL", "tokenizers", "tzfpy")


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports when it runs, at its top or inside a function; not those for types alone."""
    found: set[str] = set()

    class Reader(ast.NodeVisitor):
        def visit_If(self, node: ast.If) -> None:
            if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
                self.generic_visit(node)

        def visit_Import(self, node: ast.Import) -> None:
            found.update(alias.name for alias in node.names)

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            found.add(node.module or "")
            if node.module == "photovault":
                found.update(f"photovault.{alias.name}" for alias in node.names)

    Reader().visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_library_imports_neither_functions_nor_what_surrounds_them(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.split(".")[0] in {"functions", "infra", "tests"}}


@pytest.mark.parametrize("name", sorted(PURE))
def test_pure_modules_import_pure_modules_only(name: str) -> None:
    path = PACKAGE / f"{name}.py"
    inside = {i.split(".")[1] for i in imports_of(path) if i.startswith("photovault.")}
    assert inside <= PURE, inside - PURE
    assert not imports_of(path) & IO_MODULES


def test_only_one_module_imports_opencv_and_one_the_onnx_runtime() -> None:
    users = {package: {p.stem for p in modules() if package in imports_of(p)} for package in ("cv2", "onnxruntime")}
    assert users == {"cv2": {"vision_cv"}, "onnxruntime": {"embeddings"}}


def fresh_import(statement: str, *, environment: dict[str, str] | None = None) -> set[str]:
    """The modules loaded by a statement in a new process with an empty environment."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "shared")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=keep | {"PYTHONPATH": paths} | (environment or {}),
        cwd=ROOT / "tests",  # no .env here
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("function", ["auth", "library", "search"])
def test_http_functions_start_without_heavy_imports(function: str) -> None:
    loaded = fresh_import(f"import functions.{function}.handler")
    assert not loaded & {*HEAVY, "psycopg", "boto3", "argon2.low_level" if function != "auth" else ""}


@pytest.mark.parametrize("function", ["vision", "embedding", "albums", "webhooks", "maintenance"])
def test_every_handler_starts_without_settings(function: str) -> None:
    fresh_import(f"import functions.{function}.handler")


def test_opencv_and_the_onnx_runtime_never_share_a_function() -> None:
    vision = fresh_import("import functions.vision.handler")
    embedding = fresh_import("import functions.embedding.handler")
    assert "onnxruntime" not in vision
    assert "cv2" not in embedding


def test_functions_are_entry_points_only() -> None:
    for handler in (ROOT / "functions").glob("*/handler.py"):
        assert len(handler.read_text(encoding="utf-8").splitlines()) <= 40, handler
