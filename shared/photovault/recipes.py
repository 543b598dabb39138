"""What a photo was looked at with, and what of it a newer recipe would find anew. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Step = Literal["vision", "embedding"]
Part = Literal["model", "labels", "look"]
STEPS: tuple[Step, ...] = ("vision", "embedding")

UNKNOWN = 0
"""The recipe of photos from before recipes were noted."""


@dataclass(frozen=True)
class Recipe:
    """A row of ``recipes``. ``model_id`` is that of faces (vision) or of whole pictures (embedding); ``weak`` says that
    this model is a stopgap. ``label_model_id`` and ``look_version`` are vision's: no labels are found without a model.
    """

    id: int
    step: Step
    model_id: int
    weak: bool
    label_model_id: int | None
    look_version: int


def outdated(seen: Recipe | None, now: Recipe, *, yields: bool) -> frozenset[Part]:
    """What of a photo that was looked at by ``seen`` (None: nobody knows how) is to be found anew by ``now``.

    A stopgap that only stands in for files that are missing ``yields``: what a better model found stays. Labels stay
    while there is no model for them.
    """
    parts: set[Part] = set()
    if seen is None or (seen.model_id != now.model_id and not (yields and not seen.weak)):
        parts.add("model")
    if now.label_model_id is not None and (seen is None or seen.label_model_id != now.label_model_id):
        parts.add("labels")
    if now.step == "vision" and (seen is None or seen.look_version != now.look_version):
        parts.add("look")
    return frozenset(parts)
