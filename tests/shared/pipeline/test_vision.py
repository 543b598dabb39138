"""What vision keeps of a photo besides its pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import psycopg_pool
import pytest
from infra.local.pictures import draw
from tests import renewed
from tests.arranging import LISBON, MODEL, add_photo, face_of
from tests.shared.test_motion import film
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import (
    blobs,
    db,
    failpoints,
    images,
    keyring,
    originals,
    staging,
    storage,
    terms,
    uploads,
    users,
    vault,
)
from photovault import faces as face_finder
from photovault.errors import Unavailable
from photovault.pipeline import sealer, vision
from photovault.pipeline.messages import PhotoMessage

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "bucket")


# Of one photo of a person whose key is in memory, with which no other photo is to be compared.
MOST_STATEMENTS = 21


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def uploaded(who: Somebody, bucket: Bucket, data: bytes, *, modified: datetime | None = None) -> PhotoMessage:
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest(), modified)
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(who.user_id, answer.image_id)] = data
    return PhotoMessage(who.user_id, answer.image_id)


def understood(who: Somebody, bucket: Bucket, data: bytes, *, modified: datetime | None = None) -> UUID:
    message = uploaded(who, bucket, data, modified=modified)
    vision.handle(message)
    return message.image_id


@dataclass
class Traffic:
    """What goes to the database: transactions, and the statements in them without those that begin and end them."""

    transactions: int = 0
    statements: int = 0


@contextmanager
def counted() -> Iterator[Traffic]:
    """Counts what this process sends to the database; each row of an ``executemany`` is a statement."""
    traffic = Traffic()
    execute, executemany = psycopg.Cursor.execute, psycopg.Cursor.executemany
    connection = psycopg_pool.ConnectionPool.getconn

    def one(self: Any, query: Any, *rest: Any, **named: Any) -> Any:
        text = query if isinstance(query, str) else query.decode()
        traffic.statements += bool(text) and not text.startswith("SET LOCAL ROLE")
        return execute(self, query, *rest, **named)

    def many(self: Any, query: Any, rows: Any, **named: Any) -> Any:
        listed = list(rows)
        traffic.statements += len(listed)
        return executemany(self, query, listed, **named)

    def lent(self: Any, *rest: Any, **named: Any) -> Any:
        traffic.transactions += 1
        return connection(self, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", one)
        patch.setattr(psycopg.Cursor, "executemany", many)
        patch.setattr(psycopg_pool.ConnectionPool, "getconn", lent)
        yield traffic


def content(who: Somebody, image_id: UUID, name: str) -> tuple[bytes, str] | None:
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
        blob = blobs.get(conn, image_id, name)
        assert image is not None
        key = keyring.content_key_of(conn, image)
    return (vault.fetch(blob, content_key=key, user_id=who.user_id), blob.content_type) if blob else None


def test_the_film_of_a_motion_photo_is_sealed_beside_the_untouched_original(ada: Somebody, bucket: Bucket) -> None:
    data = draw(31, (64, 48)) + film()
    image_id = understood(ada, bucket, data)
    assert content(ada, image_id, "motion") == (film(), "video/mp4")
    assert originals.open(ada.user_id, image_id).data == data


def test_a_photo_that_does_not_say_when_it_was_taken_is_as_old_as_its_file(ada: Somebody, bucket: Bucket) -> None:
    then = datetime(2014, 7, 19, 16, 28, 5)
    image_id = understood(ada, bucket, draw(33, (64, 48)), modified=then)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, image_id)
    assert image is not None
    assert (image.sort_at, image.local_day, image.taken_source) == (then, then.date(), "file_modified")


@pytest.mark.parametrize(
    ("said", "caption"),
    [(None, ("At the sea", "file")), ("My words", ("My words", "person")), ("", (None, "person"))],
    ids=["nothing", "a caption", "that there is none"],
)
def test_the_caption_of_a_file_counts_where_the_person_has_said_nothing(
    ada: Somebody, bucket: Bucket, said: str | None, caption: tuple[str | None, str]
) -> None:
    message = uploaded(ada, bucket, draw(34, (64, 48), caption="At the sea"))
    with db.transaction(ada.user_id) as conn:
        for text in ("before", said) if said is not None else ():
            images.edit(conn, message.image_id, revision=users.next_revision(conn), caption=text)
    vision.handle(message)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, message.image_id)
        found = conn.execute("SELECT term FROM image_terms WHERE image_id = %s", [message.image_id]).fetchall()
    assert image is not None
    assert (image.caption, image.caption_source) == caption
    assert (("sea",) in found) == (said is None)


def test_a_photo_without_a_film_has_no_motion(ada: Somebody, bucket: Bucket) -> None:
    image_id = understood(ada, bucket, draw(32, (64, 48)))
    assert content(ada, image_id, "motion") is None
    assert content(ada, image_id, "preview") is not None


@pytest.mark.parametrize("many", [0, 1, 12])
def test_what_a_photo_asks_of_the_database_grows_neither_with_its_faces_nor_with_its_labels(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    seen = [face_of(who) for who in range(many)]
    monkeypatch.setattr(face_finder, "provider", lambda: SimpleNamespace(model=MODEL, find=lambda _: seen))
    renewed.see(monkeypatch, {f"thing {n}": 0.5 for n in range(many)})
    understood(ada, bucket, draw(40 + many, (640, 480)))  # the first of a person and of these models asks for more
    message = uploaded(ada, bucket, draw(60 + many, (480, 640)))
    image_id = message.image_id
    with counted() as traffic:
        vision.handle(message)
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        assert image.face_count == many
        assert conn.execute("SELECT count(*) FROM faces WHERE image_id = %s", [image_id]).fetchone() == (many,)
        assert conn.execute("SELECT count(*) FROM image_labels WHERE image_id = %s", [image_id]).fetchone() == (many,)
    # One that reads the photo's row, one for what was sealed, one for what was understood.
    assert traffic.transactions == 3
    assert traffic.statements <= MOST_STATEMENTS


def test_what_vision_has_sealed_itself_it_does_not_read_back(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(originals, "open")
        patch.delattr(vault, "fetch")
        image_id = understood(ada, bucket, draw(80, (64, 48)))
    assert content(ada, image_id, "thumbnail") is not None


def test_a_photo_that_was_sealed_before_is_read_from_the_vault(ada: Somebody, bucket: Bucket) -> None:
    message = uploaded(ada, bucket, draw(81, (64, 48)))
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, message.image_id)
    assert image is not None
    assert sealer.seal(image) is not None
    vision.handle(message)
    assert content(ada, message.image_id, "thumbnail") is not None


def test_an_original_that_was_moved_as_soon_as_it_was_sealed_is_looked_for_where_its_row_says(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = uploaded(ada, bucket, draw(82, (64, 48)))

    def move(point: str) -> None:
        if point != "sealer.committed":
            return
        with db.transaction(ada.user_id) as conn:
            blob = blobs.get(conn, message.image_id, "original")
            assert blob is not None
            driver = storage.driver(blob.driver)
            key = driver.new_key(blob.size)
            driver.put(key, driver.get(blob.key), size=blob.size)
            assert blobs.replace(conn, blob, replace(blob, key=key))
        driver.delete(blob.key)

    monkeypatch.setattr(failpoints, "reach", move)
    vision.handle(message)
    assert content(ada, message.image_id, "thumbnail") is not None
    assert bucket.contents == {}


def test_an_upload_stays_while_the_sealed_original_is_not_where_its_row_says(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = uploaded(ada, bucket, draw(83, (64, 48)))

    def lose(point: str) -> None:
        if point == "sealer.committed":
            with db.transaction(ada.user_id) as conn:
                blob = blobs.get(conn, message.image_id, "original")
            assert blob is not None
            storage.driver(blob.driver).delete(blob.key)

    monkeypatch.setattr(failpoints, "reach", lose)
    with pytest.raises(Unavailable):
        vision.handle(message)
    assert staging.key_of(message.user_id, message.image_id) in bucket.contents


def test_words_that_a_photo_has_no_longer_do_not_find_it_and_the_others_count_as_they_do_now(ada: Somebody) -> None:
    def words(caption: str) -> dict[str, float]:
        with db.transaction(ada.user_id) as conn:
            users.next_revision(conn)
            conn.execute("UPDATE images SET caption = %s WHERE id = %s", [caption, image_id])
            terms.refresh(conn, image_id)
            found = conn.execute("SELECT term, weight FROM image_terms WHERE image_id = %s", [image_id]).fetchall()
        return {term: round(weight, 2) for term, weight in found}

    image_id = add_photo(ada.user_id, where=LISBON)
    before = words("a dog")
    assert before["dog"] == 1.0
    assert before["lisbon"] == 0.8
    after = words("Lisbon")
    assert after == {word: weight for word, weight in before.items() if word not in {"a", "dog"}} | {"lisbon": 1.0}
    assert words("Lisbon") == after
