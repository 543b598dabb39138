"""Rotation of keys: everybody's under the newest master key, or one person's photos under a new key of that person.

No blob is read or written: only wrappings change. Each batch is a commit of its own, so whoever is killed loses a
batch's work and nothing else; running again goes on where it ended, and two runs at once do no harm.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, failpoints, keyring, keys, users, webhooks
from photovault.errors import Conflict, MasterKeyMissing, NotFound, PersonGone, Tampered

if TYPE_CHECKING:
    from photovault.db import Connection

BATCH = 500
# Calls to KMS take milliseconds of waiting each; a client of boto3 keeps ten connections.
KMS_BATCH = 100
KMS_THREADS = 10
# Of the keys that do not open all are counted, and so many are named.
NAMED = 1000
READY_SECONDS = 60.0
# From one fingerprint straight to the next: Postgres has no skip scan of its own before 18.
JUMPS = """
    WITH RECURSIVE named (fingerprint) AS (
        SELECT min(master_fingerprint) FROM user_keys
        UNION ALL
        SELECT (SELECT min(master_fingerprint) FROM user_keys WHERE master_fingerprint > named.fingerprint)
        FROM named WHERE named.fingerprint IS NOT NULL
    )
    SELECT fingerprint FROM named WHERE fingerprint IS NOT NULL AND fingerprint <> %s
"""


def _nobody(_: int) -> None:
    pass


# ---------------------------------------------------------------------------------------- everybody's, by master key


@dataclass(frozen=True)
class Unopened:
    """A key that was left as it is, because it cannot be opened."""

    user_id: UUID
    version: int
    fingerprint: str
    why: str


@dataclass
class MasterReport:
    """``left`` counts the keys that master keys other than the newest wrap, by fingerprint."""

    newest: str
    rewrapped: int = 0
    unopened: int = 0
    named: list[Unopened] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the older master keys may be taken out."""
        return not self.left


@dataclass(frozen=True)
class _Row:
    user_id: UUID
    version: int
    wrapped: bytes
    master_fingerprint: str


def fingerprints(conn: Connection) -> list[str]:
    """Of the master keys that people's keys are wrapped by, in as many steps as there are."""
    found = conn.execute(JUMPS.encode(), [keys.ERASED])
    return [row[0] for row in found.fetchall()]


def counts(conn: Connection) -> dict[str, int]:
    """How many keys each master key wraps, by fingerprint; erased ones are none."""
    found = conn.execute(
        "SELECT master_fingerprint, count(*) FROM user_keys WHERE master_fingerprint <> %s "
        "GROUP BY master_fingerprint ORDER BY master_fingerprint",
        [keys.ERASED],
    )
    return dict(found.fetchall())


def missing(conn: Connection, *, known: Collection[str] | None = None) -> list[str]:
    """Fingerprints that people's keys name and ``MASTER_KEY`` lacks. ``conn`` is one of ``db.rotation()``.

    ``known`` are those of the master keys, where they are not this process's own.
    """
    if known is None:
        known = keyring.master_keys().fingerprints
    return [fingerprint for fingerprint in fingerprints(conn) if fingerprint not in known]


def how_to_restore(lacking: Iterable[str]) -> str:
    """The sentence that goes with what ``missing`` found."""
    return (
        f"Keys of people are wrapped by master keys that MASTER_KEY lacks: {', '.join(lacking)}. Put these back behind "
        "the newest one; `photovault keys rotate-master` then makes them superfluous."
    )


def rotate_master(*, batch: int | None = None, on_batch: Callable[[int], None] = _nobody) -> MasterReport:
    """Wrap everybody's keys by the newest master key. ``on_batch`` hears how many rows were looked at.

    A key that cannot be opened is reported and left as it is. Raises ``Unavailable`` when the database or KMS is away;
    what was committed until then stays.
    """
    masters = keyring.master_keys()
    report = MasterReport(masters.fingerprint)
    went_on = True
    while went_on:  # functions that do not know the newest key yet may have added some behind us
        before, report.unopened, report.named = report.rewrapped, 0, []
        with db.rotation() as conn:
            older = [fingerprint for fingerprint in fingerprints(conn) if fingerprint != masters.fingerprint]
        for fingerprint in older:
            for rows in _batches(fingerprint, batch or _batch_size(masters, fingerprint)):
                report.rewrapped += _rewrap(masters, rows, report)
                on_batch(len(rows))
        went_on = report.rewrapped > before
    with db.rotation() as conn:
        report.left = {name: number for name, number in counts(conn).items() if name != masters.fingerprint}
    return report


def _batch_size(masters: keys.MasterKeys, fingerprint: str) -> int:
    return KMS_BATCH if masters.asks_kms(fingerprint) or masters.asks_kms(masters.fingerprint) else BATCH


def _batches(fingerprint: str, size: int) -> Iterator[list[_Row]]:
    after_user, after_version = UUID(int=0), 0
    while True:
        with db.rotation() as conn:
            rows = db.rows(
                conn,
                _Row,
                "SELECT user_id, version, wrapped, master_fingerprint FROM user_keys WHERE master_fingerprint = %s "
                "AND (user_id, version) > (%s, %s) ORDER BY user_id, version LIMIT %s",
                [fingerprint, after_user, after_version, size],
            )
        if not rows:
            return
        yield rows
        after_user, after_version = rows[-1].user_id, rows[-1].version


def _rewrap(masters: keys.MasterKeys, rows: list[_Row], report: MasterReport) -> int:
    """How many of the rows are wrapped by the newest master key now, and were not before."""

    def anew(row: _Row) -> keys.Wrapped | Unopened:
        wrapped = keys.Wrapped(bytes(row.wrapped), row.master_fingerprint)
        try:
            return masters.rewrap(wrapped, user_id=row.user_id, version=row.version)
        except (MasterKeyMissing, Tampered) as error:
            return Unopened(row.user_id, row.version, row.master_fingerprint, error.detail)

    if masters.asks_kms(rows[0].master_fingerprint) or masters.asks_kms(masters.fingerprint):
        with ThreadPoolExecutor(KMS_THREADS) as pool:
            made = list(pool.map(anew, rows))
    else:
        made = [anew(row) for row in rows]
    fresh = []
    for row, result in zip(rows, made, strict=True):
        if isinstance(result, keys.Wrapped):
            fresh.append((row, result))
        else:
            report.unopened += 1
            report.named += [result] if len(report.named) < NAMED else []
    if not fresh:
        return 0
    failpoints.reach("rotation.rewrapped")
    with db.rotation() as conn:
        # What another run or an erasure changed since it was read is left alone. Rows are locked in one order, so that
        # two runs wait for each other instead of deadlocking.
        written = conn.execute(
            """
            UPDATE user_keys k SET wrapped = fresh.wrapped, master_fingerprint = %(newest)s
            FROM (
                SELECT old.user_id, old.version, given.wrapped
                FROM unnest(%(users)s::uuid[], %(versions)s::int[], %(before)s::bytea[], %(after)s::bytea[])
                    AS given (user_id, version, before, wrapped)
                JOIN user_keys old USING (user_id, version)
                WHERE old.wrapped = given.before
                ORDER BY old.user_id, old.version
                FOR UPDATE OF old
            ) fresh
            WHERE k.user_id = fresh.user_id AND k.version = fresh.version
            """,
            {
                "newest": masters.fingerprint,
                "users": [row.user_id for row, _ in fresh],
                "versions": [row.version for row, _ in fresh],
                "before": [bytes(row.wrapped) for row, _ in fresh],
                "after": [wrapped.token for _, wrapped in fresh],
            },
        ).rowcount
        failpoints.reach("rotation.before-commit")
    failpoints.reach("rotation.committed")
    return written


# ------------------------------------------------------------------------------------------------- is one missing


_lock = threading.Lock()
_looked: tuple[float, tuple[str, ...], list[str]] | None = None


def missing_lately() -> list[str]:
    """``missing`` as of a minute ago at most, for those who ask again and again."""
    global _looked  # noqa: PLW0603
    known, now = keyring.master_keys().fingerprints, time.monotonic()
    with _lock:
        if _looked is not None and _looked[0] > now and _looked[1] == known:
            return _looked[2]
    with db.rotation() as conn:
        found = missing(conn)
    with _lock:
        _looked = now + READY_SECONDS, known, found
    return found


def forget() -> None:
    """Let ``missing_lately`` look again."""
    global _looked  # noqa: PLW0603
    with _lock:
        _looked = None


# -------------------------------------------------------------------------------------------------- one person's


@dataclass(frozen=True)
class UnopenedPhoto:
    """A photo whose key was left as it is, because it cannot be opened."""

    image_id: UUID
    version: int
    why: str


@dataclass
class PersonReport:
    """``version`` is that of the new key; ``left`` are older versions that photos which do not open still name."""

    version: int
    rewrapped: int = 0
    unopened: list[UnopenedPhoto] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Photo:
    id: UUID
    sha256: bytes
    key_version: int
    content_key: bytes


def photos_of(user_id: UUID) -> int:
    """How many photos the person has, as an estimate of the work."""
    with db.transaction(user_id) as conn:
        return int(db.value(conn, "SELECT count(*) FROM images"))


def rotate_user(user_id: UUID, *, batch: int = BATCH, on_batch: Callable[[int], None] = _nobody) -> PersonReport:
    """Give the person a new key, wrap the keys of all their photos by it, and delete the older one.

    What an earlier run began is gone on with, and no further key is made. Photos can be uploaded and opened meanwhile.
    Raises ``NotFound``, ``Tampered``, ``Unavailable``, and ``Conflict`` when another run has begun a newer key.
    """
    version = _new_version(user_id)
    if version is None:
        return PersonReport(0)
    keyring.warm(user_id, version)
    report = PersonReport(version)
    after: bytes | None = b""
    while after is not None:
        looked_at, after = _rewrap_photos(user_id, version, after, report, batch=batch)
        failpoints.reach("rotation.photos-committed")
        on_batch(looked_at)
    with db.transaction(user_id) as conn:
        _lock_person(conn)
        webhooks.rewrap(conn, user_id, version)  # a handful; one that does not open keeps its key
        report.deleted = [
            row[0]
            for row in conn.execute(
                "DELETE FROM user_keys k WHERE version < %s "
                "AND NOT EXISTS (SELECT FROM images i WHERE i.key_version = k.version) "
                "AND NOT EXISTS (SELECT FROM webhooks w WHERE w.key_version = k.version) RETURNING version",
                [version],
            ).fetchall()
        ]
        report.left = [row.version for row in keyring.all_versions(conn) if row.version < version]
        failpoints.reach("rotation.before-deletion-commit")
    return report


def _new_version(user_id: UUID) -> int | None:
    """The version to rotate to: an unfinished rotation's, else a new one; None when the person has no key at all."""
    keyring.warm(user_id)
    with db.transaction(user_id) as conn:
        if users.get(conn) is None:
            raise NotFound("There is no such account.")
        found = keyring.all_versions(conn)
        if not found:
            return None
        for row in found:  # what cannot be opened ends this before anything is written
            keyring.dek(conn, user_id, row.version)
    if len(found) > 1:  # versions go once no photo names them
        return found[0].version
    version = found[0].version + 1
    wrapped = keyring.master_keys().wrap_dek(keys.new_dek(), user_id=user_id, version=version)
    with db.transaction(user_id) as conn:
        _lock_person(conn)
        keyring.add_version(conn, version, wrapped)  # unless another run was faster: then with its key
        failpoints.reach("rotation.before-version-commit")
    failpoints.reach("rotation.version-committed")
    return version


def _rewrap_photos(
    user_id: UUID, version: int, after: bytes, report: PersonReport, *, batch: int
) -> tuple[int, bytes | None]:
    """One batch in the order of the photos' SHA-256, by which a person's photos are indexed.

    Returns how many were looked at, and where to go on; None after the last batch.
    """
    with db.transaction(user_id) as conn:
        _lock_person(conn)
        if db.value(conn, "SELECT max(version) FROM user_keys") != version:
            raise Conflict("Another rotation of this person's key has begun; let that one finish.")
        photos = db.rows(
            conn,
            _Photo,
            "SELECT id, sha256, key_version, content_key FROM images WHERE sha256 > %s AND key_version <> %s "
            "ORDER BY sha256 LIMIT %s",
            [after, version, batch],
        )
        newest = keyring.dek(conn, user_id, version)
        fresh: dict[UUID, bytes] = {}
        for photo in photos:
            try:
                older = keyring.dek(conn, user_id, photo.key_version)
                content_key = keys.unwrap_content_key(older, bytes(photo.content_key), image_id=photo.id)
            except Tampered as error:
                report.unopened.append(UnopenedPhoto(photo.id, photo.key_version, error.detail))
            else:
                fresh[photo.id] = keys.wrap_content_key(newest, content_key, image_id=photo.id)
        conn.execute(
            "UPDATE images i SET key_version = %s, content_key = fresh.wrapped "
            "FROM unnest(%s::uuid[], %s::bytea[]) AS fresh (id, wrapped) WHERE i.id = fresh.id",
            [version, list(fresh), list(fresh.values())],
        )
        failpoints.reach("rotation.before-photos-commit")
    report.rewrapped += len(fresh)
    return len(photos), bytes(photos[-1].sha256) if len(photos) == batch else None


def _lock_person(conn: Connection) -> None:
    try:
        users.next_revision(conn)
    except PersonGone:
        raise NotFound("There is no such account.") from None
