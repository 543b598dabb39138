"""`photovault upload` on the deployed template: folders go up, are killed and gone on with, and nothing comes twice."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from infra.local.pictures import draw
from tests.flows.uploader import Client
from tests.shared.test_immich_export import sidecar
from tests.shared.test_motion import live_film, live_picture, maker_note

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from photovault.cli import main; main()"]
PHOTOS = 24


class Person:
    """Somebody with a home folder of their own, at a shell."""

    def __init__(self, home: Path, server: str) -> None:
        self.home, self.server = home, server
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("PHOTOVAULT_")}
        self.environment = inherited | {
            "PYTHONPATH": str(ROOT / "shared"),
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, typed: str = "", code: int = 0) -> str:
        """What a command prints."""
        process = self.start(*arguments)
        out, err = process.communicate(typed, timeout=120)
        assert "Traceback" not in err, err
        assert process.returncode == code, (process.returncode, out, err)
        return out + err

    def upload(self, *arguments: str | Path, code: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """What became of each file, and the summary."""
        lines = [json.loads(line) for line in self.run("upload", *arguments, "--json", code=code).splitlines()]
        return [line for line in lines if line["event"] == "item"], lines[-1]


def sign_up(home: Path, server: str, name: str) -> Person:
    person = Person(home, server)
    email = f"{os.urandom(6).hex()}@example.com"
    who = ("--server", server, "--email", email, "--name", name)
    assert f"Welcome, {name}." in person.run("signup", *who, "--password-stdin", typed="password123\n")
    return person


@pytest.fixture(scope="module")
def ada(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Person:
    return sign_up(tmp_path_factory.mktemp("ada"), api_url, "Ada")


@pytest.fixture(scope="module")
def vault_of(ada: Person) -> Client:
    """The same person through a plain client."""
    return client_of(ada)


def client_of(person: Person) -> Client:
    client = Client(person.server)
    (session,) = json.loads((person.home / "state/photovault/session.json").read_text())["sessions"]
    client.headers["Authorization"] = f"Bearer {session['access_token']}"
    return client


def photos(folder: Path, count: int, *, first: int = 0) -> dict[str, bytes]:
    start = datetime(2025, 5, 9, 10, 30)
    made = {f"IMG_{n}.jpg": draw(n, (400, 300), taken=start + timedelta(hours=n)) for n in range(first, first + count)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return made


def test_a_folder_goes_up_with_its_album_and_is_all_there_the_second_time(
    ada: Person, vault_of: Client, tmp_path: Path
) -> None:
    made = photos(tmp_path / "trip" / "day one", 6)
    (tmp_path / "trip" / "notes.txt").write_text("a text")
    (tmp_path / "trip" / "again.jpg").write_bytes(made["IMG_0.jpg"])
    items, summary = ada.upload(tmp_path / "trip", "--album", "The trip", "--wait")
    assert (summary["uploaded"], summary["duplicate"], summary["skipped"], summary["failed"]) == (6, 1, 1, 0)
    (skipped,) = [item for item in items if item["state"] == "skipped"]
    assert skipped["path"].endswith("notes.txt")
    assert "a text" in skipped["why"]
    (album,) = vault_of.items("/albums/", kind="manual")
    assert (album["title"], album["image_count"]) == ("The trip", 6)
    listed = {photo["sha256"]: photo for photo in vault_of.items("/images/list")}
    assert {hashlib.sha256(data).hexdigest() for data in made.values()} == set(listed)
    assert {photo["status"] for photo in listed.values()} == {"ready"}
    _, summary = ada.upload(tmp_path / "trip", "--album", "The trip")
    assert (summary["uploaded"], summary["duplicate"]) == (0, 7)
    assert len(vault_of.items("/albums/", kind="manual")) == 1


def test_an_upload_that_is_killed_is_gone_on_with_and_nothing_comes_twice(
    ada: Person, vault_of: Client, tmp_path: Path
) -> None:
    made = photos(tmp_path / "many", PHOTOS, first=100)
    before = len(vault_of.items("/images/list"))
    process = ada.start("upload", tmp_path / "many", "--jobs", "1", "--json")
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, summary = ada.upload(tmp_path / "many", "--wait")
    assert summary["uploaded"] + summary["duplicate"] == PHOTOS
    assert summary["failed"] == summary["rejected"] == 0
    listed = [photo["sha256"] for photo in vault_of.items("/images/list")]
    assert len(listed) == len(set(listed)) == before + PHOTOS
    assert {hashlib.sha256(data).hexdigest() for data in made.values()} <= set(listed)


def test_ctrl_c_says_how_to_go_on(ada: Person, tmp_path: Path) -> None:
    photos(tmp_path / "more", PHOTOS, first=200)
    process = ada.start("upload", tmp_path / "more", "--jobs", "1", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "run the same command again" in json.loads(out.splitlines()[-1])["detail"]
    assert err == ""


def test_sealed_uploads_arrive(ada: Person, vault_of: Client, tmp_path: Path) -> None:
    made = photos(tmp_path / "sealed", 2, first=300)
    _, summary = ada.upload(tmp_path / "sealed", "--sealed", "--wait")
    assert summary["uploaded"] == len(made)
    listed = {photo["sha256"]: photo["status"] for photo in vault_of.items("/images/list")}
    assert {listed[hashlib.sha256(data).hexdigest()] for data in made.values()} == {"ready"}


def test_a_broken_photo_is_told_in_a_sentence(ada: Person, tmp_path: Path) -> None:
    whole = draw(400, (400, 300))
    (tmp_path / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    told = ada.run("upload", tmp_path / "broken.jpg", "--wait", code=1)
    assert "The vault rejected: The file ends too early" in told, told
    again = ada.run("upload", tmp_path / "broken.jpg", code=1)
    assert "The file ends too early" in again, again


def test_a_live_photo_goes_up_as_one(ada: Person, vault_of: Client, tmp_path: Path) -> None:
    (tmp_path / "IMG_1.jpg").write_bytes(live_picture(maker_note()))
    (tmp_path / "IMG_1.MOV").write_bytes(live_film())
    items, summary = ada.upload(tmp_path, "--wait", "--album", "Live")
    assert summary["uploaded"] == 2
    (image_id,) = {item["image_id"] for item in items if item["path"].endswith(".jpg")}
    deadline = time.monotonic() + 60
    while "motion" not in vault_of.json(f"/images/{image_id}")["tickets"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (album,) = [album for album in vault_of.items("/albums/", kind="manual") if album["title"] == "Live"]
    assert album["image_count"] == 1
    assert ada.upload(tmp_path)[1]["duplicate"] == 2


def test_what_is_uploaded_is_found_and_fetched(ada: Person, tmp_path: Path) -> None:
    made = photos(tmp_path / "here", 1, first=500)
    ada.upload(tmp_path / "here", "--wait")
    told = ada.run("search", "2025-05-30", "--download", tmp_path / "back")
    assert "Understood: date 2025-05-30" in told, told
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["IMG_500.jpg"]
    assert (tmp_path / "back" / "IMG_500.jpg").read_bytes() == made["IMG_500.jpg"]
    assert "1 there already" in ada.run("search", "2025-05-30", "--download", tmp_path / "back")
    lines = [json.loads(line) for line in ada.run("search", "2025-05-30", "--json").splitlines()]
    assert [line["event"] for line in lines] == ["query", "hit"]
    assert "tickets" not in lines[1]["image"]
    assert "Nothing is found" in ada.run("search", "before 1950", code=1)


def test_albums_are_made_filled_and_explained(ada: Person, tmp_path: Path) -> None:
    photos(tmp_path / "here", 2, first=600)
    items, _ = ada.upload(tmp_path / "here", "--wait")
    assert "For grandma: 2 photos." in ada.run("albums", "create", "For grandma", "--search", "june 2025")
    assert "For grandma: 3 photos." in ada.run("albums", "add", "for grandma", "--search", "2025-05-30")
    assert "For grandma: 3 photos." in ada.run("albums", "add", "for grandma", *(item["image_id"] for item in items))
    assert "For grandma" in ada.run("albums")
    assert "You put it here." in ada.run("albums", "show", "For grandma")
    assert ada.run("albums", "why", "For grandma").strip()
    assert "no album of the title" in ada.run("albums", "show", "For grandpa", code=1)


def test_people_are_listed_and_missed(ada: Person) -> None:
    ada.run("people", "list", "--hidden")
    assert "Nobody is called 'Grace'" in ada.run("people", "name", "Grace", "Hopper", code=1)


def test_the_doctor_finds_all_well(ada: Person) -> None:
    found = {each["check"]: each for each in map(json.loads, ada.run("doctor", "--json").splitlines())}
    assert {each["state"] for each in found.values()} == {"ok"}, found
    assert set(found) == {"files", "cache", "server", "clock", "runs", "ready", "session", "storage"}
    assert "opened" in found["storage"]["detail"]


def test_a_takeout_comes_in_from_its_zips_with_what_google_knows(ada: Person, vault_of: Client, tmp_path: Path) -> None:
    about = {"title": "old.jpg", "photoTakenTime": {"timestamp": "1556712000"}, "description": "By the river",
             "favorited": True, "geoData": {"latitude": 41.1496, "longitude": -8.6109}}  # fmt: skip
    photo, album = draw(700, (400, 300)), {"title": "Porto", "description": "", "date": {}}
    for number, files in enumerate(
        [
            {"Porto/old.jpg": photo, "Photos from 2019/old.jpg.supplemental-metadata.json": about},
            {"Photos from 2019/old.jpg": photo, "Porto/metadata.json": album, "Photos from 2019/it.jpg": b"damaged"},
        ],
        1,
    ):
        with zipfile.ZipFile(tmp_path / f"takeout-20250601T120000Z-00{number}.zip", "w") as zip_:
            for name, data in files.items():
                zip_.writestr(f"Takeout/Google Photos/{name}", data if isinstance(data, bytes) else json.dumps(data))
    parts = sorted(tmp_path.glob("*.zip"))
    assert "1 file would be uploaded" in ada.run("import", "takeout", *parts, "--dry-run")
    told = ada.run("import", "takeout", *parts)
    assert "1 file uploaded" in told, told
    assert "1 photo got what the export knows" in told
    known = next(each for each in vault_of.items("/images/list") if each["filename"] == "old.jpg")
    assert (known["caption"], known["favourite"]) == ("By the river", True)
    assert (known["taken"]["source"], known["taken"]["local_day"]) == ("person", "2019-05-01")
    assert known["location"]["place"]["city"] == "Porto"
    (made,) = [each for each in vault_of.items("/albums/", kind="manual") if each["title"] == "Porto"]
    assert made["image_count"] == 1
    again = ada.run("import", "takeout", tmp_path)
    assert "0 files uploaded" in again
    assert "got what the export knows" not in again


def test_an_archive_of_immich_go_comes_in_with_what_immich_knew(ada: Person, vault_of: Client, tmp_path: Path) -> None:
    about = {"software": "immich-go version:0.26", "fileName": "IMG_7.jpg", "favorited": True, "archived": True,
             "description": "By the river", "albums": [{"title": "Douro"}]}  # fmt: skip
    corrected = sidecar(taken="1965-05-01T10:00:00+01:00", place=("41,8.976N", "8,36.654W"))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as zip_:
        zip_.writestr("2019/2019-05/IMG_7.jpg", draw(701, (400, 300), taken=datetime(2019, 5, 1, 12)))
        zip_.writestr("2019/2019-05/IMG_7.jpg.JSON", json.dumps(about))
        zip_.writestr("2019/2019-05/IMG_7.jpg.XMP", corrected)
        zip_.writestr("thumbs/ada/x.jpg", draw(702, (40, 30)))
        zip_.writestr("library/ada/readme.txt", "words")
    told = ada.run("import", "immich", tmp_path / "archive.zip")
    assert "1 file uploaded" in told, told
    assert "Immich made what is in this folder itself" in told
    assert "1 photo got what the export knows" in told
    known = next(each for each in vault_of.items("/images/list", archived="any") if each["filename"] == "IMG_7.jpg")
    assert (known["caption"], known["favourite"], known["archived"]) == ("By the river", True, True)
    assert (known["taken"]["source"], known["taken"]["local_time"]) == ("person", "1965-05-01T10:00:00")
    assert known["location"]["place"]["city"] == "Porto"
    assert "Douro" in ada.run("albums")
    assert "got what the export knows" not in ada.run("import", "immich", tmp_path)


def test_zips_that_cannot_be_read_are_told(ada: Person, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
    lines = [
        json.loads(line) for line in ada.run("import", "takeout", tmp_path / "a.zip", "--json", code=1).splitlines()
    ]
    assert [line["event"] for line in lines] == ["item", "summary", "imported"]
    assert "Download it again" in lines[0]["why"]
    (tmp_path / "a.tgz").write_bytes(b"\x1f\x8b")
    assert "neither a folder nor a zip" in ada.run("import", "takeout", tmp_path / "a.tgz", code=2)


def test_what_one_vault_exports_another_takes(
    api_url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    grace, ben = (sign_up(tmp_path_factory.mktemp(name), api_url, name) for name in ("Grace", "Ben"))
    ours = client_of(grace)
    photos(tmp_path / "here", 2, first=900)
    items, _ = grace.upload(tmp_path / "here", "--album", "For Ben", "--wait")
    corrected = {"caption": "Corrected", "favourite": True, "taken_at": "2001-02-03T04:05:06+01:00"}
    assert ours.send("PATCH", f"/images/{items[0]['image_id']}", json=corrected).status_code == 200
    grace.run("export", tmp_path / "all.zip")
    ben.run("import", "photovault", tmp_path / "all.zip")
    theirs = client_of(ben)
    told = ("sha256", "filename", "caption", "favourite", "archived", "taken")
    known = [
        {each["sha256"]: [each[name] for name in told] for each in person.items("/images/list", status="ready")}
        for person in (ours, theirs)
    ]
    assert known[0] == known[1]
    assert len(known[0]) == 2
    albums = [
        {album["title"]: album["image_count"] for album in person.items("/albums/", kind="manual")}
        for person in (ours, theirs)
    ]
    assert albums == [{"For Ben": 2}, {"For Ben": 2}]


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals are POSIX's")
def test_a_terminal_shows_how_far_it_is(ada: Person, tmp_path: Path) -> None:
    photos(tmp_path / "shown", 12, first=800)
    ours, theirs = pty.openpty()
    environment = ada.environment | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"}
    command = [*COMMAND, "upload", str(tmp_path / "shown"), "--jobs", "1", "--wait"]
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    told = b""
    with suppress(OSError):  # what Linux says at the end of a pseudo terminal
        while piece := os.read(ours, 4096):
            told += piece
    os.close(ours)
    assert process.wait() == 0
    text = told.decode()
    assert "Reading" in text
    assert "Uploading" in text
    assert "12 files uploaded" in text
    assert "Traceback" not in text
    assert "\x1b[3" not in text, "NO_COLOR"


def test_who_logs_out_is_out(ada: Person, vault_of: Client) -> None:
    assert "Ada <" in ada.run("whoami")
    assert "logged out" in ada.run("logout")
    assert "not logged in" in ada.run("whoami", "--server", ada.server, code=1)
    assert vault_of.get("/auth/verify").status_code == 401, "the vault has ended the session, too"
