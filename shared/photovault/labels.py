"""Labels: the one seam through which the rest of the vault finds the things that a picture shows.

provider().find(picture) -> labels, each with its name, score and box
provider().model         -> what to record beside them; None says that nothing is looked for
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from photovault import model_manifest, models
from photovault.model_manifest import ModelInfo
from photovault.vision_cv import Picture

__all__ = ["SIDE", "Label", "NoLabels", "Provider", "provider"]

# Long side in pixels of what a provider looks at: more of them show it nothing more.
SIDE = 416


@dataclass(frozen=True)
class Label:
    """One thing: its name, score 0..1, and box (x, y, width, height) as fractions of the picture."""

    name: str
    score: float
    box: tuple[float, float, float, float]


class Provider(Protocol):
    """A detector of things."""

    @property
    def model(self) -> ModelInfo | None: ...

    def find(self, image: Picture) -> list[Label]:
        """The things in an oriented RGB picture (HxWx3 uint8), best score first."""
        ...


class NoLabels:
    """The fallback: it finds nothing, and its missing model says that it did not look."""

    model: ModelInfo | None = None

    def find(self, image: Picture) -> list[Label]:
        return []


_lock = threading.Lock()
_providers: dict[models.Selection, Provider] = {}


def provider() -> Provider:
    """The provider that the files at hand select; loaded once per process and setting.

    Raises ``Misconfigured`` when the model's file is not the pinned one.
    """
    key = models.selection()
    with _lock:
        if key not in _providers:
            _providers[key] = _load()
        return _providers[key]


def _load() -> Provider:
    path = models.locate(model_manifest.LABEL_DETECTOR)
    info = model_manifest.get(model_manifest.LABEL_DETECTOR).info
    if path is None or info is None:
        return NoLabels()
    from photovault.labels_yolox import YoloxLabels

    return YoloxLabels(path, info)
