"""The demonstration: its story, and the client that tells it to a vault."""

import hashlib
import io
import re
import stat
from datetime import datetime
from pathlib import Path

import pytest
from infra.local import demo, story
from infra.local.ports import free_port
from PIL import Image
from rich.console import Console

from photovault import drafting, drafts, formats, homes, ids, perceptual
from photovault.errors import Rejected


def shots(photos: int) -> list[story._Shot]:
    """What the camera took of a story, without drawing it."""
    return sorted(
        (
            story._Shot(**{name: picture.draw.keywords[name] for name in ("taken", "offset", "camera")},
                        position=picture.draw.keywords["gps"])  # type: ignore[attr-defined]
            for picture in story.tell(photos)[:-5]
        ),
        key=lambda shot: shot.taken,
    )  # fmt: skip


def as_photos(photos: int) -> list[drafts.Photo]:
    return [
        drafts.Photo(
            id=ids.from_time(n, 0),
            local=shot.taken,
            local_day=shot.taken.date(),
            lat=shot.position[0] if shot.position else None,
            lon=shot.position[1] if shot.position else None,
        )
        for n, shot in enumerate(shots(photos))
    ]


@pytest.mark.parametrize("photos", [40, 41, 60, 97, 500])
def test_the_story_has_as_many_files_as_asked_for_under_names_of_their_own(photos: int) -> None:
    pictures = story.tell(photos)
    assert len(pictures) == len({picture.filename for picture in pictures}) == photos


def test_fewer_photos_than_the_story_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 40"):
        story.tell(39)


@pytest.mark.parametrize("photos", [40, 60, 300])
def test_the_rules_of_albums_find_the_home_the_journey_and_the_birthday(photos: int) -> None:
    taken = as_photos(photos)
    (home,) = homes.find_homes(taken)
    assert not home.provisional
    assert (round(home.lat, 1), round(home.lon, 1)) == (48.2, 16.4)
    made = drafting.draft(taken)
    (trip,) = [draft for draft in made if draft.kind == "trip"]
    assert (trip.first_day, trip.last_day) == (story.WEEKEND, story.WEEKEND.replace(day=18))
    assert story.BIRTHDAY in {draft.first_day for draft in made if draft.kind == "event"}


def test_every_file_is_drawn_the_same_each_time_and_no_two_are_alike() -> None:
    first, again = ([picture.draw() for picture in story.tell(40)] for _ in range(2))
    assert first == again
    assert len({hashlib.sha256(data).digest() for data in first}) == 40


def test_copies_look_like_their_originals_and_carry_no_metadata() -> None:
    *taken, one, two, three, _, _ = story.tell(40)
    for copy, original in ((one, taken[3]), (two, taken[7]), (three, taken[-4])):
        with Image.open(io.BytesIO(copy.draw())) as image, Image.open(io.BytesIO(original.draw())) as source:
            assert not image.getexif()
            assert source.getexif()
            assert perceptual.hamming(perceptual.phash(image), perceptual.phash(source)) <= 2


def test_the_screenshot_is_a_png_without_exif_and_the_broken_file_is_rejected() -> None:
    *_, screenshot, broken = story.tell(40)
    with Image.open(io.BytesIO(screenshot.draw())) as image:
        assert image.format == "PNG"
        assert not image.getexif()
    assert formats.sniff(broken.draw()) == "image/jpeg"
    with pytest.raises(Rejected, match="broken"):
        formats.decode(broken.draw())


def test_clocks_are_those_of_the_place_and_season() -> None:
    for shot in shots(60):
        summer, abroad = shot.taken >= datetime(2025, 3, 30, 2), shot.camera == story.CAMERA
        assert shot.offset == ("+02:00" if summer and not abroad else "+01:00")


# ------------------------------------------------------------------------------------------------------- the client


def test_without_a_vault_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert demo.main(["--url", url, "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert url in said
    assert "make run" in said
    assert not (tmp_path / "demo.env").exists()


def test_too_few_photos_are_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        demo.main(["--photos", "3"])
    assert "at least 40" in capsys.readouterr().err


def test_the_password_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "demo.env"
    made = demo.keep_account(path, "demo@example.com")
    assert len(made.password) >= 12
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert demo.keep_account(path, "demo@example.com") == made
    assert demo.keep_account(path, "other@example.com").password != made.password


def test_on_the_cloud_it_fills_an_account_and_a_second_run_finds_everything_there(
    api_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"photos": 40, "email": "demo@example.com", "folder": tmp_path}
    first = Console(file=io.StringIO(), width=160)
    demo.run(api_url, console=first, **arguments)  # type: ignore[arg-type]
    said = first.file.getvalue()  # type: ignore[attr-defined]
    assert "Signed up as demo@example.com" in said
    assert "40 of 40 files were uploaded" in said
    assert "holiday-from-old-phone.jpg: The file is broken" in said
    for kind in ("place", "date", "trip", "event"):
        assert f" {kind} " in said
    with demo.Vault(api_url) as vault:
        assert not vault.log_in(demo.keep_account(tmp_path / "demo.env", "demo@example.com"))
        for promised in re.findall(r'"([^"]+)"', demo.NEXT):
            assert list(vault.items("/search/", q=promised)), f"nothing is found for {promised!r}"
    second = Console(file=io.StringIO(), width=160)
    demo.run(api_url, console=second, **arguments)  # type: ignore[arg-type]
    said = second.file.getvalue()  # type: ignore[attr-defined]
    assert "Logged in as demo@example.com" in said
    assert "40 of 40 files were already in your vault" in said


def test_the_vault_that_runs_here_is_found_at_whichever_port_it_got(tmp_path: Path) -> None:
    running = tmp_path / "environment.json"
    assert demo.address(running) == demo.URL
    running.write_text("{")
    assert demo.address(running) == demo.URL
    running.write_text('{"PUBLIC_URL": "http://127.0.0.1:4711"}')
    assert demo.address(running) == "http://127.0.0.1:4711"
