"""Emoji stand for words; what varies an emoji stands for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import emoji

SIGNS = ["🐶", "🍕", "🏖️", "👍🏽", "👨‍👩‍👧", "❤️", "🇵🇹", "☃", "😀", "🎂"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("🐶", "dog"),
        ("🐕", "dog"),
        ("🍕", "slice of pizza"),
        ("🎂", "birthday cake"),
        ("🏖️", "beach with umbrella"),
        ("🏖", "beach with umbrella"),
        ("🏊🏿", "swimmer"),
        ("👨‍👩‍👧", "man woman girl"),
        ("⛄", "snowman"),
        ("⭐", "star"),
        ("☕", "coffee"),
        ("😂", "face"),
        ("🇵🇹", ""),
        ("anna🐱", "anna cat"),
        ("🐕 + 🐈", "dog + cat"),
        ("© 20 °C → 5 €", "© 20 °C → 5 €"),
        ("Hund", "Hund"),
    ],
)
def test_an_emoji_is_what_it_is_called(typed: str, words: str) -> None:
    assert " ".join(emoji.in_words(typed).split()) == words


def test_a_flag_is_two_letters_of_a_country() -> None:
    assert emoji.flag("PT") == emoji.flag("pt") == "🇵🇹"


@given(st.lists(st.one_of(st.sampled_from(SIGNS), st.sampled_from(["a ", "b c ", "ü ", "1 "])), max_size=8))
def test_each_emoji_is_found_where_it_was_typed(parts: list[str]) -> None:
    text = "".join(parts)
    # A skin tone or a flag goes with what stands right before it, so nothing that stands alone here is torn apart.
    found = emoji.signs(text)

    assert [text[start:end] for _, start, end in found] == [part for part in parts if part in SIGNS]
    assert [sign for sign, _, _ in found] == [emoji.signs(part)[0][0] for part in parts if part in SIGNS]
    assert not emoji.signs(emoji.in_words(text))


@given(st.text(max_size=40))
def test_any_text_can_be_told_in_words(text: str) -> None:
    told = emoji.in_words(text)
    assert emoji.in_words(told) == told
    assert not emoji.signs(told)
