"""The table ``webhooks``: where a person wants to be told of changes.

The changes themselves are the outbox: each webhook remembers up to which revision they were made into deliveries, so
what a transaction changes is asked for by that transaction. ``wake`` says when a message is to be sent about it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from photovault import db, ids, webhook_events
from photovault.errors import Conflict, Tampered

if TYPE_CHECKING:
    from photovault.db import Connection

# More would be a mistake of a program; all of them are listed on one page.
MOST = 20
# How long a secret goes on signing beside the one in its place, so that the receiver can be told of it in peace.
BOTH_SIGN = timedelta(hours=24)
# So many of them at once: each is one more signature in a header.
MOST_FORMER = 3
# A message that was sent longer ago than this, and not heard of, is lost.
LOST_AFTER = timedelta(minutes=5)

BY_THE_PERSON = "You switched it off."
GONE = "The receiver answered that it is gone (410)."
UNREACHABLE = "Nothing could be delivered for five days."


@dataclass(frozen=True)
class Former:
    """A secret that another one has taken the place of, and until when it signs nevertheless."""

    secret: str = field(repr=False)
    until: datetime


@dataclass(frozen=True)
class Secrets:
    """What is sealed of a webhook: its URL, which may hold a token, and what its posts are signed with.

    ``former`` are newest first.
    """

    url: str
    secret: str = field(repr=False)
    former: tuple[Former, ...] = ()

    def signing(self, now: datetime) -> list[str]:
        """The secrets that sign a post now, newest first."""
        return [self.secret, *(each.secret for each in self.former if each.until > now)]

    def both_until(self, now: datetime) -> datetime | None:
        """Until when another secret signs as well; None when this one signs alone."""
        return max((each.until for each in self.former if each.until > now), default=None)

    def rotated(self, now: datetime) -> Secrets:
        """With a new secret, and those before it for a while. Raises ``Conflict`` for too many of them."""
        former = tuple(each for each in self.former if each.until > now)
        if len(former) >= MOST_FORMER:
            raise Conflict(
                f"The secret was changed {MOST_FORMER} times within a day, and all of them sign still. Wait until one "
                "of them ends, or make a new webhook."
            )
        return Secrets(self.url, webhook_events.new_secret(), (Former(self.secret, now + BOTH_SIGN), *former))


@dataclass(frozen=True)
class Webhook:
    id: UUID
    description: str | None
    events: list[webhook_events.Event]
    key_version: int
    sealed: bytes = field(repr=False)
    active: bool
    stopped_because: str | None
    position: int
    failing_since: datetime | None
    created_at: datetime


_COLUMNS = "id, description, events, key_version, sealed, active, stopped_because, position, failing_since, created_at"


def add(
    conn: Connection, user_id: UUID, *, url: str, events: Sequence[str], description: str | None, position: int
) -> tuple[UUID, Secrets]:
    """A new webhook, to be told of what changes after ``position``. Raises ``Conflict`` for one too many.

    The person's row must be locked.
    """
    if count(conn) >= MOST:
        raise Conflict(f"There are {MOST} webhooks already; remove one that is not used any more.")
    webhook_id, secrets = ids.new(), Secrets(url, webhook_events.new_secret())
    version, sealed = _seal(conn, user_id, webhook_id, secrets)
    conn.execute(
        "INSERT INTO webhooks (id, description, events, key_version, sealed, position) VALUES (%s, %s, %s, %s, %s, %s)",
        [webhook_id, description, list(events), version, sealed, position],
    )
    return webhook_id, secrets


def get(conn: Connection, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
    locked = " FOR UPDATE" if lock else ""
    return db.row(conn, Webhook, f"SELECT {_COLUMNS} FROM webhooks WHERE id = %s{locked}", [webhook_id])


def all_of_person(conn: Connection, *, lock: bool = False) -> list[Webhook]:
    """Newest first."""
    locked = " FOR UPDATE" if lock else ""
    return db.rows(conn, Webhook, f"SELECT {_COLUMNS} FROM webhooks ORDER BY id DESC{locked}")


def secrets_of(conn: Connection, user_id: UUID, webhook: Webhook) -> Secrets:
    """Raises like ``keyring.dek``."""
    from photovault import keyring, keys  # with all of cryptography, which whoever only wakes does without

    opened = keys.open_webhook(keyring.dek(conn, user_id, webhook.key_version), webhook.sealed, webhook_id=webhook.id)
    found = json.loads(opened)
    former = [Former(each["secret"], datetime.fromisoformat(each["until"])) for each in found.get("former", ())]
    return Secrets(found["url"], found["secret"], tuple(former))


def _seal(conn: Connection, user_id: UUID, webhook_id: UUID, secrets: Secrets) -> tuple[int, bytes]:
    from photovault import keyring, keys

    version = keyring.current_version(conn, user_id)
    now = datetime.now(UTC)
    former = [{"secret": it.secret, "until": it.until.isoformat()} for it in secrets.former if it.until > now]
    plain = json.dumps({"url": secrets.url, "secret": secrets.secret, "former": former}).encode()
    return version, keys.seal_webhook(keyring.dek(conn, user_id, version), plain, webhook_id=webhook_id)


def set_url(conn: Connection, user_id: UUID, webhook: Webhook, url: str) -> None:
    """Another address, with the same secrets."""
    _store(conn, user_id, webhook.id, replace(secrets_of(conn, user_id, webhook), url=url))


def rotate(conn: Connection, user_id: UUID, webhook: Webhook, *, now: datetime) -> Secrets:
    """Another secret; the one before signs beside it for a day. The person's row must be locked.

    Raises ``Conflict``.
    """
    rotated = secrets_of(conn, user_id, webhook).rotated(now)
    _store(conn, user_id, webhook.id, rotated)
    return rotated


def _store(conn: Connection, user_id: UUID, webhook_id: UUID, secrets: Secrets) -> None:
    version, sealed = _seal(conn, user_id, webhook_id, secrets)
    conn.execute("UPDATE webhooks SET key_version = %s, sealed = %s WHERE id = %s", [version, sealed, webhook_id])


def rewrap(conn: Connection, user_id: UUID, version: int) -> None:
    """Seal all of the person's webhooks by the newest key, which has that version; what does not open stays as it is.

    The person's row must be locked.
    """
    for webhook in all_of_person(conn):
        if webhook.key_version != version:
            with suppress(Tampered):
                _store(conn, user_id, webhook.id, secrets_of(conn, user_id, webhook))


def describe(conn: Connection, webhook_id: UUID, *, events: Sequence[str], description: str | None) -> None:
    conn.execute(
        "UPDATE webhooks SET events = %s, description = %s WHERE id = %s", [list(events), description, webhook_id]
    )


def start(conn: Connection, webhook_id: UUID, *, position: int) -> None:
    """Switch on again. What changed meanwhile is not told: ``GET /changes`` has it."""
    conn.execute(
        "UPDATE webhooks SET active = true, stopped_because = NULL, failing_since = NULL, position = %s "
        "WHERE id = %s AND NOT active",
        [position, webhook_id],
    )


def stop(conn: Connection, webhook_id: UUID, because: str) -> bool:
    """Switch off; whether it was on."""
    return bool(
        db.value(
            conn,
            "UPDATE webhooks SET active = false, stopped_because = %s WHERE id = %s AND active RETURNING true",
            [because, webhook_id],
        )
    )


def remove(conn: Connection, webhook_id: UUID) -> bool:
    return bool(db.value(conn, "DELETE FROM webhooks WHERE id = %s RETURNING true", [webhook_id]))


def remove_all(conn: Connection) -> list[tuple[UUID, str | None]]:
    """Their ids and descriptions. The person's row must be locked."""
    return conn.execute("DELETE FROM webhooks RETURNING id, description").fetchall()


def count(conn: Connection) -> int:
    return int(db.value(conn, "SELECT count(*) FROM webhooks"))


# --------------------------------------------------------------------------------------------------- being told of it


def wake(conn: Connection) -> bool:
    """Whether a message is to be sent after this transaction, because webhooks wait to be told of changes.

    One message is on its way at a time; one that was lost is sent again with the next change, or by the daily pass.
    """
    woken = conn.execute(
        "UPDATE webhooks SET woken_at = now() WHERE active AND position < (SELECT revision FROM users) "
        "AND (woken_at IS NULL OR woken_at < now() - %s)",
        [LOST_AFTER],
    )
    return woken.rowcount > 0


def are_behind(conn: Connection) -> bool:
    """Whether there is anything that webhooks may want to be told of; whoever builds albums sees to it."""
    return bool(
        db.value(conn, "SELECT EXISTS (SELECT FROM webhooks WHERE active AND position < (SELECT revision FROM users))")
    )


def told(conn: Connection, webhook_ids: Collection[UUID], *, position: int) -> None:
    """Everything up to a revision has been made into deliveries."""
    conn.execute("UPDATE webhooks SET position = %s, woken_at = NULL WHERE id = ANY(%s)", [position, list(webhook_ids)])


def heard(conn: Connection) -> None:
    """A message that asks for more was heard, whatever came of it."""
    conn.execute("UPDATE webhooks SET woken_at = NULL WHERE woken_at IS NOT NULL")


def note_outcome(conn: Connection, webhook_id: UUID, *, delivered: bool) -> datetime | None:
    """Since when nothing arrives, this attempt included; None when it did."""
    since: datetime | None = db.value(
        conn,
        "UPDATE webhooks SET failing_since = CASE WHEN %s THEN NULL ELSE coalesce(failing_since, now()) END "
        "WHERE id = %s RETURNING failing_since",
        [delivered, webhook_id],
    )
    return since


def whose_are_active(conn: Connection) -> list[UUID]:
    """Everybody with a webhook that is switched on, as maintenance sees them."""
    return [row[0] for row in conn.execute("SELECT DISTINCT user_id FROM webhooks WHERE active")]
