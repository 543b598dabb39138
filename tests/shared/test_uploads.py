"""Announcing uploads: duplicates, the trash, the quota and its locks, and posts signed for exactly those bytes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vaults import Somebody, somebody

from photovault import activity, db, ids, images, keyring, sealing, staging, uploads, users
from photovault.errors import QuotaExceeded
from photovault.uploads import Announcement, Answer, OtherSize

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("vault")


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


def file(*, size: int = 1000, name: str = "IMG_1.jpg", sha256: bytes | None = None) -> Announcement:
    return Announcement(name, "image/jpeg", size, sha256 or random.randbytes(32))


def announce(
    person: Somebody,
    *files: Announcement,
    now: datetime = NOW,
    sealed: bool = False,
    not_arrived: Collection[UUID] = (),
) -> list[Answer]:
    with db.transaction(person.user_id) as conn:
        return uploads.announce(conn, person.user_id, files, now=now, sealed=sealed, not_arrived=not_arrived)


def seal(person: Somebody, image_id: UUID) -> None:
    """What vision commits when the bytes have come."""
    with db.transaction(person.user_id) as conn:
        image = images.get(conn, image_id)
        assert image is not None
        assert images.mark_sealed(conn, image_id, revision=users.next_revision(conn))
        users.move_quota(conn, reserved=-image.size, used=image.size)


def trash(person: Somebody, image_id: UUID) -> None:
    with db.transaction(person.user_id) as conn:
        assert images.move_to_trash(conn, image_id, revision=users.next_revision(conn))


def stored(person: Somebody, image_id: UUID) -> images.Image:
    with db.transaction(person.user_id) as conn:
        image = images.get(conn, image_id)
    assert image is not None
    return image


def account(person: Somebody) -> users.User:
    with db.transaction(person.user_id) as conn:
        user = users.get(conn)
    assert user is not None
    return user


def form(person: Somebody, answer: Answer) -> dict[str, str]:
    """The fields of the post."""
    post = uploads.post(person.user_id, answer)
    assert post is not None
    return post.fields


def policy(person: Somebody, answer: Answer) -> tuple[datetime, list[Any]]:
    """When the post ends, and what it is bound to."""
    document = json.loads(base64.b64decode(form(person, answer)["policy"]))
    return datetime.fromisoformat(document["expiration"]), document["conditions"]


# --------------------------------------------------------------------------------------------------- a new photo


def test_a_new_file_gets_a_pending_row_and_a_post(person: Somebody) -> None:
    announced = file(size=4321, name="Tórshavn 🌊.jpg")
    (answer,) = announce(person, announced)
    assert (answer.state, answer.expires_at, answer.existing) == ("upload", NOW + timedelta(minutes=5), None)
    image = stored(person, answer.image_id)
    assert (image.status, image.filename, image.content_type, image.size, bytes(image.sha256)) == (
        "pending", "Tórshavn 🌊.jpg", "image/jpeg", 4321, announced.sha256
    )  # fmt: skip
    assert image.post_expires_at == answer.expires_at
    assert image.sealed_at is None
    assert image.created_at == NOW
    assert answer.image_id.version == 7


def test_the_post_is_bound_to_key_size_type_checksum_and_five_minutes(person: Somebody) -> None:
    announced = file(size=4321)
    (answer,) = announce(person, announced)
    ends, conditions = policy(person, answer)
    assert ends == NOW + timedelta(minutes=5)
    exact = {name: value for each in conditions if isinstance(each, dict) for name, value in each.items()}
    exact |= {each[1].removeprefix("$"): each[2] for each in conditions if isinstance(each, list) and each[0] == "eq"}
    assert exact["key"] == staging.key_of(person.user_id, answer.image_id)
    assert exact["bucket"] == "photovault-staging"
    assert exact["Content-Type"] == "image/jpeg"
    assert exact["x-amz-checksum-sha256"] == base64.b64encode(announced.sha256).decode()
    assert ["content-length-range", 4321, 4321] in conditions
    assert not [each for each in conditions if isinstance(each, list) and each[0] == "starts-with"]
    fields = form(person, answer)
    assert all(fields[name] == value for name, value in exact.items() if name != "bucket")


def test_reserving_announces_and_records_the_upload(person: Somebody) -> None:
    announce(person, file(size=300), file(size=500))
    assert (account(person).reserved_bytes, account(person).used_bytes) == (800, 0)
    with db.transaction(person.user_id) as conn:
        (event,) = activity.latest(conn, limit=10)
    assert (event.kind, event.detail) == ("upload", {"photos": 2, "bytes": 800})


def test_answers_come_in_the_order_of_the_files(person: Somebody) -> None:
    files = [file(size=n + 1) for n in range(20)]
    answers = announce(person, *files)
    for announced, answer in zip(files, answers, strict=True):
        assert bytes(stored(person, answer.image_id).sha256) == announced.sha256


# ------------------------------------------------------------------------------------------------- known already


def test_announcing_a_pending_photo_again_gives_the_same_id_and_a_fresh_post(person: Somebody) -> None:
    announced = file()
    (first,) = announce(person, announced)
    later = NOW + timedelta(minutes=4)
    (second,) = announce(person, replace(announced, filename="renamed.jpg"), now=later)
    assert second.image_id == first.image_id
    assert second.state == "upload"
    assert policy(person, second)[0] == later + timedelta(minutes=5)
    assert stored(person, first.image_id).post_expires_at == later + timedelta(minutes=5)
    assert account(person).reserved_bytes == announced.size, "reserved once"


def test_a_pending_photo_keeps_the_type_it_was_announced_with(person: Somebody) -> None:
    announced = file()
    announce(person, announced)
    (second,) = announce(person, replace(announced, content_type="image/png"))
    assert form(person, second)["Content-Type"] == "image/jpeg"


def test_the_same_bytes_with_another_size_are_a_conflict_while_they_may_still_arrive(person: Somebody) -> None:
    announced = file(size=1000)
    (first,) = announce(person, announced)
    with pytest.raises(OtherSize, match=r"1000 bytes before, not 999\..* until 12:05:00 UTC") as caught:
        announce(person, replace(announced, size=999), not_arrived=())
    assert caught.value.unseen == frozenset(), "there is nothing to look for"
    assert stored(person, first.image_id).size == 1000


@pytest.mark.parametrize("size", [400, 1600])
def test_of_two_sizes_the_newer_counts_when_nothing_has_arrived(person: Somebody, size: int) -> None:
    announced, later = file(size=1000), NOW + timedelta(minutes=6)
    (first,) = announce(person, announced)
    with pytest.raises(OtherSize) as caught:
        announce(person, replace(announced, size=size), now=later)
    assert caught.value.unseen == {first.image_id}, "whether it has arrived is for the caller to see"
    assert (stored(person, first.image_id).size, account(person).reserved_bytes) == (1000, 1000)
    again = replace(announced, size=size)
    second, twin = announce(person, again, again, now=later, not_arrived=caught.value.unseen)
    assert second.image_id == twin.image_id == first.image_id
    assert ["content-length-range", size, size] in policy(person, second)[1]
    assert (stored(person, first.image_id).size, account(person).reserved_bytes) == (size, size)


def test_a_larger_size_must_fit_the_quota_like_any_other(vault: Path) -> None:
    person, later = somebody(quota=1000), NOW + timedelta(minutes=6)
    announced = file(size=600)
    (first,) = announce(person, announced)
    with pytest.raises(QuotaExceeded):
        announce(person, replace(announced, size=1001), now=later, not_arrived={first.image_id})
    assert (stored(person, first.image_id).size, account(person).reserved_bytes) == (600, 600)


def test_a_sealed_photo_is_a_duplicate_without_a_post(person: Somebody) -> None:
    announced = file()
    (first,) = announce(person, announced)
    seal(person, first.image_id)
    (second,) = announce(person, announced)
    assert (second.image_id, second.state, second.expires_at) == (first.image_id, "duplicate", None)
    assert uploads.post(person.user_id, second) is None
    assert second.existing is not None
    assert second.existing.status == "processing"
    assert account(person).used_bytes == announced.size
    assert account(person).reserved_bytes == 0


def test_a_rejected_photo_is_a_duplicate_that_tells_its_reason(person: Somebody) -> None:
    announced = file()
    (first,) = announce(person, announced)
    seal(person, first.image_id)
    with db.transaction(person.user_id) as conn:
        assert images.reject(conn, first.image_id, "It is broken.", revision=users.next_revision(conn))
    (second,) = announce(person, announced)
    assert (second.image_id, second.state) == (first.image_id, "duplicate")
    assert second.existing is not None
    assert second.existing.reason == "It is broken."


def test_a_photo_in_the_trash_is_named_and_not_uploaded_again(person: Somebody) -> None:
    sealed, pending = file(), file()
    (first, second) = announce(person, sealed, pending)
    seal(person, first.image_id)
    for answer in (first, second):
        trash(person, answer.image_id)
    answers = announce(person, sealed, pending)
    assert [(a.image_id, a.state, uploads.post(person.user_id, a)) for a in answers] == [
        (first.image_id, "in_trash", None),
        (second.image_id, "in_trash", None),
    ]


def test_one_file_twice_in_one_request_is_one_photo_counted_once(person: Somebody) -> None:
    announced = file(size=700)
    first, second = announce(person, announced, replace(announced, filename="copy.jpg"))
    assert first.image_id == second.image_id
    assert form(person, first)["key"] == form(person, second)["key"]
    assert account(person).reserved_bytes == 700
    with db.transaction(person.user_id) as conn:
        (event,) = activity.latest(conn, limit=10)
    assert event.detail == {"photos": 1, "bytes": 700}


def test_one_hash_with_two_sizes_in_one_request_is_a_conflict(person: Somebody) -> None:
    announced = file(size=700)
    with pytest.raises(OtherSize, match="with 700 bytes and with 800"):
        announce(person, announced, replace(announced, size=800))
    assert account(person).reserved_bytes == 0


def test_two_people_with_the_same_file_have_a_photo_each(person: Somebody) -> None:
    announced, other = file(), somebody()
    (mine,), (theirs,) = announce(person, announced), announce(other, announced)
    assert mine.image_id != theirs.image_id
    assert theirs.state == "upload"
    seal(person, mine.image_id)
    (theirs_again,) = announce(other, announced)
    assert theirs_again.state == "upload", "what others have sealed is not told"


def test_of_many_who_announce_the_same_file_at_once_all_get_the_same_id(person: Somebody) -> None:
    announced = file()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: announce(person, announced)[0], range(8)))
    assert len({answer.image_id for answer in answers}) == 1
    assert account(person).reserved_bytes == announced.size


# ------------------------------------------------------------------------------------------------ sealed uploads


def test_a_sealed_upload_comes_with_a_key_of_its_own_and_a_post_for_its_envelope(person: Somebody) -> None:
    announced = file(size=3 * 1024 * 1024)
    (answer,) = announce(person, announced, sealed=True)
    assert answer.seal is not None
    assert answer.seal.address == sealing.Address(person.user_id, answer.image_id, "upload")
    data = bytes(announced.size)
    envelope = sealing.seal(data, key=answer.seal.key, address=answer.seal.address)
    assert len(envelope) == answer.seal.sealed_bytes > announced.size
    _, conditions = policy(person, answer)
    assert ["content-length-range", len(envelope), len(envelope)] in conditions
    assert {"Content-Type": "application/octet-stream"} in conditions
    assert {"key": staging.key_of(person.user_id, answer.image_id)} in conditions
    assert not [name for name in form(person, answer) if "checksum" in name], "nobody knows it before the salt"
    image = stored(person, answer.image_id)
    assert (image.size, image.content_type) == (announced.size, "image/jpeg"), "those of the plaintext"
    assert account(person).reserved_bytes == announced.size


def test_the_key_of_an_upload_opens_nothing_else_of_its_photo(person: Somebody) -> None:
    (answer,) = announce(person, file(), sealed=True)
    image = stored(person, answer.image_id)
    with db.transaction(person.user_id) as conn:
        content_key = keyring.content_key_of(conn, image)
    assert answer.seal is not None
    others = {
        sealing.blob_key(content_key, sealing.Address(person.user_id, image.id, name))
        for name in ("original", "preview", "thumbnail", "metadata")
    }
    assert answer.seal.key not in {content_key, *others}


def test_asking_again_gives_the_same_key_and_a_post_as_asked_for_now(person: Somebody) -> None:
    announced = file(size=500)
    (first,), (plain,), (again,) = (announce(person, announced, sealed=sealed) for sealed in (True, False, True))
    assert first.image_id == plain.image_id == again.image_id
    assert plain.seal is None
    assert ["content-length-range", 500, 500] in policy(person, plain)[1]
    assert again.seal == first.seal
    assert account(person).reserved_bytes == 500


def test_two_photos_and_two_people_have_different_keys(person: Somebody) -> None:
    announced, other = file(), file()
    answers = [*announce(person, announced, other, sealed=True), *announce(somebody(), announced, sealed=True)]
    assert len({answer.seal.key for answer in answers if answer.seal}) == 3


def test_what_is_there_already_comes_without_a_key(person: Somebody) -> None:
    announced = file()
    (first,) = announce(person, announced, sealed=True)
    seal(person, first.image_id)
    (second,) = announce(person, announced, sealed=True)
    assert (second.state, second.seal) == ("duplicate", None)


def test_a_key_is_not_shown(person: Somebody) -> None:
    (answer,) = announce(person, file(), sealed=True)
    assert answer.seal is not None
    assert repr(answer.seal.key) not in repr(answer)


# --------------------------------------------------------------------------------------------------------- quota


def test_a_file_that_does_not_fit_is_refused_with_what_is_free(vault: Path) -> None:
    person = somebody(quota=1000)
    announce(person, file(size=600))
    with pytest.raises(QuotaExceeded, match="401 bytes and 400 bytes are free"):
        announce(person, file(size=401))
    announce(person, file(size=400))
    assert account(person).reserved_bytes == 1000


def test_of_a_request_that_does_not_fit_nothing_is_kept(vault: Path) -> None:
    person = somebody(quota=1000)
    files = [file(size=400), file(size=400), file(size=400)]
    with pytest.raises(QuotaExceeded):
        announce(person, *files)
    assert account(person).reserved_bytes == 0
    with db.transaction(person.user_id) as conn:
        assert images.known_sha256(conn, [each.sha256 for each in files]) == {}
        assert activity.latest(conn, limit=10) == []


def test_duplicates_need_no_room(vault: Path) -> None:
    person = somebody(quota=1000)
    announced = file(size=1000)
    (first,) = announce(person, announced)
    announce(person, announced)
    seal(person, first.image_id)
    assert announce(person, announced)[0].state == "duplicate"


def test_announcing_at_once_never_exceeds_the_quota(vault: Path) -> None:
    person = somebody(quota=10_000)
    dice = random.Random(1)
    wanted = [[file(size=dice.randrange(200, 900)) for _ in range(dice.randrange(1, 4))] for _ in range(40)]

    def attempt(files: Sequence[Announcement]) -> int:
        try:
            announce(person, *files)
        except QuotaExceeded:
            return 0
        return sum(each.size for each in files)

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(attempt, wanted))
    assert taken == account(person).reserved_bytes
    assert 10_000 - 900 * 3 < taken <= 10_000
    with db.transaction(person.user_id) as conn:
        assert db.value(conn, "SELECT sum(bytes) FROM images") == taken


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 500), max_size=12))
def test_what_is_reserved_is_what_is_pending(sizes: list[int]) -> None:
    person = somebody(quota=2000)
    for size in sizes:
        try:
            announce(person, file(size=size))
        except QuotaExceeded:
            assert account(person).reserved_bytes + size > 2000
    with db.transaction(person.user_id) as conn:
        pending = db.value(conn, "SELECT coalesce(sum(bytes), 0) FROM images WHERE status = 'pending'")
    assert account(person).reserved_bytes == pending


def test_every_change_has_a_revision_of_its_own_that_rises(person: Somebody) -> None:
    seen = []
    for _ in range(3):
        (answer,) = announce(person, file())
        with db.transaction(person.user_id) as conn:
            seen.append(db.value(conn, "SELECT revision FROM images WHERE id = %s", [answer.image_id]))
    assert seen == sorted(set(seen))


def test_keys_of_staging_name_a_person_and_a_photo_and_nothing_else() -> None:
    user_id, image_id = ids.new(), ids.new()
    key = staging.key_of(user_id, image_id)
    assert staging.ids_of(key) == (user_id, image_id)
    for other in ("", "incoming/", f"incoming/{user_id}", f"outgoing/{user_id}/{image_id}", key + "/", key + "/x",
                  key.upper(), f"incoming/{{{user_id}}}/{image_id}", f"incoming/{user_id.hex}/{image_id}", f"/{key}",
                  f"incoming//{user_id}/{image_id}", f"incoming/{user_id}/../{image_id}", f" {key}"):  # fmt: skip
        assert staging.ids_of(other) is None


@settings(deadline=None)
@given(st.text(max_size=100))
def test_no_text_crashes_the_reading_of_keys(text: str) -> None:
    assert staging.ids_of(text) is None
    assert staging.ids_of(staging.INCOMING + text) is None
