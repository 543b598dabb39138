"""The drawing of test pictures lives in infra/local/pictures.py, which the demonstration uses too."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.pictures import camera_tags, draw, encode, paint, recompressed

__all__ = ["SHARED", "camera_tags", "draw", "encode", "paint", "recompressed", "shared_photos"]

# Real photos and models: beside the project, or where PHOTOVAULT_SHARED says. Tests that need them skip without.
SHARED = Path(os.environ.get("PHOTOVAULT_SHARED") or Path(__file__).parents[2] / "shared")


def shared_photos(*parts: str) -> Path | None:
    """A folder of real photos, or None where they are not at hand."""
    folder = SHARED.joinpath("photos", *parts)
    return folder if folder.exists() else None
