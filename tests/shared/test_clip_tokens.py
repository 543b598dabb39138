"""CLIP's tokenizer, against token ids that other implementations published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared.inference import MODELS, needs

from photovault import clip_tokens

VOCABULARY = MODELS / "bpe_simple_vocab_16e6.txt.gz"
pytestmark = needs(VOCABULARY)

# From the README and notebook of openai/CLIP, and from tests of transformers, open_clip, bumblebee and others that
# print what the reference tokenizer answered. Without the two marks around them.
PUBLISHED = {
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "a diagram": [320, 22697],
    "a dog": [320, 1929],
    "hello world": [3306, 1002],
    "  HELLO   World  ": [3306, 1002],
    "Hello World 123": [3306, 1002, 272, 273, 274],
    "a painting of a cat": [320, 3086, 539, 320, 2368],
    "bozuman": [647, 4091, 786],
    "mobileclip": [9451, 944, 8546],
    "hatbox": [3447, 2063],
    "hat box": [3801, 2063],
    "A Photo of a TREE!": [320, 1125, 539, 320, 2677, 256],
    "it's a cat's toy, running   fast": [585, 568, 320, 2368, 568, 5988, 267, 2761, 1953],
    "I can't believe it's not butter": [328, 753, 713, 2649, 585, 568, 783, 6952],
    "email: user@example.com": [4462, 281, 7031, 287, 6228, 269, 2464],
    "!!!": [995],
    "the year 2024 was interesting": [518, 935, 273, 271, 273, 275, 739, 3628],
    "3.14 is pi": [274, 269, 272, 275, 533, 5357],
    "a photo of an astronaut riding a horse on mars": [320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496],
    "café": [15304],
    "cafe\u0301": [15304],
    "🐶": [10631],
    "a cat & a dog": [320, 2368, 261, 320, 1929],
    "": [],
    " \t\n ": [],
}


@pytest.fixture(scope="module")
def tokens() -> clip_tokens.ClipTokens:
    return clip_tokens.load(VOCABULARY)


@pytest.mark.parametrize(("text", "ids"), PUBLISHED.items())
def test_a_sentence_gives_the_published_ids(tokens: clip_tokens.ClipTokens, text: str, ids: list[int]) -> None:
    assert tokens.encode(text) == [49406, *ids, 49407]


@pytest.mark.parametrize(
    ("text", "plain"), [("it’s “new”", 'it\'s "new"'), ("a cat &amp; a dog", "a cat & a dog"), ("a&amp;amp;b", "a&b")]
)
def test_typographic_signs_and_entities_read_as_plain_ones(
    tokens: clip_tokens.ClipTokens, text: str, plain: str
) -> None:
    assert tokens.encode(text) == tokens.encode(plain)


def test_a_long_text_keeps_its_beginning_and_the_end_mark(tokens: clip_tokens.ClipTokens) -> None:
    assert tokens.encode("waterfall " * 200) == [49406, *[16403] * 75, 49407]


def test_marks_typed_by_a_person_are_only_signs(tokens: clip_tokens.ClipTokens) -> None:
    ids = tokens.encode("<|endoftext|> <|startoftext|>")
    assert ids.count(49407) == 1
    assert ids.count(49406) == 1


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=120))
def test_any_text_at_all_gives_a_sentence_that_fits(tokens: clip_tokens.ClipTokens, text: str) -> None:
    ids = tokens.encode(text)
    assert ids[0] == 49406
    assert ids[-1] == 49407
    assert len(ids) <= clip_tokens.CONTEXT
    assert all(0 <= number < 49406 for number in ids[1:-1])
