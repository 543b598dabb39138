"""Cut-offs from measurements: what a floor promises, and the command that measures with the model at hand."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests import towers
from tests.shared.inference import use_settings
from typer.testing import CliRunner

from photovault import calibrating, cli, embeddings, model_manifest
from photovault.cli import calibration

values = st.lists(st.floats(-1, 1), min_size=1, max_size=60).map(np.array)


# -------------------------------------------------------------------------------------------------------- the laws


@given(values, st.floats(0, 0.99))
def test_a_floor_lets_in_no_more_than_the_stated_share(best: np.ndarray, share: float) -> None:
    floor = calibrating.floor_for(best, share=share)
    assert (best >= floor).sum() <= math.floor(share * len(best))


@given(values, st.floats(0, 0.99))
def test_a_floor_is_no_higher_than_it_must_be(best: np.ndarray, share: float) -> None:
    floor = calibrating.floor_for(best, share=share)
    assert (best >= floor - 0.0011).sum() > math.floor(share * len(best))


def measured(own: float, *, nonsense: float, count: int = 40) -> calibrating.Texts:
    """Texts whose own picture has about this cosine and the others have about 0.1, and nonsense with such a best."""
    dice = np.random.default_rng(1)
    cosines = dice.normal(0.1, 0.01, (count, count))
    np.fill_diagonal(cosines, own + dice.normal(0, 0.01, count))
    best = dice.normal(0.1, 0.01, (50, count))
    best[:, 0] = nonsense + dice.normal(0, 0.005, 50)
    neutral = np.full((2, count), 0.15)
    return calibrating.texts(cosines, range(count), nonsense=best, neutral=neutral, false_answers=0.02)


def test_where_nonsense_lies_apart_every_text_finds_its_picture() -> None:
    found = measured(0.3, nonsense=0.2)
    assert 0.2 < found.floor < 0.23
    assert found.kept == 1.0
    assert found.answers == pytest.approx(1.0)


def test_the_floor_follows_nonsense_and_what_is_kept_follows_the_floor() -> None:
    assert measured(0.3, nonsense=0.28).floor > measured(0.3, nonsense=0.2).floor
    assert measured(0.3, nonsense=0.4).kept == 0.0


def test_the_margin_reaches_from_the_best_picture_to_the_one_that_was_meant() -> None:
    cosines = np.array([[0.30, 0.28, 0.10], [0.31, 0.27, 0.10], [0.10, 0.10, 0.30]])
    nonsense = np.full((20, 3), 0.2)
    found = calibrating.texts(cosines, [1, 1, 2], nonsense=nonsense, neutral=nonsense, false_answers=0.0)
    assert found.floor == pytest.approx(0.201)
    assert found.margin == pytest.approx(0.04, abs=0.003)  # all but a twentieth


def test_a_picture_that_is_near_every_text_is_told_from_one_that_fits_by_neutral_texts() -> None:
    hub = np.array([0.10, 0.0, 0.0, 0.0])  # of every text
    cosines = np.eye(4)[1:] * 0.05 + 0.2 + hub
    nonsense = np.random.default_rng(2).normal(0.21, 0.002, (50, 4)) + hub
    found = calibrating.texts(
        cosines, [1, 2, 3], nonsense=nonsense, neutral=np.full((1, 4), 0.2) + hub, false_answers=0.02
    )
    plain, less_neutral, _ = found.ways
    assert plain.kept == 0.0
    assert less_neutral.kept == 1.0


def test_look_alikes_are_cut_off_above_the_nearest_other_picture() -> None:
    pictures = np.eye(3)
    near = np.array([[0.9, math.sqrt(1 - 0.81), 0], [0, 1, 0], [0.8, 0, 0.6]])
    pictures[1] = [0.5, math.sqrt(0.75), 0]
    alike = calibrating.look_alikes(pictures, {"a copy": near}, false_answers=0.0)
    assert alike.floor == pytest.approx(0.501)
    assert alike.kept == {"a copy": 1.0}
    assert alike.nearest.count == 3


def test_nonsense_is_the_same_every_time_and_never_twice() -> None:
    texts = list(calibration.nonsense(200))
    assert texts == list(calibration.nonsense(200))
    assert len(set(texts)) == 200
    assert not {word for text in texts for word in text.split()} & set(towers.WORDS)


# ----------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve shades of each colour, and a file that is no photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for colour, (red, green, blue) in towers.COLOURS.items():
        for shade in range(12):
            dim = 1 - shade / 40
            picture = Image.new("RGB", (60, 40), (int(red * dim), int(green * dim), int(blue * dim)))
            picture.save(folder / f"{colour}-{shade}.png")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    towers.install(monkeypatch, tmp_path / "models")
    use_settings(monkeypatch, models_dir=str(tmp_path / "models"))


def captions(folder: Path, of: Mapping[str, str]) -> Path:
    """In COCO's form: of each colour's photos a caption."""
    files = sorted(path.name for path in folder.glob("*.png"))
    content = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(files)],
        "annotations": [{"image_id": number, "caption": of[name.split("-")[0]]} for number, name in enumerate(files)]
        + [{"image_id": 10_000, "caption": "of a photo that is not here"}],
    }
    path = folder.parent / "captions.json"
    path.write_text(json.dumps(content))
    return path


def told(*arguments: object) -> str:
    ran = CliRunner().invoke(cli.app, ["models", "calibrate", *map(str, arguments)])
    assert ran.exception is None, ran.exception
    return ran.output


def suggested(output: str) -> dict[str, float]:
    (line,) = re.findall(r"^CutOffs\((.*)\)$", output, re.MULTILINE)
    return {name: float(number) for name, number in re.findall(r"(\w+)=([-\d.]+)", line)}


@pytest.mark.usefixtures("clip")
def test_captions_that_fit_are_kept_and_the_floor_lies_below_them(photos: Path) -> None:
    right = told(
        "--photos", photos, "--captions", captions(photos, {name: f"a photo of {name}" for name in towers.COLOURS})
    )
    assert "1 file is no photo and was left out." in right
    assert "48 photos" in right
    cut_offs = suggested(right)
    assert model_manifest.CutOffs(**cut_offs).text_floor < 0.9
    assert re.search(r"^(9\d|100)% of the captions find their photo", right, re.MULTILINE)
    assert re.search(r"^ +100%  cosine, from", right, re.MULTILINE)


@pytest.mark.usefixtures("clip")
def test_the_answer_moves_with_the_data(photos: Path) -> None:
    names = list(towers.COLOURS)
    wrong = dict(zip(names, (f"a photo of {name}" for name in [*names[1:], names[0]]), strict=True))
    right = suggested(told("--photos", photos, "--captions", captions(photos, {name: name for name in names})))
    output = told("--photos", photos, "--captions", captions(photos, wrong))
    assert int(re.findall(r"^(\d+)% of the captions", output, re.MULTILINE)[0]) < 40
    # Photos that lie where nonsense lies raise the floor.
    for path in photos.glob("*.png"):
        path.unlink()
    grey = tuple(round(255 * mean) for mean in embeddings.MEAN)
    for shade in range(30):
        Image.new("RGB", (60, 40), (grey[0] + shade % 5, grey[1] + shade % 7, grey[2])).save(
            photos / f"red-{shade}.png"
        )
    moved = suggested(told("--photos", photos, "--captions", captions(photos, {"red": "red"})))
    assert moved != right


@pytest.mark.usefixtures("clip")
def test_more_nonsense_allowed_is_a_lower_floor(photos: Path) -> None:
    fitting = captions(photos, {name: name for name in towers.COLOURS})
    strict, lax = (
        suggested(told("--photos", photos, "--captions", fitting, "--false-answers", share)) for share in (0, 0.3)
    )
    assert strict["text_floor"] >= lax["text_floor"]
    assert strict["look_alike_floor"] >= lax["look_alike_floor"]


def test_a_model_without_words_is_measured_for_look_alikes(
    photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_settings(monkeypatch)
    dice = np.random.default_rng(4)
    for path in photos.glob("*.png"):
        path.unlink()
    for number in range(20):
        noise = dice.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((400, 300), Image.Resampling.BICUBIC).save(photos / f"{number}.jpg")
    output = told("--photos", photos)
    assert suggested(output).keys() == {"look_alike_floor"}
    assert "100%  half the size" in output
    assert "understands no text" in output


@pytest.mark.parametrize("content", ["[]", "{}", "no json", '{"images": [], "annotations": []}'])
@pytest.mark.usefixtures("clip")
def test_captions_of_another_form_are_told_so(photos: Path, content: str) -> None:
    path = photos.parent / "other.json"
    path.write_text(content)
    ran = CliRunner().invoke(cli.app, ["models", "calibrate", "--photos", str(photos), "--captions", str(path)])
    assert "COCO" in ran.stderr


def test_a_folder_without_photos_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch)
    ran = CliRunner().invoke(cli.app, ["models", "calibrate", "--photos", str(tmp_path)])
    assert "not two photos" in ran.stderr


# ---------------------------------------------------------------------------------------------- the models' cut-offs


def test_cut_offs_are_those_of_the_model_or_of_its_successor() -> None:
    clip, hash_ = model_manifest.CLIP, model_manifest.PHASH
    assert model_manifest.cut_offs(clip.name, clip.version) == clip.cut_offs
    assert model_manifest.cut_offs(hash_.name, "0") == hash_.cut_offs
    assert model_manifest.cut_offs("nobody-knows", "1") == model_manifest.LITERATURE
