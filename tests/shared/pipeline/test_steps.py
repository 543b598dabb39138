"""The steps of a photo when messages come late, photos go meanwhile, and uploads were thrown away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from infra.local.pictures import draw
from tests.arranging import Sent, value
from tests.staged import Bucket
from tests.vaults import Somebody, somebody

from photovault import db, images, originals, sealing, staging, storage, uploads, users
from photovault import vault as blob_vault
from photovault.errors import BlobMissing, NotFound, Unavailable
from photovault.pipeline import embedding, purging, resending, sealer, vision
from photovault.pipeline.messages import PhotoMessage

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "staged")


@pytest.fixture
def staged(bucket: Bucket) -> dict[str, bytes]:
    """What lies in staging, by its keys."""
    return bucket.contents


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def upload(who: Somebody, staged: dict[str, bytes], data: bytes) -> UUID:
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    staged[staging.key_of(who.user_id, answer.image_id)] = data
    return answer.image_id


def photo(who: Somebody, image_id: UUID) -> images.Image:
    with db.transaction(who.user_id) as conn:
        image = images.get(conn, image_id)
    assert image is not None
    return image


def purge(who: Somebody, image_id: UUID) -> None:
    with db.transaction(who.user_id) as conn:
        images.move_to_trash(conn, image_id, revision=users.next_revision(conn))
    purging.purge(who.user_id, [image_id], deleted_before=datetime.now(UTC) + timedelta(days=1))


def give_up(who: Somebody, image_id: UUID) -> None:
    for _ in range(resending.MOST_RESENDS + 1):
        resending.check(who.user_id, image_id)


def test_an_embedding_that_comes_after_it_was_given_up_still_counts(ada: Somebody, staged: dict[str, bytes]) -> None:
    """Behind a long queue, or from the dead-letter queue after a repair."""
    message = PhotoMessage(ada.user_id, upload(ada, staged, draw(1, (400, 300))))
    vision.handle(message)
    give_up(ada, message.image_id)
    assert photo(ada, message.image_id).embedding_failed
    embedding.handle(message)
    after = photo(ada, message.image_id)
    assert (after.status, after.embedding_failed) == ("ready", False)
    assert value(ada.user_id, "SELECT count(*) FROM image_embeddings") == 1


def test_an_understanding_that_comes_after_it_was_given_up_still_counts(
    ada: Somebody, staged: dict[str, bytes], sent: Sent
) -> None:
    message = PhotoMessage(ada.user_id, upload(ada, staged, draw(2, (400, 300))))
    sealer.seal(photo(ada, message.image_id))
    embedding.handle(message)
    give_up(ada, message.image_id)
    before = photo(ada, message.image_id)
    assert (before.status, before.vision_failed) == ("ready", True)
    wanted = value(ada.user_id, "SELECT wanted_generation FROM rebuilds")
    woken = len(sent.albums())
    vision.handle(message)
    after = photo(ada, message.image_id)
    assert (after.status, after.vision_failed, after.width) == ("ready", False, 400)
    assert value(ada.user_id, "SELECT wanted_generation FROM rebuilds") == wanted + 1
    assert len(sent.albums()) == woken + 1


def test_a_photo_that_turns_out_unreadable_after_it_was_given_up_is_rejected(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    message = PhotoMessage(ada.user_id, upload(ada, staged, b"\xff\xd8\xff no picture at all"))
    sealer.seal(photo(ada, message.image_id))
    give_up(ada, message.image_id)
    vision.handle(message)
    after = photo(ada, message.image_id)
    assert (after.status, after.vision_failed, after.embedding_failed) == ("rejected", False, False)
    with db.transaction(ada.user_id) as conn:
        assert not images.redrive(conn, message.image_id, revision=users.next_revision(conn))


def during(monkeypatch: pytest.MonkeyPatch, module: object, name: str, act: Callable[[], None]) -> None:
    """Let ``act`` happen once, right before a function is called."""
    original = getattr(module, name)
    pending = [act]

    def wrapped(*args: object, **options: object) -> object:
        if pending:
            pending.pop()()
        return original(*args, **options)

    monkeypatch.setattr(module, name, wrapped)


def test_a_photo_purged_while_its_bytes_are_fetched_is_gone_and_no_fault(
    ada: Somebody, staged: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = PhotoMessage(ada.user_id, upload(ada, staged, draw(3, (400, 300))))
    sealer.seal(photo(ada, message.image_id))
    during(monkeypatch, blob_vault, "fetch", lambda: purge(ada, message.image_id))
    embedding.handle(message)
    with pytest.raises(NotFound):
        originals.open(ada.user_id, message.image_id)


def test_vision_of_a_photo_purged_meanwhile_ends_quietly_and_leaves_no_blob(
    ada: Somebody, staged: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = PhotoMessage(ada.user_id, upload(ada, staged, draw(4, (400, 300))))
    sealer.seal(photo(ada, message.image_id))
    before = {stored.key for stored in storage.driver("local").list()}
    during(monkeypatch, originals, "open", lambda: purge(ada, message.image_id))
    vision.handle(message)
    assert {stored.key for stored in storage.driver("local").list()} < before


def test_a_blob_that_is_lost_is_told(ada: Somebody, staged: dict[str, bytes]) -> None:
    image_id = upload(ada, staged, draw(5, (400, 300)))
    sealer.seal(photo(ada, image_id))
    driver = storage.driver("local")
    driver.delete(value(ada.user_id, "SELECT key FROM blobs WHERE image_id = %s", [image_id]))
    with pytest.raises(BlobMissing):
        originals.open(ada.user_id, image_id)


def test_the_embedding_of_an_upload_that_was_thrown_away_is_no_dead_letter(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    image_id = upload(ada, staged, draw(6, (400, 300)))
    staged[staging.key_of(ada.user_id, image_id)] = b"not what was announced"
    message = PhotoMessage(ada.user_id, image_id)
    vision.handle(message)
    assert not staged
    embedding.handle(message)
    assert photo(ada, image_id).status == "pending"


def test_the_embedding_of_an_upload_that_is_about_to_be_thrown_away_is_no_dead_letter(
    ada: Somebody, staged: dict[str, bytes]
) -> None:
    image_id = upload(ada, staged, draw(9, (400, 300)))
    staged[staging.key_of(ada.user_id, image_id)] = b"not what was announced"
    embedding.handle(PhotoMessage(ada.user_id, image_id))
    assert photo(ada, image_id).embedding_done_at is None


@pytest.mark.parametrize("first", ["vision", "embedding"])
def test_a_sealed_upload_is_understood_and_embedded_whoever_comes_first(
    ada: Somebody, staged: dict[str, bytes], first: str
) -> None:
    data = draw(10, (400, 300))
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(ada.user_id) as conn:
        (answer,) = uploads.announce(conn, ada.user_id, [announced], now=datetime.now(UTC), sealed=True)
    assert answer.seal is not None
    staged[staging.key_of(ada.user_id, answer.image_id)] = sealing.seal(
        data, key=answer.seal.key, address=answer.seal.address
    )
    message = PhotoMessage(ada.user_id, answer.image_id)
    steps = [vision.handle, embedding.handle]
    for handle in steps if first == "vision" else reversed(steps):
        handle(message)
    assert photo(ada, answer.image_id).status == "ready"
    assert originals.open(ada.user_id, answer.image_id).data == data
    assert not staged


def test_a_photo_purged_while_it_is_sealed_leaves_no_plaintext_and_no_blob(
    ada: Somebody, staged: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = upload(ada, staged, draw(7, (400, 300)))
    before = {stored.key for stored in storage.driver("local").list()}
    during(monkeypatch, blob_vault, "store", lambda: purge(ada, image_id))
    vision.handle(PhotoMessage(ada.user_id, image_id))
    assert not staged
    assert {stored.key for stored in storage.driver("local").list()} == before


def test_queues_that_are_away_are_an_outage(monkeypatch: pytest.MonkeyPatch, ada: Somebody) -> None:
    monkeypatch.undo()
    from photovault import queues

    with pytest.raises(Unavailable):
        queues.send_albums(ada.user_id)
