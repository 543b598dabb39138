"""Building a person's export: originals opened on their way into a zip, with everything that is known of them.

``run`` can be killed at any point and run again; it goes on after the last photo that is whole. How the zip is laid out
is in ``export_layout``, how it survives in ``archive``. Each photo's bytes are compared with the SHA-256 that was
announced when it was uploaded; one that cannot be had, or is not what it should be, is left out and named.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from photovault import __version__, archive, export_layout
from photovault.archive import Archive
from photovault.client import Client
from photovault.errors import (
    BlobMissing,
    Conflict,
    Forbidden,
    NotFound,
    PhotoVaultError,
    Tampered,
    TooLarge,
    Unavailable,
)
from photovault.showing import plain

# Few, so that tickets, which live for a quarter of an hour at least, are fresh when their turn comes.
PAGE = 50
SPARE = timedelta(seconds=60)
# What a photo's documents and headers take at the most, for a look at the disk before hours of work.
BESIDE_BYTES = 8192
_FORMAT = 1


@dataclass(frozen=True)
class Begun:
    """``done_photos`` and ``done_bytes`` are from an earlier run; the rest is what the export has in all."""

    photos: int
    bytes: int
    done_photos: int
    done_bytes: int
    waiting: int
    in_trash: int


@dataclass(frozen=True)
class Advanced:
    """So many bytes came; negative when a photo is begun anew."""

    bytes: int


@dataclass(frozen=True)
class Added:
    path: str
    bytes: int


@dataclass(frozen=True)
class LeftOut:
    """A photo that could not be exported, by the name that its owner gave it."""

    id: str
    filename: str
    why: str


Event = Begun | Advanced | Added | LeftOut


@dataclass(frozen=True)
class Outcome:
    photos: int
    bytes: int
    left_out: Sequence[LeftOut]


def run(client: Client, target: Path, *, fresh: bool = False, tell: Callable[[Event], None]) -> Outcome:
    """Export everything into the zip ``target``, going on where an earlier run stopped unless ``fresh``.

    ``tell`` hears of every step. Raises ``Conflict`` when there is a file of that name, when the earlier run was
    another person's or server's, or when its export has expired, and ``TooLarge`` when the disk has no room. After
    ``Unavailable`` and ``OSError``, when server or disk gave out, it can be run again.
    """
    if target.exists():
        archive.is_begun(target)  # a journal may be left of it
        raise Conflict(f"{target} is there already. Move it away or choose another name.")
    if fresh:
        archive.forget(target)
    begun = archive.is_begun(target)
    made = None if begun else client.create("/exports")
    with Archive(target, head=None if made is None else _head(client, made)) as growing:
        if made is None:
            made = _made_before(client, growing.head, target)
        return _Run(client, growing, made, tell).finish()


def _head(client: Client, made: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "server": client.server,
        "user_id": str(client.user_id),
        "export_id": str(UUID(made["id"])),
        "created_at": made["created_at"],
    }


def _made_before(client: Client, head: Mapping[str, Any], target: Path) -> Mapping[str, Any]:
    """The export that an earlier run has begun. Raises ``Conflict`` when it cannot be gone on with."""
    anew = f"Give --fresh to start {target.name} over, or choose another name."
    if head.get("format") != _FORMAT:
        raise Conflict(f"{target.name} was begun by another version of this command. {anew}")
    if head["server"] != client.server:
        raise Conflict(f"{target.name} was begun with the server {head['server']}, not {client.server}. {anew}")
    if head["user_id"] != str(client.user_id):
        raise Conflict(f"{target.name} was begun by another person. {anew}")
    try:
        found: Mapping[str, Any] = client.json("GET", f"/exports/{head['export_id']}")
    except NotFound:
        raise Conflict(f"The export that {target.name} was begun with has expired or was deleted. {anew}") from None
    return found


@dataclass
class _State:
    """What the journal says is done."""

    names: export_layout.Names = field(default_factory=export_layout.Names)
    albums: dict[str, dict[str, Any]] | None = None
    people: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None
    of_this_page: set[str] = field(default_factory=set)
    every_photo: bool = False
    documents: bool = False
    photos: int = 0
    bytes: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


class _Run:
    """One run over an export. Notes in the journal are what it, and the runs before it, have done."""

    def __init__(
        self, client: Client, growing: Archive, made: Mapping[str, Any], tell: Callable[[Event], None]
    ) -> None:
        self.client = client
        self.archive = growing
        self.made = made
        self.tell = tell
        self.path = f"/exports/{growing.head['export_id']}"
        self.state = _State()
        self._came = 0  # of the photo at hand
        for commit in growing.commits():
            self.state.names.keep(entry.name for entry in commit.entries)
            self._recall(commit.note)

    def finish(self) -> Outcome:
        """Everything that is not done yet, up to the archive under its own name."""
        state, made = self.state, self.made
        self._make_room()
        done = {"done_photos": state.photos, "done_bytes": state.bytes}
        self.tell(Begun(**{key: made[key] for key in ("photos", "bytes", "waiting", "in_trash")}, **done))
        if state.albums is None:
            self._note({"albums": self._albums(), "people": list(self.client.items(f"{self.path}/people"))})
        while not state.every_photo:
            self._page()
        if not state.documents:
            self._documents()
            self._note({"documents": True})
        self.archive.finish()
        with contextlib.suppress(PhotoVaultError):  # it would expire by itself
            self.client.json("DELETE", self.path)
        return Outcome(state.photos, state.bytes, tuple(state.left_out))

    # -------------------------------------------------------------------------------------------------- notes

    def _note(self, note: Mapping[str, Any]) -> None:
        self.archive.commit(note)
        self._recall(note)

    def _recall(self, note: Mapping[str, Any]) -> None:
        state = self.state
        if "photo" in note:
            state.of_this_page.add(note["photo"])
            state.names.keep(note["keeps"])
            if "why" in note:
                state.left_out.append(LeftOut(note["photo"], note["filename"], note["why"]))
            else:
                state.photos += 1
                state.bytes += note["bytes"]
        elif "next" in note:
            state.cursor, state.every_photo = note["next"], note["next"] is None
            state.of_this_page = set()
        elif "albums" in note:
            state.albums = {album["id"]: album for album in note["albums"]}
            state.names.keep(album["file"] for album in note["albums"])
            state.people = note["people"]
        elif "documents" in note:
            state.documents = True

    def _make_room(self) -> None:
        left = self.made["photos"] - self.state.photos
        needed = self.made["bytes"] - self.state.bytes + max(0, left) * BESIDE_BYTES
        free = shutil.disk_usage(self.archive.partial.parent).free
        if needed > free:
            raise TooLarge(
                f"The export needs about {_megabytes(needed)} more, and {_megabytes(free)} are free in "
                f"{self.archive.partial.parent}. Make room, or export to another disk."
            )

    def _albums(self) -> list[dict[str, Any]]:
        """All albums, each with the path of its document."""
        return [
            album
            | {
                "file": self.state.names.take(
                    "albums", export_layout.safe_name(album["title"], otherwise="album") + export_layout.SIDECAR
                )
            }
            for album in self.client.items(f"{self.path}/albums")
        ]

    # ------------------------------------------------------------------------------------------------- photos

    def _page(self) -> None:
        cursor = self.state.cursor
        page = self._asked(cursor)
        listed = {photo["id"]: photo for photo in page["items"]}
        for id_ in list(listed):
            if id_ in self.state.of_this_page:
                continue
            if _is_stale(listed[id_]):
                listed = {photo["id"]: photo for photo in self._asked(cursor)["items"]}
            photo = listed.get(id_)
            if photo is not None:  # else it was thrown away meanwhile
                self._photo(photo, again=lambda: self._asked(cursor))
        self._note({"next": page["next_cursor"]})

    def _asked(self, cursor: str | None) -> dict[str, Any]:
        query = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
        page: dict[str, Any] = self.client.json("GET", f"{self.path}/images", params=query)
        return page

    def _photo(self, photo: dict[str, Any], *, again: Callable[[], dict[str, Any]]) -> None:
        """One photo with its sidecar, or a note why it is left out. A second try has fresh tickets."""
        motion = photo["tickets"].get("motion")
        ending = export_layout.motion_ending(motion["content_type"]) if motion else None
        path = self.state.names.take(
            export_layout.photo_folder(photo),
            export_layout.photo_name(photo),
            beside=[export_layout.SIDECAR, *([ending] if ending else [])],
        )
        keeps = [path, path + export_layout.SIDECAR]
        self._came = 0
        try:
            self._add(photo, path, ending)
        except (Tampered, BlobMissing, Forbidden, archive.WrongSize):
            self._start_over()
            fresh = next((each for each in again()["items"] if each["id"] == photo["id"]), None)
            if fresh is None:  # it was thrown away meanwhile
                return
            try:
                self._add(fresh, path, ending)
            except Forbidden as error:
                raise Unavailable("The storage refuses fresh tickets. Is this computer's clock right?") from error
            except (Tampered, BlobMissing, archive.WrongSize) as error:
                self._start_over()
                why = error.detail if isinstance(error, PhotoVaultError) else "It does not have the size it should."
                self._note({"photo": photo["id"], "filename": photo["filename"], "why": why, "keeps": keeps})
                self.tell(self.state.left_out[-1])
                return
        self._note(
            {
                "photo": photo["id"],
                "bytes": photo["bytes"],
                "sha256": photo["sha256"],
                "albums": photo["albums"],
                "positions": photo["positions"],
                "keeps": keeps,
            }
        )
        self.tell(Added(path, photo["bytes"]))

    def _add(self, photo: dict[str, Any], path: str, ending: str | None) -> None:
        written = export_layout.written_at(photo)
        original, motion = photo["tickets"].get("original"), photo["tickets"].get("motion")
        if original is None or (ending and motion is None):
            raise BlobMissing("The vault has no sealed file of it.")
        if self._blob(photo, original, path, written) != photo["sha256"]:
            raise Tampered("Its bytes are not those that were uploaded.")
        if ending:
            self._blob(photo, motion, path + ending, written)
        known = self.state.albums or {}
        document = export_layout.sidecar(
            photo,
            path=path,
            motion=path + ending if ending else None,
            albums=[known[id_] for id_ in photo["albums"] if id_ in known],
        )
        self._document(path + export_layout.SIDECAR, document, written)

    def _blob(self, photo: Mapping[str, Any], ticket: Mapping[str, Any], path: str, written: datetime) -> str:
        """Write what a ticket leads to; its SHA-256 in hex."""
        digest = hashlib.sha256()

        def chunks() -> Iterator[bytes]:
            for chunk in opener.chunks(0, opener.size):
                digest.update(chunk)
                self._came += len(chunk)
                self.tell(Advanced(len(chunk)))
                yield chunk

        with self.client.opened(ticket, image_id=UUID(photo["id"])) as opener:
            self.archive.add(path, chunks(), size=opener.size, written=written)
        return digest.hexdigest()

    def _start_over(self) -> None:
        """Take back what came of the photo at hand."""
        self.archive.discard()
        self.tell(Advanced(-self._came))
        self._came = 0

    # ---------------------------------------------------------------------------------------------- documents

    def _document(self, path: str, content: bytes, written: datetime | None = None) -> None:
        now = datetime.now()  # noqa: DTZ005 - a zip's times are local
        self.archive.add(path, [content], size=len(content), written=written or now)

    def _documents(self) -> None:
        state = self.state
        assert state.albums is not None  # noqa: S101 - noted before the first photo
        # By the order by hand where there is one, else by time.
        members: dict[str, list[tuple[float, str, str]]] = {id_: [] for id_ in state.albums}
        paths: dict[str, str] = {}
        covers = {album["cover_image_id"] for album in state.albums.values()}
        for path, written, note in self._photos():
            for album_id in note["albums"]:
                if album_id in members:
                    members[album_id].append((note.get("positions", {}).get(album_id, math.inf), written, path))
            if note["photo"] in covers:
                paths[note["photo"]] = path
        overview = []
        for id_, album in state.albums.items():
            shown = {key: value for key, value in album.items() if key not in {"file", "cover_image_id"}}
            shown |= {"cover": paths.get(album["cover_image_id"]), "photo_count": len(members[id_])}
            overview.append(shown | {"file": album["file"]})
            photos = [path for *_, path in sorted(members[id_])]
            self._document(
                album["file"],
                export_layout.document({"schema": export_layout.ALBUM, **shown, "photos": photos}),
            )
        self._document("albums.json", export_layout.document({"schema": export_layout.ALBUMS, "albums": overview}))
        self._document("people.json", export_layout.document({"schema": export_layout.PEOPLE, "people": state.people}))
        self._checksums()
        if state.left_out:
            lines = [f"{_line(each.filename)} ({_line(each.id)}): {_line(each.why)}\n" for each in state.left_out]
            self._document("errors.txt", "".join(lines).encode("utf-8", errors="replace"))
        self._document("manifest.json", export_layout.document(self._manifest()))
        self._document("README.txt", export_layout.README.encode())

    def _photos(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Path, time and note of each photo in the archive."""
        for commit in self.archive.commits():
            if "sha256" in commit.note:
                yield commit.entries[0].name, commit.entries[0].written, commit.note

    def _checksums(self) -> None:
        """As ``sha256sum`` writes and reads them; line by line, because there may be many."""

        def lines() -> Iterator[bytes]:
            for path, _, note in self._photos():
                yield f"{note['sha256']}  {path}\n".encode()

        now = datetime.now()  # noqa: DTZ005 - a zip's times are local
        self.archive.add("SHA256SUMS.txt", lines(), size=sum(map(len, lines())), written=now)

    def _manifest(self) -> dict[str, Any]:
        state = self.state
        return {
            "schema": export_layout.MANIFEST,
            "export_id": self.archive.head["export_id"],
            "server": self.archive.head["server"],
            "created_at": self.archive.head["created_at"],
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "tool": f"photovault {__version__}",
            "photos": state.photos,
            "bytes": state.bytes,
            "albums": len(state.albums or ()),
            "people": len(state.people),
            "left_out": [vars(each) for each in state.left_out],
        }


def _is_stale(photo: Mapping[str, Any]) -> bool:
    soon = datetime.now(UTC) + SPARE
    return any(datetime.fromisoformat(ticket["expires_at"]) < soon for ticket in photo["tickets"].values())


def _line(text: str) -> str:
    """Text in one line, which a terminal that it is shown on only shows."""
    return plain(" ".join(text.split()))


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
