"""Finding the manifest's files, verified, and deciding which provider runs.

A file is looked for in ``MODELS_DIR``, then in the bucket ``MODELS_BUCKET`` (copied once per process to the temporary
folder, under its hash). Every file is hashed once per process before anybody opens it; one that does not match its
pin is refused. Nothing here imports an inference library, so any function may ask which providers run.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from photovault import aws
from photovault import model_manifest as manifest
from photovault.errors import Misconfigured, Unavailable
from photovault.model_manifest import ModelFile, ModelInfo
from photovault.settings import get_settings

__all__ = [
    "ModelFile",
    "ModelInfo",
    "Selection",
    "bucket_key",
    "copy",
    "download",
    "face_files",
    "face_model",
    "forget",
    "image_model",
    "label_model",
    "locate",
    "matches",
    "present",
    "providers",
    "push",
    "selection",
]

CHUNK = 1024 * 1024
HOW_TO_GET = "Run `photovault models pull`, or point MODELS_DIR at a folder that has it."

Progress = Callable[[int], None]

# What a choice of provider depends on: two of the settings, and where files are looked for.
Selection = tuple[str, str, str | None, str | None]

_lock = threading.RLock()
_verified: dict[tuple[str, str | None, str | None], Path] = {}


def forget() -> None:
    """Drop what this process believes about files, after settings or files changed (tests, a model upgrade)."""
    with _lock:
        _verified.clear()


def selection() -> Selection:
    """The settings that decide which providers run; adapters keep what they loaded under it."""
    settings = get_settings()
    return settings.face_provider, settings.embeddings_provider, settings.models_dir, settings.models_bucket


def bucket_key(entry: ModelFile) -> str:
    """Where a file lies in ``MODELS_BUCKET``: under its hash, so that two versions live side by side."""
    return f"{entry.sha256}/{entry.file}"


def matches(entry: ModelFile, path: Path) -> bool:
    """Whether the file at ``path`` has the pinned size and SHA-256."""
    if path.stat().st_size != entry.size:
        return False
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == entry.sha256


def present(name: str) -> bool:
    """Whether the file can be had, without reading it. Raises ``Unavailable`` when the bucket cannot be asked."""
    entry = manifest.get(name)
    if _local_path(entry) is not None:
        return True
    bucket = get_settings().models_bucket
    return bool(bucket) and _object_exists(str(bucket), bucket_key(entry))


def locate(name: str) -> Path | None:
    """The verified file of that name, or None where nobody put it.

    Raises ``Misconfigured`` when the file is there but its bytes are not the pinned ones, and ``Unavailable`` when the
    models bucket does not answer: a passing fault must not switch a process to a fallback model for its whole life.
    """
    entry = manifest.get(name)
    settings = get_settings()
    place = (name, settings.models_dir, settings.models_bucket)
    with _lock:
        if place in _verified:
            return _verified[place]
        path = _local_path(entry)
        if path is not None:
            if not matches(entry, path):
                raise Misconfigured(
                    f"{entry.file} in MODELS_DIR is not the pinned file (SHA-256 {entry.sha256[:12]}...); it was not "
                    "opened. Delete it and run `photovault models pull`."
                )
        elif settings.models_bucket:
            path = _from_bucket(entry, settings.models_bucket)
        if path is not None:
            _verified[place] = path
        return path


def _local_path(entry: ModelFile) -> Path | None:
    folder = get_settings().models_dir
    path = Path(folder) / entry.file if folder else None
    return path if path is not None and path.is_file() else None


# --- Which provider runs -------------------------------------------------------------------------------------------


def face_files() -> tuple[ModelFile, ModelFile] | None:
    """(detector, embedder) that ``FACE_PROVIDER`` and the files at hand select, or None for the bundled cascades.

    Raises ``Misconfigured`` for ``FACE_PROVIDER=onnx`` without the files.
    """
    wanted = get_settings().face_provider
    if wanted == "haar":
        return None
    embedder = next((name for name in manifest.FACE_EMBEDDERS if present(name)), None)
    if embedder is not None and present(manifest.FACE_DETECTOR):
        return manifest.get(manifest.FACE_DETECTOR), manifest.get(embedder)
    if wanted == "onnx":
        missing = manifest.get(manifest.FACE_DETECTOR if embedder else manifest.FACE_EMBEDDERS[0]).file
        raise Misconfigured(
            f"FACE_PROVIDER=onnx needs {missing}, which is neither in MODELS_DIR nor in MODELS_BUCKET. {HOW_TO_GET} "
            "FACE_PROVIDER=auto runs without it."
        )
    return None


def face_model() -> ModelInfo:
    """The model that describes faces. Raises as ``face_files`` does."""
    chosen = face_files()
    info = chosen[1].info if chosen else None
    return info or manifest.HAAR


def image_model() -> ModelInfo:
    """The model that describes whole pictures: CLIP when both towers and the vocabulary are at hand, else pHash.

    Both towers are asked for wherever one is needed, so that ``embedding`` and ``search`` choose alike. Raises
    ``Misconfigured`` for ``EMBEDDINGS_PROVIDER=clip`` without the files.
    """
    wanted = get_settings().embeddings_provider
    if wanted == "phash":
        return manifest.PHASH
    missing = [manifest.get(name).file for name in manifest.CLIP_FILES if not present(name)]
    if not missing:
        return manifest.CLIP
    if wanted == "clip":
        raise Misconfigured(
            f"EMBEDDINGS_PROVIDER=clip needs {', '.join(missing)}, neither in MODELS_DIR nor in MODELS_BUCKET. "
            f"{HOW_TO_GET} EMBEDDINGS_PROVIDER=auto runs without."
        )
    return manifest.PHASH


def label_model() -> ModelInfo | None:
    """The model that names things, with the classifier where it is there too; None: photos then carry no labels."""
    if not present(manifest.LABEL_DETECTOR):
        return None
    best = manifest.LABEL_CLASSIFIER if present(manifest.LABEL_CLASSIFIER) else manifest.LABEL_DETECTOR
    return manifest.get(best).info


def providers() -> dict[str, ModelInfo | None]:
    """What runs for ``faces``, ``images`` and ``labels``, for health pages and the gallery."""
    return {"faces": face_model(), "images": image_model(), "labels": label_model()}


# --- The models bucket ---------------------------------------------------------------------------------------------


def _is_absent(error: Exception, bucket: str) -> bool:
    """True for "no such key"; raises what a person or the queue can act on for everything else."""
    response = getattr(error, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = response.get("Error", {}).get("Code")
    if code == "NoSuchBucket":
        raise Misconfigured(f"MODELS_BUCKET names {bucket}, which does not exist.") from error
    if status == 404:
        return True
    if status == 403:
        raise Misconfigured(
            f"This function may not read MODELS_BUCKET ({bucket}); it needs s3:GetObject and s3:ListBucket there."
        ) from error
    raise Unavailable(f"The models bucket {bucket} does not answer; try again.") from error


def _object_exists(bucket: str, key: str) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client("s3").head_object(Bucket=bucket, Key=key)
    except (BotoCoreError, ClientError) as error:
        return not _is_absent(error, bucket)
    return True


def _from_bucket(entry: ModelFile, bucket: str) -> Path | None:
    """Copy one file from the bucket to the temporary folder, hashing on the way; reuse a copy that still matches."""
    from botocore.exceptions import BotoCoreError, ClientError

    folder = Path(tempfile.gettempdir()) / "photovault-models"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{entry.sha256[:16]}-{entry.file}"
    if path.is_file() and matches(entry, path):
        return path
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        body = aws.client("s3").get_object(Bucket=bucket, Key=bucket_key(entry))["Body"]
        with part.open("wb") as target:
            for chunk in body.iter_chunks(CHUNK):
                target.write(chunk)
        if not matches(entry, part):
            raise Misconfigured(
                f"{entry.file} in MODELS_BUCKET is not the pinned file; it was not opened. "
                "Run `photovault models push`."
            )
        part.replace(path)
    except (BotoCoreError, ClientError) as error:
        if _is_absent(error, bucket):
            return None
    finally:
        part.unlink(missing_ok=True)
    return path


def push(entry: ModelFile, path: Path, *, bucket: str, on_bytes: Progress | None = None) -> bool:
    """Put one verified file into the models bucket; False when it already lies there.

    Raises ``Misconfigured`` when the file at ``path`` is not the pinned one.
    """
    if not matches(entry, path):
        raise Misconfigured(f"{path} is not the pinned {entry.file}; it was not pushed.")
    if _object_exists(bucket, bucket_key(entry)):
        return False
    aws.client("s3").upload_file(str(path), bucket, bucket_key(entry), Callback=on_bytes)
    return True


# --- Filling MODELS_DIR ---------------------------------------------------------------------------------------------


def copy(entry: ModelFile, source: Path, folder: Path, *, on_bytes: Progress | None = None) -> Path:
    """Copy one file into ``folder`` from another folder, verified. Raises ``Misconfigured`` when it is not the pin."""
    told = on_bytes or (lambda _count: None)
    part = folder / f"{entry.file}.copy"
    folder.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, part.open("wb") as target:
        while chunk := reader.read(CHUNK):
            target.write(chunk)
            told(len(chunk))
    if not matches(entry, part):
        part.unlink()
        raise Misconfigured(f"{source} is not the pinned {entry.file} (SHA-256 {entry.sha256[:12]}...); not copied.")
    return part.replace(folder / entry.file)


def download(entry: ModelFile, folder: Path, *, url: str, on_bytes: Progress | None = None) -> Path:
    """Fetch one file into ``folder``, going on where an earlier try stopped, and verify it before it gets its name.

    ``on_bytes`` hears how many bytes arrived, including those of an earlier try. Raises ``Unavailable`` when the
    download breaks off (the part is kept for the next try) and ``Misconfigured`` when the bytes are not the pinned
    ones (they are deleted).
    """
    import httpx

    told = on_bytes or (lambda _count: None)
    path = folder / entry.file
    part = folder / f"{entry.file}.part"
    folder.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.is_file() else 0
    if have > entry.size:
        part.unlink()
        have = 0
    try:
        if have < entry.size:
            headers = {"Range": f"bytes={have}-"} if have else {}
            with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30.0) as response:
                response.raise_for_status()
                resumed = response.status_code == 206 and response.headers.get("content-range", "").startswith(
                    f"bytes {have}-"
                )
                told(have if resumed else 0)
                with part.open("ab" if resumed else "wb") as target:
                    for chunk in response.iter_bytes(CHUNK):
                        target.write(chunk)
                        told(len(chunk))
                        if target.tell() > entry.size:
                            break  # more than was announced: the check below refuses it
        else:
            told(have)
    except httpx.HTTPError as error:
        raise Unavailable(f"{entry.file} could not be downloaded ({error}); run the command again to go on.") from error
    if not part.is_file() or part.stat().st_size < entry.size:
        raise Unavailable(f"{entry.file} broke off; run the command again to go on.")
    if not matches(entry, part):
        part.unlink()
        raise Misconfigured(f"{entry.file} from {url} is not the pinned file; it was deleted.")
    return part.replace(path)
