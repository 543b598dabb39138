"""Labels: the one seam through which the rest of the vault finds the things that a picture shows.

provider().look(picture) -> labels, each with its name, score and box; and sights, which only searches are ranked by
provider().model         -> what to record beside them; None says that nothing is looked for
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from photovault import model_manifest, models
from photovault.model_manifest import ModelInfo
from photovault.sights import Sight
from photovault.vision_cv import Picture

__all__ = ["SIDE", "Label", "NoLabels", "Provider", "Seen", "provider"]

# Long side in pixels of what a provider looks at: more of them show it nothing more.
SIDE = 416


@dataclass(frozen=True)
class Label:
    """One thing: its name, score 0..1, and box (x, y, width, height) as fractions of the picture."""

    name: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Seen:
    """``labels`` are shown, best score first; ``sights`` what else the picture may show, by name."""

    labels: list[Label] = field(default_factory=list)
    sights: Mapping[str, Sight] = field(default_factory=dict)


class Provider(Protocol):
    """A detector of things."""

    @property
    def model(self) -> ModelInfo | None: ...

    def look(self, image: Picture) -> Seen:
        """The things in an oriented RGB picture (HxWx3 uint8)."""
        ...


class NoLabels:
    """The fallback: it finds nothing, and its missing model says that it did not look."""

    model: ModelInfo | None = None

    def look(self, image: Picture) -> Seen:
        return Seen()


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


def forget_all_but(model: ModelInfo | None) -> None:
    """Let go of a provider that was loaded when other files were at hand: what asks next loads anew."""
    with _lock:
        for key in [key for key, one in _providers.items() if one.model != model]:
            del _providers[key]


def _load() -> Provider:
    path, info = models.locate(model_manifest.LABEL_DETECTOR), models.label_model()
    if path is None or info is None:
        return NoLabels()
    from photovault.labels_yolox import YoloxLabels

    classifier = models.locate(model_manifest.LABEL_CLASSIFIER)
    if classifier is None:
        return YoloxLabels(path, info)
    from photovault.labels_mobilenet import MobilenetClasses

    return YoloxLabels(path, info, MobilenetClasses(classifier))
