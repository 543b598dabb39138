"""Search over HTTP: what a query answers, its pages, completion, look-alikes, and queries meant to break it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import libraries
from tests.libraries import LISBON, PARIS, TinyEncoder, photo, towards
from tests.pictures import draw
from tests.vaults import Somebody, client, somebody

from photovault import cursors, db, embeddings, images, meanings, model_manifest, renewals, things, users, vectors
from photovault.api import images as images_api
from photovault.api import search as search_api
from photovault.sights import Sight


@pytest.fixture(scope="module")
def api(vault: Path) -> TestClient:
    return client([search_api.router, images_api.router])


@pytest.fixture
def person(vault: Path) -> Somebody:
    return somebody()


@pytest.fixture(scope="module")
def library(vault: Path) -> Somebody:
    """Somebody with a little of everything."""
    somebodys = somebody()
    anna = libraries.named_person(somebodys.user_id, "Anna", image_count=2)
    libraries.named_person(somebodys.user_id, "Annabel", hidden=True)
    trip = libraries.album(somebodys.user_id, "Ankara by train")
    photo(somebodys.user_id, caption="a dog on the beach", people=[anna], albums=[trip], labels=["dog"], **LISBON)
    photo(somebodys.user_id, caption="sunset", people=[anna], day=date(2024, 7, 1), **PARIS)
    return somebodys


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> TinyEncoder:
    tiny = TinyEncoder()
    monkeypatch.setattr(embeddings, "provider", lambda: tiny)
    meanings._meaning_of.cache_clear()
    return tiny


def get(api: TestClient, person: Somebody, path: str = "/search", **parameters: Any) -> Any:
    answer = api.get(path, headers=person.headers, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(page: Any) -> list[UUID]:
    return [UUID(hit["image"]["id"]) for hit in page["items"]]


def pages(
    api: TestClient, person: Somebody, path: str = "/search", *, cursor: str | None = None, **parameters: Any
) -> list[UUID]:
    every: list[UUID] = []
    while True:
        page = get(api, person, path, **parameters, **({"cursor": cursor} if cursor else {}))
        every += found(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return every
        assert page["items"], "a page that is not the last holds something"


# ------------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize("path", ["/search", "/search/suggest", "/images/01972b6f-3c00-7000-8000-000000000001/similar"])
def test_without_a_token_it_is_401(api: TestClient, path: str) -> None:
    assert api.get(path).status_code == 401


def test_an_answer_says_how_the_query_was_understood_and_why_each_photo_is_there(
    api: TestClient, library: Somebody
) -> None:
    q = "anna in lisbon may 2025 dog on the beach"
    page = get(api, library, q=q)

    assert [(span["kind"], span["text"], span["negated"]) for span in page["filter"]["spans"]] == [
        ("person", "anna", False),
        ("place", "in lisbon", False),
        ("date", "may 2025", False),
    ]
    assert all(q[span["start"] : span["end"]] == span["text"] for span in page["filter"]["spans"])
    assert [span["names"] for span in page["filter"]["spans"]] == [["Anna"], ["Lisbon, Portugal"], []]
    assert page["filter"]["text"] == "dog on the beach"
    assert page["filter"]["conditions"]["places"] == [{"level": "city", "value": "Lisbon", "country_code": "PT"}]
    (hit,) = page["items"]
    assert hit["score"] == 1.0
    assert {(reason["kind"], reason["text"]) for reason in hit["matched"]} == {
        ("person", "anna"),
        ("place", "Lisbon"),
        ("date", "2025-05-01..2025-05-31"),
        ("label", "dog"),
        ("word", "dog"),
        ("word", "beach"),
    }
    assert hit["image"]["caption"] == "a dog on the beach"


def test_conditions_alone_list_by_time_with_score_one(api: TestClient, library: Somebody) -> None:
    page = get(api, library, q="anna")

    assert [hit["image"]["caption"] for hit in page["items"]] == ["a dog on the beach", "sunset"]
    assert {hit["score"] for hit in page["items"]} == {1.0}
    assert page["items"][0]["matched"] == [{"kind": "person", "text": "anna", "score": None}]


def test_no_query_lists_what_the_filter_leaves(api: TestClient, library: Somebody) -> None:
    page = get(api, library, city="Paris")

    assert [hit["image"]["caption"] for hit in page["items"]] == ["sunset"]
    assert page["items"][0]["matched"] == []
    assert page["filter"] == {"conditions": {}, "text": "", "language": "en", "spans": []}
    assert len(get(api, library)["items"]) == 2


def test_query_and_filter_must_both_hold(api: TestClient, library: Somebody) -> None:
    assert len(get(api, library, q="anna", city="Paris")["items"]) == 1
    assert get(api, library, q="anna in lisbon", city="Paris")["items"] == []
    assert get(api, library, q="-is:favourite", favourite="true")["items"] == []
    assert get(api, library, q="beach", label="cat")["items"] == []


def test_meaning_is_a_reason_with_its_cosine(api: TestClient, person: Somebody) -> None:
    photo(person.user_id, vector=towards(0.3))
    (hit,) = get(api, person, q="sunset")["items"]

    (reason,) = hit["matched"]
    assert (reason["kind"], reason["text"]) == ("picture", None)
    assert reason["score"] == pytest.approx(0.3, abs=0.001)


def test_nonsense_finds_nothing(api: TestClient, library: Somebody) -> None:
    assert get(api, library, q="flurbl")["items"] == []


@pytest.mark.parametrize(
    "q",
    [
        "person:adda",
        "album:xyz",
        "label:zzz",
        "near:nowhere",
        "camera:none",
        "is:purple",
        "person:",
        "anna person:adda",
        "beach label:zzz",
    ],
)
def test_an_operator_that_names_nothing_finds_nothing_and_says_so(api: TestClient, library: Somebody, q: str) -> None:
    page = get(api, library, q=q)

    assert (page["items"], page["next_cursor"]) == ([], None)
    (strange,) = [span for span in page["filter"]["spans"] if not span["known"]]
    assert strange["text"] in q
    without = q[: strange["start"]] + q[strange["end"] :]
    assert get(api, library, q=without)["items"]


def test_what_is_not_here_leaves_nothing_out_and_says_so(api: TestClient, library: Somebody) -> None:
    page = get(api, library, q="anna -person:adda")

    assert len(page["items"]) == 2
    assert [(span["known"], span["negated"]) for span in page["filter"]["spans"]] == [(True, False), (False, True)]
    assert {reason["text"] for hit in page["items"] for reason in hit["matched"]} == {"anna"}


def test_a_misspelt_name_behind_an_operator_is_forgiven(api: TestClient, library: Somebody) -> None:
    page = get(api, library, q="person:anan")

    assert len(page["items"]) == 2
    assert [(span["known"], span["guessed"]) for span in page["filter"]["spans"]] == [(True, True)]


def test_what_is_written_about_a_photo_and_what_moves_can_be_asked_for(api: TestClient, person: Somebody) -> None:
    told, live, plain = photo(person.user_id, caption="hut"), photo(person.user_id), photo(person.user_id, caption="")
    raw = photo(person.user_id, content_type="image/x-adobe-dng")
    with db.transaction(person.user_id) as conn:
        conn.execute(
            "INSERT INTO blobs (image_id, name, driver, key, bytes, sha256, header_sha256, plain_bytes, content_type) "
            "VALUES (%(id)s, 'motion', 'local', %(id)s::text, 1, sha256('a'), sha256('a'), 1, 'video/quicktime')",
            {"id": live},
        )

    assert found(get(api, person, q="has:caption")) == [told]
    assert found(get(api, person, q="-has:caption")) == [raw, plain, live]
    assert found(get(api, person, q="is:live")) == found(get(api, person, q="has:film")) == [live]
    assert found(get(api, person, q="-is:live")) == [raw, plain, told]
    assert found(get(api, person, q="is:raw")) == [raw]


def test_the_query_can_ask_for_the_archive_that_the_list_leaves_out(api: TestClient, person: Somebody) -> None:
    archived = photo(person.user_id, archived=True)

    assert found(get(api, person, q="may 2025")) == []
    assert found(get(api, person, q="is:archived")) == [archived]
    assert found(get(api, person, q="may 2025", archived="any")) == [archived]
    assert found(get(api, person, q="is:archived", archived="false")) == []


def test_today_is_where_the_person_is(api: TestClient, person: Somebody) -> None:
    new_year = photo(person.user_id, day=date(2025, 1, 1))

    assert found(get(api, person, q="yesterday", today="2025-01-02")) == [new_year]
    assert found(get(api, person, q="yesterday", today="2025-01-01")) == []
    assert api.get("/search", headers=person.headers, params={"today": "soon"}).status_code == 422


def test_nobody_finds_anothers_photos(api: TestClient, library: Somebody, person: Somebody) -> None:
    for q in ("", "anna", "beach", "in lisbon"):
        assert get(api, person, q=q)["items"] == []


# ------------------------------------------------------------------------------------------------- plain things


@pytest.fixture(scope="module")
def pets(vault: Path) -> tuple[Somebody, dict[str, UUID]]:
    """Cats and dogs that a model is sure of, is not sure of, and has not seen at all."""
    owner = somebody()

    def seen(looks: dict[str, float], **values: Any) -> UUID:
        image_id = photo(owner.user_id, **values)
        with db.transaction(owner.user_id) as conn:
            things.add_sights(conn, image_id, {name: Sight(strength, 1) for name, strength in looks.items()})
        return image_id

    return owner, {
        "both": seen({"cat": 0.9, "dog": 0.9}, labels=["cat", "dog"], day=date(2024, 1, 1)),
        "cat": seen({"cat": 0.9}, labels=["cat"], day=date(2025, 3, 1), **LISBON),
        "dog": seen({"dog": 0.9}, labels=["dog"], day=date(2025, 1, 1)),
        "cat, perhaps a dog": seen({"cat": 0.9, "dog": 0.3}, labels=["cat"], day=date(2023, 1, 1)),
        "perhaps a cat": seen({"cat": 0.3}, day=date(2025, 2, 1), **LISBON),
        "told": photo(owner.user_id, caption="our cat", day=date(2022, 1, 1)),
        "else": seen({"car": 0.9}, labels=["car"], day=date(2025, 2, 1), **LISBON),
        "hardly": seen({"cat": 0.06}, day=date(2025, 2, 1), **LISBON),
    }


@pytest.mark.parametrize(
    ("q", "sure", "behind"),
    [
        ("cat", ["cat", "both", "cat, perhaps a dog"], ["told", "perhaps a cat"]),
        ("cat and dog", ["both"], ["cat, perhaps a dog", "dog", "told", "cat"]),
        ("2025 lisbon cat", ["cat"], ["perhaps a cat"]),
        ("label:cat", ["cat", "both", "cat, perhaps a dog"], []),
        ("cats not dogs", ["cat", "cat, perhaps a dog"], ["told", "perhaps a cat"]),
        ("cat 2021", [], []),
        ("cat 2022", [], ["told"]),
        ("unicorn", [], []),
    ],
)
def test_what_surely_shows_a_thing_comes_first_and_behind_it_what_may(
    api: TestClient, pets: tuple[Somebody, dict[str, UUID]], q: str, sure: list[str], behind: list[str]
) -> None:
    owner, photos = pets
    names = {image_id: name for name, image_id in photos.items()}
    answer = get(api, owner, q=q)
    order = [names[image_id] for image_id in found(answer)]

    assert order == sure + behind
    for limit in (1, len(sure) or 1, len(sure) + 1):
        assert pages(api, owner, q=q, limit=limit) == found(answer), limit


def test_a_thing_in_plain_words_says_of_each_photo_why_it_is_there(
    api: TestClient, pets: tuple[Somebody, dict[str, UUID]]
) -> None:
    owner, photos = pets
    answer = get(api, owner, q="lisbon cat")

    assert [(span["text"], span["strict"]) for span in answer["filter"]["spans"]] == [("lisbon", True), ("cat", False)]
    assert answer["filter"]["text"] == ""
    why = {UUID(hit["image"]["id"]): [(one["kind"], one["text"]) for one in hit["matched"]] for hit in answer["items"]}
    assert why == {
        photos["cat"]: [("place", "Lisbon"), ("label", "cat")],
        photos["perhaps a cat"]: [("place", "Lisbon"), ("look", "cat")],
    }


def test_nothing_is_ranked_before_what_is_sure_has_ended(
    api: TestClient, pets: tuple[Somebody, dict[str, UUID]], encoder: TinyEncoder
) -> None:
    owner, _ = pets
    first = get(api, owner, q="cat", limit=2)
    assert encoder.asked == []
    assert len(get(api, owner, q="cat", limit=2, cursor=first["next_cursor"])["items"]) == 2
    assert encoder.asked == ["cat"]


# -------------------------------------------------------------------------------------------------------- pages


def test_pages_by_rank_and_by_time_hold_everything_once(api: TestClient, person: Somebody) -> None:
    start = date(2025, 5, 1)
    many = [photo(person.user_id, caption="beach", day=start + timedelta(days=n)) for n in range(7)]

    newest_first = many[::-1]
    assert pages(api, person, q="may 2025", limit=3) == newest_first
    assert pages(api, person, q="beach", limit=3) == newest_first
    assert pages(api, person, q="may 2025", limit=7) == newest_first


def test_a_page_by_rank_begins_behind_the_last_photo_whatever_came_or_went(api: TestClient, person: Somebody) -> None:
    many = [photo(person.user_id, caption="beach") for _ in range(6)][::-1]
    first = get(api, person, q="beach", limit=3)
    came = photo(person.user_id, caption="beach")
    second = get(api, person, q="beach", limit=2, cursor=first["next_cursor"])
    assert found(second) == many[3:5]
    with db.transaction(person.user_id) as conn:
        revision = users.next_revision(conn)
        for image_id in (came, many[0], many[1]):
            images.move_to_trash(conn, image_id, revision=revision)
    assert found(get(api, person, q="beach", limit=2, cursor=second["next_cursor"])) == many[5:]


@pytest.mark.parametrize(("q", "other"), [("beach", "dog"), ("may 2025", "2025"), ("", "2025")])
def test_a_cursor_belongs_to_its_query(api: TestClient, person: Somebody, q: str, other: str) -> None:
    for _ in range(2):
        photo(person.user_id, caption="beach dog")
    cursor = get(api, person, q=q, limit=1)["next_cursor"]
    assert cursor

    for wrong in ({"q": other}, {"q": q, "favourite": "true"}, {"q": q, "today": "2025-01-01"}):
        answer = api.get("/search", headers=person.headers, params=wrong | {"cursor": cursor})
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"].endswith("bad-cursor")


@pytest.mark.parametrize("rank", [-1, 1001, 2**62])
def test_a_rank_that_no_page_ends_at_is_no_cursor(api: TestClient, person: Somebody, rank: int) -> None:
    for _ in range(2):
        photo(person.user_id, caption="beach")
    good = get(api, person, q="beach", limit=1)["next_cursor"]
    kind = next(kind for kind in _kinds(good))
    answer = api.get(
        "/search", headers=person.headers, params={"q": "beach", "cursor": cursors.encode(kind, rank, person.user_id)}
    )

    assert answer.status_code == 422


def _kinds(cursor: str) -> list[str]:
    import base64
    import json

    return [json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]]


# ------------------------------------------------------------------------------------------------------ torture


@pytest.mark.parametrize(
    "q",
    [
        " ",
        "\x00",
        "beach\x00dog",
        "the of and",
        "person:",
        "before: after: date:",
        "not",
        "and or not",
        "-",
        '"',
        '"""',
        "'; DROP TABLE images; --",
        "' OR 1=1 --",
        "%s %(id)s %",
        "_%\\",
        ".*+?^$()[]{}|",
        "\\u0000",
        "חוף הים",
        "\u202eشاطئ\u202c",
        "🏖️🐕",
        "\ufffe\uffff",
        "\U0010ffff" * 5,
        "a" * 1000,
        "- " * 500,
        "between and",
        "date:9999-99-99",
        "after:0000-00-00",
        "2025-13-45",
        "9999 years ago",
        "in 99999999999999999999 days",
        "IMG_1.jpg" * 100,
        "παραλία Αθήνα",
        "海滩上的狗",
        "समुद्र तट",
        "ชายหาด",
        "👨‍👩‍👧‍👦",
        "\ud83d",
        "\x01\x02\x7f",
        "\u200b\u200e\u2066",
        "x'||pg_sleep(9)||'",
        "dog%",
        "____",
        "<script>alert(1)</script>",
        "person:" * 100,
        '-album:"',
        "near:-",
        "is: has: type:",
        "a:b:c::d",
    ],
    ids=ascii,
)
def test_no_query_is_too_odd(api: TestClient, library: Somebody, q: str) -> None:
    """An answer, and only for what says nothing at all the library as it is."""
    q = q.encode("utf-8", "replace").decode()  # half of a surrogate pair reaches us as a question mark
    page = get(api, library, q=q)
    get(api, library, "/search/suggest", q=q)

    nothing = not q.replace("\x00", "").strip()
    assert (page["filter"]["text"] == "" and not page["filter"]["spans"]) == nothing
    assert len(page["items"]) == (2 if nothing else len(page["items"]))


@pytest.mark.parametrize(
    "q", ["???", "%", "_", "*", "...", "\x01\x02", "\u202e", "\u200b\u200d", "\U0010ffff"], ids=ascii
)
def test_signs_that_say_nothing_find_nothing(api: TestClient, person: Somebody, encoder: TinyEncoder, q: str) -> None:
    photo(person.user_id, vector=towards(1.0), caption="100 % fun_day ...")

    assert get(api, person, q=q)["items"] == []
    assert encoder.asked == []


@pytest.mark.parametrize("path", ["/search", "/search/suggest"])
@pytest.mark.parametrize("raw", ["%00", "%ff%fe", "%ed%a0%80", "%F0%9F", "%u0041", "+", "%2B%25%5F"])
def test_bytes_that_are_no_text_are_answered(api: TestClient, library: Somebody, path: str, raw: str) -> None:
    answer = api.get(f"{path}?q={raw}", headers=library.headers)
    assert answer.status_code in {200, 422}, answer.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    q=st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                ["anna", "lisbon", "not", "or", "and", "before:", "date:", "2024", "last", "summer", "-", '"', "album:"]
            ),
        ),
        max_size=8,
    ).map(" ".join),
    today=st.dates(),
)
def test_any_query_on_any_day_has_an_answer(api: TestClient, library: Somebody, q: str, today: date) -> None:
    get(api, library, q=q, today=today.isoformat())


def test_a_query_of_more_than_1000_characters_is_refused(api: TestClient, library: Somebody) -> None:
    for path in ("/search", "/search/suggest"):
        answer = api.get(path, headers=library.headers, params={"q": "a" * 1001})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "query.q"


# --------------------------------------------------------------------------------------------------- completion


def test_the_end_of_a_query_is_completed_with_names_of_the_library(api: TestClient, library: Somebody) -> None:
    items = get(api, library, "/search/suggest", q="beach an")["items"]

    assert [(item["kind"], item["value"], item["text"]) for item in items] == [
        ("person", "Anna", "beach Anna"),
        ("album", "Ankara by train", 'beach album:"Ankara by train"'),
    ]
    assert [item["kind"] for item in get(api, library, "/search/suggest", q="do")["items"]] == ["label"]
    assert [item["value"] for item in get(api, library, "/search/suggest", q="lisb", limit=1)["items"]] == ["Lisbon"]


def test_hidden_and_other_peoples_names_are_not_told(api: TestClient, library: Somebody, person: Somebody) -> None:
    assert "Annabel" not in [item["value"] for item in get(api, library, "/search/suggest", q="anna")["items"]]
    assert get(api, person, "/search/suggest", q="anna")["items"] == []


# -------------------------------------------------------------------------------------------------- look-alikes


def test_look_alikes_come_nearest_first_page_by_page(api: TestClient, person: Somebody) -> None:
    anchor = photo(person.user_id, vector=towards(1.0))
    near = [photo(person.user_id, vector=towards(cosine)) for cosine in (0.8, 0.99, 0.9)]
    path = f"/images/{anchor}/similar"

    assert pages(api, person, path, limit=1) == [near[1], near[2], near[0]]
    assert get(api, person, path)["items"][0]["score"] == pytest.approx(0.99, abs=0.001)


def test_look_alikes_of_anothers_photo_are_404(api: TestClient, library: Somebody, person: Somebody) -> None:
    theirs = found(get(api, library, q="anna"))[0]

    assert api.get(f"/images/{theirs}/similar", headers=person.headers).status_code == 404


def test_a_cursor_of_another_photos_look_alikes_is_refused(api: TestClient, person: Somebody) -> None:
    first, second, _ = (photo(person.user_id, vector=towards(1.0)) for _ in range(3))
    cursor = get(api, person, f"/images/{first}/similar", limit=1)["next_cursor"]

    answer = api.get(f"/images/{second}/similar", headers=person.headers, params={"cursor": cursor})
    assert answer.status_code == 422


def test_pages_of_look_alikes_go_on_by_the_model_that_they_began_with(api: TestClient, person: Somebody) -> None:
    """Distances of two models are not those of one: a photo that is embedded anew between two pages moves no other."""
    anchor, *near = (photo(person.user_id, vector=towards(cosine)) for cosine in (1.0, 0.99, 0.9, 0.8))
    path = f"/images/{anchor}/similar"
    first = get(api, person, path, limit=1)
    with db.transaction(person.user_id) as conn:
        now = renewals.recipe_of(conn, renewals.Ingredients("embedding", model_manifest.PHASH))
        vectors.add_embedding(conn, anchor, now.model_id, [1.0, 0.0])
        conn.execute("UPDATE images SET embedding_recipe = %s WHERE id = %s", [now.id, anchor])
    assert found(first) + pages(api, person, path, limit=1, cursor=first["next_cursor"]) == near
    with db.transaction(person.user_id) as conn:
        conn.execute("DELETE FROM image_embeddings WHERE image_id = %s AND model_id <> %s", [anchor, now.model_id])
    answer = api.get(path, headers=person.headers, params={"cursor": first["next_cursor"]})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "bad-cursor")


def test_a_photo_that_was_rejected_is_like_none(api: TestClient, person: Somebody) -> None:
    """Its smaller copy could be embedded and its pixels not be read: there is nothing to show."""
    anchor, on_its_way = (
        photo(person.user_id, vector=towards(1.0)),
        photo(person.user_id, vector=towards(1.0), status="processing"),
    )
    photo(person.user_id, vector=towards(1.0), status="rejected", reason="It is broken.")

    assert found(get(api, person, f"/images/{anchor}/similar")) == [on_its_way]


# ---------------------------------------------------------------------------------------------------- by picture


def by_image(api: TestClient, person: Somebody, data: bytes, **parameters: Any) -> Any:
    return api.post("/search/by-image", headers=person.headers, params=parameters, files={"file": ("x.jpg", data)})


@pytest.fixture
def seen(person: Somebody, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Pictures in a vault that compares them by perceptual hash, as embedding leaves them."""
    provider = embeddings.PerceptualHash()
    monkeypatch.setattr(embeddings, "provider", lambda: provider)
    drawn = [embeddings.decode(draw(seed=n)).convert("RGB") for n in range(4)]
    return [photo(person.user_id, vector=provider.embed_image(one), model=provider.model) for one in drawn]


def test_a_picture_finds_the_photo_that_it_is_a_copy_of(api: TestClient, person: Somebody, seen: list[UUID]) -> None:
    for n, image_id in enumerate(seen):
        answer = by_image(api, person, draw(seed=n))
        assert answer.status_code == 200, answer.text
        first = answer.json()["items"][0]
        assert (UUID(first["image"]["id"]), first["score"]) == (image_id, 1.0)


def test_a_picture_is_searched_among_ones_own_photos_and_leaves_nothing(
    api: TestClient, person: Somebody, seen: list[UUID]
) -> None:
    other = somebody()
    assert by_image(api, other, draw(seed=1)).json() == {"items": [], "next_cursor": None}
    with db.transaction(other.user_id) as conn:
        assert db.value(conn, "SELECT count(*) FROM images") == 0


def test_pages_of_a_picture_are_those_of_that_picture(api: TestClient, person: Somebody, seen: list[UUID]) -> None:
    with db.transaction(person.user_id) as conn:
        again = vectors.model_id(conn, model_manifest.PHASH)
        conn.execute(
            "UPDATE image_embeddings SET embedding = (SELECT embedding FROM image_embeddings WHERE image_id = %s) "
            "WHERE model_id = %s",
            [seen[0], again],
        )
    first = by_image(api, person, draw(seed=0), limit=3).json()
    second = by_image(api, person, draw(seed=0), limit=3, cursor=first["next_cursor"]).json()
    assert [UUID(hit["image"]["id"]) for hit in first["items"] + second["items"]] == sorted(seen)
    assert second["next_cursor"] is None
    foreign = by_image(api, person, draw(seed=1), cursor=first["next_cursor"])
    assert foreign.status_code == 422


@pytest.mark.parametrize(
    ("data", "status"), [(b"", 422), (b"no picture at all", 422), (b"\xff\xd8\xff\xe0 and then nothing", 422)]
)
def test_what_is_no_picture_is_told_so(api: TestClient, person: Somebody, data: bytes, status: int) -> None:
    answer = by_image(api, person, data)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_form_without_a_file_is_told_so(api: TestClient, person: Somebody) -> None:
    answer = api.post("/search/by-image", headers=person.headers, data={"file": "text"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "file"
