"""Workers that die between any two effects of looking anew at a photo: nothing is lost, twice, or left behind."""

from __future__ import annotations

import io
import signal
from datetime import UTC, datetime, timedelta
from uuid import UUID

import PIL.Image
import pytest
from tests.arranging import table, value
from tests.flows.workshop import Workshop, upload
from tests.shared.inference import drawn_face
from tests.vaults import Somebody, somebody

from photovault import blobs, db, images, keyring, storage, vault
from photovault.pipeline import clearing
from photovault.pipeline.reports import Report

VISION = ["renewing.claimed", "renewing.looked", "renewing.stored", "renewing.committed"]
EMBEDDING = ["renewing.claimed", "renewing.embedded", "renewing.committed"]


@pytest.fixture
def ada(workshop: Workshop) -> Somebody:
    return somebody()


@pytest.fixture
def photo(workshop: Workshop, ada: Somebody) -> UUID:
    """A photo with a face, from before recipes and looks."""
    out = io.BytesIO()
    PIL.Image.fromarray(drawn_face(500, side=240, centre=(250, 250))).save(out, "JPEG", quality=92)
    image_id = upload(ada, out.getvalue())
    assert [workshop.deliver(step, ada, image_id) for step in ("vision", "embedding")] == [0, 0]
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE images SET vision_recipe = 0, embedding_recipe = 0")
        conn.execute("DELETE FROM image_looks")
        conn.execute("UPDATE image_embeddings SET model_id = (SELECT min(id) FROM models)")
    return image_id


def hours_later(who: Somebody) -> None:
    """The claim of whoever died has run out."""
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE renewal_tries SET tried_at = tried_at - interval '1 day'")


@pytest.mark.parametrize("failpoint", VISION)
def test_a_look_that_was_killed_anywhere_is_finished_by_the_next(
    workshop: Workshop, ada: Somebody, photo: UUID, failpoint: str
) -> None:
    faces = table(ada.user_id, "SELECT id FROM faces")
    assert len(faces) == 1
    assert workshop.deliver("renew-vision", ada, photo, failpoint=failpoint) == -signal.SIGKILL
    assert value(ada.user_id, "SELECT status FROM images") == "ready"
    assert workshop.deliver("renew-vision", ada, photo) == 0  # leaves it alone for now
    hours_later(ada)
    assert workshop.deliver("renew-vision", ada, photo) == 0
    assert table(ada.user_id, "SELECT id FROM faces") == faces
    assert value(ada.user_id, "SELECT vision_recipe > 0 FROM images")
    assert value(ada.user_id, "SELECT count(*) FROM image_looks") == 1
    assert value(ada.user_id, "SELECT count(*) FROM renewal_tries") == 0
    assert value(ada.user_id, "SELECT wanted_generation FROM rebuilds") == 2
    clearing.remove_orphans(Report(), now=datetime.now(UTC) + timedelta(hours=25))
    with db.transaction(ada.user_id) as conn:
        image = images.get(conn, photo)
        assert image
        rows, key = blobs.of_images(conn, [photo]), keyring.content_key_of(conn, image)
    assert f"face:{faces[0][0]}" in {blob.name for blob in rows}
    for blob in rows:
        assert vault.fetch(blob, content_key=key, user_id=ada.user_id)
    retired = {row[0] for row in table(ada.user_id, "SELECT key FROM retired_blobs")}
    there = {stored.key for stored in storage.driver("local").list()}
    assert {blob.key for blob in rows} | retired <= there


@pytest.mark.parametrize("failpoint", EMBEDDING)
def test_an_embedding_that_was_killed_anywhere_is_finished_by_the_next(
    workshop: Workshop, ada: Somebody, photo: UUID, failpoint: str
) -> None:
    assert workshop.deliver("renew-embedding", ada, photo, failpoint=failpoint) == -signal.SIGKILL
    assert value(ada.user_id, "SELECT count(*) FROM image_embeddings") == 1
    hours_later(ada)
    assert workshop.deliver("renew-embedding", ada, photo) == 0
    found = table(
        ada.user_id, "SELECT m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id WHERE m.kind = 'image'"
    )
    assert found == [("phash",)]
    assert value(ada.user_id, "SELECT embedding_recipe > 0 FROM images")
    assert value(ada.user_id, "SELECT count(*) FROM renewal_tries") == 0
