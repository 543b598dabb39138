"""Copies are found, different pictures are not, bursts are bursts; and groups do not depend on any order."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.arranging import table, value
from tests.pictures import camera_tags, draw, encode, paint, shared_photos
from tests.staged import Bucket
from tests.vaults import Somebody, forget, somebody

from photovault import db, duplicates, failpoints, formats, images, lookalikes, perceptual, staging, uploads, users
from photovault.duplicates import Likeness, Member, Pair, Photo
from photovault.errors import Tampered
from photovault.pipeline import comparing, purging, vision
from photovault.pipeline.messages import PhotoMessage

NOON = datetime(2025, 5, 9, 12)


def photo(number: int, image: Image.Image | None = None, **known: object) -> Photo:
    width, height = image.size if image else (400, 300)
    return Photo(UUID(int=number), hashlib.sha256(b"%d" % number).digest(), width, height, **known)  # type: ignore[arg-type]


def jpeg(image: Image.Image, quality: int = 90) -> Image.Image:
    """As it is decoded again."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return formats.decode(out.getvalue()).small


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def cropped(image: Image.Image, *, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> Image.Image:
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "quality 30": lambda image: jpeg(image, 30),
    "quality 95": lambda image: jpeg(image, 95),
    "half the size": lambda image: jpeg(half(image)),
    "without its left": lambda image: jpeg(cropped(image, left=0.05)),
    "without its right": lambda image: jpeg(cropped(image, right=0.05)),
    "without its top": lambda image: jpeg(cropped(image, top=0.05)),
    "without its bottom": lambda image: jpeg(cropped(image, bottom=0.05)),
    "its middle": lambda image: jpeg(cropped(image, left=0.025, top=0.025, right=0.025, bottom=0.025)),
    "sent by a messenger": lambda image: jpeg(half(image), 70),
}


def pair_of(one: Image.Image, other: Image.Image) -> list[Pair]:
    """What the two are to each other, if anything, verified in one direction."""
    a, b = photo(1, one), photo(2, other)
    return duplicates.pairs([(a, b)], {a.id: perceptual.look(one).sketch, b.id: perceptual.look(other).sketch})


def share_a_mark(one: Image.Image, other: Image.Image) -> bool:
    near = duplicates.NEAR
    return any(
        a.value == b.value and abs(a.x - b.x) <= near and abs(a.y - b.y) <= near
        for a in perceptual.look(one).marks
        for b in perceptual.look(other).marks
    )


def real_photos(most: int) -> list[Image.Image]:
    root = shared_photos("coco-mini", "val2017")
    if root is None:
        pytest.skip("the shared photos are not here")
    return [formats.decode(path.read_bytes()).image for path in sorted(root.glob("*.jpg"))[:most]]


# ---------------------------------------------------------------------------------------------------- two pictures


@pytest.mark.parametrize("change", COPIES)
def test_a_copy_is_found_and_verified(change: str) -> None:
    """All of coco-mini, in more versions: tests/benchmarks/bench_duplicates.py."""
    pictures = real_photos(20)
    found = 0
    for picture in pictures:
        original, copy = jpeg(picture, 92), COPIES[change](picture)
        (pair,) = pair_of(original, copy) or [None]
        assert pair is None or pair.kind == "duplicate"
        found += pair is not None and share_a_mark(original, copy)
    assert found >= 0.95 * len(pictures)


def test_different_pictures_are_no_pair_even_where_they_were_candidates() -> None:
    pictures = [jpeg(picture) for picture in real_photos(30)]
    sketches = {UUID(int=n): perceptual.look(picture).sketch for n, picture in enumerate(pictures)}
    photos = [photo(n, picture) for n, picture in enumerate(pictures)]
    all_pairs = [(a, b) for n, a in enumerate(photos) for b in photos[:n]]
    assert duplicates.pairs(all_pairs, sketches) == []


def test_a_crop_says_how_much_it_shows() -> None:
    picture = real_photos(1)[0]
    whole, crop = jpeg(picture), jpeg(cropped(picture, left=0.05))
    (pair,) = pair_of(whole, crop)
    shown = pair.share if pair.a == UUID(int=1) else 1 / pair.share
    assert shown == pytest.approx(0.95, abs=0.01)


def test_a_version_in_black_and_white_is_another_picture() -> None:
    picture = real_photos(4)[3]
    assert pair_of(jpeg(picture), jpeg(picture.convert("L").convert("RGB"))) == []
    grey = picture.convert("L")
    assert len(pair_of(jpeg(grey), jpeg(half(grey), 70))) == 1


def test_a_stretched_picture_is_no_crop() -> None:
    picture = real_photos(2)[1]
    narrow = picture.resize((round(picture.width * 0.85), picture.height))
    assert pair_of(jpeg(picture), jpeg(cropped(narrow, left=0.03))) == []


def test_pictures_without_anything_in_them_are_not_told_to_be_copies() -> None:
    black, grey = Image.new("RGB", (400, 300)), Image.new("RGB", (400, 300), (90, 90, 90))
    assert perceptual.look(black).marks == ()
    assert pair_of(black, grey) == []
    assert pair_of(black, black) == []


def test_transparency_is_white_as_in_the_copies_that_lost_it() -> None:
    picture = paint(5, (400, 300)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    assert perceptual.look(picture) == perceptual.look(ground)


@pytest.mark.parametrize("size", [(1, 1), (1, 1280), (1280, 3), (7, 9), (64, 64), (400, 300)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_every_size_and_mode_has_a_look(size: tuple[int, int], mode: str) -> None:
    seen = perceptual.look(paint(1, (400, 300)).resize(size).convert(mode))
    assert len(seen.sketch) == perceptual.SKETCH_BYTES
    for mark in seen.marks:
        assert 0 <= mark.value < 2**23
        assert 0 <= mark.x < 256
        assert 0 <= mark.y < 256


# ------------------------------------------------------------------------------------------------ copies or bursts

SAME = Likeness(whole=1, detail=1, spot=0, contrast=50, overlap=1, across=1, down=1, moved=0)
ALIKE = Likeness(whole=0.9, detail=0.7, spot=1, contrast=50, overlap=1, across=1, down=1, moved=0.02)
OTHER = Likeness(whole=0.5, detail=0.1, spot=2, contrast=50, overlap=1, across=1, down=1, moved=0.1)


@pytest.mark.parametrize(
    ("later", "likeness", "kind"),
    [
        (timedelta(0), SAME, "duplicate"),
        (timedelta(0), ALIKE, "burst"),
        (timedelta(seconds=2), SAME, "burst"),
        (timedelta(seconds=2), ALIKE, "burst"),
        (timedelta(seconds=2), OTHER, None),
        (timedelta(seconds=11), SAME, None),
        (timedelta(milliseconds=300), SAME, "burst"),
    ],
)
def test_the_cameras_clock_tells_copies_from_bursts(later: timedelta, likeness: Likeness, kind: str | None) -> None:
    first = NOON + timedelta(milliseconds=250)
    a, b = photo(1, taken=first, camera="Canon"), photo(2, taken=first + later, camera="Canon")
    assert duplicates.judge(a, b, likeness) == kind


@pytest.mark.parametrize("other", [{}, {"taken": NOON}, {"taken": NOON + timedelta(hours=1), "camera": "Nikon"}])
def test_without_a_common_clock_the_pixels_decide(other: dict[str, object]) -> None:
    a, b = photo(1, taken=NOON, camera="Canon"), photo(2, **other)
    assert duplicates.judge(a, b, SAME) == "duplicate"
    assert duplicates.judge(a, b, ALIKE) is None


def test_a_copy_that_lost_the_fraction_of_its_second_is_a_copy() -> None:
    a = photo(1, taken=NOON + timedelta(milliseconds=380), camera="Canon")
    assert duplicates.judge(a, photo(2, taken=NOON, camera="Canon"), SAME) == "duplicate"


@pytest.mark.parametrize(("seconds", "kind"), [(0, "duplicate"), (2, None)])
def test_times_of_exposure_count_without_a_cameras_name_too(seconds: int, kind: str | None) -> None:
    a, b = photo(1, taken=NOON), photo(2, taken=NOON + timedelta(seconds=seconds))
    assert duplicates.judge(a, b, SAME) == kind


def test_what_two_photos_are_to_each_other_does_not_depend_on_which_came_first() -> None:
    pictures = [jpeg(picture) for picture in real_photos(8)]
    pictures += [jpeg(cropped(picture, left=0.05, top=0.03), 60) for picture in pictures]
    photos = [photo(n, picture) for n, picture in enumerate(pictures)]
    sketches = {one.id: perceptual.look(picture).sketch for one, picture in zip(photos, pictures, strict=True)}
    forth = [(a, b) for n, a in enumerate(photos) for b in photos[:n]]
    back = [(b, a) for a, b in reversed(forth)]
    found = duplicates.pairs(forth, sketches)
    assert len(found) == 8
    assert sorted(found, key=lambda pair: pair.a) == sorted(duplicates.pairs(back, sketches), key=lambda pair: pair.a)


def test_what_differs_in_one_spot_is_another_picture() -> None:
    """Somebody who moved, before a wall that did not."""
    for picture in real_photos(6):
        width, height = picture.size
        changed = picture.copy()
        patch = picture.crop((0, 0, width // 4, height // 4)).transpose(Image.Transpose.ROTATE_180)
        changed.paste(patch, (width // 2, height // 2))
        assert pair_of(jpeg(picture), jpeg(changed)) == []


# ---------------------------------------------------------------------------------------------------------- groups


def pairs_among(numbers: Sequence[int], kind: str = "duplicate", score: float = 0.99) -> list[Pair]:
    return [Pair(UUID(int=a), UUID(int=b), kind, score) for a in numbers for b in numbers if a < b]  # type: ignore[arg-type]


ORDER = {UUID(int=n): hashlib.sha256(b"%d" % n).digest() for n in range(100)}


def members(found: Sequence[duplicates.Group], kind: str = "duplicate") -> list[list[int]]:
    return sorted([member.int for member in one.members] for one in found if one.kind == kind)


def test_pairs_become_groups() -> None:
    found = duplicates.group([*pairs_among([1, 2, 3]), *pairs_among([7, 8])], ORDER)
    assert members(found) == [[1, 2, 3], [7, 8]]


def test_a_chain_of_neighbours_is_no_group() -> None:
    chain = [Pair(UUID(int=n), UUID(int=n + 1), "duplicate", 0.99) for n in range(20)]
    found = duplicates.group(chain, ORDER)
    assert max(len(one.members) for one in found) <= 3


def test_two_shots_of_a_burst_are_never_copies_of_one_picture() -> None:
    """Even where a copy without metadata looks like both: it goes to the one that it is liker to."""
    shots, copy = pairs_among([1, 2], "burst"), UUID(int=3)
    likes = [Pair(UUID(int=1), copy, "duplicate", 0.999), Pair(UUID(int=2), copy, "duplicate", 0.98)]
    found = duplicates.group([*shots, *likes], ORDER)
    assert members(found) == [[1, 3]]
    assert members(found, "burst") == [[1, 2]]


def test_the_id_follows_from_the_members() -> None:
    first, second = duplicates.group(pairs_among([1, 2, 3]), ORDER), duplicates.group(pairs_among([1, 2, 3]), ORDER)
    assert first == second
    assert first[0].id != duplicates.group(pairs_among([1, 2]), ORDER)[0].id
    assert first[0].id != duplicates.group_id("burst", first[0].members)


@st.composite
def pair_lists(draw_from: st.DrawFn) -> list[Pair]:
    both = st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda two: two[0] < two[1])
    chosen = draw_from(st.lists(both, unique=True, max_size=40))
    kinds = st.sampled_from(["duplicate", "duplicate", "burst"])
    scores = st.sampled_from([0.93, 0.98, 0.99, 1.0])
    return [Pair(UUID(int=a), UUID(int=b), draw_from(kinds), draw_from(scores)) for a, b in chosen]


@settings(max_examples=150)
@given(pair_lists(), st.randoms(use_true_random=False))
def test_groups_are_a_function_of_the_set(found: list[Pair], shuffler: random.Random) -> None:
    """In any order, whichever of two photos is named first, and whatever the ids are."""
    expected = duplicates.group(found, ORDER)
    turned = [Pair(p.b, p.a, p.kind, p.score) if shuffler.random() < 0.5 else p for p in found]
    shuffler.shuffle(turned)
    assert duplicates.group(turned, ORDER) == expected
    renamed = {one: UUID(int=one.int + 1000 - 7 * (one.int % 5)) for one in ORDER}
    again = duplicates.group(
        [Pair(renamed[p.a], renamed[p.b], p.kind, p.score) for p in found],
        {renamed[one]: order for one, order in ORDER.items()},
    )
    assert {(one.kind, frozenset(one.members)) for one in again} == {
        (one.kind, frozenset(renamed[member] for member in one.members)) for one in expected
    }


@settings(max_examples=150)
@given(pair_lists())
def test_half_of_a_groups_pairs_are_verified_and_no_photo_is_in_two(found: list[Pair]) -> None:
    verified = {frozenset((p.a, p.b)) for p in found if p.kind == "duplicate"}
    apart = {frozenset((p.a, p.b)) for p in found if p.kind == "burst"}
    groups = [set(one.members) for one in duplicates.group(found, ORDER) if one.kind == "duplicate"]
    assert sum(map(len, groups)) == len(set().union(*groups))
    for one in groups:
        inside = {frozenset((a, b)) for a in one for b in one if a < b}
        assert 2 * len(inside & verified) >= len(inside)
        assert not inside & apart


# ---------------------------------------------------------------------------------------------- what is kept, and why


def member(number: int, **changes: object) -> Member:
    known: dict[str, object] = {
        "id": UUID(int=number),
        "width": 4000,
        "height": 3000,
        "size": 5_000_000,
        "content_type": "image/jpeg",
        "known": 3,
        "taken": NOON,
        "created_at": datetime(2025, 5, 10, tzinfo=UTC) + timedelta(minutes=number),
    }
    return Member(**known | changes)  # type: ignore[arg-type]


def test_the_keeper_is_the_largest_then_the_heaviest_then_the_best_known_then_the_first() -> None:
    first, second = member(1), member(2)
    assert duplicates.keeper([second, first]) == first
    known = member(3, known=4)
    assert duplicates.keeper([first, second, known]) == known
    heavy = member(4, size=6_000_000, known=0)
    assert duplicates.keeper([first, known, heavy]) == heavy
    large = member(5, width=4100, size=1)
    assert duplicates.keeper([first, known, heavy, large]) == large


@pytest.mark.parametrize(
    ("changes", "share", "words"),
    [
        ({"width": 2000, "height": 1500, "size": 800_000}, 1.0, "same picture, half the size"),
        ({"width": 1600, "height": 1200, "known": 0}, 1.0, "same picture, 40 % of the size, less known about it"),
        ({"width": 3800}, 0.95, "same picture, cropped by 5 %"),
        ({"content_type": "image/heic", "size": 2_000_000}, 1.0, "same picture, HEIC"),
        ({"size": 900_000}, 1.0, "same picture, smaller file"),
        ({"size": 900_000}, None, "same picture, smaller file"),
        ({}, 1.0, "same picture"),
    ],
)
def test_what_tells_a_copy_from_the_keeper(changes: dict[str, object], share: float | None, words: str) -> None:
    assert duplicates.reason(member(1), member(2, **changes), kind="duplicate", share=share) == words


@pytest.mark.parametrize("sizes", [(0, 0), (400, 0), (0, 400)])
def test_sizes_that_are_not_known_are_not_compared(sizes: tuple[int, int]) -> None:
    kept, other = (member(number, width=size, height=size) for number, size in enumerate(sizes, start=1))
    assert "size" not in duplicates.reason(kept, other, kind="duplicate", share=None)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(seconds=1.25), "taken 1.25 s later"),
        (timedelta(seconds=-3), "taken 3 s earlier"),
        (timedelta(0), "taken in the same second"),
    ],
)
def test_shots_of_a_burst_differ_in_time(later: timedelta, words: str) -> None:
    assert duplicates.reason(member(1), member(2, taken=NOON + later), kind="burst", share=None) == words


# ------------------------------------------------------------------------------------- from an upload to a pair


@pytest.fixture(scope="module")
def _small_models(vault: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_PROVIDER", "haar")
        patch.setenv("EMBEDDINGS_PROVIDER", "phash")
        forget()
        yield
    forget()


@pytest.fixture
def ada(vault: Path, _small_models: None, sent: object) -> Somebody:
    return somebody()


def upload(who: Somebody, bucket: Bucket, data: bytes) -> UUID:
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(who.user_id) as conn:
        (answer,) = uploads.announce(conn, who.user_id, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(who.user_id, answer.image_id)] = data
    return answer.image_id


def see(who: Somebody, bucket: Bucket, data: bytes) -> UUID:
    image_id = upload(who, bucket, data)
    vision.handle(PhotoMessage(who.user_id, image_id))
    return image_id


def smaller(seed: int) -> bytes:
    return encode(half(paint(seed, (800, 600))), quality=60)


def pairs_of(who: Somebody) -> list[tuple[frozenset[UUID], str]]:
    return [
        (frozenset((a, b)), kind) for a, b, kind in table(who.user_id, "SELECT image_a, image_b, kind FROM look_alikes")
    ]


def test_a_photo_and_its_smaller_copy_are_a_pair_in_either_order(ada: Somebody, bucket: Bucket) -> None:
    for first, second in ((draw(1, (800, 600)), smaller(1)), (smaller(2), draw(2, (800, 600)))):
        one, other = see(ada, bucket, first), see(ada, bucket, second)
        assert (frozenset((one, other)), "duplicate") in pairs_of(ada)
    assert len(pairs_of(ada)) == 2


def test_two_that_come_at_once_are_found_by_the_later(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are understood before either is compared."""
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "compare", lambda *_: None)
        one, other = see(ada, bucket, draw(3, (800, 600))), see(ada, bucket, smaller(3))
    assert pairs_of(ada) == []
    comparing.compare(ada.user_id, other)
    comparing.compare(ada.user_id, one)
    assert pairs_of(ada) == [(frozenset((one, other)), "duplicate")]


def test_two_that_are_committed_at_the_same_time_are_found(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever commits second sees the marks of the first, because both look for them under the person's lock."""
    together = Barrier(2, timeout=60)
    monkeypatch.setattr(
        failpoints, "reach", lambda name: together.wait() if name in {"vision.stored", "vision.committed"} else None
    )
    photos = [upload(ada, bucket, draw(20, (800, 600))), upload(ada, bucket, smaller(20))]
    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(vision.handle, PhotoMessage(ada.user_id, one)) for one in photos]:
            done.result()
    assert pairs_of(ada) == [(frozenset(photos), "duplicate")]
    with db.transaction(ada.user_id) as conn:
        assert [lookalikes.waiting(conn, one, before=UUID(int=0), limit=1) for one in photos] == [[], []]


def test_a_photo_that_is_like_no_other_counts_as_compared_at_once(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(ada, bucket, draw(21, (800, 600)))

    def never(*_: object) -> None:
        raise AssertionError("there is nothing to compare it with")

    monkeypatch.setattr(comparing, "compare", never)
    other = see(ada, bucket, draw(22, (600, 800)))
    with db.transaction(ada.user_id) as conn:
        assert lookalikes.waiting(conn, other, before=UUID(int=0), limit=1) == []


def test_a_worker_that_died_before_comparing_is_made_up_for_by_the_next_delivery(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = see(ada, bucket, draw(4, (800, 600)))
    other = upload(ada, bucket, smaller(4))

    def die(*_: object) -> list[Pair]:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(duplicates, "pairs", die)
        with pytest.raises(MemoryError):
            vision.handle(PhotoMessage(ada.user_id, other))
    assert pairs_of(ada) == []
    vision.handle(PhotoMessage(ada.user_id, other))
    assert pairs_of(ada) == [(frozenset((one, other)), "duplicate")]
    vision.handle(PhotoMessage(ada.user_id, other))
    assert len(pairs_of(ada)) == 1


def test_photos_left_behind_are_compared_with_a_later_one(
    ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "compare", lambda *_: None)
        one, other = see(ada, bucket, draw(5, (800, 600))), see(ada, bucket, smaller(5))
    monkeypatch.setattr(comparing, "_LEFT_BEHIND_SECONDS", -60)
    see(ada, bucket, draw(6, (800, 600)))
    assert pairs_of(ada) == [(frozenset((one, other)), "duplicate")]


def test_shots_of_one_camera_within_seconds_are_a_burst(ada: Somebody, bucket: Bucket) -> None:
    shots = []
    for second in range(3):
        tags = camera_tags(taken=NOON + timedelta(seconds=second), camera=("Canon", "R5"))
        shots.append(encode(cropped(paint(7, (800, 600)), left=0.01 * second), quality=90, exif=tags))
    ids = [see(ada, bucket, shot) for shot in shots]
    assert {pair for pair, kind in pairs_of(ada) if kind == "burst"} == {
        frozenset((a, b)) for a in ids for b in ids if a < b
    }
    assert {kind for _, kind in pairs_of(ada)} == {"burst"}


def test_nobody_is_compared_with_somebody_else(ada: Somebody, bucket: Bucket) -> None:
    eve = somebody()
    see(ada, bucket, draw(8, (800, 600)))
    see(eve, bucket, smaller(8))
    assert pairs_of(ada) == pairs_of(eve) == []


def test_the_sketch_is_sealed_and_bound_to_its_photo(ada: Somebody, bucket: Bucket) -> None:
    image_id = see(ada, bucket, draw(9, (800, 600)))
    plain = perceptual.look(formats.decode(draw(9, (800, 600))).small).sketch
    stored = bytes(value(ada.user_id, "SELECT sketch FROM image_looks WHERE image_id = %s", [image_id]))
    assert plain[:64] not in stored
    key = bytes(32)
    sealed = comparing.seal(plain, content_key=key, user_id=ada.user_id, image_id=image_id)
    assert comparing.unseal(sealed, content_key=key, user_id=ada.user_id, image_id=image_id) == plain
    with pytest.raises(Tampered):
        comparing.unseal(sealed, content_key=key, user_id=ada.user_id, image_id=UUID(int=1))


def test_a_sketch_that_does_not_open_keeps_nobody_else_from_being_compared(ada: Somebody, bucket: Bucket) -> None:
    broken, one = see(ada, bucket, draw(10, (800, 600))), see(ada, bucket, encode(paint(10, (800, 600)), quality=75))
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)
        conn.execute("DELETE FROM look_alikes")
        conn.execute("UPDATE image_looks SET sketch = %s WHERE image_id = %s", [bytes(1052), broken])
    other = see(ada, bucket, smaller(10))
    assert pairs_of(ada) == [(frozenset((one, other)), "duplicate")]


def test_a_purged_photo_takes_its_pairs_and_marks_along(ada: Somebody, bucket: Bucket) -> None:
    see(ada, bucket, draw(11, (800, 600)))
    other = see(ada, bucket, smaller(11))
    with db.transaction(ada.user_id) as conn:
        images.move_to_trash(conn, other, revision=users.next_revision(conn))
        assert lookalikes.offered(conn) == []
    purging.purge(ada.user_id, [other], deleted_before=datetime.now(UTC) + timedelta(days=1))
    assert pairs_of(ada) == []
    assert value(ada.user_id, "SELECT count(*) FROM image_marks WHERE image_id = %s", [other]) == 0


def test_candidates_are_found_through_an_index(ada: Somebody, bucket: Bucket) -> None:
    """Row-level security lets only equalities and comparisons reach one."""
    see(ada, bucket, draw(12, (800, 600)))
    with db.transaction(ada.user_id) as conn:
        conn.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in conn.execute(
                "EXPLAIN SELECT o.image_id FROM unnest(%(marks)s::int[]) AS m(mark) "
                "JOIN image_marks o ON o.mark = m.mark WHERE o.mark = ANY(%(marks)s)",
                {"marks": [1, 2, 3]},
            )
        )
    assert "image_marks_pkey" in plan
    assert "mark = ANY" in plan.partition("Index Cond")[2].partition("\n")[0]
