"""Texts and pictures as vectors, with the tiny CLIP: what is kept, what is not, and the whole way of a photo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests import towers
from tests.arranging import table, value
from tests.renewed import see, upload
from tests.shared.inference import use_settings
from tests.staged import Bucket
from tests.vaults import Somebody, client, somebody

from photovault import embeddings, ids, meanings, model_manifest, models, renewals
from photovault.api import images as images_api
from photovault.api import search as search_api
from photovault.errors import Misconfigured, Unavailable
from photovault.pipeline import embedding, renewing


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(meanings, "_away_until", 0.0)
    meanings._meaning_of.cache_clear()
    yield
    meanings._meaning_of.cache_clear()


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of models, with the tiny CLIP in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    towers.install(monkeypatch, folder)
    use_settings(monkeypatch, models_dir=str(folder))
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that reach the text tower."""
    texts: list[str] = []
    embed = embeddings.Clip.embed_text

    def listening(self: embeddings.Clip, text: str) -> Any:
        texts.append(text)
        return embed(self, text)

    monkeypatch.setattr(embeddings.Clip, "embed_text", listening)
    return texts


# ------------------------------------------------------------------------------------------------------ what is kept


@pytest.mark.usefixtures("clip")
def test_a_text_is_encoded_once_however_it_is_typed(asked: list[str]) -> None:
    first = meanings.meaning_of("a photo of red")
    assert first is not None
    assert (first.model_name, first.model_version) == (model_manifest.CLIP.name, model_manifest.CLIP.version)
    for typed in ("A Photo of RED", "  a photo\tof  red\n", "a\u00a0photo of red", "ａ photo of red"):
        assert meanings.meaning_of(typed) is first
    assert asked == ["a photo of red"]


@pytest.mark.usefixtures("clip")
def test_other_words_are_other_meanings(asked: list[str]) -> None:
    assert meanings.meaning_of("red") != meanings.meaning_of("blue")
    assert asked == ["red", "blue"]


@pytest.mark.usefixtures("clip")
def test_how_soon_an_answer_comes_does_not_tell_what_others_searched_for(asked: list[str]) -> None:
    ada, ben = ids.new(), ids.new()
    first = [meanings.meaning_of("red", asked_by=who) for who in (ada, ben, ada, ben)]
    assert first == [first[0]] * 4
    assert asked == ["red", "red"]


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("text", ["", "  \n", "\ufeff", "\x00"])
def test_a_text_of_nothing_means_nothing(asked: list[str], text: str) -> None:
    assert meanings.meaning_of(text) is None
    assert asked == []


@pytest.mark.usefixtures("clip")
def test_a_new_version_of_the_model_is_asked_again(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    meanings.meaning_of("red")
    monkeypatch.setattr(embeddings.Clip, "model", replace(model_manifest.CLIP, version="next"))
    later = meanings.meaning_of("red")
    assert later is not None
    assert later.model_version == "next"
    assert asked == ["red", "red"]


@pytest.mark.parametrize(
    "error",
    [Misconfigured("It is gone."), ValueError("not finite")],
    ids=["gone", "broken"],
)
@pytest.mark.usefixtures("clip")
def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def away(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(embeddings.Clip, "embed_text", away)
        assert meanings.meaning_of("red") is None
    assert meanings.meaning_of("red") is not None


@pytest.mark.usefixtures("clip")
def test_what_was_asked_while_the_models_changed_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clip, hashes = embeddings.provider(), embeddings.PerceptualHash()
    with monkeypatch.context() as patch:
        patch.setattr(embeddings, "provider", iter([clip, hashes]).__next__)
        assert meanings.meaning_of("red") is None
    assert meanings.meaning_of("red") is not None


@pytest.mark.usefixtures("clip")
def test_not_every_query_waits_for_a_bucket_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def away(*_: object) -> None:
        asked.append(clock.now)
        raise Unavailable("The models bucket does not answer.")

    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(meanings, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with monkeypatch.context() as patch:
        patch.setattr(embeddings, "provider", away)
        for clock.now in (1000.0, 1001.0, 1029.0, 1031.0, 1032.0):
            assert meanings.meaning_of("red") is None
    assert asked == [1000.0, 1031.0]
    clock.now = 1062.0
    assert meanings.meaning_of("red") is not None


@pytest.mark.usefixtures("clip")
def test_many_threads_get_the_same_answers() -> None:
    texts = ["red", "blue", "lime", "yellow", "a dog", "a cat"] * 20
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(meanings.meaning_of, texts))
    assert found == [meanings.meaning_of(text) for text in texts]


@pytest.mark.usefixtures("clip")
def test_no_more_is_kept_than_a_few_queries() -> None:
    for number in range(300):
        meanings.meaning_of(f"red {number}")
    assert meanings._meaning_of.cache_info().currsize == 128


def test_without_the_files_words_mean_nothing_and_the_operator_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(meanings, "logger", lambda: SimpleNamespace(error=lambda *_, extra: told.append(extra["why"])))
    use_settings(monkeypatch, models_dir=str(tmp_path), embeddings_provider="clip")
    assert meanings.meaning_of("red") is None
    (why,) = told
    assert "EMBEDDINGS_PROVIDER=clip needs vision_model_quantized.onnx" in why
    assert "photovault models pull" in why


# --------------------------------------------------------------------------------------------- the way of a photo


@pytest.fixture
def api(vault: Path) -> TestClient:
    return client([search_api.router, images_api.router])


@pytest.fixture
def ada(vault: Path) -> Somebody:
    return somebody()


def coloured(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), towers.COLOURS[colour]).save(out, "PNG")
    return out.getvalue()


def search(api: TestClient, who: Somebody, q: str) -> list[tuple[UUID, list[tuple[str, str | None]]]]:
    """The photos of an answer, and why they are there."""
    answer = api.get("/search", headers=who.headers, params={"q": q})
    assert answer.status_code == 200, answer.text
    return [
        (UUID(hit["image"]["id"]), [(reason["kind"], reason["text"]) for reason in hit["matched"]])
        for hit in answer.json()["items"]
    ]


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, None)


@pytest.mark.usefixtures("small_models", "sent", "seeing", "clip")
def test_an_uploaded_photo_is_found_by_what_it_shows(api: TestClient, ada: Somebody, bucket: Bucket) -> None:
    red, blue = (upload(ada.user_id, bucket, coloured(colour)) for colour in ("red", "blue"))

    assert search(api, ada, "picture of red") == [(red, [("picture", None)])]
    assert search(api, ada, "blue picture") == [(blue, [("picture", None)])]
    assert search(api, ada, "xyzzy plugh") == []
    hit = api.get("/search", headers=ada.headers, params={"q": "red"}).json()["items"][0]
    assert hit["matched"][0]["score"] > 0.9
    assert search(api, somebody(), "red") == []


@pytest.mark.usefixtures("small_models", "sent", "seeing", "clip")
def test_a_picture_that_is_sent_finds_its_like(api: TestClient, ada: Somebody, bucket: Bucket) -> None:
    red, _ = (upload(ada.user_id, bucket, coloured(colour)) for colour in ("red", "blue"))
    answer = api.post("/search/by-image", headers=ada.headers, files={"file": ("x.png", coloured("red"))})

    assert [UUID(hit["image"]["id"]) for hit in answer.json()["items"]] == [red]


@pytest.mark.parametrize("name", ["auto", "clip", "phash"])
@pytest.mark.usefixtures("small_models", "sent", "seeing")
def test_the_setting_says_what_describes_a_photo(
    ada: Somebody, bucket: Bucket, clip: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    use_settings(monkeypatch, models_dir=str(clip), embeddings_provider=name)
    upload(ada.user_id, bucket, coloured("red"))
    used = value(ada.user_id, "SELECT m.name FROM image_embeddings e JOIN models m ON m.id = e.model_id")
    assert used == (model_manifest.PHASH if name == "phash" else model_manifest.CLIP).name


@pytest.mark.usefixtures("small_models", "sent", "seeing")
def test_photos_from_before_clip_are_found_by_meaning_when_the_walk_has_been_there(
    api: TestClient, ada: Somebody, bucket: Bucket, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(monkeypatch, models_dir=str(clip), embeddings_provider="phash")
    red, blue = (upload(ada.user_id, bucket, coloured(colour)) for colour in ("red", "blue"))
    assert search(api, ada, "red") == []
    use_settings(monkeypatch, models_dir=str(clip))
    assert search(api, ada, "red") == []  # the model is there, the photos wait for it
    renewing.renew_some(ada.user_id, embedding.WORK)
    assert [found for found, _ in search(api, ada, "red")] == [red]
    assert [found for found, _ in search(api, ada, "blue")] == [blue]
    assert value(ada.user_id, "SELECT count(*) FROM image_embeddings") == 2
    monkeypatch.setattr(embedding, "get_settings", models.get_settings)  # as it is where nobody chose by name
    # The files are away again: what CLIP has seen stays, and words go by words alone.
    for file in clip.iterdir():
        file.rename(file.with_suffix(".away"))
    use_settings(monkeypatch, models_dir=str(clip), models_bucket=None)
    embeddings._providers.clear()
    meanings._meaning_of.cache_clear()
    assert search(api, ada, "red") == []
    renewing.renew_some(ada.user_id, embedding.WORK)
    assert (
        value(
            ada.user_id,
            "SELECT count(*) FROM image_embeddings e JOIN models m ON m.id = e.model_id WHERE m.name = %s",
            [model_manifest.CLIP.name],
        )
        == 2
    )


@pytest.mark.usefixtures("small_models", "sent", "seeing")
def test_files_that_come_while_a_process_runs_are_what_its_next_walk_works_with(
    api: TestClient, ada: Somebody, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_settings(monkeypatch, models_dir=str(tmp_path))
    monkeypatch.setattr(embedding, "get_settings", models.get_settings)
    red, _ = (upload(ada.user_id, bucket, coloured(colour)) for colour in ("red", "blue"))
    assert search(api, ada, "red") == []
    towers.install(monkeypatch, tmp_path)  # `photovault models pull`
    renewing.renew_some(ada.user_id, embedding.WORK)

    assert used(ada) == [(model_manifest.CLIP.name, 512)] * 2
    assert [found for found, _ in search(api, ada, "red")] == [red]


@pytest.mark.usefixtures("small_models", "sent", "seeing")
def test_no_vector_is_kept_in_another_models_name(
    ada: Somebody, bucket: Bucket, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(monkeypatch, models_dir=str(clip), embeddings_provider="phash")
    upload(ada.user_id, bucket, coloured("red"))
    hashes = embeddings.provider()
    use_settings(monkeypatch, models_dir=str(clip))
    with monkeypatch.context() as patch:
        patch.setattr(embeddings, "provider", lambda: hashes)  # the files went between two lines
        with pytest.raises(Unavailable):
            renewing.renew_some(ada.user_id, embedding.WORK)
    assert used(ada) == [(model_manifest.PHASH.name, 64)]
    renewing.renew_some(ada.user_id, embedding.WORK)
    assert used(ada) == [(model_manifest.CLIP.name, 512)]


def used(who: Somebody) -> list[tuple[str, int]]:
    """The models of a person's vectors, and how long these are."""
    return table(
        who.user_id,
        "SELECT m.name, vector_dims(e.embedding) FROM image_embeddings e JOIN models m ON m.id = e.model_id",
    )


@pytest.mark.usefixtures("small_models", "sent", "seeing")
def test_on_every_step_from_the_hash_to_clip_words_find_what_they_found(
    api: TestClient, ada: Somebody, bucket: Bucket, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(monkeypatch, models_dir=str(clip), embeddings_provider="phash")
    red, *others = (upload(ada.user_id, bucket, coloured(colour)) for colour in towers.COLOURS)
    before = {found for found, _ in search(api, ada, "photo")}
    assert before == {red, *others}  # by the name of the file
    use_settings(monkeypatch, models_dir=str(clip))
    waiting, steps = renewals.waiting, 0

    def one(*given: Any, limit: int) -> list[UUID]:
        return waiting(*given, limit=1) if next(turns, False) else []

    monkeypatch.setattr(renewals, "waiting", one)
    while True:
        assert {found for found, _ in search(api, ada, "photo")} == before, f"after {steps} photos"
        found = search(api, ada, "red photo")
        assert {image_id for image_id, _ in found} == before, f"after {steps} photos"
        turns = iter([True])
        if not renewing.renew_some(ada.user_id, embedding.WORK):
            break
        steps += 1
    assert steps == len(before)
    assert found[0] == (red, [("word", "photo"), ("picture", None)])
