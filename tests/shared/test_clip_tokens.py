"""CLIP's tokenizer: against token ids that others published, against a second implementation, and on any text."""

from __future__ import annotations

import gzip
import html
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import towers
from tests.shared.inference import MODELS, needs

from photovault import clip_tokens
from photovault.clip_tokens import ClipTokens

VOCABULARY = MODELS / "bpe_simple_vocab_16e6.txt.gz"
real = needs(VOCABULARY)

# By who published the ids. Without the two marks around them.
PUBLISHED = {
    # elixir-nx/bumblebee, test/bumblebee/text/clip_tokenizer_test.exs, of openai/clip-vit-base-patch32.
    "a photo of a cat": [320, 1125, 539, 320, 2368],
    "a photo of a dog": [320, 1125, 539, 320, 1929],
    # huggingface/transformers.js, its tests of CLIP's tokenizer, which are ids of transformers' CLIPTokenizer. Not
    # taken are those of control signs and of a wide tilde, which transformers does not mend and OpenAI does.
    "How are you doing?": [829, 631, 592, 1960, 286],
    "You should've done this": [592, 1535, 1200, 1700, 589],
    "0123456789 0 1 2 3 4 5 6 7 8 9 10 100 1000": [
        *range(271, 281),
        *range(271, 281),
        *[272, 271, 272, 271, 271, 272, 271, 271, 271],
    ],
    "The company was founded in 2016.": [518, 2634, 739, 12240, 530, 273, 271, 272, 277, 269],
    "A\n'll !!to?'d''d of, can't.": [320, 1342, 748, 531, 13610, 323, 8445, 323, 539, 267, 753, 713, 269],
    "def main():\n\tpass": [11649, 2623, 7, 4143, 3511],
    "let a = obj.toString();\ntoString();": [1094, 320, 284, 1411, 329, 269, 580, 9696, 7, 19686, 580, 9696, 7, 19686],
    "This\n\nis\na\ntest.": [589, 533, 320, 1628, 269],
    "UNwant\u00e9d,running": [569, 18356, 3459, 323, 267, 2761],
    "生活的真谛是": [33375, 162, 112, 119, 163, 248, 226, 41570, 164, 108, 249, 42891, 363],
    "   leading space": [3833, 2138],
    "trailing space   ": [37427, 2138],
    "Hi  Hello": [1883, 3306],
    "test $1 R2 #3 €4 £5 ¥6 ₣7 ₹8 ₱9 test": [
        *[1628, 259, 272, 337, 273, 258, 274, 6309, 275, 1950, 276, 20199, 277],
        *[5227, 352, 278, 21777, 279, 5227, 365, 280, 1628],
    ],
    "I bought an apple for $1.00 at the store.": [
        328,
        4142,
        550,
        3055,
        556,
        259,
        272,
        269,
        271,
        271,
        536,
        518,
        2183,
        269,
    ],
    "you\u2026\u00a0\u00a0you\u2026\u00a0\u00a0": [592, 959, 592, 959],
    "\u2581This \u2581is \u2581.": [4168, 479, 589, 4168, 479, 533, 4168, 223, 269],
    "😂 👍 🤣 😍 😭 🎉 🙏 😊 🔥": [1558, 4201, 9909, 1754, 3915, 3986, 5503, 3020, 3016],
    "✨ 🤗 👁️ 👱🏻": [3531, 10465, 47796, 1001, 964, 109, 3702],
    # Emgu CV, its test of Emgu.CV.Models.Clip against transformers' CLIPTokenizer.
    "Hello, World! 123": [3306, 267, 1002, 256, 272, 273, 274],
    # apple/ml-stable-diffusion, swift/StableDiffusionTests/StableDiffusionTests.swift.
    "a photo of an astronaut riding a horse on mars": [320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496],
    "Apple CoreML developer tools on a Macbook Air are fast": [
        *[3055, 19622, 5780, 10929, 5771, 525, 320, 20617, 1922, 631, 1953]
    ],
    # Tests and pages of others that print what OpenAI's own clip.tokenize answered.
    "a diagram": [320, 22697],
    "a dog": [320, 1929],
    "hello world": [3306, 1002],
    "Hello World!": [3306, 1002, 256],
    "a painting of a cat": [320, 3086, 539, 320, 2368],
    "bozuman": [647, 4091, 786],
    "hatbox": [3447, 2063],
    "sunset over the beach": [3424, 962, 518, 2117],
    "a cat & a dog": [320, 2368, 261, 320, 1929],
    "We're testing UTF-8 café — fast!": [649, 982, 4967, 1419, 325, 268, 279, 15304, 2005, 1953, 256],
    "cafe\u0301": [15304],
    "🐶": [10631],
    "": [],
    " \t\n ": [],
}


@cache
def tokens() -> ClipTokens:
    return clip_tokens.load(VOCABULARY)


@pytest.fixture
def tiny(tmp_path: Path) -> ClipTokens:
    path = tmp_path / "tiny.txt.gz"
    path.write_bytes(towers.vocabulary(["cat", "cats", "a"]))
    return clip_tokens.load(path)


# ---------------------------------------------------------------------------------------------- what was published


@real
@pytest.mark.parametrize(("text", "ids"), PUBLISHED.items())
def test_a_sentence_gives_the_published_ids(text: str, ids: list[int]) -> None:
    assert tokens().encode(text) == [49406, *ids, 49407]


@real
def test_a_long_text_keeps_its_beginning_and_the_end_mark() -> None:
    assert tokens().encode("waterfall " * 200) == [49406, *[16403] * 75, 49407]


@real
def test_marks_typed_by_a_person_are_only_signs() -> None:
    ids = tokens().encode("<|endoftext|> <|startoftext|>")
    assert ids.count(49407) == 1
    assert ids.count(49406) == 1


# --------------------------------------------------------------------------------------- what is done to a text before


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("it’s “new”", 'it\'s "new"'),
        ("a cat &amp; a dog", "a cat & a dog"),
        ("a&amp;amp;b", "a&b"),
        ("caf&eacute;", "café"),
        ("cafe\u0301", "café"),
        ("  A\tCAT\u3000on\u00a0it \n", "a cat on it"),
        ("ﬁsh, aﬄuent", "fish, affluent"),
        ("ＡＢＣ～１２", "abc~12"),
        ("ｶﾞ", "ガ"),
        ("\ufeffa\x00b\x1bc\x7f", "abc"),
        ("ÉCLAIR", "éclair"),
        ("\ud83d\udc36", "🐶"),
        ("\ud83d", "\ufffd"),
    ],
)
def test_a_text_is_mended_as_it_was_for_the_training(text: str, plain: str) -> None:
    assert clip_tokens.clean(text) == plain


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_a_clean_text_without_entities_stays_as_it_is(text: str) -> None:
    clean = clip_tokens.clean(text.replace("&", ""))
    assert clip_tokens.clean(clean) == clean


# ------------------------------------------------------------------------------------------ a vocabulary of the tests


def test_words_of_the_vocabulary_are_one_token_and_others_are_spelt(tiny: ClipTokens) -> None:
    a, cat, cats = 512 - 256 + ord("a") - ord("!"), 512 + 1, 512 + 3
    assert tiny.encode("a CAT") == [tiny.start, a, cat, tiny.end]
    assert tiny.encode("cats cat") == [tiny.start, cats, cat, tiny.end]
    assert tiny.encode("ca") == [tiny.start, ord("c") - ord("!"), a, tiny.end]
    assert tiny.end == tiny.start + 1 == 512 + len(towers.merges(["cat", "cats", "a"])) + 1


def test_every_text_fits_whatever_the_vocabulary(tiny: ClipTokens) -> None:
    for text in ("", "cat " * 500, "x" * 2000, "日本" * 300):
        ids = tiny.encode(text)
        assert len(ids) <= clip_tokens.CONTEXT
        assert (ids[0], ids[-1]) == (tiny.start, tiny.end)


# --------------------------------------------------------------------------------------- a second implementation


@cache
def ranks() -> dict[tuple[str, str], int]:
    with gzip.open(VOCABULARY, "rt", encoding="utf-8") as lines:
        next(lines)
        return {tuple(line.split()): rank for rank, line in zip(range(48_894), lines, strict=False)}  # type: ignore[misc]


@cache
def byte_names() -> list[str]:
    """How the vocabulary writes each byte: itself where it is printable in Latin-1, else from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


@cache
def numbers() -> dict[str, int]:
    letters = sorted(byte_names(), key=lambda letter: (ord(letter) >= 0x100, ord(letter)))
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in ranks())]
    return {word: number for number, word in enumerate(words)}


def kind(sign: str) -> str:
    return {"L": "letter", "N": "number", "Z": "space"}.get(unicodedata.category(sign)[0], "sign")


def split(text: str) -> Iterator[str]:
    """Contractions, runs of letters, single numbers, runs of other signs."""
    endings = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")
    at = 0
    while at < len(text):
        if ending := next((one for one in endings if text.startswith(one, at)), None):
            yield ending
            at += len(ending)
            continue
        first = kind(text[at])
        run = "".join(next(groupby(text[at:], kind))[1])
        word = run[0] if first == "number" else run
        if first != "space":
            yield word
        at += len(word)


def spelt(word: str) -> list[str]:
    parts = [byte_names()[byte] for byte in word.encode()]
    parts[-1] += "</w>"
    while len(parts) > 1:
        best = min(pairwise(parts), key=lambda pair: ranks().get(pair, 10**9))
        if best not in ranks():
            break
        merged: list[str] = []
        for part in parts:
            if merged and (merged[-1], part) == best and not merged[-1].startswith("\0"):
                merged[-1] = "\0" + merged[-1] + part  # marked: what was just merged is not merged again
            else:
                merged.append(part)
        parts = [part.removeprefix("\0") for part in merged]
    return parts


def by_the_second(text: str) -> list[int]:
    clean = html.unescape(html.unescape(unicodedata.normalize("NFC", text))).lower()
    ids = [numbers()[part] for word in split(clean) for part in spelt(word)]
    return [49406, *ids[:75], 49407]


UNASSIGNED_OR_CONTROL = ("Cc", "Cf", "Cn", "Co", "Cs")
# No sign that is mended, and no entity.
PLAIN = st.characters(
    max_codepoint=0xFA00,
    exclude_categories=UNASSIGNED_OR_CONTROL,
    exclude_characters="&ſ\u02bc\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u0132\u0133\u3000",
) | st.characters(min_codepoint=0x10000, max_codepoint=0x1FFFF, exclude_categories=UNASSIGNED_OR_CONTROL)
WORDS = st.sampled_from(
    ["a", "photo", "of", "dog's", "can't", "we'll", "2024", "café", "Übergröße", "12:30", "!!!", "#sun"]
)
SENTENCES = st.lists(WORDS | st.text(PLAIN, max_size=12), max_size=30).map(" ".join)


@real
@settings(max_examples=300, deadline=None)
@given(text=SENTENCES | st.text(PLAIN, max_size=80))
def test_a_second_implementation_gives_the_same_ids(text: str) -> None:
    assert tokens().encode(text) == by_the_second(text)


@real
def test_the_second_implementation_gives_the_published_ids_too() -> None:
    mended = {"I bought an apple for $1.00 at the store.", "a photo of a cat", "You should've done this"}
    for text in mended:
        assert by_the_second(text) == [49406, *PUBLISHED[text], 49407]


# ------------------------------------------------------------------------------------------------------- anything


@real
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=120))
def test_any_text_at_all_gives_a_sentence_that_fits(text: str) -> None:
    ids = tokens().encode(text)
    assert ids[0] == 49406
    assert ids[-1] == 49407
    assert len(ids) <= clip_tokens.CONTEXT
    assert all(0 <= number < 49406 for number in ids[1:-1])


@real
def test_a_word_of_the_longest_query_takes_no_time_to_speak_of() -> None:
    """OpenAI's own loop looks at all pairs for each merge; the tokenizer's does not."""
    assert len(tokens().encode("ab" * 50_000)) == clip_tokens.CONTEXT
