"""CLIP's byte-pair encoding (Radford et al. 2021): text in, up to 77 token ids out.

The vocabulary is OpenAI's ``bpe_simple_vocab_16e6.txt.gz``; the merging itself runs in the ``tokenizers`` package.
The steps are those of OpenAI's ``simple_tokenizer.py``: mend the text, undo HTML entities, collapse white space, lower
case, split into words, single digits and runs of signs, spell each as bytes, merge. Where OpenAI mends with the package
``ftfy``, done here is what matters to a search box; that it also guesses back letters from a wrong decoding is not.
"""

from __future__ import annotations

import gzip
import html
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTEXT = 77
START = "<|startoftext|>"
END = "<|endoftext|>"

# 49,152 tokens: 256 bytes, the same 256 ending a word, the merges, two marks.
_MERGES = 49_152 - 256 - 2
_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"""


def _mends() -> dict[int, str | None]:
    """What ftfy writes in place of single characters: straight quotation marks, whole words for Latin ligatures, plain
    width for full and half width, and nothing for signs that control terminals and layouts."""
    mends: dict[int, str | None] = dict.fromkeys([0x2BC, *range(0x2018, 0x201C)], "'")
    mends |= dict.fromkeys(range(0x201C, 0x2020), '"')
    for wide in (*range(0xFF01, 0xFFF0), *range(0xFB00, 0xFB07), 0x132, 0x133):
        mends[wide] = unicodedata.normalize("NFKC", chr(wide))
    controls = (range(9), (0x0B,), range(0x0E, 0x20), (0x7F,), range(0x206A, 0x2070), (0xFEFF,), range(0xFFF9, 0xFFFD))
    return mends | dict.fromkeys((code for some in controls for code in some), None)


_MENDS = _mends()


def clean(text: str) -> str:
    """A text as it is split into tokens; texts with the same clean form are the same to CLIP."""
    # A surrogate half (from sloppy JSON) has no UTF-8 form; it becomes the replacement character.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = unicodedata.normalize("NFC", text.translate(_MENDS))
    return " ".join(html.unescape(html.unescape(text)).split()).lower()


@dataclass(frozen=True)
class ClipTokens:
    """Safe to share between threads. ``start`` and ``end`` are the ids of the marks around every text,
    49406 and 49407 in OpenAI's vocabulary."""

    _tokenizer: Tokenizer
    start: int
    end: int

    def encode(self, text: str) -> list[int]:
        """Token ids with both marks, at most 77; longer texts lose their end but keep the end mark."""
        # The marks are for the tokenizer alone; typed by a person they are signs like any other.
        ids: list[int] = self._tokenizer.encode(clean(text), add_special_tokens=False).ids
        return [self.start, *ids[: CONTEXT - 2], self.end]


def load(path: Path) -> ClipTokens:
    """Build the tokenizer from OpenAI's gzipped list of merges (about a tenth of a second), or one of its form."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    with gzip.open(path, "rt", encoding="utf-8") as source:
        lines = source.read().split("\n")[1 : _MERGES + 1]
    merges = [(left, right) for left, right in (line.split() for line in lines if line)]
    letters = _byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), *(left + right for left, right in merges), START, END]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={word: number for number, word in enumerate(words)},
            merges=merges,
            end_of_word_suffix="</w>",
            unk_token=END,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return ClipTokens(tokenizer, start=len(words) - 2, end=len(words) - 1)


def _byte_letters() -> list[str]:
    """The 256 printable stand-ins for bytes, in the order of the vocabulary (GPT-2's ``bytes_to_unicode``)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(256 - len(printable))]
