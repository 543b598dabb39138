"""The filter of a smart album as the API takes and shows it: what `GET /search` answers as `filter.conditions`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from photovault import label_names, saved_filters
from photovault.api import boxes, schemas

_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_MOST = 50

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Texts = Annotated[list[Text], Field(default_factory=list, max_length=_MOST)]
Ids = Annotated[list[UUID], Field(default_factory=list, max_length=_MOST)]
Days = Annotated[
    list[Annotated[list[date | None], Field(min_length=2, max_length=2)]],
    Field(default_factory=list, max_length=_MOST),
]
Yearly = Annotated[
    list[Annotated[list[Annotated[int, Field(ge=101, le=1231)]], Field(min_length=2, max_length=2)]],
    Field(default_factory=list, max_length=_MOST),
]

Hours = Annotated[
    list[Annotated[list[Annotated[int, Field(ge=0, le=24)]], Field(min_length=2, max_length=2)]],
    Field(default_factory=list, max_length=_MOST),
]


class Place(schemas.Schema):
    level: Literal["country", "region", "city"]
    value: Text = Field(description="The name, as the photos have it.")
    country_code: Annotated[str, StringConstraints(to_upper=True, pattern=r"^[A-Za-z]{2}$")]


class Circle(schemas.Schema):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    km: Annotated[float, Field(gt=0, le=20_040)]


Circles = Annotated[list[Circle], Field(default_factory=list, max_length=_MOST)]
Places = Annotated[list[Place], Field(default_factory=list, max_length=_MOST)]


class SavedFilter(schemas.Schema):
    """Conditions that a photo must all fulfil; what is not given is no condition. The archive is left out unless asked
    for, the trash always."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"people_all": [_ID], "places": [{"level": "city", "value": "Lisbon", "country_code": "PT"}]},
                {"last_days": 30, "favourite": True},
                {"labels_any": [["dog", "cat"]], "days": [["2024-06-01", "2024-08-31"]]},
            ]
        },
    )

    date_from: date | None = Field(None, description="No photo before this local day.")
    date_to: date | None = Field(None, description="No photo after this local day.")
    last_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        None, description="Since so many days ago, counted anew every day."
    )
    days: Days = Field(description="In any of these stretches; null leaves an end open.")
    days_none: Days = Field(description="In none of these.")
    yearly: Yearly = Field(description="First and last day as month * 100 + day, in any year.")
    yearly_none: Yearly
    places: Places = Field(description="In any of these.")
    places_none: Places
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)] | None = Field(
        None, description="west, south, east, north in degrees."
    )
    near: Circles = Field(description="Within any of these circles.")
    near_none: Circles
    people_all: Ids = Field(description="With all of these people.")
    people_any: Annotated[
        list[Annotated[list[UUID], Field(min_length=1, max_length=_MOST)]],
        Field(default_factory=list, max_length=_MOST, description="With somebody of each of these groups."),
    ]
    people_none: Ids = Field(description="With none of these people.")
    labels_all: Texts
    labels_any: Annotated[
        list[Annotated[list[Text], Field(min_length=1, max_length=_MOST)]],
        Field(default_factory=list, max_length=_MOST, description="Showing something of each of these groups."),
    ]
    labels_none: Texts
    albums: Ids = Field(description="In any of these, none of which may be a smart album.")
    albums_none: Ids
    cameras: Texts = Field(description="A camera's name or a part of it.")
    cameras_none: Texts
    content_types: Texts = Field(description="Such as image/heic.")
    content_types_none: Texts
    hours: Hours = Field(
        description="Local hours: the first, and the one after the last; over midnight where the first is later."
    )
    weekdays: Annotated[
        list[Annotated[int, Field(ge=0, le=6)]],
        Field(default_factory=list, max_length=7, description="On any of these days of the week, 0 for Monday."),
    ]
    orientations: Annotated[
        list[Literal["portrait", "landscape", "square", "panorama"]], Field(default_factory=list, max_length=4)
    ]
    favourite: bool | None = None
    archived: bool | None = Field(None, description="true takes from the archive alone.")
    has_faces: bool | None = None
    has_gps: bool | None = None
    has_caption: bool | None = None
    has_motion: bool | None = Field(None, description="A film beside the picture, as Live Photos have it.")

    @field_validator("days", "days_none")
    @classmethod
    def _in_order(cls, value: list[list[date | None]]) -> list[list[date | None]]:
        for first, last in value:
            if first and last and first > last:
                raise ValueError("a stretch of days ends before it begins")
        return value

    @field_validator("yearly", "yearly_none")
    @classmethod
    def _in_the_calendar(cls, value: list[list[int]]) -> list[list[int]]:
        for day in (day for stretch in value for day in stretch):
            try:
                date(2000, day // 100, day % 100)
            except ValueError:
                raise ValueError("not a day of the year, such as 1224 for 24 December") from None
        return value

    @field_validator("bbox")
    @classmethod
    def _on_the_globe(cls, value: list[float] | None) -> list[float] | None:
        if value is not None:
            west, south, east, north = value
            if not boxes.is_on_the_globe((west, south, east, north)):
                raise ValueError("not a box on the globe")
        return value

    @field_validator("labels_all", "labels_none")
    @classmethod
    def _small_letters(cls, value: list[str]) -> list[str]:
        return [label_names.key_of(label) for label in value]

    @field_validator("labels_any")
    @classmethod
    def _all_small_letters(cls, value: list[list[str]]) -> list[list[str]]:
        return [[label_names.key_of(label) for label in group] for group in value]

    @model_validator(mode="after")
    def _possible(self) -> SavedFilter:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from is later than date_to")
        return self

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> SavedFilter:
        """As an album's row has it."""
        return cls.model_validate(stored["conditions"])

    def read(self) -> saved_filters.Saved:
        return saved_filters.of_conditions(
            {name: value for name, value in self.model_dump(mode="json").items() if value is not None and value != []}
        )
