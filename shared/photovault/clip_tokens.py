"""CLIP's byte-pair encoding (Radford et al. 2021): text in, up to 77 token ids out.

The vocabulary is OpenAI's ``bpe_simple_vocab_16e6.txt.gz``; the merging itself runs in the ``tokenizers`` package.
The steps are those of OpenAI's ``simple_tokenizer.py``: undo HTML entities, collapse white space, lower case, split
into words, single digits and runs of signs, spell each as bytes, merge. Of its Unicode repair only what matters to a
search box is done: canonical composition and straight quotation marks.
"""

from __future__ import annotations

import gzip
import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTEXT = 77
START = "<|startoftext|>"
END = "<|endoftext|>"
START_ID = 49406
END_ID = 49407

# 49,152 tokens: 256 bytes, the same 256 ending a word, the merges, two marks.
_MERGES = 49_152 - 256 - 2
_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"""
_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


@dataclass(frozen=True)
class ClipTokens:
    """Safe to share between threads."""

    _tokenizer: Tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids with both marks, at most 77; longer texts lose their end but keep the end mark."""
        clean = html.unescape(html.unescape(text)).translate(_STRAIGHT)
        # A surrogate half (from sloppy JSON) has no UTF-8 form; it becomes the replacement character.
        clean = clean.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        # The marks are for the tokenizer alone; typed by a person they are signs like any other.
        ids: list[int] = self._tokenizer.encode(clean, add_special_tokens=False).ids
        return [START_ID, *ids[: CONTEXT - 2], END_ID]


def load(path: Path) -> ClipTokens:
    """Build the tokenizer from OpenAI's gzipped list of merges (about a tenth of a second)."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    with gzip.open(path, "rt", encoding="utf-8") as source:
        lines = source.read().split("\n")[1 : _MERGES + 1]
    merges = [(left, right) for left, right in (line.split() for line in lines)]
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
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return ClipTokens(tokenizer)


def _byte_letters() -> list[str]:
    """The 256 printable stand-ins for bytes, in the order of the vocabulary (GPT-2's ``bytes_to_unicode``)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(256 - len(printable))]
