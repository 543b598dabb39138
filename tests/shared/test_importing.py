"""Exports come in with their albums and with what they know; what a file or a person says stays."""

from __future__ import annotations

import json
import threading
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.pictures import encode, paint
from tests.shared.test_immich_export import archived, sidecar

from photovault import beside, export_layout, ids, importing, label_names, own_export, photo_files
from photovault.beside import Known
from photovault.client import Client
from photovault.uploading import Item, Result, State, Stopped

PHOTO = encode(paint(1, (32, 24)), format="JPEG")
TAKEN = datetime(2020, 9, 20, 23, 12, 7, tzinfo=UTC)
DETAILS = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n"


def write(path: Path, data: bytes | str | dict[str, Any] = PHOTO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
    )
    return path


def packed(path: Path, files: dict[str, bytes | str | dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w") as zip_:
        for name, data in files.items():
            zip_.writestr(name, json.dumps(data) if isinstance(data, dict) else data)
    return path


def google(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "photoTakenTime": {"timestamp": str(int(TAKEN.timestamp()))}} | more


def items(collected: importing.Collected) -> dict[str, tuple[str, ...]]:
    return {item.filename: item.albums for item in collected.items}


def test_a_takeout_comes_with_its_albums_and_without_its_trash(tmp_path: Path) -> None:
    year, trip, bin_ = (tmp_path / "Takeout/Google Photos" / name for name in ("Photos from 2020", "Trip", "Bin"))
    write(year / "metadata.json", {"title": "Photos from 2020", "description": "", "access": "", "date": {}})
    write(year / "a.jpg")
    write(year / "a.jpg.supplemental-metadata.json", google("a.jpg", favorited=True))
    write(year / "a-edited.jpg", PHOTO + b"edited")
    write(year / "nobody knows.jpg", PHOTO + b"2")
    write(trip / "metadata.json", {"title": "Our trip?", "description": "", "access": "", "date": {}})
    write(trip / "a.jpg")
    write(trip / "a.jpg.json", google("a.jpg", description="At the sea"))
    write(trip / "print-subscriptions.json", {"something": "else"})
    write(bin_ / "b.jpg", PHOTO + b"3")
    write(bin_ / "b.jpg.json", google("b.jpg", trashed=True))
    collected = importing.takeout([tmp_path])
    told = [(item.path.parent.name, item.filename, item.albums) for item in collected.items]
    assert sorted(told) == [
        ("Photos from 2020", "a-edited.jpg", ()),
        ("Photos from 2020", "a.jpg", ()),
        ("Photos from 2020", "nobody knows.jpg", ()),
        ("Trip", "a.jpg", ("Our trip?",)),
    ]
    assert (collected.trashed, collected.unknown, collected.passed_over) == (1, 1, [])
    assert collected.known[trip / "a.jpg"].caption == "At the sea"
    assert all(item.albums == () for item in importing.takeout([tmp_path], with_albums=False).items)


@pytest.mark.parametrize("unpacked", ["no", "side by side", "one beside zips", "into one"])
def test_parts_of_a_takeout_belong_together(tmp_path: Path, unpacked: str) -> None:
    year, trip = "Takeout/Google Photos/Photos from 2020/", "Takeout/Google Photos/Trip/"
    parts: list[dict[str, bytes | str | dict[str, Any]]] = [
        {year + "a.jpg": PHOTO, year + "b.jpg.supplemental-metadata.json": google("b.jpg", description="B"),
         trip + "metadata.json": {"title": "Our trip?", "description": "", "access": "", "date": {}}},
        {year + "b.jpg": PHOTO + b"2", year + "a.jpg.supplemental-metadata.json": google("a.jpg", description="A"),
         trip + "a.jpg": PHOTO, "Takeout/archive_browser.html": "<html>"},
    ]  # fmt: skip
    paths = [packed(tmp_path / f"takeout-20250601T120000Z-1-00{n}.zip", part) for n, part in enumerate(parts, 1)]
    for number, path in enumerate(paths):
        if unpacked == "side by side" or (unpacked == "one beside zips" and number == 0):
            with zipfile.ZipFile(path) as zip_:
                zip_.extractall(path.with_suffix(""))
            paths[number] = path.with_suffix("")
    if unpacked == "into one":
        for path in paths:
            with zipfile.ZipFile(path) as zip_:
                zip_.extractall(tmp_path / "all")
        paths = [tmp_path / "all"]
    with importing.takeout(paths) as collected:
        told = sorted((item.path.parent.name, item.filename, item.albums) for item in collected.items)
        captions = sorted(known.caption for known in collected.known.values())
    assert told == [
        ("Photos from 2020", "a.jpg", ()),
        ("Photos from 2020", "b.jpg", ()),
        ("Trip", "a.jpg", ("Our trip?",)),
    ]
    assert captions == ["A", "B"]
    assert (collected.unknown, collected.passed_over) == (1, [])


def test_two_takeouts_are_not_taken_for_one(tmp_path: Path) -> None:
    inner = "Takeout/Google Photos/Photos from 2020/"
    hers = packed(tmp_path / "takeout-20250601T120000Z-001.zip", {inner + "a.jpg": PHOTO})
    his = packed(tmp_path / "takeout-20250602T120000Z-001.zip", {inner + "a.jpg.json": google("a.jpg")})
    with importing.takeout([hers, his]) as collected:
        assert (len(collected.items), collected.unknown) == (1, 1)


def test_zips_in_a_folder_are_looked_into_and_what_is_no_zip_is_told(tmp_path: Path) -> None:
    packed(tmp_path / "takeout-001.zip", {"Takeout/Google Photos/Trip/a.jpg": PHOTO})
    write(tmp_path / "takeout-002.zip", "<!doctype html>")
    with importing.takeout([tmp_path]) as collected:
        assert [item.name for item in collected.items] == [
            f"{tmp_path}/takeout-001.zip/Takeout/Google Photos/Trip/a.jpg"
        ]
        (why,) = collected.passed_over
    assert why.broken
    assert "Download it again" in why.why


def test_what_knows_of_a_photo_may_be_damaged_in_its_zip(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.jpg": PHOTO, "a.jpg.json": google("a.jpg")})
    path.write_bytes(path.read_bytes().replace(b"photoTakenTime", b"photoBrokenTime", 1))
    with importing.takeout([path]) as collected:
        assert len(collected.items) == 1
        (why,) = collected.passed_over
    assert (why.name, why.broken) == (f"{path}/a.jpg.json", True)


def test_collecting_ends_when_somebody_wants_it_to(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        importing.takeout([write(tmp_path / "a.jpg").parent], stop=stop)


def test_a_name_that_takeout_cut_is_whole_again(tmp_path: Path) -> None:
    long = f"{'x' * 60}.jpg"
    write(tmp_path / f"{'x' * 47}.jpg")
    write(tmp_path / f"{'x' * 46}.json", google(long))
    assert list(items(importing.takeout([tmp_path]))) == [long]


def test_photos_of_one_name_have_it_again(tmp_path: Path) -> None:
    for number in ("", "(1)"):
        write(tmp_path / f"a{number}.jpg", PHOTO + number.encode())
        write(tmp_path / f"a.jpg.supplemental-metadata{number}.json", google("a.jpg"))
    assert [item.filename for item in importing.takeout([tmp_path]).items] == ["a.jpg", "a.jpg"]


def test_a_title_of_another_kind_is_no_name(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "a.jpg.json", google("My holiday"))
    assert list(items(importing.takeout([tmp_path]))) == ["a.jpg"]


def test_parts_of_an_icloud_export_belong_together(tmp_path: Path) -> None:
    one, two = tmp_path / "Part 1", tmp_path / "Part 2"
    for part, names in ((one, ["IMG_1.HEIC", "IMG_1.MOV", "IMG_9.JPG"]), (two, ["IMG_2.JPG", "IMG_9.JPG"])):
        for name in names:
            write(part / "Photos" / name)
    row = '{},x,{},no,no,"Saturday June 4,2022 12:11 PM GMT",1,\n'
    write(one / "Photos/Photo Details.csv", DETAILS + row.format("IMG_1.HEIC", "yes") + row.format("IMG_2.JPG", "yes"))
    write(one / "Photos/Photo Details-1.csv", DETAILS + row.format("IMG_9.JPG", "yes"))
    write(two / "Photos/Photo Details.csv", DETAILS + row.format("IMG_9.JPG", "no"))
    write(one / "Albums/The sea.csv", "Images\nIMG_1.HEIC\nIMG_2.JPG\n")
    write(one / "Albums/Favorites.csv", "imgName\nIMG_1.HEIC\n")
    write(one / "Memories/Summer.csv", "imageName\nIMG_9.JPG\n")
    write(two / "Recently Deleted/gone.jpg")
    collected = importing.apple([one, two])
    assert items(collected) == {"IMG_1.HEIC": ("The sea",), "IMG_1.MOV": (), "IMG_2.JPG": ("The sea",), "IMG_9.JPG": ()}
    assert collected.trashed == 1
    assert collected.known[one / "Photos/IMG_9.JPG"].favourite
    assert not collected.known[two / "Photos/IMG_9.JPG"].favourite
    assert collected.known[two / "Photos/IMG_2.JPG"].favourite, "its row is in the other part's table"


def test_parts_of_an_icloud_export_may_be_zips(tmp_path: Path) -> None:
    row = 'IMG_2.JPG,x,yes,no,no,"Saturday June 4,2022 12:11 PM GMT",1,\n'
    one = packed(
        tmp_path / "iCloud Photos Part 1 of 2.zip",
        {
            "iCloud Photos/Photos/Photo Details.csv": DETAILS + row,
            "iCloud Photos/Albums/The sea.csv": "Images\nIMG_2.JPG\n",
        },
    )
    two = packed(tmp_path / "iCloud Photos Part 2 of 2.zip", {"iCloud Photos/Photos/IMG_2.JPG": PHOTO})
    with importing.apple([one, two]) as collected:
        assert items(collected) == {"IMG_2.JPG": ("The sea",)}
        assert [known.favourite for known in collected.known.values()] == [True]


def test_an_immich_storage_comes_without_what_immich_made(tmp_path: Path) -> None:
    day = tmp_path / "library/ada/2019/2019-05-01"
    write(day / "IMG_1.jpg")
    write(day / "IMG_1.jpg.xmp", sidecar(caption="At the sea", taken="2019-05-01T10:00:00+02:00"))
    write(day / "IMG_2.HEIC")
    write(day / "IMG_2.MOV")
    write(day / "IMG_9.jpg.xmp", sidecar(caption="Gone"))
    write(tmp_path / "upload/0b7c/ab/cd/0b7c.png", PHOTO + b"2")
    for made in ("thumbs/ada/ab/x-preview.jpeg", "thumbs/ada/ab/x.webp", "profile/ada/me.jpg", "backups/a.txt"):
        write(tmp_path / made)
    with importing.immich([tmp_path]) as collected:
        assert items(collected) == dict.fromkeys(["IMG_1.jpg", "IMG_2.HEIC", "IMG_2.MOV", "0b7c.png"], ())
        (known,) = collected.known.values()
    assert (known.caption, known.corrected_time) == ("At the sea", "2019-05-01T10:00:00+02:00")
    told = {each.name.removeprefix(f"{tmp_path}/"): each.why for each in collected.passed_over}
    assert told.keys() == {"thumbs", "profile", "backups", "library/ada/2019/2019-05-01/IMG_9.jpg.xmp"}
    assert "(2 files)" in told["thumbs"]
    assert not any(each.broken for each in collected.passed_over)


def test_an_archive_of_immich_go_comes_with_its_albums(tmp_path: Path) -> None:
    about = archived(favorited=True, albums=[{"title": "Porto"}])
    month = tmp_path / "2019/2019-05"
    write(month / "IMG_1.jpg")
    write(month / "IMG_1.jpg.JSON", about)
    write(month / "IMG_1.jpg.XMP", sidecar(caption="From the file before"))
    write(month / "IMG_1~1.jpg", PHOTO + b"2")
    write(month / "IMG_1~1.jpg.JSON", archived(trashed=True))
    write(tmp_path / "no-date/IMG_1~2.jpg", PHOTO + b"3")
    write(tmp_path / "no-date/IMG_1~2.jpg.JSON", archived(description="Second"))
    write(tmp_path / "no-date/notes.json", {"some": "thing"})
    write(tmp_path / "no-date/b.jpg", PHOTO + b"4")
    write(tmp_path / "no-date/b.jpg.json", {"title": "b.jpg"})
    with importing.immich([tmp_path]) as collected:
        told = sorted((item.path.name, item.filename, item.albums) for item in collected.items)
    assert told == [
        ("IMG_1.jpg", "IMG_1.jpg", ("Porto",)),
        ("IMG_1~2.jpg", "IMG_1.jpg", ()),
        ("b.jpg", "b.jpg", ()),
    ]
    known = collected.known[month / "IMG_1.jpg"]
    assert (known.favourite, known.caption) == (True, "From the file before")
    assert (collected.trashed, collected.unknown) == (1, 1)
    assert {Path(each.name).name for each in collected.passed_over} == {"notes.json", "b.jpg.json"}
    assert all(item.albums == () for item in importing.immich([tmp_path], with_albums=False).items)


def test_tags_of_immich_become_albums_where_somebody_wants_that(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "a.jpg.json", archived(rating=3, tags=[{"value": "Travel/Portugal"}], albums=[{"title": "Porto"}]))
    with importing.immich([tmp_path]) as collected:
        assert [item.albums for item in collected.items] == [("Porto",)]
        assert [known.labels for known in collected.known.values()] == [("Travel", "Portugal")]
        assert collected.stars[3] == 1
    with importing.immich([tmp_path], with_albums=False, with_tags=True) as collected:
        assert [item.albums for item in collected.items] == [("Travel/Portugal",)]


def test_a_download_of_immich_is_its_album(tmp_path: Path) -> None:
    paths = [
        packed(tmp_path / f"{name}-20250827_225104.zip", {f"IMG_{number}.jpg": PHOTO, f"IMG_{number}+1.jpg": PHOTO})
        for number, name in enumerate(["Our sea+1", "Our sea+2", "immich"])
    ]
    with importing.immich(paths) as collected:
        assert {item.path.name: item.albums for item in collected.items} == {
            "IMG_0.jpg": ("Our sea",), "IMG_0+1.jpg": ("Our sea",), "IMG_1.jpg": ("Our sea",),
            "IMG_1+1.jpg": ("Our sea",), "IMG_2.jpg": (), "IMG_2+1.jpg": (),
        }  # fmt: skip


def exported(**more: Any) -> bytes:
    """The document beside a photo, as the export itself writes it."""
    known = {
        "id": "x", "filename": "IMG 1.HEIC", "content_type": "image/heic", "bytes": 1, "sha256": "", "width": 1,
        "height": 1, "taken": None, "location": None, "camera": None, "caption": None, "favourite": False,
        "archived": False, "people": [], "labels": [], "created_at": "", "reason": None,
    }  # fmt: skip
    albums = [{"id": each, "title": each, "file": each} for each in ("by hand", "trip")]
    return export_layout.sidecar(known | more, path="photos/IMG 1.HEIC", motion=None, albums=albums)


def test_what_a_vault_exported_comes_in_again(tmp_path: Path) -> None:
    month = tmp_path / "photos/2025/2025-05 (May)"
    taken = {"local_time": "2025-05-09T10:00:00", "offset": "+01:00", "source": "person"}
    write(month / "IMG 1.HEIC")
    labels = [{"name": "Beach", "source": "person"}, {"name": "dog", "source": "vision"}, 1]
    beside_it = exported(caption="At the sea", taken=taken, labels=labels, removed_labels=["cat"])
    write(month / "IMG 1.HEIC.json", beside_it)
    write(month / "IMG 1.HEIC.motion.mov")
    write(month / "IMG_2.jpg.motion.mp4")
    albums = [{"id": "by hand", "kind": "manual", "title": "For grandma"}, {"id": "trip", "kind": "trip", "title": "T"}]
    write(tmp_path / "albums.json", export_layout.document({"schema": export_layout.ALBUMS, "albums": albums}))
    write(tmp_path / "README.txt", "words")
    write(tmp_path / "albums/For grandma.json", "{}")
    collected = importing.photovault([tmp_path])
    assert items(collected) == {"IMG 1.HEIC": ("For grandma",), "IMG 1.HEIC.motion.mov": ()}
    (known,) = collected.known.values()
    assert (known.caption, known.corrected_time) == ("At the sea", "2025-05-09T10:00:00+01:00")
    assert (known.labels, known.wrong_labels) == (("Beach",), ("cat",))


def test_what_a_person_corrected_there_counts_more_than_the_file() -> None:
    known = Known(corrected_time="2025-05-09T10:00:00", corrected_location=(1.0, 2.0))
    by_file = photo(taken={"source": "exif"}, location={"source": "exif"})
    assert beside.lacking(by_file, known, zone=None) == {
        "taken_at": "2025-05-09T10:00:00",
        "location": {"lat": 1.0, "lon": 2.0},
    }
    by_person = photo(taken={"source": "person"}, location={"source": "person"})
    assert beside.lacking(by_person, known, zone=None) == {}


def test_a_photo_that_was_put_nowhere_is_put_nowhere_again() -> None:
    read = own_export.read(exported(location_corrected=True))
    assert read is not None
    known, _ = read
    assert known.nowhere
    assert not known.is_empty
    for location in (None, {"source": "exif", "lat": 1.0, "lon": 2.0}, {"source": "estimated", "lat": None}):
        assert beside.lacking(photo(location=location), known, zone=None) == {"location": "nowhere"}
    assert beside.lacking(photo(location={"source": "person"}), known, zone=None) == {}
    for more in ({}, {"location": {"source": "person", "lat": 1.0, "lon": 2.0}, "location_corrected": True}):
        other = own_export.read(exported(**more))
        assert other is not None
        assert not other[0].nowhere


def test_a_correction_that_says_what_the_file_says_is_none() -> None:
    there = photo(
        taken={"source": "exif", "instant": "2025-05-09T09:00:00Z", "local_time": "2025-05-09T10:00:00"},
        location={"source": "exif", "lat": 1.00001, "lon": 2.0},
    )
    for said in ("2025-05-09T10:00:00+01:00", "2025-05-09T11:00:00+02:00", "2025-05-09T10:00:00"):
        assert beside.lacking(there, Known(corrected_time=said, corrected_location=(1.0, 2.0)), zone=None) == {}
    for said in ("2025-05-09T10:00:00+02:00", "2025-05-09T10:00:01", "no time"):
        assert beside.lacking(there, Known(corrected_time=said), zone=None) == {"taken_at": said}
    assert beside.lacking(there, Known(corrected_location=(1.001, 2.0)), zone=None).keys() == {"location"}


def test_labels_are_told_where_nobody_has_said_something_else() -> None:
    there: dict[str, Any] = {
        "status": "ready",
        "labels": [
            {"name": "Beach", "source": "file"},
            {"name": "cat", "source": "vision"},
            {"name": "dog", "source": "person"},
        ],
        "removed_labels": ["giraffe", "Köln"],
    }
    known = Known(labels=("beach", "Giraffe", "Sea", "sea", "x" * 101), wrong_labels=("Cat", "dog", "boat"))
    assert label_names.unlabelled(there, known) == {"add_labels": ["sea"], "remove_labels": ["Cat"]}
    assert label_names.unlabelled(there, Known(labels=("beach",), wrong_labels=("dog",))) == {}
    decomposed, invisible = unicodedata.normalize("NFD", "Köln"), "be\u200bach"
    assert label_names.unlabelled(there, Known(labels=(decomposed, invisible, "\u200b"))) == {}
    unseen = there | {"status": "processing"}
    told = label_names.unlabelled(unseen, Known(wrong_labels=("dog", "boat", "köln")))
    assert told == {"remove_labels": ["boat"]}, "before a model sees it"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": "photovault-photo/1", "albums": [1]}', b"\xff"])
def test_documents_of_others_do_no_harm(data: bytes) -> None:
    own_export.read(data)
    assert own_export.titles(data) == {}


# ------------------------------------------------------------------------------------------------------ what lacks


def photo(**more: Any) -> dict[str, Any]:
    return {"id": str(ids.new()), "status": "ready", "caption": None, "favourite": False, "archived": False,
            "taken": {"source": "upload"}, "location": None} | more  # fmt: skip


ALL = Known(taken=TAKEN, caption="At the sea", favourite=True, archived=True, location=(38.7, -9.1))
LISBON = timezone(timedelta(hours=1))


def test_all_that_a_vault_lacks_is_told() -> None:
    assert beside.lacking(photo(), ALL, zone=LISBON) == {
        "caption": "At the sea",
        "favourite": True,
        "archived": True,
        "taken_at": "2020-09-21T00:12:07+01:00",
        "location": {"lat": 38.7, "lon": -9.1},
    }


@pytest.mark.parametrize("source", ["upload", "file_modified"])
def test_when_the_export_was_written_says_nothing_of_when_a_photo_was_taken(source: str) -> None:
    known = Known(taken=datetime(2019, 5, 1, 12, tzinfo=UTC))
    assert "taken_at" in beside.lacking(photo(taken={"source": source}), known, zone=LISBON)


def test_a_caption_of_another_program_is_told_until_a_person_has_said_something_here() -> None:
    known = Known(caption="At the sea")
    assert beside.lacking(photo(caption="Sea", caption_source="file"), known, zone=None) == {"caption": "At the sea"}
    assert beside.lacking(photo(caption="At the sea", caption_source="file"), known, zone=None) == {}
    assert beside.lacking(photo(caption_source="person"), known, zone=None) == {}, "it was taken away"


def test_what_a_file_or_a_person_says_stays() -> None:
    known = photo(
        caption="Mine",
        caption_source="person",
        favourite=True,
        archived=True,
        taken={"source": "exif"},
        location={"source": "exif"},
    )
    assert beside.lacking(known, ALL, zone=LISBON) == {}
    assert beside.lacking(photo(location={"source": "estimated"}), Known(location=(1, 2)), zone=None)


@pytest.mark.parametrize(
    ("taken", "hours"), [("0001-01-01T00:00Z", -5), ("9999-12-31T23:59Z", 5)], ids=["first", "last"]
)
def test_a_time_at_an_end_of_the_calendar_says_nothing_and_ends_nothing(taken: str, hours: int) -> None:
    known = Known(taken=datetime.fromisoformat(taken), favourite=True)
    zone = timezone(timedelta(hours=hours))
    assert beside.lacking(photo(taken=None), known, zone=zone) == {"favourite": True}


def test_a_photo_that_was_not_read_yet_is_not_told_its_time() -> None:
    assert beside.lacking(photo(status="processing"), ALL, zone=None).keys() == {"caption", "favourite", "archived"}


@pytest.mark.parametrize("at", [(0, 0), (91, 0), (0, 181), ("1", 2), (None, None), (float("nan"), 1), (True, "x")])
def test_what_is_no_place_is_none(at: tuple[Any, Any]) -> None:
    assert beside.position(*at) is None


@pytest.mark.parametrize(
    ("text", "title"),
    [("A\x1b[31m  b\u2028c", "A [31m b c"), ("\u200b \x07", ""), ("x" * 300, "x" * 200), ("Ünï 🏖", "Ünï 🏖"), ("", "")],
)
def test_titles_are_what_an_album_can_be_called(text: str, title: str) -> None:
    assert beside.title(text) == title


def test_what_a_vault_refuses_keeps_nothing_else_out() -> None:
    told: list[dict[str, Any]] = []

    def vault(request: httpx.Request) -> httpx.Response:
        told.append(json.loads(request.content))
        refused = {"type": "https://photovault.dev/problems/invalid", "detail": "A day to come."}
        return httpx.Response(422, json=refused) if "taken_at" in told[-1] else httpx.Response(200, json={})

    with Client("https://vault.example", transport=httpx.MockTransport(vault)) as client:
        assert importing._tell_of(client, "x", {"caption": "a", "taken_at": "2999-01-01"})
        assert told[1:] == [{"caption": "a"}, {"taken_at": "2999-01-01"}]
        assert not importing._tell_of(client, "x", {"taken_at": "2999-01-01"})


def test_a_photo_that_a_person_put_nowhere_stays_nowhere_when_an_export_is_imported_again(tmp_path: Path) -> None:
    nowhere, twice, unknown, fresh = (photo(location=None) for _ in range(4))
    moved: list[str] = []

    def vault(request: httpx.Request) -> httpx.Response:
        image_id = request.url.path.rpartition("/")[2]
        if request.method == "PATCH":
            moved.append(image_id)
        elif image_id != "list":
            assert image_id != fresh["id"], "it has only just come"
            return httpx.Response(200, json={"location_corrected": image_id in {nowhere["id"], twice["id"]}})
        return httpx.Response(200, json={"items": [nowhere, twice, unknown, fresh], "next_cursor": None})

    stamp = photo_files.Stamp.of(write(tmp_path / "a.jpg").stat())
    results, known = [], {}
    for each in (nowhere, twice, unknown, fresh):
        path = tmp_path / each["id"]
        known[path] = Known(nowhere=True) if each is twice else Known(location=(38.7, -9.1))
        state: State = "uploaded" if each is fresh else "duplicate"
        results.append(Result(Item(path, path.name, path.name, stamp), state, each["id"]))
    with Client("https://vault.example", transport=httpx.MockTransport(vault)) as client:
        assert importing.describe(client, results, known, zone=UTC).photos == 2
    assert moved == [unknown["id"], fresh["id"]]


def test_copies_of_one_photo_know_more_together() -> None:
    assert Known(caption="a") | Known(caption="b", favourite=True) == Known(caption="a", favourite=True)
    assert not (Known(trashed=True) | Known()).trashed


def test_the_vault_is_told_once_and_asked_page_by_page(tmp_path: Path) -> None:
    photos = [photo() for _ in range(3)] + [
        photo(caption="There", caption_source="person", favourite=True, taken={"source": "exif"})
    ]
    patched: list[tuple[str, dict[str, Any]]] = []

    def vault(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            patched.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
            gone = {"type": "https://photovault.dev/problems/not-found", "detail": "Gone."}
            return httpx.Response(404, json=gone) if len(patched) == 2 else httpx.Response(200, json=photos[0])
        return httpx.Response(200, json={"items": photos, "next_cursor": None})

    stamp = photo_files.Stamp.of(write(tmp_path / "a.jpg").stat())
    results, known = [], {}
    for number, each in enumerate(photos):
        path = tmp_path / f"{number}.jpg"
        known[path] = Known(caption="At the sea", favourite=True)
        results.append(Result(Item(path, path.name, path.name, stamp), "duplicate", each["id"]))
    results.append(Result(Item(tmp_path / "new", "new", "new", stamp), "failed"))
    with Client("https://vault.example", transport=httpx.MockTransport(vault)) as client:
        described = importing.describe(client, results, known, zone=UTC)
    assert described == importing.Described(photos=2, too_early=0)
    assert patched == [(each["id"], {"caption": "At the sea", "favourite": True}) for each in photos[:3]]
