"""The models that PhotoVault knows: where each comes from, how its bytes are verified, what it wants as input.

Pure data. ``models`` finds and fetches the files; ``faces``, ``labels`` and ``embeddings`` run them. A row in the
database names the model that made it by ``ModelInfo.name`` and ``version``; only vectors of one model and version are
ever compared. A version changes when the file *or* the recipe around it (alignment, preprocessing) changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["face", "image", "label"]
Role = Literal[
    "face-detector", "face-embedder", "label-detector", "label-classifier", "image-tower", "text-tower", "vocabulary"
]


@dataclass(frozen=True)
class CutOffs:
    """The cosines from which on something counts as found. ``photovault models calibrate`` measures them.

    ``text_floor``: of a text and a picture that fits it. ``text_margin``: how far below the best picture of a query
    another one may lie; where something matches well, what matches so much worse is noise. ``look_alike_floor``: of
    two pictures that are shown as similar.
    """

    text_floor: float
    text_margin: float
    look_alike_floor: float


# What others measured with CLIP ViT-B/32, until somebody measures this export: captions that fit lie around 0.3
# (LAION-400M, Schuhmann et al. 2021, keeps them from 0.3 on); the best of many frames at 0.27 for "car" and at 0.22 for
# keys hit at random (haltakov/natural-language-youtube-search, issue 7); a vehicle at 0.25 for "vehicle" and at 0.19
# for "computer" (openai/CLIP, issue 405). Also for models that nobody has measured.
LITERATURE = CutOffs(text_floor=0.23, text_margin=0.08, look_alike_floor=0.70)


@dataclass(frozen=True)
class ModelInfo:
    """What is recorded beside every vector or label.

    ``dims`` is the vector's length (0 for label detectors). ``weak`` says that the vectors are a stopgap, too coarse
    to found people on without caution. ``same_person_threshold`` is the cosine similarity between a face and the
    centroid of a person from which they count as one; 1.0 where the model knows no persons. ``cut_offs`` are those of
    models of whole pictures.
    """

    name: str
    version: str
    kind: Kind
    dims: int
    weak: bool = False
    same_person_threshold: float = 1.0
    cut_offs: CutOffs = LITERATURE


@dataclass(frozen=True)
class FaceInput:
    """What a face embedder wants to see: an aligned square of ``side`` pixels, values 0..255.

    ``template`` holds the five reference points in pixels of that square, in YuNet's order: the eye at the left of
    the picture, the eye at the right, nose tip, mouth corner at the left, mouth corner at the right.
    """

    side: int
    channels: Literal["bgr", "rgb"]
    template: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ModelFile:
    """One file: ``name`` is how the code asks for it, ``file`` how it is called on disk; ``size`` in bytes.

    ``url`` is None where no canonical download exists; ``source`` says where such a file is made from.
    """

    name: str
    file: str
    role: Role
    size: int
    sha256: str
    licence: str
    source: str
    url: str | None = None
    info: ModelInfo | None = None
    face_input: FaceInput | None = None


_CLIP_URL = "https://huggingface.co/Xenova/clip-vit-base-patch32/resolve/d15189d7028b43f1d3e65039190477f6af591c2a/onnx/"
_CLIP_SOURCE = "OpenAI CLIP ViT-B/32, ONNX export with int8 weights (Xenova/clip-vit-base-patch32@d15189d)"

# OpenAI's ViT-B/32 in the quantized export; both towers and the vocabulary belong to this one model.
CLIP = ModelInfo(name="clip-vit-base-patch32", version="d15189d-int8.1", kind="image", dims=512)

# 64 bits of a DCT hash as a vector of +-1/8: look-alikes only, no words.
# 14 of them may differ: of 9,449 pairs of different photos the nearest differ by 16, and of copies with 5 % cut off two
# sides 91 % are found. With 10, which is usual, it is 57 %. The cosine is 1 - 2 * 14 / 64.
PHASH = ModelInfo(
    name="phash",
    version="1",
    kind="image",
    dims=64,
    weak=True,
    cut_offs=CutOffs(text_floor=1.0, text_margin=0.0, look_alike_floor=0.5625),
)

# OpenCV's bundled cascades and a classical descriptor. The threshold is strict because the descriptor sees light and
# pose as much as it sees the person: it would rather leave a face alone than name it wrongly. Cosines of 2,000 pairs of
# different people: 0.55 on average, 0.05 their deviation, 0.69 the highest, and 0.75 with a centroid, which has less of
# what tells one picture from another; two shots of one scene: 0.85.
HAAR = ModelInfo(name="haar-lbp", version="2", kind="face", dims=1180, weak=True, same_person_threshold=0.75)

# Alignment templates. 0095: Intel's Open Model Zoo, face-reidentification-retail-0095, reference points times 128.
# SFace: the 112 pixel template of ArcFace, as in OpenCV's FaceRecognizerSF::alignCrop.
_RETAIL_TEMPLATE = tuple(
    (x * 128, y * 128)
    for x, y in ((0.31557, 0.46157), (0.68262, 0.46157), (0.50026, 0.64051), (0.34947, 0.82469), (0.65344, 0.82469))
)
_ARCFACE_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)

MANIFEST: tuple[ModelFile, ...] = (
    ModelFile(
        name="yunet",
        file="face_detection_yunet_2023mar.onnx",
        role="face-detector",
        size=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        licence="MIT",
        source="opencv_zoo, models/face_detection_yunet",
        url="https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
    ),
    ModelFile(
        name="face-reidentification-retail-0095",
        file="face-reidentification-retail-0095.onnx",
        role="face-embedder",
        size=2_247_915,
        sha256="eb7a6132c282aaa4a3647898e79cdf1584624e495d5e2dcccfdcd69e91667790",
        licence="Apache-2.0",
        source="Intel Open Model Zoo 2023.0, face-reidentification-retail-0095 (FP16), converted from OpenVINO IR to "
        "ONNX; there is no canonical ONNX download, so bring the file with --from",
        # 0.40 to a centroid: ten LFW people, cosines of same / different persons 0.69 / 0.015 on average.
        info=ModelInfo(
            name="face-reidentification-retail-0095",
            version="eb7a6132.2",
            kind="face",
            dims=256,
            same_person_threshold=0.40,
        ),
        face_input=FaceInput(side=128, channels="bgr", template=_RETAIL_TEMPLATE),
    ),
    ModelFile(
        name="sface",
        file="face_recognition_sface_2021dec.onnx",
        role="face-embedder",
        size=38_696_353,
        sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
        licence="Apache-2.0",
        source="opencv_zoo, models/face_recognition_sface",
        url="https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_recognition_sface/"
        "face_recognition_sface_2021dec.onnx",
        # 0.363 is OpenCV's published cosine threshold for SFace on LFW.
        info=ModelInfo(name="sface", version="0ba9fbfa.2", kind="face", dims=128, same_person_threshold=0.363),
        face_input=FaceInput(side=112, channels="rgb", template=_ARCFACE_TEMPLATE),
    ),
    ModelFile(
        name="yolox-nano",
        file="yolox_nano.onnx",
        role="label-detector",
        size=3_660_092,
        sha256="695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
        licence="Apache-2.0",
        source="Megvii YOLOX-nano, trained on COCO",
        url="https://raw.githubusercontent.com/Kazuhito00/YOLOX-ONNX-TFLite-Sample/"
        "3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
        info=ModelInfo(name="yolox-nano", version="695e750a.3", kind="label", dims=0),
    ),
    ModelFile(
        name="mobilenet-v2",
        file="mobilenet_v2_1.0_224_quant.onnx",
        role="label-classifier",
        size=3_557_949,
        sha256="2f2d2a0af49e677ba700cdb7ad56acfe791483e2480abaa8842ac92d92635ea7",
        licence="Apache-2.0",
        source="Google's MobileNet v2 1.0 224 (quantized) on ImageNet (google-coral/test_data@104342d), converted from "
        "TensorFlow Lite to ONNX; there is no canonical ONNX download, so bring the file with --from",
        # Of both: the classifier only ever stands beside the detector.
        info=ModelInfo(name="yolox-nano+mobilenet-v2", version="695e750a.2f2d2a0a.2", kind="label", dims=0),
    ),
    ModelFile(
        name="clip-image",
        file="vision_model_quantized.onnx",
        role="image-tower",
        size=89_117_001,
        sha256="583fd1110a514667812fee7d684952aaf82a99b959760c8d7dca7e0ab9839299",
        licence="MIT",
        source=_CLIP_SOURCE,
        url=_CLIP_URL + "vision_model_quantized.onnx",
        info=CLIP,
    ),
    ModelFile(
        name="clip-text",
        file="text_model_quantized.onnx",
        role="text-tower",
        size=64_504_507,
        sha256="73baab855d406190da9faa498cfedf65f15cf309f4cc7385b7b032e6d08e5c3a",
        licence="MIT",
        source=_CLIP_SOURCE,
        url=_CLIP_URL + "text_model_quantized.onnx",
        info=CLIP,
    ),
    ModelFile(
        name="clip-vocabulary",
        file="bpe_simple_vocab_16e6.txt.gz",
        role="vocabulary",
        size=1_356_917,
        sha256="924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
        licence="MIT",
        source="openai/CLIP@d05afc4, clip/bpe_simple_vocab_16e6.txt.gz",
        url="https://raw.githubusercontent.com/openai/CLIP/d05afc436d78f1c48dc0dbf8e5980a9d471f35f6/clip/"
        "bpe_simple_vocab_16e6.txt.gz",
        info=CLIP,
    ),
)

# The three files that CLIP needs; it is chosen when all are there, so that photos and queries meet in one space.
CLIP_FILES = ("clip-image", "clip-text", "clip-vocabulary")

# Best first: the one measured here, then the one that everybody can download.
FACE_EMBEDDERS = ("face-reidentification-retail-0095", "sface")
FACE_DETECTOR = "yunet"
LABEL_DETECTOR = "yolox-nano"
# Says what else a photo may show, where it is there: searches are ranked by it, nothing is listed by it.
LABEL_CLASSIFIER = "mobilenet-v2"

_BY_NAME = {entry.name: entry for entry in MANIFEST}


def get(name: str) -> ModelFile:
    """The manifest's entry of that name. Raises ``KeyError`` for a name that the manifest does not know."""
    return _BY_NAME[name]


_OF_PICTURES = (CLIP, PHASH)


def cut_offs(name: str, version: str) -> CutOffs:
    """Those of a model of whole pictures, as a row of the database names it, by which photos may still be embedded.

    Of a version that the manifest no longer has: those of its successor.
    """
    alike = [info for info in _OF_PICTURES if info.name == name]
    exact = [info for info in alike if info.version == version]
    return (*exact, *alike)[0].cut_offs if alike else LITERATURE
