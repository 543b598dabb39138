"""Requests that say what photos show: their shape, and what is done about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Protocol
from uuid import UUID

from pydantic import AfterValidator, Field

from photovault import label_names, labelling
from photovault.api import schemas
from photovault.errors import Invalid

if TYPE_CHECKING:
    from photovault.api.changing import Change

MOST_AT_ONCE = 20
"""Labels that one request says of many photos."""


def _a_label(text: str) -> str:
    if label_names.read(text) is None:
        raise ValueError(f"a label has 1 to {label_names.LONGEST} characters that can be seen")
    return text


LabelText = Annotated[str, AfterValidator(_a_label), Field(examples=["beach"])]
_ADDED = "What it shows, whatever models see; in any spelling of small and capital letters."
_REMOVED = (
    "What it does not show: neither lists nor searches find it by that, and models that see it again do not bring it "
    "back."
)
_RESTORED = "Labels of which what you said is taken back: it shows them where a model or its file says so."
_Some = Annotated[list[LabelText], Field(min_length=1, max_length=MOST_AT_ONCE)]
_Many = Annotated[list[LabelText], Field(min_length=1, max_length=labelling.MOST_OF_ONE)]

Added = Annotated[_Some | None, Field(description=_ADDED)]
Removed = Annotated[_Some | None, Field(description=_REMOVED)]
Restored = Annotated[_Some | None, Field(description=_RESTORED)]
AddedToOne = Annotated[_Many | None, Field(description=_ADDED)]
RemovedFromOne = Annotated[_Many | None, Field(description=_REMOVED)]
RestoredOfOne = Annotated[_Many | None, Field(description=_RESTORED)]


class LabelChange(schemas.Schema):
    """What undoes a change of a label: `undo` is the field of another such request for `name`, with these ids."""

    name: str = Field(examples=["beach"])
    undo: Literal["add_labels", "remove_labels", "restore_labels"]
    image_ids: list[UUID]


class Request(Protocol):
    """A body with these three."""

    @property
    def add_labels(self) -> list[str] | None: ...
    @property
    def remove_labels(self) -> list[str] | None: ...
    @property
    def restore_labels(self) -> list[str] | None: ...


_BACK: dict[labelling.Word, Literal["add_labels", "remove_labels", "restore_labels"]] = {
    "added": "add_labels",
    "removed": "remove_labels",
    "unsaid": "restore_labels",
}


def is_asked(body: Request) -> bool:
    return not (body.add_labels is None and body.remove_labels is None and body.restore_labels is None)


def say(change: Change, image_ids: Collection[UUID], body: Request) -> list[labelling.Said]:
    """Add, remove and restore labels of photos; what that changes. Raises ``Invalid``."""
    added, removed, restored = (_names(texts) for texts in (body.add_labels, body.remove_labels, body.restore_labels))
    keys = [name.key for name in (*added, *removed, *restored)]
    if len(set(keys)) < len(keys):
        raise Invalid("A label can be added, removed or restored, but only one of these at once.")
    conn, revision = change.conn, change.revision
    return [
        *labelling.add(conn, image_ids, added, revision=revision),
        *labelling.remove(conn, image_ids, removed, revision=revision),
        *labelling.take_back(conn, image_ids, restored, revision=revision),
    ]


def changes(said: Sequence[labelling.Said]) -> list[LabelChange]:
    """As an answer tells them."""
    groups: dict[tuple[str, labelling.Word], list[UUID]] = defaultdict(list)
    for one in said:
        groups[one.name, one.before].append(one.image_id)
    return [
        LabelChange(name=name, undo=_BACK[before], image_ids=sorted(ids))
        for (name, before), ids in sorted(groups.items())
    ]


def _names(texts: Sequence[str] | None) -> list[label_names.LabelName]:
    """Each once."""
    found = [name for text in texts or () if (name := label_names.read(text))]
    return list({name.key: name for name in found}.values())
