from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.shared.inference import MODELS, Files, file_server, needs, use_settings
from typer.testing import CliRunner

from photovault import faces, labels, model_manifest, models
from photovault.cli.models import app
from photovault.errors import Misconfigured, Unavailable
from photovault.model_manifest import ModelFile
from photovault.pipeline import reunderstanding

CONTENT = bytes(range(256)) * 20_000  # five megabytes


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> ModelFile:
    """The label detector's entry, pinned to CONTENT."""
    pinned = replace(model_manifest.get("yolox-nano"), size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    known = model_manifest.get
    monkeypatch.setattr(model_manifest, "get", lambda name: pinned if name == pinned.name else known(name))
    monkeypatch.setattr(model_manifest, "MANIFEST", (pinned,))
    return pinned


@pytest.fixture
def server() -> Iterator[Files]:
    with file_server() as files:
        yield files


# --- The manifest --------------------------------------------------------------------------------------------------


def test_names_and_files_are_unique_and_every_pin_is_complete() -> None:
    manifest = model_manifest.MANIFEST
    assert len({entry.name for entry in manifest}) == len({entry.file for entry in manifest}) == len(manifest)
    for entry in manifest:
        assert entry.size > 0
        assert len(entry.sha256) == 64
        assert entry.licence in {"MIT", "Apache-2.0"}
        assert entry.url is None or entry.url.startswith("https://")


def test_vectors_fit_what_an_index_entry_can_hold() -> None:
    infos = [entry.info for entry in model_manifest.MANIFEST if entry.info]
    assert all(info.dims <= 1300 for info in [*infos, model_manifest.PHASH, model_manifest.HAAR])


@pytest.mark.parametrize("entry", model_manifest.MANIFEST, ids=lambda entry: entry.name)
def test_a_real_file_is_the_pinned_one(entry: ModelFile) -> None:
    path = MODELS / entry.file
    if not path.is_file():
        pytest.skip(f"{entry.file} not found; set PHOTOVAULT_SHARED")
    assert models.matches(entry, path)


def test_asking_what_runs_imports_no_inference_library() -> None:
    code = (
        "import sys; from photovault import clip_tokens, embeddings, faces, labels, models; models.providers();"
        "print({'cv2', 'onnxruntime', 'tokenizers', 'PIL', 'boto3', 'httpx'} & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "shared", capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"


# --- Finding a file ------------------------------------------------------------------------------------------------


def test_without_a_folder_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch)
    assert models.locate("yunet") is None
    assert not models.present("yunet")


def test_a_folder_that_is_not_there_is_an_empty_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_settings(monkeypatch, models_dir=str(tmp_path / "nowhere"))
    assert models.locate("yunet") is None


def test_a_file_is_found_and_hashed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile) -> None:
    use_settings(monkeypatch, models_dir=str(tmp_path))
    (tmp_path / entry.file).write_bytes(CONTENT)
    assert models.locate(entry.name) == tmp_path / entry.file
    monkeypatch.setattr(models, "matches", lambda *_: pytest.fail("hashed again"))
    assert models.locate(entry.name) == tmp_path / entry.file


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[:-1] + b"!", b""])
def test_a_file_with_other_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile, wrong: bytes
) -> None:
    use_settings(monkeypatch, models_dir=str(tmp_path))
    (tmp_path / entry.file).write_bytes(wrong)
    with pytest.raises(Misconfigured, match="not the pinned file"):
        models.locate(entry.name)


@pytest.mark.parametrize("module", [faces, labels], ids=["faces", "labels"])
def test_what_was_loaded_when_other_files_were_at_hand_is_not_what_the_next_walk_looks_with(
    monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    """A walk notes by which model a photo was looked at, and that is to be the one that looks."""
    use_settings(monkeypatch)
    before, later = SimpleNamespace(model=model_manifest.HAAR), SimpleNamespace(model=model_manifest.PHASH)
    monkeypatch.setattr(module, "_providers", {})
    monkeypatch.setattr(module, "_load", iter([before, later]).__next__)
    for at_hand in (before, later):
        monkeypatch.setattr(models, "face_model", lambda model=at_hand.model: model)
        monkeypatch.setattr(models, "label_model", lambda model=at_hand.model: model)
        assert module.provider() is before
        assert reunderstanding.ingredients().model == at_hand.model
        assert module.provider() is at_hand


# --- The bucket ----------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Files) -> Files:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    use_settings(monkeypatch, models_bucket="models", aws_endpoint_url=server.address)
    return server


def test_a_file_is_copied_from_the_bucket_once(bucket: Files, entry: ModelFile) -> None:
    bucket.content[f"/models/{entry.sha256}/{entry.file}"] = CONTENT
    assert models.present(entry.name)
    path = models.locate(entry.name)
    assert path.read_bytes() == CONTENT
    models.forget()
    assert models.locate(entry.name) == path
    assert len(bucket.ranges) == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_that_the_bucket_does_not_have_is_absent(bucket: Files, entry: ModelFile) -> None:
    assert not models.present(entry.name)
    assert models.locate(entry.name) is None


def test_other_bytes_in_the_bucket_are_refused_and_not_kept(bucket: Files, entry: ModelFile, tmp_path: Path) -> None:
    bucket.content[f"/models/{entry.sha256}/{entry.file}"] = CONTENT[:-1] + b"!"
    with pytest.raises(Misconfigured, match="models push"):
        models.locate(entry.name)
    assert list((tmp_path / "temporary" / "photovault-models").iterdir()) == []


def test_a_bucket_that_may_not_be_read_says_which_right_is_missing(bucket: Files, entry: ModelFile) -> None:
    bucket.status = 403
    with pytest.raises(Misconfigured, match="s3:ListBucket"):
        models.present(entry.name)


def test_a_bucket_in_trouble_does_not_choose_the_fallback(bucket: Files, entry: ModelFile) -> None:
    bucket.status = 400
    with pytest.raises(Unavailable, match="models bucket"):
        models.label_model()


def test_only_the_pinned_file_is_pushed(bucket: Files, entry: ModelFile, tmp_path: Path) -> None:
    path = tmp_path / entry.file
    path.write_bytes(b"something else")
    with pytest.raises(Misconfigured, match="not pushed"):
        models.push(entry, path, bucket="models")
    path.write_bytes(CONTENT)
    bucket.content[f"/models/{entry.sha256}/{entry.file}"] = CONTENT
    assert models.push(entry, path, bucket="models") is False


# --- Downloads -----------------------------------------------------------------------------------------------------


def test_a_download_is_verified_and_gets_its_name(server: Files, entry: ModelFile, tmp_path: Path) -> None:
    server.content["/file"] = CONTENT
    told: list[int] = []
    path = models.download(entry, tmp_path / "new", url=f"{server.address}/file", on_bytes=told.append)
    assert path.read_bytes() == CONTENT
    assert sum(told) == len(CONTENT)
    assert [file.name for file in path.parent.iterdir()] == [entry.file]


def test_a_download_that_broke_off_goes_on_where_it_stopped(server: Files, entry: ModelFile, tmp_path: Path) -> None:
    server.content["/file"] = CONTENT
    server.breaks_after = 3_000_000
    with pytest.raises(Unavailable, match="run the command again"):
        models.download(entry, tmp_path, url=f"{server.address}/file")
    kept = (tmp_path / f"{entry.file}.part").stat().st_size
    told: list[int] = []
    path = models.download(entry, tmp_path, url=f"{server.address}/file", on_bytes=told.append)
    assert path.read_bytes() == CONTENT
    assert kept > 0
    assert server.ranges == [None, f"bytes={kept}-"]
    assert sum(told) == len(CONTENT)


def test_a_server_without_ranges_starts_over(server: Files, entry: ModelFile, tmp_path: Path) -> None:
    server.content["/file"] = CONTENT
    server.knows_ranges = False
    (tmp_path / f"{entry.file}.part").write_bytes(b"x" * 1000)
    assert models.download(entry, tmp_path, url=f"{server.address}/file").read_bytes() == CONTENT


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"!", CONTENT + b"more"])
def test_other_bytes_are_deleted(server: Files, entry: ModelFile, tmp_path: Path, wrong: bytes) -> None:
    server.content["/file"] = wrong
    with pytest.raises(Misconfigured, match="not the pinned file"):
        models.download(entry, tmp_path, url=f"{server.address}/file")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_download_says_so(server: Files, entry: ModelFile, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="404"):
        models.download(entry, tmp_path, url=f"{server.address}/file")


# --- The command ---------------------------------------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, " ".join(result.output.split())


def test_pulling_from_a_folder_copies_and_says_what_is_there_already(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / entry.file).write_bytes(CONTENT)
    use_settings(monkeypatch, models_dir=str(target))
    code, said = run("pull", "--from", str(source))
    assert (code, (target / entry.file).read_bytes()) == (0, CONTENT)
    assert f"{entry.name}: {entry.file} verified" in said
    assert "already there" in run("pull", entry.name)[1]
    assert "verified" in run("verify")[1]


def test_pulling_other_bytes_fails_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile
) -> None:
    (tmp_path / entry.file).write_bytes(b"x")
    use_settings(monkeypatch, models_dir=str(tmp_path / "target"))
    code, said = run("pull", entry.name, "--from", str(tmp_path))
    assert code == 1
    assert "not copied" in said
    assert list((tmp_path / "target").iterdir()) == []


def test_pulling_downloads_from_the_manifest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile, server: Files
) -> None:
    server.content["/file"] = CONTENT
    monkeypatch.setattr(model_manifest, "MANIFEST", (replace(entry, url=f"{server.address}/file"),))
    use_settings(monkeypatch)
    code, _ = run("pull", "--dir", str(tmp_path))
    assert (code, (tmp_path / entry.file).read_bytes()) == (0, CONTENT)


def test_verifying_finds_the_wrong_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: ModelFile) -> None:
    use_settings(monkeypatch, models_dir=str(tmp_path))
    assert run("verify")[0] == 0
    assert run("verify", entry.name)[0] == 1
    (tmp_path / entry.file).write_bytes(b"x")
    code, said = run("verify")
    assert code == 1
    assert "not the pinned file" in said


def test_the_list_names_the_providers_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch)
    code, said = run("list")
    assert code == 0
    assert "faces: haar-lbp 2 (fallback) images: phash 1 (fallback) labels: off" in said


@needs(MODELS)
def test_the_list_shows_real_models_running(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch, models_dir=str(MODELS))
    assert "faces: face-reidentification-retail-0095 eb7a6132.2" in run("list")[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["pull"], "Set MODELS_DIR"), (["pull", "clop", "--dir", "."], "There are:"), (["push"], "Set MODELS_DIR")],
)
def test_a_wrong_call_says_what_to_do(monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str) -> None:
    use_settings(monkeypatch)
    code, said = run(*words)
    assert code == 2
    assert sentence in said
