"""The drawing of test pictures lives in infra/local/pictures.py, which the demonstration uses too."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.pictures import camera_tags, draw, encode, paint, recompressed

__all__ = ["camera_tags", "draw", "encode", "paint", "recompressed", "shared_photos"]


def shared_photos(*parts: str) -> Path | None:
    """A folder of real photos when they lie beside the project (or where PHOTOVAULT_SHARED says), else None."""
    root = Path(os.environ.get("PHOTOVAULT_SHARED") or Path(__file__).parents[2] / "shared")
    folder = root.joinpath("photos", *parts)
    return folder if folder.exists() else None
