"""Bringing what other services export into a vault: their photos, their albums, and what they know of each photo.

``takeout``, ``apple``, ``immich`` and ``photovault`` look through exports, unpacked or in their zips (``zips``); what
they collect is uploaded from where it lies, as any folder is (``uploading``). ``describe`` then tells the vault what it
lacks. All of it can be done again at any time: it asks what there is first.
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path, PurePath
from threading import Event
from types import TracebackType
from typing import Any, Self

from photovault import apple_export, beside, export_layout, immich_export, label_names, own_export, photo_files, zips
from photovault import takeout as google
from photovault.beside import Known
from photovault.client import Client
from photovault.errors import NotFound, PhotoVaultError
from photovault.photo_files import Found, PassedOver
from photovault.uploading import CHANGING, FATAL, Item, Result, Stopped

# A photo's JSON file has some 2 KB; an album's of ten thousand photos a few hundred.
_MOST_BYTES = 16 * 1024 * 1024
_CLIP = export_layout.motion_ending("video/mp4")
_NUMBER = re.compile(r"(\(\d{1,4}\)|~\d{1,4})$")
_BESIDE = frozenset({".json", ".csv", ".html", ".xmp", ".aae", ".txt"})


@dataclass
class Collected:
    """What an export holds. ``known`` is by the path of the photo; ``trashed`` were thrown away there already.

    ``names`` of people and ``stars`` (how many photos have so many) are what it says beside that.

    A context manager: it holds the zips open until all is uploaded.
    """

    items: list[Item] = field(default_factory=list)
    known: dict[Path, Known] = field(default_factory=dict)
    passed_over: list[PassedOver] = field(default_factory=list)
    trashed: int = 0
    unknown: int = 0
    names: set[str] = field(default_factory=set)
    stars: Counter[int] = field(default_factory=Counter)
    archives: list[zips.Archive] = field(default_factory=list)
    stop: Event | None = None

    def check(self) -> None:
        """Raises ``Stopped`` when somebody wants the work to end."""
        if self.stop is not None and self.stop.is_set():
            raise Stopped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for archive in self.archives:
            archive.close()

    def add(self, found: Found, known: Known | None, albums: Sequence[str]) -> None:
        """Note a photo with what is known of it, unless it was thrown away."""
        if known is None:
            self.unknown += 1
        elif known.trashed:
            self.trashed += 1
            return
        else:
            self.known[found.path] = known
            self.names.update(known.people)
            self.stars[known.rating] += 1
        item = Item.of(found, albums=tuple(albums))
        if known is not None and _is_whole(known.filename, item.filename):
            item = replace(item, filename=known.filename[:255])
        self.items.append(item)


@dataclass(frozen=True)
class _Folder:
    """A folder with its photos (and whatever claims to be one), and by name what lies beside them."""

    path: Path
    photos: list[Found] = field(default_factory=list)
    others: dict[str, Found] = field(default_factory=dict)


def takeout(paths: Sequence[Path], *, with_albums: bool = True, stop: Event | None = None) -> Collected:
    """What exports of Google Takeout hold. Raises ``Stopped``, and nothing for what the disk holds."""
    collected = Collected(stop=stop)
    folders = _folders(paths, collected)
    # Google fills one part after the other: a photo's JSON file may lie in another part than the photo.
    together: dict[tuple[str, ...], dict[str, Found]] = defaultdict(dict)
    for folder in folders:
        together[google.folder_of(folder.path.parts)].update(folder.others)
    for folder in folders:
        there = ChainMap(folder.others, together[google.folder_of(folder.path.parts)])
        title = None
        if with_albums and folder.photos:
            titles = (
                google.album_title(_document(each, collected))
                for name, each in there.items()
                if _is_album(name, folder.photos)
            )
            title = next((found for found in titles if found), None)
        documents: dict[str, Known | None] = {}
        for photo in folder.photos:
            name = google.sidecar_of(photo_files.text_of(photo.path.name), there.keys())
            if name is not None and name not in documents:
                documents[name] = google.read(_document(there[name], collected))
            known = documents[name] if name is not None else None
            collected.add(photo, known, [title] if title else [])
    return collected


def _is_album(name: str, photos: Sequence[Found]) -> bool:
    """Whether a JSON file may be an album's own: it has a short name, which begins none of the photos'."""
    stem = name.removesuffix(".json")
    return (
        name.endswith(".json")
        and "." not in stem
        and not any(photo.path.name.startswith(stem + ".") for photo in photos)
    )


def apple(paths: Sequence[Path], *, with_albums: bool = True, stop: Event | None = None) -> Collected:
    """What the parts of an iCloud export hold. Raises ``Stopped``, and nothing for what the disk holds."""
    collected = Collected(stop=stop)
    here: dict[Path, dict[str, Known]] = {}
    anywhere: dict[str, list[Known]] = defaultdict(list)
    albums: dict[str, list[str]] = defaultdict(list)
    photos: list[Found] = []
    for folder in _folders(paths, collected):
        for name, other in folder.others.items():
            if apple_export.DETAILS.fullmatch(name):
                rows = apple_export.details(_document(other, collected))
                here.setdefault(folder.path, {}).update(rows)
                for row, said in rows.items():
                    anywhere[row].append(said)
            elif folder.path.name.lower() == apple_export.ALBUMS and name.lower().endswith(".csv") and with_albums:
                title = beside.title(name[: -len(".csv")])
                if title and title.lower() not in apple_export.NO_ALBUMS:
                    for member in apple_export.members(_document(other, collected)):
                        albums[member].append(title)
        if folder.path.name.lower() == apple_export.DELETED:
            collected.trashed += len(folder.photos)
        else:
            photos += folder.photos
    for photo in photos:
        name = photo_files.text_of(photo.path.name)
        known = here.get(photo.path.parent, {}).get(name)
        if known is None and len(anywhere.get(name, ())) == 1:  # in the table of another part
            known = anywhere[name][0]
        collected.add(photo, known, albums.get(name, ()))
    return collected


def immich(
    paths: Sequence[Path], *, with_albums: bool = True, with_tags: bool = False, stop: Event | None = None
) -> Collected:
    """What comes out of Immich: its storage, its downloads, archives of immich-go. ``with_tags`` makes an album of each
    tag. Raises as ``takeout``."""
    collected = Collected(stop=stop)
    folders = _folders(paths, collected)
    roots = immich_export.roots(folder.path for folder in folders)
    made: dict[PurePath, int] = Counter()
    for folder in folders:
        within = immich_export.made_in(folder.path, roots)
        if within is None:
            _add_of_immich(folder, collected, with_albums=with_albums, with_tags=with_tags)
        else:
            made[within] += len(folder.photos) + len(folder.others)
    for path, files in made.items():
        count = "1 file" if files == 1 else f"{files:,} files"
        why = f"Immich made what is in this folder itself ({count}). The originals are in others."
        collected.passed_over.append(PassedOver(photo_files.text_of(path), why))
    return collected


def _add_of_immich(folder: _Folder, collected: Collected, *, with_albums: bool, with_tags: bool) -> None:
    there = {immich_export.plain(name): found for name, found in folder.others.items()}
    downloaded = immich_export.album_of(photo_files.text_of(folder.path.name))
    read: dict[str, tuple[Known, list[str]] | None] = {}
    for photo in folder.photos:
        known: Known | None = None
        albums = [downloaded] if downloaded else []
        for name in immich_export.sidecars_of(photo_files.text_of(photo.path.name), there.keys()):
            if name not in read:
                read[name] = immich_export.read(name, _document(there[name], collected))
            if (said := read[name]) is not None:
                known = said[0] if known is None else known | said[0]
                albums += said[1]
        tags = list(known.tags) if known is not None and with_tags else []
        collected.add(photo, known, list(dict.fromkeys((albums if with_albums else []) + tags)))
    for name, found in there.items():
        if name not in read:
            why = "It belongs to no photo beside it: nothing is taken from it."
        elif read[name] is None:
            why = "It is neither XMP nor written by immich-go: nothing is taken from it."
        else:
            continue
        collected.passed_over.append(PassedOver(found.name, why))


def photovault(paths: Sequence[Path], *, with_albums: bool = True, stop: Event | None = None) -> Collected:
    """What zips of ``photovault export`` hold. Raises ``Stopped``, and nothing for what the disk holds."""
    collected = Collected(stop=stop)
    folders = _folders(paths, collected)
    titles: dict[str, str] = {}
    for folder in folders:
        if with_albums and (other := folder.others.get("albums.json")) is not None:
            titles |= own_export.titles(_document(other, collected))
    for folder in folders:
        for photo in folder.photos:
            name = photo_files.text_of(photo.path.name)
            beside_it = folder.others.get(name + export_layout.SIDECAR)
            read = own_export.read(_document(beside_it, collected)) if beside_it is not None else None
            if read is None and name.endswith(_CLIP):  # it is within the photo, and comes with it
                continue
            known, albums = read if read is not None else (None, [])
            collected.add(photo, known, [titles[album] for album in albums if album in titles])
    return collected


def _folders(paths: Sequence[Path], collected: Collected) -> list[_Folder]:
    folders: dict[Path, _Folder] = {}
    for found in _found(paths, collected):
        collected.check()
        if isinstance(found, PassedOver):
            collected.passed_over.append(found)
            continue
        folder = folders.setdefault(found.path.parent, _Folder(found.path.parent))
        if found.path.suffix.lower() in _BESIDE:
            folder.others[photo_files.text_of(found.path.name)] = found
        else:
            folder.photos.append(found)
    return list(folders.values())


def _found(paths: Sequence[Path], collected: Collected) -> Iterator[Found | PassedOver]:
    """All files of some folders and zips, and of the zips in these folders."""
    for found in photo_files.find(paths):
        if isinstance(found, PassedOver) or not (found.path.suffix.lower() == zips.ENDING or found.path in paths):
            yield found
            continue
        archive = zips.opened(found)
        if isinstance(archive, PassedOver):
            yield archive
        else:
            collected.archives.append(archive)
            yield from zips.find(archive, found.name)


def _document(found: Found, collected: Collected) -> bytes:
    collected.check()
    try:
        if found.stamp.size > _MOST_BYTES:
            return b""
        return b"".join(photo_files.pieces(found.path, found.stamp, found.member))
    except photo_files.Changed:
        collected.passed_over.append(PassedOver(found.name, CHANGING, broken=True))
    except OSError as error:
        collected.passed_over.append(PassedOver(found.name, f"{error.strerror}.", broken=True))
    return b""


def _is_whole(before: str, name: str) -> bool:
    """Whether a file had this name before the export cut it, or gave it a number."""
    stem, ending = Path(name).stem, Path(name).suffix.lower()
    return Path(before).suffix.lower() == ending and Path(before).stem.startswith(_NUMBER.sub("", stem))


# --------------------------------------------------------------------------------------------------- describing


@dataclass(frozen=True)
class Described:
    """Photos that the vault was told something of, and those that it could not be told of yet."""

    photos: int
    too_early: int


def describe(
    client: Client,
    results: Sequence[Result],
    known: Mapping[Path, Known],
    *,
    zone: tzinfo | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Described:
    """Let the vault know what it lacks of photos that are in it. ``tell`` hears how many of how many are done.

    Asks once per 200 photos of the vault, and once for each that something is to be said of; before it says of one what
    it shows, or where it was taken if it was there already, once more. Raises what stops all.
    """
    wanted: dict[str, Known] = {}
    new = {result.image_id for result in results if result.state == "uploaded"}
    for result in results:
        said = known.get(result.item.path)
        if said is None or said.is_empty or result.film or result.image_id is None:
            continue
        if result.state in {"uploaded", "duplicate"}:
            wanted[result.image_id] = wanted[result.image_id] | said if result.image_id in wanted else said
    if not wanted:
        return Described(0, 0)
    edits: dict[str, dict[str, object]] = {}
    seen = too_early = 0
    for photo in client.items("/images/list", archived="any"):
        if photo["id"] in wanted:
            seen += 1
            too_early += photo["status"] == "processing"
            edit = _edit_of(client, photo, wanted[photo["id"]], zone=zone, is_new=photo["id"] in new)
            if edit:
                edits[photo["id"]] = edit
    changed = 0
    for done, (image_id, edit) in enumerate(edits.items(), 1):
        changed += _tell_of(client, image_id, edit)
        tell(done, len(edits))
    return Described(changed, too_early)


def _edit_of(
    client: Client, photo: Mapping[str, Any], known: Known, *, zone: tzinfo | None, is_new: bool
) -> dict[str, Any]:
    """What the vault lacks of a photo. What a person said there stays, also that nobody knows where it was."""
    edit = beside.lacking(photo, known, zone=zone)
    may_be_nowhere = "location" in edit and photo["location"] is None and not is_new
    if not (may_be_nowhere or known.labels or known.wrong_labels):
        return edit
    try:
        detail = client.json("GET", f"/images/{photo['id']}")
    except NotFound:  # thrown away meanwhile
        return {}
    if may_be_nowhere and detail["location_corrected"]:
        del edit["location"]
    if known.labels or known.wrong_labels:
        edit |= label_names.unlabelled(detail, known)
    return edit


def _tell_of(client: Client, image_id: str, edit: Mapping[str, object]) -> bool:
    """Whether anything of it was taken. Where the vault refuses something (a day to come), the rest is told alone."""
    try:
        client.json("PATCH", f"/images/{image_id}", body=dict(edit), repeatable=True)
    except FATAL:
        raise
    except NotFound:  # thrown away meanwhile
        return False
    except PhotoVaultError:
        if len(edit) == 1:
            return False
        taken = [_tell_of(client, image_id, {name: value}) for name, value in edit.items()]
        return any(taken)
    return True
