"""Birthdays over HTTP: said together with a name, they go wherever the name goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.arranging import add_photo, build, face_of, faces_in, who_is_in
from tests.vaults import Somebody, client, somebody

from photovault import db, images
from photovault.api import albums, people

pytestmark = pytest.mark.usefixtures("vault", "sent")
BORN = "1906-12-09"


@pytest.fixture(scope="module")
def http(vault: Path) -> Iterator[TestClient]:
    with client([albums.router, people.router]) as made:
        yield made


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture
def grace(http: TestClient, ada: Somebody) -> tuple[str, list[UUID]]:
    """Somebody with a name and a birthday."""
    photos = [add_photo(ada.user_id, faces=[face_of(1, look)]) for look in range(4)]
    build(ada.user_id)
    person = str(who_is_in(ada.user_id, photos)[0])
    assert edit(http, ada, person, name="Grace", birthday=BORN)["person"]["birthday"] == BORN
    return person, photos


Grace = tuple[str, list[UUID]]


def edit(http: TestClient, ada: Somebody, person: str, **body: Any) -> dict[str, Any]:
    answer = http.patch(f"/people/{person}", headers=ada.headers, json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def ask(http: TestClient, ada: Somebody, method: str, path: str, **body: Any) -> Any:
    answer = http.request(method, path, headers=ada.headers, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def people_of(http: TestClient, ada: Somebody) -> dict[str, tuple[str | None, str | None]]:
    found = http.get("/albums/persons", headers=ada.headers, params={"hidden": True}).json()["items"]
    return {one["id"]: (one["name"], one["birthday"]) for one in found}


def rebuilt(http: TestClient, ada: Somebody) -> dict[str, tuple[str | None, str | None]]:
    """The people as a rebuild makes them; it agrees with what was answered at once."""
    before = people_of(http, ada)
    add_photo(ada.user_id)
    build(ada.user_id)
    assert people_of(http, ada) == before
    return before


def test_a_birthday_is_true_at_once_and_stays(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, _ = grace
    assert rebuilt(http, ada) == {person: ("Grace", BORN)}
    assert http.get(f"/people/{person}", headers=ada.headers).json()["birthday"] == BORN
    for look in range(4, 9):
        add_photo(ada.user_id, faces=[face_of(1, look)])
    build(ada.user_id)
    assert people_of(http, ada) == {person: ("Grace", BORN)}


def test_a_new_name_keeps_the_birthday_and_no_name_takes_it_away(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, _ = grace
    edit(http, ada, person, name="Amazing Grace")
    assert rebuilt(http, ada) == {person: ("Amazing Grace", BORN)}
    edit(http, ada, person, birthday=None)
    assert rebuilt(http, ada) == {person: ("Amazing Grace", None)}
    said = edit(http, ada, person, birthday="1907-01-01")["correction_id"]
    edit(http, ada, person, hidden=False)
    assert rebuilt(http, ada) == {person: ("Amazing Grace", "1907-01-01")}
    ask(http, ada, "POST", f"/people/corrections/{said}/undo")
    assert rebuilt(http, ada) == {person: ("Amazing Grace", None)}
    edit(http, ada, person, birthday=BORN)
    edit(http, ada, person, name=None)
    assert rebuilt(http, ada) == {person: (None, None)}


def test_a_merge_takes_over_a_birthday_where_there_was_none_and_gives_it_back(
    http: TestClient, ada: Somebody, grace: Grace
) -> None:
    person, _ = grace
    others = [add_photo(ada.user_id, faces=[face_of(2, look)]) for look in range(3)]
    build(ada.user_id)
    other = str(who_is_in(ada.user_id, others)[0])
    edit(http, ada, other, name="Grandma")
    (said,) = ask(http, ada, "POST", "/people/merge", into=other, people=[person])["correction_ids"]
    assert rebuilt(http, ada) == {other: ("Grandma", BORN)}
    ask(http, ada, "POST", f"/people/corrections/{said}/undo")
    assert sorted(rebuilt(http, ada).values(), key=str) == [("Grace", BORN), ("Grandma", None)]


def test_a_split_leaves_the_birthday_with_the_name(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, photos = grace
    faces = [str(faces_in(ada.user_id, photo)[0].id) for photo in photos]
    new = ask(http, ada, "POST", f"/people/{person}/split", face_ids=faces[2:])["person"]["id"]
    assert rebuilt(http, ada) == {person: ("Grace", BORN), new: (None, None)}


def test_a_birthday_outlives_the_photo_that_it_was_said_by(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, photos = grace
    for photo in photos[:2]:
        with db.transaction(ada.user_id) as conn:
            images.delete_row(conn, photo)
        add_photo(ada.user_id)
        build(ada.user_id)
        assert people_of(http, ada) == {person: ("Grace", BORN)}


def test_a_face_that_is_given_away_takes_no_birthday_along(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, photos = grace
    others = [add_photo(ada.user_id, faces=[face_of(2, look)]) for look in range(3)]
    build(ada.user_id)
    other = str(who_is_in(ada.user_id, others)[0])
    for photo in photos[:2]:
        face = faces_in(ada.user_id, photo)[0].id
        ask(http, ada, "PUT", f"/faces/{face}/person", person_id=other)
    assert rebuilt(http, ada) == {person: ("Grace", BORN), other: (None, None)}


@pytest.mark.parametrize(
    "birthday",
    ["1500-01-01", "9999-12-31", "in three days", "2025-02-30", "soon", 7.5],
)
def test_days_on_which_nobody_in_a_photo_was_born_are_refused(
    http: TestClient, ada: Somebody, grace: Grace, birthday: Any
) -> None:
    if birthday == "in three days":  # tomorrow is today somewhere on earth, and midnight may come meanwhile
        birthday = str(datetime.now(UTC).date() + timedelta(days=3))
    answer = http.patch(f"/people/{grace[0]}", headers=ada.headers, json={"birthday": birthday})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "birthday"
    assert people_of(http, ada) == {grace[0]: ("Grace", BORN)}


def test_a_birthday_goes_with_a_name(http: TestClient, ada: Somebody) -> None:
    photos = [add_photo(ada.user_id, faces=[face_of(1, look)]) for look in range(3)]
    build(ada.user_id)
    person = who_is_in(ada.user_id, photos)[0]
    for body in ({"birthday": BORN}, {"birthday": BORN, "name": None}):
        answer = http.patch(f"/people/{person}", headers=ada.headers, json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "birthday", "message": "needs a name"}]
    today = str(datetime.now(UTC).date())
    assert edit(http, ada, str(person), name="Baby", birthday=today)["person"]["birthday"] == today


def test_an_album_of_that_day_is_called_after_it(http: TestClient, ada: Somebody, grace: Grace) -> None:
    person, _ = grace
    party = [
        add_photo(ada.user_id, taken=datetime(2025, 12, 9, 15, 5 * n), faces=[face_of(1, 9 + n)]) for n in range(12)
    ]
    build(ada.user_id)
    (album,) = http.get("/albums/", headers=ada.headers, params={"kind": "event"}).json()["items"]
    assert album["image_count"] == len(party)
    assert "Grace" in album["title"]
    assert "irthday" in album["title"]
    edit(http, ada, person, birthday="1906-06-01")
    build(ada.user_id)
    (album,) = http.get("/albums/", headers=ada.headers, params={"kind": "event"}).json()["items"]
    assert "irthday" not in album["title"]
