"""What the search function loads for its first request: no more than that request needs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests import cold_search, towers
from tests.libraries import LISBON, photo
from tests.pictures import draw
from tests.vaults import Somebody, somebody


@pytest.fixture(scope="module")
def person(vault: Path) -> Somebody:
    """Somebody with one photo."""
    ada = somebody()
    photo(ada.user_id, caption="a dog on the beach", labels=["dog"], day=date(2024, 7, 1), **LISBON)
    return ada


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    towers.install(monkeypatch, tmp_path)
    return tmp_path


@pytest.mark.parametrize("q", ["in lisbon", "july 2024", "label:dog", ""], ids=["place", "date", "label", "nothing"])
def test_a_query_that_only_filters_loads_nothing_heavy(person: Somebody, clip: Path, q: str) -> None:
    seen = cold_search.ask(cold_search.get("/search", person.headers, q=q), models=clip)
    assert (seen.status, len(seen.body["items"])) == (200, 1)
    assert seen.loaded == []


def test_completion_loads_nothing_heavy(person: Somebody, clip: Path) -> None:
    seen = cold_search.ask(cold_search.get("/search/suggest", person.headers, q="lis"), models=clip)
    assert seen.body["items"][0]["value"] == "Lisbon"
    assert seen.loaded == []


def test_words_without_clip_load_nothing_heavy(person: Somebody) -> None:
    seen = cold_search.ask(cold_search.get("/search", person.headers, q="beach"))
    assert len(seen.body["items"]) == 1
    assert seen.loaded == []


def test_words_with_clip_load_the_text_tower_and_nothing_that_reads_pictures(person: Somebody, clip: Path) -> None:
    (clip / "vision_model_quantized.onnx").write_bytes(b"not a network: nobody is to open it")
    seen = cold_search.ask(cold_search.get("/search", person.headers, q="beach"), models=clip)
    assert len(seen.body["items"]) == 1
    assert seen.loaded == ["numpy", "onnxruntime", "tokenizers"]


def test_a_picture_without_clip_loads_no_network(person: Somebody) -> None:
    seen = cold_search.ask(cold_search.post_picture("/search/by-image", person.headers, draw(seed=1)))
    assert seen.status == 200
    assert not {"onnxruntime", "tokenizers", "cv2"} & set(seen.loaded)


def test_a_picture_with_clip_loads_no_tokenizer(person: Somebody, clip: Path) -> None:
    seen = cold_search.ask(cold_search.post_picture("/search/by-image", person.headers, draw(seed=1)), models=clip)
    assert seen.status == 200
    assert "onnxruntime" in seen.loaded
    assert "tokenizers" not in seen.loaded
