"""Faces: the one seam through which the rest of the vault finds and describes them.

provider().find(picture) -> faces, each with its box, quality, embedding and crop
provider().model         -> what to record beside each face; only faces of one model are compared
"""

from __future__ import annotations

import threading
from typing import Protocol

from photovault import models
from photovault.errors import Misconfigured
from photovault.face_measures import Face
from photovault.model_manifest import ModelInfo
from photovault.vision_cv import Picture

__all__ = ["Face", "ModelInfo", "Provider", "provider"]


class Provider(Protocol):
    """A face detector and an embedder that belong together."""

    @property
    def model(self) -> ModelInfo: ...

    def find(self, image: Picture) -> list[Face]:
        """The faces of an oriented RGB picture (HxWx3 uint8), best quality first.

        Give it the largest picture at hand: faces are found at reduced scale, but described from these pixels.
        """
        ...


_lock = threading.Lock()
_providers: dict[models.Selection, Provider] = {}


def provider() -> Provider:
    """The provider that ``FACE_PROVIDER`` and the files at hand select; loaded once per process and setting.

    Raises ``Misconfigured`` for ``FACE_PROVIDER=onnx`` without the files, and for a file that is not the pinned one.
    """
    key = models.selection()
    with _lock:
        if key not in _providers:
            _providers[key] = _load()
        return _providers[key]


def forget_all_but(model: ModelInfo) -> None:
    """Let go of a provider that was loaded when other files were at hand: what asks next loads anew."""
    with _lock:
        for key in [key for key, one in _providers.items() if one.model != model]:
            del _providers[key]


def _load() -> Provider:
    chosen = models.face_files()
    if chosen is None:
        from photovault.faces_haar import HaarFaces

        return HaarFaces()
    from photovault.faces_onnx import OnnxFaces

    detector, embedder = (models.locate(entry.name) for entry in chosen)
    info, face_input = chosen[1].info, chosen[1].face_input
    if detector is None or embedder is None or info is None or face_input is None:
        raise Misconfigured(f"A face model has disappeared since it was chosen. {models.HOW_TO_GET}")
    return OnnxFaces(detector=detector, embedder=embedder, model=info, face_input=face_input)
