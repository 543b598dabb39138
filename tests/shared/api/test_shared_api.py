"""What a share link gives to people without an account, and what it never gives."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.arranging import LISBON, add_photo, build, face_of, faces_in, table
from tests.pictures import camera_tags, encode, paint
from tests.shared.api import described
from tests.shared.api.described import assert_as_described, operations, routers
from tests.shared.api.photos import problem, sealed_photo
from tests.vaults import Somebody, client, somebody

from photovault import db, erasures, sharing, users, visits
from photovault.api import edge, library_app, shared
from photovault.settings import get_settings

pytestmark = pytest.mark.usefixtures("vault", "sent", "quick_hashes")

TAGS = camera_tags(gps=(38.7139, -9.1394), taken=datetime(2025, 5, 9, 10), camera=("Maker-0451", "Model-0451"))
CAMERA = encode(paint(2, (96, 64)), exif=TAGS)


_addresses = itertools.count(1)


@pytest.fixture(scope="module")
def http(vault: Path) -> TestClient:
    """The owner's browser."""
    return client(routers())


def browser(http: TestClient, base: str = "http://testserver") -> TestClient:
    """Somebody else's, with an address and cookies of its own, for the same application."""
    number = next(_addresses)
    address = f"192.168.{number >> 8 & 255}.{number & 255}"
    return TestClient(http.app, base_url=base, client=(address, 50000), raise_server_exceptions=False)


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@dataclass(frozen=True)
class Link:
    """A share, and a visitor's browser, which keeps cookies."""

    owner: Somebody
    share_id: str
    token: str
    photos: list[UUID]
    album: str | None
    browser: TestClient

    def get(self, path: str = "", **options: Any) -> Any:
        return self.browser.get(f"/s/{self.token}{path}", follow_redirects=False, **options)

    def unlock(self, **body: Any) -> Any:
        return self.browser.post(f"/s/{self.token}/unlock", json=body)

    def opened(self, **body: Any) -> dict[str, Any]:
        answer = self.unlock(**body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def listed(self) -> list[dict[str, Any]]:
        answer = self.get("/photos")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def somebody_else(self) -> Link:
        return replace(self, browser=browser(self.browser))

    def as_owner_sees_it(self, http: TestClient) -> dict[str, Any]:
        found: dict[str, Any] = http.get(f"/shares/{self.share_id}", headers=self.owner.headers).json()
        return found


def linked(http: TestClient, owner: Somebody, photos: list[UUID], **terms: Any) -> Link:
    """An album of these photos, shared."""
    body = {"title": "For grandma", "image_ids": [str(each) for each in photos]}
    album = http.post("/albums/manual", json=body, headers=owner.headers).json()["id"]
    made = http.post(f"/albums/{album}/shares", json=terms, headers=owner.headers)
    assert made.status_code == 201, made.text
    told = made.json()
    return Link(owner, told["id"], told["link"].rpartition("/s/")[2], photos, album, browser(http))


def assert_dead(http: TestClient, link: Link) -> None:
    """For whoever comes and for whoever is there: one answer, the same as for a link that never was."""
    never = browser(http).get(f"/s/{sharing.new_token()}")
    answers = [link.get(), link.get("/photos"), link.unlock(password="1234"), link.somebody_else().unlock()]
    answers += [link.get(f"/photos/{'0' * 32}/{rendition}") for rendition in ("thumbnail", "preview", "original")]
    for answer in answers:
        told = problem(answer, 404, "not-found")
        assert told | {"instance": "", "request_id": ""} == never.json() | {"instance": "", "request_id": ""}
        assert dict(answer.headers) == dict(never.headers) | {"content-length": answer.headers["content-length"]}


# ----------------------------------------------------------------------------------------------------- the way in


def test_a_link_is_opened_and_shows_its_photos(http: TestClient, ada: Somebody) -> None:
    photos = [sealed_photo(ada, encode(paint(n)), taken=datetime(2025, 5, n)) for n in (1, 2, 3)]
    link = linked(http, ada, photos)
    closed = {"has_password": False, "is_open": False} | dict.fromkeys(("title", "photos", "downloads", "expires_at"))
    assert link.get().json() == closed
    told = link.opened()
    assert told.items() >= {"is_open": True, "title": "For grandma", "photos": 3, "downloads": False}.items()
    assert link.get().json()["is_open"] is True
    names = [each["id"] for each in link.listed()]
    assert len(set(names)) == 3
    for name, image_id in zip(names, photos[::-1], strict=True):  # latest taken first
        for rendition in ("thumbnail", "preview"):
            answer = link.get(f"/photos/{name}/{rendition}")
            mine = http.get(f"/images/{image_id}/view", params={"rendition": rendition}, headers=ada.headers)
            assert (answer.status_code, answer.content) == (200, mine.content)
            assert answer.headers["content-type"] == "image/jpeg"


def test_photos_of_no_album_are_shown_too(http: TestClient, ada: Somebody) -> None:
    photo = sealed_photo(ada)
    made = http.post("/shares", json={"image_ids": [str(photo)]}, headers=ada.headers).json()
    link = Link(ada, made["id"], made["link"].rpartition("/")[2], [photo], None, browser(http))
    assert link.opened()["title"] is None
    assert link.get(f"/photos/{link.listed()[0]['id']}/preview").status_code == 200


def test_nothing_is_shown_before_the_share_was_opened(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], password="1234", downloads=True)
    name = sharing.name_of(secret_of(link), link.photos[0])
    for path in ("/photos", f"/photos/{name}/thumbnail", f"/photos/{name}/original"):
        problem(link.get(path), 401, "unauthenticated")
    assert link.get().json()["title"] is None


def secret_of(link: Link) -> bytes:
    ((secret,),) = table(link.owner.user_id, "SELECT secret FROM shares WHERE id = %s", [link.share_id])
    return bytes(secret)


def test_a_program_brings_its_proof_in_a_header(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    proof = link.opened()["visit"]
    other = link.somebody_else()
    assert other.get("/photos", headers={"Share-Visit": proof}).status_code == 200
    problem(other.get("/photos", headers={"Share-Visit": proof[:-4] + "AAAA"}), 401, "unauthenticated")


def test_the_cookie_is_for_this_share_and_out_of_scripts_reach(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    cookie = link.unlock().headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=" not in cookie  # a browser takes the folder of /s/{token}/unlock, behind any prefix
    assert "secure" not in cookie
    secure = browser(http, "https://photos.example")
    assert "secure" in secure.post(f"/s/{link.token}/unlock", json={}).headers["set-cookie"].lower()


def test_a_proof_of_one_share_opens_no_other(http: TestClient, ada: Somebody) -> None:
    one, other = linked(http, ada, [sealed_photo(ada)]), linked(http, ada, [sealed_photo(ada, encode(paint(8)))])
    proof = one.opened()["visit"]
    problem(other.get("/photos", headers={"Share-Visit": proof}), 401, "unauthenticated")
    other.opened()
    problem(other.get(f"/photos/{one.listed()[0]['id']}/preview"), 404, "not-found")


# ---------------------------------------------------------------------------------------------------- the password


def test_a_password_opens_and_a_wrong_one_does_not(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], password="grandma's cat")
    assert link.get().json()["has_password"] is True
    for wrong in ({}, {"password": ""}, {"password": "grandma's dog"}, {"password": "grandma's cat\0"}):
        problem(link.unlock(**wrong), 401, "unauthenticated")
    assert link.as_owner_sees_it(http)["openings"] == 0
    assert link.opened(password="grandma's cat")["photos"] == 1
    assert link.as_owner_sees_it(http)["openings"] == 1


def test_guessing_is_slowed_down_for_one_address_and_then_for_all(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], password="1234")
    answers = [link.unlock(password="0000") for _ in range(visits.PASSWORD_PAIR.capacity + 1)]
    assert [answer.status_code for answer in answers] == [401] * visits.PASSWORD_PAIR.capacity + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    problem(link.unlock(password="1234"), 429, "too-many-requests")
    assert link.somebody_else().unlock(password="1234").status_code == 200, "the owner's guests are not locked out"
    many = [link.somebody_else() for _ in range(visits.PASSWORD_SHARE.capacity // visits.PASSWORD_PAIR.capacity)]
    codes = [guest.unlock(password="0000").status_code for guest in many for _ in range(visits.PASSWORD_PAIR.capacity)]
    assert codes[-1] == 429


def test_links_cannot_be_tried_without_end(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "DEAD_ADDRESS", visits.throttles.Bucket("share-dead", capacity=5, seconds=60))
    prober = browser(http)
    codes = [prober.get(f"/s/{sharing.new_token()}").status_code for _ in range(6)]
    assert codes == [404] * 5 + [429]


def test_another_password_ends_the_visits(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], password="1234")
    link.opened(password="1234")
    http.patch(f"/shares/{link.share_id}", json={"password": "5678"}, headers=ada.headers)
    problem(link.get("/photos"), 401, "unauthenticated")
    problem(link.unlock(password="1234"), 401, "unauthenticated")
    link.opened(password="5678")


# --------------------------------------------------------------------------------------------------- how it ends


def revoke(http: TestClient, link: Link) -> None:
    assert http.delete(f"/shares/{link.share_id}", headers=link.owner.headers).status_code == 204


def expire(_: TestClient, link: Link) -> None:
    with db.transaction(link.owner.user_id) as conn:
        conn.execute("UPDATE shares SET expires_at = now() WHERE id = %s", [link.share_id])


def delete_album(http: TestClient, link: Link) -> None:
    assert http.delete(f"/albums/{link.album}", headers=link.owner.headers).status_code == 204


def renew(http: TestClient, link: Link) -> None:
    assert http.post(f"/shares/{link.share_id}/link", headers=link.owner.headers).status_code == 200


def delete_account(_: TestClient, link: Link) -> None:
    with db.transaction(link.owner.user_id) as conn:
        assert erasures.erase(conn, at=datetime.now(UTC))


def forget_rows(http: TestClient, link: Link) -> None:
    delete_account(http, link)
    with db.transaction(link.owner.user_id) as conn:
        while erasures.forget(conn, limit=100):
            pass


ENDS = (revoke, expire, delete_album, renew, delete_account, forget_rows)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_has_ended_has_ended_at_once_and_answers_as_what_never_was(http: TestClient, end: Any) -> None:
    owner = somebody()
    link = linked(http, owner, [sealed_photo(owner)], password="1234", downloads=True)
    link.opened(password="1234")
    end(http, link)
    assert_dead(http, link)


def test_a_link_that_was_used_up_answers_as_what_never_was(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], view_limit=1, password="1234")
    link.opened(password="1234")
    assert link.as_owner_sees_it(http)["state"] == "exhausted"
    assert len(link.listed()) == 1, "whoever is in stays in"
    assert_dead(http, link.somebody_else())
    revoke(http, link)
    assert_dead(http, link)


def test_a_deleted_automatic_album_ends_its_share(http: TestClient, ada: Somebody) -> None:
    for _ in range(3):
        add_photo(ada.user_id, where=LISBON)
    build(ada.user_id)
    ((album,),) = table(ada.user_id, "SELECT id FROM albums WHERE kind = 'place' ORDER BY id LIMIT 1")
    made = http.post(f"/albums/{album}/shares", json={}, headers=ada.headers).json()
    link = Link(ada, made["id"], made["link"].rpartition("/")[2], [], str(album), browser(http))
    assert link.opened()["photos"] == 3
    delete_album(http, link)
    assert_dead(http, link)
    assert link.as_owner_sees_it(http)["state"] == "revoked"


def test_a_new_link_takes_the_place_of_the_old_one(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    made = http.post(f"/shares/{link.share_id}/link", headers=ada.headers).json()
    assert made["link_hint"] == made["link"][-4:]
    new = Link(ada, link.share_id, made["link"].rpartition("/")[2], [], None, browser(http))
    assert new.opened()["photos"] == 1


def test_a_visit_is_over_after_two_hours(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    old, _ = sharing.grant(secret_of(link), now=datetime.now(UTC) - timedelta(hours=2), until=None)
    problem(link.get("/photos", headers={"Share-Visit": old}), 401, "unauthenticated")


# -------------------------------------------------------------------------------------------------------- counting


def test_a_visit_counts_once_however_much_is_looked_at(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    for _ in range(3):
        link.get()
        link.get(headers={"Accept": "text/html"})
    assert link.as_owner_sees_it(http)["openings"] == 0, "looking whether a link works is no opening"
    for _ in range(3):
        link.opened()
        link.get(f"/photos/{link.listed()[0]['id']}/preview")
    seen = link.as_owner_sees_it(http)
    assert seen["openings"] == 1
    assert seen["last_opened_at"] is not None
    link.somebody_else().opened()
    assert link.as_owner_sees_it(http)["openings"] == 2


def test_pictures_write_nothing(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    link.opened()
    before = described.everything_of(ada.user_id)
    name = link.listed()[0]["id"]
    link.get(f"/photos/{name}/thumbnail")
    link.get(f"/photos/{name}/preview")
    assert described.everything_of(ada.user_id) == before


def test_of_many_who_take_the_last_opening_one_gets_it(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)], view_limit=2)
    link.somebody_else().opened()
    guests = [link.somebody_else() for _ in range(8)]
    ready, codes = threading.Barrier(len(guests)), []

    def enter(guest: Link) -> None:
        ready.wait()
        codes.append(guest.unlock().status_code)

    threads = [threading.Thread(target=enter, args=(guest,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] + [404] * 7
    assert link.as_owner_sees_it(http)["openings"] == 2


def test_visitors_do_not_wait_for_an_owner_who_is_at_work(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    with db.transaction(ada.user_id) as conn:
        users.next_revision(conn)  # the lock of everything that the owner changes
        assert link.opened()["photos"] == 1


def test_the_owner_is_told_of_openings_once_a_day(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    for _ in range(3):
        link.somebody_else().opened()
    told = table(ada.user_id, "SELECT detail FROM activity WHERE kind = 'share-opened'")
    assert told == [({"share_id": link.share_id, "title": "For grandma"},)]
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE shares SET last_opened_at = now() - interval '1 day' WHERE id = %s", [link.share_id])
    link.somebody_else().opened()
    assert len(table(ada.user_id, "SELECT detail FROM activity WHERE kind = 'share-opened'")) == 2


# ------------------------------------------------------------------------------------------- what is in it, and not


def test_what_is_not_to_be_shown_is_not_shown(http: TestClient, ada: Somebody) -> None:
    """In the trash, archived, not understood yet, taken out: gone at once, and back when they are back."""
    photos = [sealed_photo(ada, encode(paint(n))) for n in range(4)]
    link = linked(http, ada, photos)
    link.opened()
    names = {image_id: sharing.name_of(secret_of(link), image_id) for image_id in photos}
    trashed, archived, waiting, removed = photos
    http.delete(f"/images/{trashed}", headers=ada.headers)
    http.patch(f"/images/{archived}", json={"archived": True}, headers=ada.headers)
    http.request("DELETE", f"/albums/{link.album}/images", json={"image_ids": [str(removed)]}, headers=ada.headers)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE images SET status = 'processing' WHERE id = %s", [waiting])
    assert link.listed() == []
    assert link.get().json()["photos"] == 0
    for name in names.values():
        for rendition in ("thumbnail", "preview", "original"):
            problem(link.get(f"/photos/{name}/{rendition}"), 404, "not-found")
    http.post(f"/images/{trashed}/restore", headers=ada.headers)
    http.patch(f"/images/{archived}", json={"archived": False}, headers=ada.headers)
    assert {each["id"] for each in link.listed()} == {names[trashed], names[archived]}


def test_photos_that_come_into_the_album_come_into_the_share(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    link.opened()
    new = sealed_photo(ada, encode(paint(5)))
    http.put(f"/albums/{link.album}/images", json={"image_ids": [str(new)]}, headers=ada.headers)
    assert len(link.listed()) == 2


def test_photos_outside_the_share_have_no_name_in_it(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    link.opened()
    mine, others = sealed_photo(ada, encode(paint(6))), sealed_photo(somebody())
    for image_id in (mine, others, UUID(int=0)):
        name = sharing.name_of(secret_of(link), image_id)
        problem(link.get(f"/photos/{name}/preview"), 404, "not-found")
    for nonsense in (str(link.photos[0]), link.photos[0].hex, "0" * 32, "x", "%00", "..%2f..", "0" * 31):
        problem(link.get(f"/photos/{nonsense}/preview"), 404, "not-found")


def test_a_long_share_comes_page_by_page(http: TestClient, ada: Somebody) -> None:
    when = datetime(2025, 5, 9, 12)
    photos = [add_photo(ada.user_id, taken=when) for _ in range(5)] + [
        add_photo(ada.user_id, taken=when.replace(day=1))
    ]
    link = linked(http, ada, photos)
    link.opened()
    found, cursor = [], None
    for _ in range(3):
        page = link.get("/photos", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert found == [sharing.name_of(secret_of(link), each) for each in [*sorted(photos[:5], reverse=True), photos[5]]]
    for nonsense in ("", "x", "0" * 32, str(photos[0])):
        answer = link.get("/photos", params={"cursor": nonsense})
        problem(answer, 422, "bad-cursor")


@pytest.mark.parametrize("sort", ["newest", "oldest", "manual"])
def test_a_share_is_in_the_order_of_its_album(http: TestClient, ada: Somebody, sort: str) -> None:
    photos = [add_photo(ada.user_id, taken=datetime(2025, 5, day)) for day in (3, 1, 2)]
    link = linked(http, ada, photos)
    if sort != "newest":
        answer = http.patch(f"/albums/{link.album}", json={"sort": sort}, headers=ada.headers)
        assert answer.status_code == 200, answer.text
    link.opened()
    secret, found, cursor = secret_of(link), [], None
    for _ in photos:
        page = link.get("/photos", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        found += [sharing.image_of(secret, each["id"]) for each in page["items"]]
        cursor = page["next_cursor"]
    wanted = {"newest": (3, 2, 1), "oldest": (1, 2, 3), "manual": (3, 1, 2)}[sort]
    by_day = dict(zip((3, 1, 2), photos, strict=True))
    assert (found, cursor) == ([by_day[day] for day in wanted], None)


def test_nothing_tells_ids_names_of_people_keys_or_addresses(http: TestClient) -> None:
    """All that a visitor can be told, searched for everything that the vault knows."""
    own = described.fill(http)
    owner = own.owner
    with db.transaction(owner.user_id) as conn:
        users.next_revision(conn)
        conn.execute("UPDATE images SET caption = 'Ida at home', filename = 'Ida.jpg', status = 'ready'")
    made = http.post(f"/albums/{own.ids['album_id']}/shares", json={"downloads": True}, headers=owner.headers).json()
    link = Link(owner, made["id"], made["link"].rpartition("/")[2], own.photos, None, browser(http))
    told = [link.get(), link.unlock(), link.get(), link.get("/photos"), link.get(headers={"Accept": "text/html"})]
    told += [link.get(f"/photos/{each['id']}/{kind}") for each in link.listed() for kind in ("thumbnail", "preview")]
    assert len(told) == 7
    said = "\n".join(answer.text + str(dict(answer.headers)) for answer in told)
    ids_ = re.findall(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", described.everything_of(owner.user_id)
    )
    assert len(set(ids_)) > 20
    for secret in {
        *ids_,
        *(each.replace("-", "") for each in ids_),
        owner.email,
        "Ida",
        "Grace",
        "Lisbon",
        "2025-05-09",
    }:
        assert secret not in said, secret
    assert not re.search(r'"(sha256|key|location|taken|faces|people|camera|filename|caption|tickets)"', said)


@pytest.mark.parametrize("kind", ["person", "event"])
def test_a_title_that_the_vault_wrote_and_may_name_somebody_is_not_told(
    http: TestClient, ada: Somebody, kind: str
) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE albums SET kind = %s, key = 'k', title = 'Ida''s birthday'", [kind])
    assert link.opened()["title"] is None
    assert link.as_owner_sees_it(http)["title"] == "Ida's birthday"
    http.patch(f"/shares/{link.share_id}", json={"title": "Cake"}, headers=ada.headers)
    assert link.get().json()["title"] == "Cake"


def test_an_album_of_a_person_is_shared_without_the_name(http: TestClient, ada: Somebody) -> None:
    photos = [add_photo(ada.user_id, faces=[face_of(3, look)]) for look in range(3)]
    build(ada.user_id)
    (person,) = {face.person_id for image_id in photos for face in faces_in(ada.user_id, image_id)}
    http.patch(f"/people/{person}", json={"name": "Ida"}, headers=ada.headers)
    build(ada.user_id)
    ((album,),) = table(ada.user_id, "SELECT id FROM albums WHERE kind = 'person'")
    made = http.post(f"/albums/{album}/shares", json={}, headers=ada.headers).json()
    link = Link(ada, made["id"], made["link"].rpartition("/")[2], photos, album, browser(http))
    assert "Ida" not in link.unlock().text
    assert len(link.listed()) == 3


# ------------------------------------------------------------------------------------------------------- downloads


def with_type(owner: Somebody, image_id: UUID, content_type: str) -> UUID:
    with db.transaction(owner.user_id) as conn:
        conn.execute("UPDATE images SET content_type = %s WHERE id = %s", [content_type, image_id])
    return image_id


def test_an_original_comes_with_every_pixel_and_nothing_else(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA, filename="Ida in Lisbon.jpg")], downloads=True)
    link.opened()
    (photo,) = link.listed()
    assert photo["download"] == "original"
    answer = link.get(f"/photos/{photo['id']}/original")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert b"0451" in CAMERA
    assert b"0451" not in answer.content
    assert b"Exif" not in answer.content
    before, after = (np.asarray(Image.open(io.BytesIO(data))) for data in (CAMERA, answer.content))
    assert np.array_equal(before, after)
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="photo-{photo["id"][:8]}.jpg"')


def test_what_cannot_be_stripped_comes_as_its_preview_and_says_so(http: TestClient, ada: Somebody) -> None:
    tiff = encode(paint(4, (40, 30)), format="TIFF", exif=TAGS)
    link = linked(http, ada, [with_type(ada, sealed_photo(ada, tiff), "image/tiff")], downloads=True)
    link.opened()
    (photo,) = link.listed()
    assert photo["download"] == "preview"
    answer = link.get(f"/photos/{photo['id']}/original")
    assert answer.content == b"preview of " + tiff
    assert "(preview).jpg" in answer.headers["content-disposition"]


@pytest.mark.parametrize("data", [CAMERA[:400], CAMERA[:2] + b"\xff\xe1\xff\xff", b"not a picture"], ids=len)
def test_a_file_that_contradicts_itself_comes_as_its_preview(http: TestClient, ada: Somebody, data: bytes) -> None:
    link = linked(http, ada, [sealed_photo(ada, data)], downloads=True)
    link.opened()
    answer = link.get(f"/photos/{link.listed()[0]['id']}/original")
    assert answer.content == b"preview of " + data


def test_originals_stay_where_downloads_are_off(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA)])
    link.opened()
    (photo,) = link.listed()
    assert photo["download"] is None
    problem(link.get(f"/photos/{photo['id']}/original"), 403, "forbidden")
    http.patch(f"/shares/{link.share_id}", json={"downloads": True}, headers=ada.headers)
    assert link.get(f"/photos/{photo['id']}/original").status_code == 200
    http.patch(f"/shares/{link.share_id}", json={"downloads": False}, headers=ada.headers)
    problem(link.get(f"/photos/{photo['id']}/original"), 403, "forbidden")


@pytest.mark.parametrize("rendition", ["preview", "original"])
def test_parts_and_conditions_work_as_everywhere(http: TestClient, ada: Somebody, rendition: str) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA)], downloads=True)
    link.opened()
    path = f"/photos/{link.listed()[0]['id']}/{rendition}"
    whole = link.get(path)
    part = link.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert link.get(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert link.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    head = link.browser.head(f"/s/{link.token}{path}")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole.content)))
    revoke(http, link)
    problem(link.get(path, headers={"If-None-Match": whole.headers["etag"]}), 404, "not-found")


def test_downloads_are_counted_and_slowed_down(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "DOWNLOADS", visits.throttles.Bucket("share-download", capacity=2, seconds=60))
    link = linked(http, ada, [sealed_photo(ada, CAMERA)], downloads=True)
    link.opened()
    path = f"/photos/{link.listed()[0]['id']}/original"
    assert [link.get(path).status_code for _ in range(3)] == [200, 200, 429]


def test_what_the_gateway_cannot_carry_is_lent_without_metadata(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA)], downloads=True)
    link.opened()
    path = f"/photos/{link.listed()[0]['id']}/original"
    lent: list[bytes] = []
    monkeypatch.setattr(edge, "in_cloud", lambda: True)
    monkeypatch.setattr(edge, "LARGEST_BODY_IN_CLOUD", 100)
    monkeypatch.setattr(shared.staging, "lend", lambda data, **_: lent.append(data) or "https://staging.example/copy")
    answer = link.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://staging.example/copy")
    assert b"0451" not in lent[0]
    strict = get_settings().model_copy(update={"require_sealed_uploads": True})
    monkeypatch.setattr(shared, "get_settings", lambda: strict)
    problem(link.get(path), 413, "too-large")
    assert link.get(path, headers={"Range": "bytes=0-49"}).status_code == 206


# --------------------------------------------------------------------------------------------------------- headers


def test_pictures_are_kept_by_nobody_but_the_visitor_and_asked_for_again(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA)], downloads=True)
    link.opened()
    name = link.listed()[0]["id"]
    for rendition, cache in (
        ("thumbnail", "private, no-cache"),
        ("preview", "private, no-cache"),
        ("original", "no-store"),
    ):
        headers = link.get(f"/photos/{name}/{rendition}").headers
        assert headers["cache-control"] == cache
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "noindex" in headers["x-robots-tag"]
    for answer in (link.get(), link.unlock(), link.get(headers={"Accept": "text/html"})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_a_browser_gets_a_page_that_runs_nothing_but_itself(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    found, gone = link.get(headers=BROWSER), browser(http).get(f"/s/{sharing.new_token()}", headers=BROWSER)
    assert (found.status_code, gone.status_code) == (200, 404)
    for page in (found, gone):
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert (
            policy["default-src"]
            == policy["base-uri"]
            == policy["form-action"]
            == policy["frame-ancestors"]
            == "'none'"
        )
        assert "unsafe" not in page.headers["content-security-policy"]
        for block, directive in (("script", "script-src"), ("style", "style-src")):
            (inline,) = re.findall(rf"<{block}>(.*?)</{block}>", page.text, re.S)
            assert policy[directive] == f"'{shared.share_page._hash(inline)}'"
        assert not re.search(r"\son\w+=|\sstyle=|https?:|javascript:", page.text), "handlers, styles, other places"
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(", page.text)
    assert 'data-state="opening"' in found.text
    assert 'data-state="gone"' in gone.text


def test_the_page_tells_nothing_of_the_share(http: TestClient, ada: Somebody) -> None:
    """Whoever previews links for a messenger gets the same page for all of them."""
    one, other = linked(http, ada, [sealed_photo(ada)]), linked(http, ada, [], password="1234")
    assert one.get(headers=BROWSER).content == other.get(headers=BROWSER).content
    assert "grandma" not in one.get(headers=BROWSER).text


def test_a_slash_at_the_end_changes_nothing(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    assert link.get("/").json() == link.get().json()


def test_an_error_of_ours_is_logged_without_the_link(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = linked(http, ada, [sealed_photo(ada)])
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(edge.logger(), "error", lambda event, **options: logged.append(options["extra"]))

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("a crash")

    monkeypatch.setattr(visits.shares, "of_living", crash)
    assert link.get("/photos").status_code == 500
    assert logged[0]["path"] == "/s/.../photos"
    assert link.token not in str(logged)


# ------------------------------------------------------------------------------------------- whatever else is asked

odd = st.text(max_size=40) | st.sampled_from(["", "\x00", "..", "%", "0" * 32, "\ud800", "<script>", "a" * 300])


def test_whatever_is_asked_of_a_share_the_answer_is_as_described(http: TestClient, ada: Somebody) -> None:
    link = linked(http, ada, [sealed_photo(ada, CAMERA) for _ in range(1)], password="1234", downloads=True)
    link.opened(password="1234")
    name = link.listed()[0]["id"]
    known = {operation.id: operation for operation in operations() if operation.path.startswith("/s/")}
    assert known.keys() == {"getShared", "openShared", "listShared", "viewShared"}
    headers = st.dictionaries(
        st.sampled_from(["Range", "If-None-Match", "If-Range", "Accept", "Cookie", "Share-Visit", "Content-Type"]),
        st.sampled_from(
            [b"bytes=0-5", b"bytes=-1", b"*", b"text/html", b"image/*", b"application/json", b"\xff", b'"x"']
        ),
        max_size=3,
    )

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        which=st.sampled_from(sorted(known)),
        cursor=st.none() | odd | st.just(name),
        photo=odd | st.just(name),
        rendition=st.sampled_from(["thumbnail", "preview", "original", "metadata", "motion", "x"]),
        body=st.none()
        | st.fixed_dictionaries({"password": st.none() | odd | st.integers()})
        | st.lists(odd, max_size=2),
        sent=headers,
    )
    def ask(*, which: str, cursor: Any, photo: str, rendition: str, body: Any, sent: dict[str, bytes]) -> None:
        operation = known[which]
        quoted = quote(photo.encode("utf-8", "surrogatepass"), safe="")
        path = operation.path.replace("{token}", link.token).replace("{rendition}", rendition)
        if "{photo_id}" in path and not quoted.strip("."):
            return
        answer = link.browser.request(
            operation.method,
            path.replace("{photo_id}", quoted),
            params=None if cursor is None else {"cursor": cursor.encode("utf-8", "replace")},
            content=json.dumps(body) if operation.method == "POST" else None,
            headers={"Content-Type": "application/json"} | sent,
            follow_redirects=False,
        )
        assert answer.status_code < 500, answer.text
        if "%2F" not in quoted:
            assert_as_described(answer, operation)

    ask()


def through_the_gateway(
    handler: Any, method: str, path: str, *, body: str | None = None, **headers: str
) -> dict[str, Any]:
    """What the library function answers to API Gateway's event of a request to its stage ``v1``."""
    named = {"host": "abc.example", "x-forwarded-proto": "https"} | {k.replace("_", "-"): v for k, v in headers.items()}
    answer: dict[str, Any] = handler(
        {
            "resource": "/{proxy+}",
            "path": path,
            "httpMethod": method,
            "headers": named,
            "multiValueHeaders": {name: [value] for name, value in named.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "requestContext": {"requestId": "r", "stage": "v1", "identity": {"sourceIp": "203.0.113.9"}},
            "body": body,
            "isBase64Encoded": False,
        },
        None,
    )
    return answer


def test_a_share_is_visited_through_the_gateway(
    http: TestClient, ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a stage's prefix: the page as text, the cookie for whatever lies below the link, pictures as bytes."""
    monkeypatch.setenv("ROOT_PATH", "/v1")
    get_settings.cache_clear()
    try:
        handler = edge.lambda_handler(library_app())
        made = through_the_gateway(
            handler,
            "POST",
            "/shares",
            body=json.dumps({"image_ids": [str(sealed_photo(ada, CAMERA))], "downloads": True}),
            content_type="application/json",
            authorization=ada.headers["Authorization"],
        )
        link = json.loads(made["body"])["link"]
        assert link.startswith("https://abc.example/v1/s/"), "where no PUBLIC_URL is set, the address of the request"
        path = "/s/" + link.rpartition("/")[2]
        page = through_the_gateway(handler, "GET", path, accept="text/html")
        assert (page["statusCode"], page["isBase64Encoded"]) == (200, False)
        assert page["body"].startswith("<!doctype html>")
        opened = through_the_gateway(handler, "POST", f"{path}/unlock", body="{}", content_type="application/json")
        cookie = opened["headers"]["set-cookie"]
        assert "secure" in cookie.lower()
        kept = cookie.partition(";")[0]
        listed = json.loads(through_the_gateway(handler, "GET", f"{path}/photos", cookie=kept)["body"])
        (photo,) = listed["items"]
        original = through_the_gateway(handler, "GET", f"{path}/photos/{photo['id']}/original", cookie=kept)
        assert original["isBase64Encoded"] is True
        assert base64.b64decode(original["body"]).startswith(b"\xff\xd8")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
