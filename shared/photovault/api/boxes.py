"""Boxes on the globe, as requests give them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photovault.cells import Box
from photovault.errors import Invalid

BoxText = Annotated[
    str | None,
    Query(
        max_length=200,
        description="west,south,east,north in degrees; with west greater than east, over the antimeridian.",
        examples=["-9.5,38.5,-9.0,39.0"],
    ),
]


def parse(text: str | None) -> Box | None:
    """None for none. Raises ``Invalid``."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid("`bbox` is west,south,east,north in degrees.", [("bbox", "needs four numbers")]) from None
    if not is_on_the_globe((west, south, east, north)):
        raise Invalid("`bbox` lies outside the globe or is upside down.", [("bbox", "is not a box on the globe")])
    return west, south, east, north


def is_on_the_globe(box: Box) -> bool:
    """And not upside down; what is no finite number is nowhere."""
    west, south, east, north = box
    return -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
