"""Uploading files of this computer into a person's vault: what is there already is skipped, the rest goes up side by
side, straight to the storage.

The work is cut into lots of up to a thousand files. Each lot is read (or recalled from the cache of hashes) while the
lot before it is on its way; the server is asked once a lot which of its files it has, and hands out forms for the
others in hundreds, at the moment they are needed, for they expire in minutes. What is done is known to the server, so a
run that was killed is gone on with by running again: the same bytes are the same photo, however often they come.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import time
import unicodedata
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from photovault import photo_files, sealing
from photovault.client import Client, OtherBytes
from photovault.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PhotoVaultError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from photovault.hash_cache import HashCache
from photovault.photo_files import Changed, Contents, Found, Stamp

if TYPE_CHECKING:
    from photovault.zips import Member

LOT = 1000
"""What ``POST /images/uploads/check`` and ``PUT /albums/{id}/images`` take at once."""
GROUP = 100
"""What ``POST /images/uploads`` takes at once."""
LOT_BYTES = 1024 * 1024 * 1024
"""A lot is closed when so much of it had to be read, so that nobody waits for a thousand RAW files to be hashed."""
FRESH_SECONDS = 200.0
"""How long a form is used; it lives for 300."""
TRIES = 3

# What every other file would meet, too.
FATAL = (Unauthenticated, Forbidden, Unavailable, TooManyRequests)
CHANGING = "It changes while it is read. Upload it again when it is finished."
NO_ROOM = "The vault has no room for it."

State = Literal["uploaded", "new", "duplicate", "in_trash", "rejected", "skipped", "failed"]


class Stopped(Exception):
    """Somebody wants the work to end."""


@dataclass(frozen=True)
class Item:
    """A file to upload, on the disk or (``member``) within a zip.

    ``name`` is how it is told, ``filename`` what the vault is to call it; ``albums`` by title.
    """

    path: Path
    name: str
    filename: str
    stamp: Stamp
    albums: tuple[str, ...] = ()
    member: Member | None = None

    @classmethod
    def of(cls, found: Found, *, albums: tuple[str, ...] = ()) -> Item:
        filename = photo_files.text_of(found.path.name)[:255]
        return cls(found.path, found.name, filename, found.stamp, albums, found.member)


@dataclass(frozen=True)
class Result:
    """What became of an item. ``why`` is a sentence where that is not plain."""

    item: Item
    state: State
    image_id: str | None = None
    why: str = ""
    film: bool = False


@dataclass(frozen=True)
class Read:
    """So many more files are read or recalled."""

    files: int


@dataclass(frozen=True)
class Wanted:
    """So many bytes are to be uploaded, beside those that were told before."""

    bytes: int


@dataclass(frozen=True)
class Advanced:
    """So many bytes went to the storage; negative when a file is begun anew."""

    bytes: int


Event = Read | Wanted | Advanced | Result


@dataclass(frozen=True)
class _Ready:
    """An item that was read: a photo, or a film of one."""

    item: Item
    contents: Contents


@dataclass
class _Group:
    """Up to a hundred files that are announced together; the first of them that is needed asks for all."""

    waiting: list[_Ready]
    answers: dict[int, Mapping[str, Any] | PhotoVaultError] = field(default_factory=dict)
    asked_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uploader:
    """One run. ``tell`` hears of every step, from any thread, one at a time.

    ``sealed`` None seals where the vault wants it. ``stop`` ends the run soon, with ``Stopped``.
    """

    def __init__(
        self,
        client: Client,
        cache: HashCache,
        *,
        tell: Callable[[Event], None],
        jobs: int = 4,
        sealed: bool | None = None,
        dry_run: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        self.client = client
        self.cache = cache
        self.jobs = jobs
        self.dry_run = dry_run
        self.stop = stop or threading.Event()
        self.counts: Counter[State] = Counter()
        self.uploaded_bytes = 0
        self._tell = tell
        self._telling = threading.Lock()
        self._sealed = sealed
        self._sealing = threading.Lock()
        self._done: dict[bytes, str] = {}  # of this run, by SHA-256
        self._too_large: dict[type[PhotoVaultError], int] = {}  # the smallest that was refused
        self._albums: _Albums = _Albums(client)
        self._failures = 0
        self._halted = threading.Event()
        self._fatal: PhotoVaultError | None = None

    def run(self, items: Sequence[Item]) -> None:
        """Upload what is not there. Raises ``Stopped``, and what stops all: ``Unauthenticated``, ``Unavailable``,
        ``TooManyRequests``."""
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="upload") as pool:
            try:
                for lot in self._lots(items):
                    self._lot(lot, pool)
            except BaseException as error:
                self._halted.set()
                pool.shutdown(wait=False, cancel_futures=True)
                if isinstance(error, Stopped) and self._fatal is not None:
                    raise self._fatal from None
                raise

    @property
    def troubles(self) -> Sequence[str]:
        """Sentences about albums that could not be made or filled."""
        return self._albums.troubles

    # -------------------------------------------------------------------------------------------------- reading

    def _lots(self, items: Sequence[Item]) -> Iterator[list[_Ready]]:
        """Lots, the next of which is read while one is worked on."""
        made: queue.Queue[list[_Ready] | None] = queue.Queue(maxsize=1)
        failed: list[BaseException] = []

        def make() -> None:
            try:
                for lot in self._read_all(items):
                    self._give(made, lot)
            except BaseException as error:
                failed.append(error)
            with contextlib.suppress(Stopped):
                self._give(made, None)

        reader = threading.Thread(target=make, name="read", daemon=True)
        reader.start()
        try:
            while (lot := self._taken(made)) is not None:
                yield lot
        except BaseException:
            self._halted.set()
            raise
        finally:
            reader.join(timeout=5)
        if failed:
            raise failed[0]

    def _give(self, made: queue.Queue[Any], lot: object) -> None:
        while True:
            try:
                made.put(lot, timeout=0.2)
            except queue.Full:
                self._check()
            else:
                return

    def _taken(self, made: queue.Queue[Any]) -> Any:
        while True:
            try:
                return made.get(timeout=0.2)
            except queue.Empty:
                self._check()

    def _read_all(self, items: Sequence[Item]) -> Iterator[list[_Ready]]:
        lot: list[_Ready] = []
        unread = 0
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="read") as pool:
            for start in range(0, len(items), GROUP):
                some = items[start : start + GROUP]
                known = [self.cache.get(item.stamp) for item in some]
                found = [
                    pool.submit(self._read, item) if contents is None else contents
                    for item, contents in zip(some, known, strict=True)
                ]
                for item, contents in zip(some, found, strict=True):
                    ready = self._judged(item, contents)
                    if ready is not None:
                        lot.append(ready)
                    unread += item.stamp.size if isinstance(contents, Future) else 0
                    self._told(Read(1))
                    if len(lot) == LOT or unread >= LOT_BYTES:
                        self.cache.flush()
                        yield lot
                        lot, unread = [], 0
        self.cache.flush()
        yield lot

    def _read(self, item: Item) -> tuple[Item, Contents]:
        """A file's contents, and the item as it was when they were read. Raises ``Changed``, ``OSError``."""
        for again in (True, False):
            self._check()
            try:
                contents = photo_files.read(item.path, item.stamp, item.member, on_bytes=lambda _: self._check())
            except Changed:
                if not again:
                    raise
                item = _stamped(item)
            else:
                return item, contents
        raise AssertionError("unreachable")

    def _judged(self, item: Item, contents: Contents | Future[tuple[Item, Contents]]) -> _Ready | None:
        """What can go up; of the rest it is told why not."""
        if isinstance(contents, Future):
            try:
                item, found = contents.result()
            except Changed:
                self._result(Result(item, "failed", why=CHANGING))
                return None
            except OSError as error:
                self._result(Result(item, "failed", why=_sentence(error)))
                return None
            self.cache.put(item.stamp, found)
            contents = found
        if contents.content_type is None:
            self._result(Result(item, "skipped", why=contents.why))
            return None
        return _Ready(item, contents)

    # -------------------------------------------------------------------------------------------------- one lot

    def _lot(self, lot: Sequence[_Ready], pool: ThreadPoolExecutor) -> None:
        """Everything of a lot, up to its albums."""
        if not lot:
            return
        known = self._known(lot)
        results: list[Result] = []
        waiting: list[_Ready] = []
        again: list[_Ready] = []
        first: set[bytes] = set()
        for ready in lot:
            sha256, item, film = ready.contents.sha256, ready.item, ready.contents.is_film
            state, image_id = known.get(sha256, ("unknown", None))
            if sha256 in self._done:
                results.append(self._result(Result(item, "duplicate", self._done[sha256], film=film)))
            elif state in {"present", "rejected", "in_trash"}:
                told: State = "duplicate" if state == "present" else "rejected" if state == "rejected" else "in_trash"
                results.append(self._result(Result(item, told, image_id, film=film)))
            elif sha256 in first:
                again.append(ready)
            elif self.dry_run:
                first.add(sha256)
                results.append(self._result(Result(item, "new", film=film)))
            else:
                first.add(sha256)
                waiting.append(ready)
        results += self._upload_all(waiting, pool)
        for ready in again:  # the same bytes under another name
            image_id = self._done.get(ready.contents.sha256)
            if image_id is None and not self.dry_run:  # the other one changed, went away, or was refused
                results += self._upload_all([ready], pool)
            else:
                results.append(self._result(Result(ready.item, "duplicate", image_id, film=ready.contents.is_film)))
        if not self.dry_run:
            self._albums.put(results)

    def _known(self, lot: Sequence[_Ready]) -> dict[bytes, tuple[str, str | None]]:
        hashes = list(dict.fromkeys(ready.contents.sha256.hex() for ready in lot))
        answer = self.client.json("POST", "/images/uploads/check", body={"sha256": hashes}, repeatable=True)
        return {bytes.fromhex(each["sha256"]): (each["state"], each["image_id"]) for each in answer["items"]}

    def _upload_all(self, waiting: Sequence[_Ready], pool: ThreadPoolExecutor) -> list[Result]:
        self._told(Wanted(sum(ready.item.stamp.size for ready in waiting)))
        groups = [_Group(list(waiting[start : start + GROUP])) for start in range(0, len(waiting), GROUP)]
        running = [pool.submit(self._upload, group, number) for group in groups for number in range(len(group.waiting))]
        left = set(running)
        while left:
            done, left = wait(left, timeout=0.5, return_when="FIRST_EXCEPTION")
            for each in done:
                each.result()  # raises what stops all
            self._check()
        return [each.result() for each in running]

    # ------------------------------------------------------------------------------------------------- one file

    def _upload(self, group: _Group, number: int) -> Result:
        """One file of a group: announced, posted, and told of."""
        ready = group.waiting[number]
        try:
            result = self._posted(group, number)
        except FATAL as error:
            self._fatal = self._fatal or error
            self._halted.set()
            raise
        if result.state != "uploaded":
            self._told(Wanted(-ready.item.stamp.size))
        return self._result(result)

    def _posted(self, group: _Group, number: int) -> Result:
        """What became of a file, whose bytes are done by then: those that went up, not those that were read first."""
        item = group.waiting[number].item
        why = ""
        for _ in range(TRIES):
            self._check()
            answer = self._announced(group, number)
            film = group.waiting[number].contents.is_film
            if isinstance(answer, PhotoVaultError):
                return Result(item, "failed", why=_detail(answer))
            image_id = str(answer["image_id"])
            if answer["state"] != "upload":
                state: State = "in_trash" if answer["state"] == "in_trash" else "duplicate"
                if answer.get("status") == "rejected":
                    state = "rejected"
                if state == "duplicate":
                    self._done[group.waiting[number].contents.sha256] = image_id
                return Result(item, state, image_id, why=answer.get("reason") or "", film=film)
            try:
                self._post(group.waiting[number], answer)
            except Forbidden:
                group.asked_at, why = float("-inf"), "The storage refuses the upload. Is this computer's clock right?"
                continue
            except (Changed, OtherBytes):
                why = CHANGING
                group, number = self._read_again(group.waiting[number].item)
                if group.waiting[0].contents.content_type is None:
                    return Result(item, "skipped", why=group.waiting[0].contents.why)
                continue
            except OSError as error:
                return Result(item, "failed", image_id, why=_sentence(error), film=film)
            except Unavailable as error:
                self._failed(error)
                return Result(item, "failed", image_id, why=_detail(error), film=film)
            self._failures = 0
            self._done[group.waiting[number].contents.sha256] = image_id
            return Result(group.waiting[number].item, "uploaded", image_id, film=film)
        return Result(item, "failed", why=why)

    def _failed(self, error: Unavailable) -> None:
        """Count failures in a row. When nothing gets through at all, each further file would wait a minute in vain."""
        self._failures += 1
        if self._failures >= max(8, 2 * self.jobs):
            raise error

    def _read_again(self, item: Item) -> tuple[_Group, int]:
        """A file that changed, in a group of its own."""
        try:
            item, contents = self._read(_stamped(item))
        except Changed:
            contents = Contents(None, b"", CHANGING)
        return _Group([_Ready(item, contents)]), 0

    def _announced(self, group: _Group, number: int) -> Mapping[str, Any] | PhotoVaultError:
        """What the server says of a file, and lately."""
        done = self._done.get(group.waiting[number].contents.sha256)
        if done is not None:  # it has become the copy of another
            return {"state": "duplicate", "image_id": done}
        with group.lock:
            if time.monotonic() - group.asked_at > FRESH_SECONDS:
                wanted = [n for n, ready in enumerate(group.waiting) if ready.contents.sha256 not in self._done]
                self._announce(group, wanted)
                group.asked_at = time.monotonic()
            return group.answers[number]

    def _announce(self, group: _Group, numbers: Sequence[int]) -> None:
        """Ask for some. Where one of them cannot be taken, halves are asked for, until it stands alone."""
        fitting = []
        for number in numbers:
            refused = self._refused_before(group.waiting[number].item.stamp.size)
            if refused is None:
                fitting.append(number)
            else:
                group.answers[number] = refused
        if not fitting:
            return
        body = {
            "items": [
                {
                    "filename": ready.item.filename,
                    "content_type": ready.contents.content_type,
                    "size": ready.item.stamp.size,
                    "sha256": ready.contents.sha256.hex(),
                    "modified_at": photo_files.modified_at(ready.item.stamp, ready.item.member),
                }
                for ready in (group.waiting[number] for number in fitting)
            ],
            "sealed": self._is_sealed(),
        }
        try:
            answer = self.client.json("POST", "/images/uploads", body=body, repeatable=True)
        except FATAL:
            raise
        except PhotoVaultError as error:
            if len(fitting) > 1:
                half = len(fitting) // 2
                self._announce(group, fitting[:half])
                self._announce(group, fitting[half:])
                return
            group.answers[fitting[0]] = error
            if isinstance(error, TooLarge):
                size = group.waiting[fitting[0]].item.stamp.size
                self._too_large[type(error)] = min(size, self._too_large.get(type(error), size))
        else:
            group.answers.update(zip(fitting, answer["items"], strict=True))

    def _refused_before(self, size: int) -> PhotoVaultError | None:
        """Files as large as one that was too large, or found no room, need not be asked for."""
        for kind, least in self._too_large.items():
            if size >= least:
                return kind(NO_ROOM if kind is not TooLarge else "It is larger than this vault takes.")
        return None

    def _is_sealed(self) -> bool:
        with self._sealing:
            if self._sealed is None:
                self._sealed = self.client.json("GET", "/health").get("sealed_uploads") == "required"
            return self._sealed

    def _post(self, ready: _Ready, answer: Mapping[str, Any]) -> None:
        """Raises ``Forbidden``, ``Changed``, ``OtherBytes``, ``Unavailable``, ``OSError``, ``Stopped``."""
        item, seal, post = ready.item, answer.get("seal"), answer["post"]
        went = 0

        def told(pieces: Iterator[bytes]) -> Iterator[bytes]:
            nonlocal went
            self._told(Advanced(-went))
            went = 0
            for piece in pieces:
                self._check()
                yield piece
                size = min(len(piece), item.stamp.size - went)  # an envelope is a little larger
                went += size
                self._told(Advanced(size))

        def plain() -> Iterator[bytes]:
            return told(photo_files.pieces(item.path, item.stamp, item.member))

        def sealed() -> Iterator[bytes]:
            return told(_sealed(item, answer["seal"]))

        try:
            if seal is None:
                self.client.post_form(post["url"], post["fields"], size=item.stamp.size, chunks=plain)
            else:
                self.client.post_form(post["url"], post["fields"], size=int(seal["sealed_bytes"]), chunks=sealed)
        except BaseException:
            self._told(Advanced(-went))
            raise
        with self._telling:
            self.uploaded_bytes += item.stamp.size

    # ---------------------------------------------------------------------------------------------------- telling

    def _check(self) -> None:
        if self.stop.is_set() or self._halted.is_set():
            raise Stopped

    def _told(self, event: Event) -> None:
        with self._telling:
            self._tell(event)

    def _result(self, result: Result) -> Result:
        with self._telling:
            self.counts[result.state] += 1
            self._tell(result)
        return result


class _Albums:
    """Albums made by hand, found by their titles or made."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.troubles: list[str] = []
        self._ids: dict[str, str] | None = None

    def put(self, results: Sequence[Result]) -> None:
        """Put photos into the albums that they are to be in; ``troubles`` tell what the vault refuses of that."""
        wanted: dict[str, list[str]] = {}
        for result in results:
            if result.image_id and not result.film and result.state in {"uploaded", "duplicate"}:
                for title in result.item.albums:
                    wanted.setdefault(title, []).append(result.image_id)
        for title, image_ids in wanted.items():
            try:
                self._put(self.id_of(title), list(dict.fromkeys(image_ids)))
            except FATAL:
                raise
            except PhotoVaultError as error:
                self.troubles.append(f"The album “{title}”: {error.sentence}")

    def id_of(self, title: str) -> str:
        """The album of that title, which is made when there is none."""
        title = _composed(" ".join(title.split()))
        if self._ids is None:
            self._ids = {}
            for album in self.client.items("/albums/", kind="manual"):
                self._ids.setdefault(_composed(album["title"]), album["id"])
        if title not in self._ids:
            self._ids[title] = self._made(title)
        return self._ids[title]

    def _made(self, title: str) -> str:
        """A new album. Of runs that make it at the same time, all get the same: its title is the key."""
        body = {"title": title, "image_ids": []}
        key = f"album {hashlib.sha256(title.encode()).hexdigest()}"
        with contextlib.suppress(NotFound):  # made under this key a while ago, and deleted since
            album = self.client.create("/albums/manual", body, key=key)
            if album["title"] == title:
                return str(album["id"])
        return str(self.client.create("/albums/manual", body)["id"])

    def _put(self, album_id: str, image_ids: Sequence[str]) -> None:
        for start in range(0, len(image_ids), LOT):
            some = image_ids[start : start + LOT]
            try:
                self.client.json("PUT", f"/albums/{album_id}/images", body={"image_ids": some})
            except FATAL:
                raise
            except PhotoVaultError:
                if len(some) == 1:  # thrown away meanwhile, or rejected
                    continue
                half = len(some) // 2
                self._put(album_id, some[:half])
                self._put(album_id, some[half:])


def _composed(title: str) -> str:
    """Names of folders have their accents apart on some systems."""
    return unicodedata.normalize("NFC", title)


def _stamped(item: Item) -> Item:
    """The item as its file is now. Raises ``OSError``."""
    return replace(item, stamp=photo_files.stamped(item.path, item.member))


def _sealed(item: Item, seal: Mapping[str, Any]) -> Iterator[bytes]:
    """A file's envelope in pieces, under a salt of its own each time."""
    address = sealing.Address(UUID(seal["user_id"]), UUID(seal["image_id"]), seal["name"])
    sealer = sealing.Sealer(urlsafe_b64decode(seal["key"]), address, item.stamp.size)
    with photo_files.opened(item.path, item.stamp, item.member) as file:
        try:
            yield from sealer.chunks(file)
        except ValueError:
            raise Changed from None


def _detail(error: PhotoVaultError) -> str:
    if isinstance(error, Conflict):
        return f"{error.detail} Try again later."
    return error.sentence


def _sentence(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__}."
