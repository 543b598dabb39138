from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.shared.inference import COCO, MODELS, needs, use_settings

from photovault import labels, labels_mobilenet, labels_yolox, model_manifest, models, sights
from photovault.errors import Misconfigured

YOLOX = MODELS / "yolox_nano.onnx"
CLASSIFIER = MODELS / "mobilenet_v2_1.0_224_quant.onnx"


@pytest.fixture
def yolox(monkeypatch: pytest.MonkeyPatch) -> labels.Provider:
    use_settings(monkeypatch, models_dir=str(MODELS))
    return labels.provider()


def test_without_the_model_nothing_is_found_and_the_provider_says_that_it_does_not_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_settings(monkeypatch)
    assert labels.provider().model is None
    assert labels.provider().look(np.zeros((50, 60, 3), np.uint8)) == labels.Seen()


@needs(YOLOX)
def test_with_the_file_the_detector_runs_and_is_what_health_pages_name(yolox: labels.Provider) -> None:
    assert yolox.model == models.label_model()
    assert labels.provider() is yolox


def test_a_model_that_is_not_the_pinned_one_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / YOLOX.name).write_bytes(b"another network")
    use_settings(monkeypatch, models_dir=str(tmp_path))
    with pytest.raises(Misconfigured):
        labels.provider()


def test_there_are_eighty_names_and_none_twice() -> None:
    assert len(set(labels_yolox.COCO)) == len(labels_yolox.COCO) == 80


@needs(COCO / "annotations")
def test_the_names_are_in_the_order_of_coco() -> None:
    known = json.loads((COCO / "annotations" / "instances_val2017.json").read_text())["categories"]
    assert tuple(entry["name"] for entry in known) == labels_yolox.COCO


@given(
    index=st.integers(0, 3548),
    size=st.tuples(st.floats(4, 400), st.floats(4, 400)),
    shift=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    thing=st.integers(0, 79),
)
def test_decoding_is_the_inverse_of_how_yolox_writes_a_box(
    index: int, size: tuple[float, float], shift: tuple[float, float], thing: int
) -> None:
    stride, first = next((s, f) for s, f in ((32, 3380), (16, 2704), (8, 0)) if index >= f)
    per_row = 416 // stride
    row, column = divmod(index - first, per_row)
    raw = np.zeros((3549, 85), np.float32)
    raw[index, :4] = shift[0], shift[1], np.log(size[0] / stride), np.log(size[1] / stride)
    raw[index, 4], raw[index, 5 + thing] = 0.9, 0.8

    boxes, scores, classes = labels_yolox.decode(raw, min_score=0.5)

    left, top, wide, high = boxes[0]
    assert (left + wide / 2, top + high / 2) == pytest.approx(
        ((column + shift[0]) * stride, (row + shift[1]) * stride), abs=1e-2
    )
    assert (wide, high) == pytest.approx(size, rel=1e-4)
    assert scores == pytest.approx([0.72])
    assert list(classes) == [thing]


@pytest.mark.parametrize(("shape", "inside"), [((100, 200), (208, 416)), ((416, 52), (416, 52)), ((1, 3000), (1, 416))])
def test_a_picture_keeps_its_proportions_in_the_grey_square(shape: tuple[int, int], inside: tuple[int, int]) -> None:
    square, _ = labels_yolox.letterbox(np.zeros((*shape, 3), np.uint8))
    assert square.shape == (416, 416, 3)
    assert (square[: inside[0], : inside[1]] == 0).all()
    assert (square[inside[0] :] == labels_yolox.PAD).all()
    assert (square[:, inside[1] :] == labels_yolox.PAD).all()


@needs(YOLOX)
def test_a_blank_picture_shows_nothing(yolox: labels.Provider) -> None:
    assert yolox.look(np.full((300, 500, 3), 90, np.uint8)).labels == []


@needs(YOLOX)
@pytest.mark.parametrize("array", [np.zeros((5, 5), np.uint8), np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 3))])
def test_an_array_that_is_no_picture_is_refused(yolox: labels.Provider, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="picture"):
        yolox.look(array)


@needs(YOLOX, COCO / "val2017")
def test_things_in_real_photos_are_named_as_people_named_them(yolox: labels.Provider) -> None:
    notes = json.loads((COCO / "annotations" / "instances_val2017.json").read_text())
    truth: dict[int, set[str]] = defaultdict(set)
    names = {entry["id"]: entry["name"] for entry in notes["categories"]}
    for entry in notes["annotations"]:
        truth[entry["image_id"]].add(names[entry["category_id"]])
    right = found = real = 0
    for entry in notes["images"][:40]:
        path = COCO / "val2017" / entry["file_name"]
        if not path.exists():
            continue
        seen_in_it = yolox.look(np.asarray(Image.open(path).convert("RGB")))
        things = seen_in_it.labels
        seen = {thing.name for thing in things}
        right += len(seen & truth[entry["id"]])
        found += len(seen)
        real += len(truth[entry["id"]])
        assert seen <= set(seen_in_it.sights)  # whatever is shown is also ranked by
        assert [thing.score for thing in things] == sorted((thing.score for thing in things), reverse=True)
        for thing in things:
            x, y, wide, high = thing.box
            assert 0 <= x <= x + wide <= 1 + 1e-9
            assert 0 <= y <= y + high <= 1 + 1e-9
    assert right / found >= 0.85
    assert right / real >= 0.45


@needs(YOLOX, CLASSIFIER)
def test_the_classifier_stands_beside_the_detector_and_is_named_with_it(yolox: labels.Provider) -> None:
    assert yolox.model is not None
    assert yolox.model.name == "yolox-nano+mobilenet-v2"


@needs(YOLOX)
def test_without_the_classifier_the_detector_runs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / YOLOX.name).symlink_to(YOLOX)
    use_settings(monkeypatch, models_dir=str(tmp_path))
    assert labels.provider().model == models.label_model() == model_manifest.get("yolox-nano").info


@needs(YOLOX)
def test_the_classifier_alone_names_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / CLASSIFIER.name).symlink_to(CLASSIFIER)
    use_settings(monkeypatch, models_dir=str(tmp_path))
    assert labels.provider().model is models.label_model() is None


@needs(YOLOX, COCO / "val2017")
@pytest.mark.parametrize(("photo", "is_so"), [(205401, True), (570448, True), (117645, False), (519611, False)])
def test_pictures_in_black_and_white_are_told_from_grey_days(yolox: labels.Provider, photo: int, is_so: bool) -> None:
    picture = np.asarray(Image.open(COCO / "val2017" / f"{photo:012}.jpg").convert("RGB"))
    assert (sights.MONOCHROME in yolox.look(picture).sights) == is_so


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_nothing_but_one_grey_is_no_picture_in_black_and_white(grey: int) -> None:
    assert not labels_yolox.is_monochrome(np.full((200, 300, 3), grey, np.uint8))


@needs(YOLOX, CLASSIFIER, COCO / "val2017")
@pytest.mark.parametrize(
    ("photo", "name"), [(136334, "snow"), (519611, "polar bear"), (160012, "pizza"), (11813, "tripod")]
)
def test_the_classifier_sees_what_the_detector_has_no_word_for(yolox: labels.Provider, photo: int, name: str) -> None:
    picture = np.asarray(Image.open(COCO / "val2017" / f"{photo:012}.jpg").convert("RGB"))
    assert yolox.look(picture).sights[name].strength > 0.3


def test_probabilities_of_a_names_classes_add_up() -> None:
    probabilities = np.zeros(1001, np.float32)
    probabilities[[152, 269, 282]] = 0.5, 0.25, 0.125
    named = labels_mobilenet.named(probabilities)
    assert (named["dog"], named["cat"], named["beach"]) == (0.75, 0.125, 0)


@needs(MODELS / "imagenet_labels_1001.txt")
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("dog", {"Chihuahua", "Mexican hairless", "beagle"}),
        ("beach", {"seashore", "sandbar"}),
        ("pizza", {"pizza"}),
        ("violin", {"violin", "cello"}),
        ("polar bear", {"ice bear"}),
        ("bathroom", {"toilet tissue", "bathtub"}),
    ],
)
def test_the_numbers_of_classes_are_those_of_the_classifier(name: str, known: set[str]) -> None:
    lines = (MODELS / "imagenet_labels_1001.txt").read_text().splitlines()
    assert known <= {lines[number].split(",")[0] for number in sights.classes()[name]}
