from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.shared.inference import COCO, FACES, MODELS, drawn_face, needs, use_settings

from photovault import face_measures, faces, model_manifest
from photovault.errors import Misconfigured
from photovault.faces_haar import HaarFaces, describe, hits_to_score
from photovault.grouping import Face as Known
from photovault.grouping import Matrix, Parameters, group

YUNET = MODELS / "face_detection_yunet_2023mar.onnx"
EMBEDDER = MODELS / "face-reidentification-retail-0095.onnx"
LFW = FACES / "lfw5x10"
real_models = needs(YUNET, EMBEDDER)

TEMPLATE = np.array(model_manifest.get("face-reidentification-retail-0095").face_input.template)
coordinates = st.floats(-500, 500)


@pytest.fixture(scope="module")
def haar() -> HaarFaces:
    return HaarFaces()


@pytest.fixture
def onnx(monkeypatch: pytest.MonkeyPatch) -> faces.Provider:
    use_settings(monkeypatch, models_dir=str(MODELS), face_provider="onnx")
    return faces.provider()


# --- Choosing ------------------------------------------------------------------------------------------------------


def test_without_files_the_bundled_cascades_run_and_say_that_they_are_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch)
    assert faces.provider().model == model_manifest.HAAR
    assert faces.provider().model.weak
    assert faces.provider() is faces.provider()


def test_onnx_without_files_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    use_settings(monkeypatch, face_provider="onnx", models_dir=str(tmp_path))
    with pytest.raises(Misconfigured, match="photovault models pull"):
        faces.provider()


@real_models
def test_with_files_the_network_runs_and_haar_can_still_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    use_settings(monkeypatch, models_dir=str(MODELS))
    assert faces.provider().model.name == "face-reidentification-retail-0095"
    use_settings(monkeypatch, models_dir=str(MODELS), face_provider="haar")
    assert faces.provider().model == model_manifest.HAAR


# --- Measures ------------------------------------------------------------------------------------------------------


@given(
    points=st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=5, max_size=5, unique=True),
    angle=st.floats(-3, 3),
    scale=st.floats(0.05, 20),
    shift=st.tuples(coordinates, coordinates),
)
def test_a_turn_a_scale_and_a_shift_are_found_exactly(
    points: list[tuple[int, int]], angle: float, scale: float, shift: tuple[float, float]
) -> None:
    source = np.array(points, dtype=float)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = source @ turn.T + shift
    found = face_measures.similarity(source, target)
    assert source @ found[:, :2].T + found[:, 2] == pytest.approx(target, abs=1e-5)


def test_points_in_one_spot_only_shift() -> None:
    found = face_measures.similarity(np.full((5, 2), 3.0) + np.eye(5, 2) * 1e-200, TEMPLATE)
    assert found[:, :2] == pytest.approx(np.eye(2))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scale", [0.4, 1, 3, 9])
@pytest.mark.parametrize("angle", [-0.6, 0.0, 0.5])
def test_alignment_brings_the_landmarks_to_the_template_at_any_size_and_tilt(scale: float, angle: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE - 64) @ turn.T + 700
    picture = np.zeros((1400, 1400, 3), np.uint8)
    for x, y in points:
        cv2.circle(picture, (round(x), round(y)), max(2, round(5 * scale)), (255, 255, 255), -1)

    square = face_measures.align(picture, points=points, template=TEMPLATE, side=128)

    count, _, _, centres = cv2.connectedComponentsWithStats((square[:, :, 0] > 100).astype(np.uint8))
    assert count == 6
    for point in TEMPLATE:
        assert np.hypot(*(centres[1:] - point).T).min() < 1.5


def test_a_face_half_outside_the_picture_still_aligns() -> None:
    square = face_measures.align(
        np.full((300, 300, 3), 200, np.uint8), points=TEMPLATE * 8 - 700, template=TEMPLATE, side=128
    )
    assert square.shape == (128, 128, 3)


def turned(*, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """The landmarks of an average head that is turned by so many degrees, 100 pixels from eye to eye."""
    y, p, r = np.radians((yaw, pitch, roll))
    about_down = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_across = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_view = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    head = face_measures.AVERAGE_FACE @ (about_view @ about_across @ about_down).T
    return np.asarray(head[:, :2] * 100)


@given(yaw=st.floats(-85, 85), pitch=st.floats(-60, 60), roll=st.floats(-180, 180))
def test_frontality_is_the_cosine_of_how_far_a_head_is_turned_and_a_tilt_is_no_turn(
    yaw: float, pitch: float, roll: float
) -> None:
    expected = np.cos(np.radians(yaw)) * np.cos(np.radians(pitch))
    assert face_measures.frontality(turned(yaw=yaw, pitch=pitch, roll=roll)) == pytest.approx(expected, abs=1e-6)


def test_who_shows_both_eyes_may_found_a_person_and_a_profile_may_not() -> None:
    gate = face_measures.FOUNDER_FRONTALITY
    assert face_measures.frontality(TEMPLATE) > 0.9
    assert face_measures.frontality(turned(yaw=45, roll=30)) > gate
    assert face_measures.frontality(turned(yaw=70)) < gate
    assert face_measures.frontality(TEMPLATE * (0.2, 1)) < gate
    assert face_measures.frontality(TEMPLATE * (-1, 1)) == 0
    assert face_measures.frontality(np.zeros((5, 2))) == 0


@given(angle=st.floats(-3, 3), scale=st.floats(0.1, 10))
def test_tilting_the_head_or_coming_closer_does_not_change_frontality(angle: float, scale: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert face_measures.frontality(TEMPLATE @ turn.T) == pytest.approx(face_measures.frontality(TEMPLATE))


def a_pattern(seed: int = 0) -> np.ndarray:
    """Slopes of all sizes, as the picture of a face has them."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(0, 160 / side**0.7, (side, side)), (128, 128), interpolation=cv2.INTER_CUBIC)
        for side in (4, 8, 16, 32, 64)
    ]
    grey = np.clip(128 + sum(layers), 20, 235).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def test_the_more_blur_the_less_sharpness() -> None:
    face = a_pattern()
    series = [face_measures.sharpness(face)]
    series += [face_measures.sharpness(np.asarray(cv2.GaussianBlur(face, (0, 0), sigma))) for sigma in (1, 2, 4, 8)]
    assert series == sorted(series, reverse=True)
    assert series[0] > 1.5 * series[2]
    assert series[-1] < face_measures.FOUNDER_SHARPNESS


@pytest.mark.parametrize("seed", range(3))
def test_neither_noise_nor_little_light_passes_for_sharpness(seed: int) -> None:
    face = np.asarray(cv2.GaussianBlur(a_pattern(seed), (0, 0), 2))
    sharp = face_measures.sharpness(face)
    noisy = np.clip(face + np.random.default_rng(seed).normal(0, 10, face.shape), 0, 255).astype(np.uint8)
    assert face_measures.sharpness(noisy) == pytest.approx(sharp, abs=0.05)
    assert face_measures.sharpness((face * 0.4).astype(np.uint8)) == pytest.approx(sharp, abs=0.05)


@pytest.mark.parametrize("axis", [0, 1])
def test_motion_in_one_direction_is_blur(axis: int) -> None:
    face = a_pattern()
    shaken = cv2.blur(face, (15, 1) if axis else (1, 15))
    assert face_measures.sharpness(np.asarray(shaken)) < 0.75 * face_measures.sharpness(face)


@pytest.mark.parametrize("stripes", [False, True])
def test_what_shows_nothing_in_some_direction_is_not_sharp(stripes: bool) -> None:
    flat = np.full((128, 128, 3), 90, np.uint8)
    if stripes:
        flat[::7] = 200
    assert face_measures.sharpness(flat) == 0


@given(
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    box=st.tuples(coordinates, coordinates, st.floats(0.1, 600), st.floats(0.1, 600)),
)
@settings(max_examples=60, deadline=None)
def test_a_crop_is_a_square_inside_the_picture(size: tuple[int, int], box: face_measures.Box) -> None:
    crop = face_measures.crop(np.zeros((*size, 3), np.uint8), box=box)
    assert crop.shape[0] == crop.shape[1]
    assert 1 <= crop.shape[0] <= min(256, *size)


@given(
    box=st.tuples(coordinates, coordinates, st.floats(0.1, 600), st.floats(0.1, 600)),
    measures=st.tuples(*[st.floats(0, 1)] * 3),
)
def test_quality_is_a_share_and_nothing_improves_by_getting_worse(
    box: face_measures.Box, measures: tuple[float, float, float]
) -> None:
    score, sharp, frontal = measures
    best = face_measures.quality(box=box, score=score, sharp=sharp, frontal=frontal)
    assert 0 <= best <= 1
    for worse in ((score / 2, sharp, frontal), (score, sharp / 2, frontal), (score, sharp, frontal / 2)):
        assert face_measures.quality(box=box, score=worse[0], sharp=worse[1], frontal=worse[2]) <= best


@pytest.mark.parametrize(
    "weak",
    [{"box": (0, 0, 30, 90)}, {"score": 0.7}, {"sharp": 0.2}, {"frontal": 0.4}],
    ids=lambda weak: next(iter(weak)),
)
def test_each_gate_alone_keeps_a_face_from_founding_a_person(weak: dict[str, object]) -> None:
    good = {"box": (0, 0, 90, 90), "score": 0.9, "sharp": 0.6, "frontal": 0.8}
    assert face_measures.may_found(**good)
    assert not face_measures.may_found(**{**good, **weak})


# --- The fallback --------------------------------------------------------------------------------------------------


def test_the_cascades_find_a_drawn_face_where_it_is(haar: HaarFaces) -> None:
    (face,) = haar.find(drawn_face(600, side=160, centre=(420, 200)))
    x, y, wide, high = face.box
    assert (x + wide / 2, y + high / 2) == pytest.approx((420 / 600, 200 / 600), abs=0.05)
    assert face.landmarks is None
    assert face.embedding.shape == (model_manifest.HAAR.dims,)
    assert face.embedding.dtype == np.float32
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert face.crop.shape == (256, 256, 3) or face.crop.shape[0] < 256


def test_the_crop_keeps_its_colours(haar: HaarFaces) -> None:
    (face,) = haar.find(drawn_face(skin=(205, 170, 140)))
    middle = face.crop[len(face.crop) // 2, len(face.crop) // 2 + 25].astype(int)
    assert middle[0] > middle[1] > middle[2]


def test_the_fallback_knows_the_same_shot_again_when_it_is_recompressed_and_shrunk(haar: HaarFaces) -> None:
    picture = drawn_face(900, side=400, centre=(450, 450))
    again = np.asarray(Image.fromarray(picture).resize((600, 600), Image.Resampling.LANCZOS))
    (one,), (other,) = haar.find(picture), haar.find(again)
    assert float(one.embedding @ other.embedding) >= haar.model.same_person_threshold


@pytest.mark.parametrize("size", [(1, 1), (31, 500), (20, 3000)])
def test_a_picture_too_small_for_a_face_has_none(haar: HaarFaces, size: tuple[int, int]) -> None:
    assert haar.find(np.full((*size, 3), 128, np.uint8)) == []


@pytest.mark.parametrize("array", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3))])
def test_an_array_that_is_no_picture_is_refused(haar: HaarFaces, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="picture"):
        haar.find(array)


@given(factor=st.floats(0.5, 1), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_less_light_changes_the_descriptor_little(factor: float, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(40, 220, (8, 8), dtype=np.uint8)
    face = np.asarray(cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC))
    one, other = describe(face), describe((face * factor).astype(np.uint8))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.9


def test_more_agreement_is_a_higher_score() -> None:
    scores = [hits_to_score(hits) for hits in (0, 5, 12, 40, 1000)]
    assert scores == sorted(scores)
    assert scores[0] == 0.5
    assert scores[-1] < 1


# --- The networks --------------------------------------------------------------------------------------------------


@real_models
def test_a_drawn_face_comes_with_its_five_landmarks_in_order(onnx: faces.Provider) -> None:
    (face,) = onnx.find(drawn_face(600, side=200, centre=(380, 250)))
    (left_x, left_y), (right_x, right_y), (_, nose_y), (mouth_left, mouth_y), (mouth_right, _) = face.landmarks
    assert face.box[0] < left_x < right_x < face.box[0] + face.box[2]
    assert left_y < nose_y < mouth_y
    assert right_y < nose_y
    assert mouth_left < mouth_right
    assert face.embedding.shape == (256,)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)


@real_models
@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (32, 640), (33, 33), (640, 20)])
def test_the_networks_bear_any_size_and_see_nobody_in_what_was_seen_before(
    onnx: faces.Provider, shape: tuple[int, int]
) -> None:
    for side in range(200, 600, 20):
        assert onnx.find(drawn_face(side, side=side // 2, centre=(side // 2, side // 2)))
        assert onnx.find(np.full((*shape, 3), 128, np.uint8)) == []


@real_models
def test_several_threads_get_the_same_answer_as_one(onnx: faces.Provider) -> None:
    pictures = [drawn_face(300 + 40 * step, side=120 + 10 * step, centre=(150, 150)) for step in range(6)]
    alone = [onnx.find(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(onnx.find, pictures))
    for one, other in zip(alone, together, strict=True):
        assert [face.box for face in one] == [face.box for face in other]
        for face, twin in zip(one, other, strict=True):
            assert np.array_equal(face.embedding, twin.embedding)


def _portraits(provider: faces.Provider) -> list[tuple[str, faces.Face]]:
    """(name, face) of the face in the middle of each LFW picture that the provider found."""
    found = []
    for path in sorted(LFW.glob("*/*.jpg")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        for face in provider.find(picture):
            x, y, wide, high = face.box
            if abs(x + wide / 2 - 0.5) < 0.1 and abs(y + high / 2 - 0.5) < 0.12:
                found.append((path.parent.name, face))
                break
    return found


def _cosines(portraits: list[tuple[str, faces.Face]]) -> tuple[list[float], list[float]]:
    same: list[float] = []
    different: list[float] = []
    for (name, one), (other_name, other) in itertools.combinations(portraits, 2):
        (same if name == other_name else different).append(float(one.embedding @ other.embedding))
    return same, different


@real_models
@needs(LFW)
def test_the_network_tells_real_people_apart(onnx: faces.Provider) -> None:
    portraits = _portraits(onnx)
    same, different = _cosines(portraits)
    threshold = onnx.model.same_person_threshold
    assert len(portraits) == 50
    assert max(different) < threshold
    assert sum(cosine >= threshold for cosine in same) / len(same) > 0.97


def _seconds() -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(LFW.glob("*/*_0002.jpg"))]


def _largest(found: list[faces.Face]) -> faces.Face:
    return max(found, key=lambda face: face.box[2] * face.box[3])


@real_models
@needs(LFW)
def test_a_blurred_portrait_founds_nobody_and_one_a_little_out_of_focus_does(onnx: faces.Provider) -> None:
    for picture in _seconds():
        assert _largest(onnx.find(np.asarray(cv2.GaussianBlur(picture, (0, 0), 1)))).founder
        assert not any(face.founder for face in onnx.find(np.asarray(cv2.GaussianBlur(picture, (0, 0), 6))))


@real_models
@needs(FACES)
def test_every_labelled_face_may_found_a_person(onnx: faces.Provider) -> None:
    for path in sorted(FACES.glob("*/*/*.jp*g")):
        assert _largest(onnx.find(np.asarray(Image.open(path).convert("RGB")))).founder, path.name


@real_models
@needs(LFW)
@pytest.mark.parametrize("angle", [-40, 30])
def test_a_tilted_face_is_described_as_when_it_is_upright(onnx: faces.Provider, angle: int) -> None:
    for picture in _seconds():
        turn = cv2.getRotationMatrix2D((125, 125), angle, 1)
        tilted = cv2.warpAffine(picture, turn, (250, 250), borderMode=cv2.BORDER_REFLECT)
        upright, again = _largest(onnx.find(picture)), _largest(onnx.find(np.asarray(tilted)))
        assert upright.embedding @ again.embedding > 0.8
        assert again.founder


@real_models
@needs(LFW)
def test_the_small_faces_of_a_group_are_found(onnx: faces.Provider) -> None:
    """Ten people of 32 pixels across in a preview of 2,048: 10 pixels where faces are looked for first."""
    portraits = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(LFW.glob("*/*_000[23].jpg"))]
    group = np.full((1536, 2048, 3), 140, np.uint8)
    for place, portrait in enumerate(portraits):
        side = round(250 * 32 / 95)
        row, column = divmod(place, 5)
        small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        group[300 + 600 * row :, 150 + 400 * column :][:side, :side] = small
    found = onnx.find(group)
    assert len(found) >= 9
    assert all(20 < face.box[2] * 2048 < 45 for face in found)


@real_models
@needs(FACES / "us-officials")
def test_a_landscape_behind_a_portrait_is_no_face(onnx: faces.Provider) -> None:
    picture = np.asarray(Image.open(FACES / "us-officials" / "biden" / "biden2.jpg").convert("RGB"))
    assert len(onnx.find(picture)) == 1


@needs(LFW)
def test_the_fallback_never_takes_two_real_people_for_one(haar: HaarFaces) -> None:
    portraits = _portraits(haar)
    _, different = _cosines(portraits)
    assert len(portraits) >= 45
    assert max(different) < haar.model.same_person_threshold
    people = [
        Known(id=UUID(int=n), photo_sha256=b"%d" % n, box=face.box, quality=face.quality, founder=face.founder, row=n)
        for n, (_, face) in enumerate(portraits)
    ]
    vectors = Matrix(np.stack([face.embedding for _, face in portraits]), people)
    found = group(people, vectors, parameters=Parameters.of_model(haar.model.same_person_threshold))
    for person in found.clusters:
        assert len({portraits[face.int][0] for face in person}) == 1


@needs(COCO / "val2017", COCO / "annotations")
def test_the_fallback_founds_nobody_on_what_is_no_face(haar: HaarFaces) -> None:
    notes = json.loads((COCO / "annotations" / "instances_val2017.json").read_text())
    person = next(entry["id"] for entry in notes["categories"] if entry["name"] == "person")
    with_people = {entry["image_id"] for entry in notes["annotations"] if entry["category_id"] == person}
    empty = [COCO / "val2017" / entry["file_name"] for entry in notes["images"] if entry["id"] not in with_people]
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in empty if path.exists()][:20]
    assert len(pictures) == 20
    assert not any(face.founder for picture in pictures for face in haar.find(picture))
