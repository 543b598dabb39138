"""What others named or said is shown on a terminal, and never obeyed by it."""

from __future__ import annotations

import pytest

from photovault.showing import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("IMG_1 (2).jpg", "IMG_1 (2).jpg"),
        ("Été à Zürich, 家族\U0001f468\u200d\U0001f469.jpg", "Été à Zürich, 家族\U0001f468\u200d\U0001f469.jpg"),
        ("\x1b]0;title\x07\x1b[2J", "\ufffd]0;title\ufffd\ufffd[2J"),
        ("\x9b2J", "\ufffd2J"),
        ("one\r\ntwo\u2028three", "one\ufffd\ufffdtwo\ufffdthree"),
        ("photo\u202egpj.exe", "photo\ufffdgpj.exe"),
        ("\ud800", "\ufffd"),
    ],
    ids=["plain", "any-script", "escapes", "eight-bit-escapes", "lines", "direction", "half-a-character"],
)
def test_a_terminal_is_given_nothing_to_obey(text: str, shown: str) -> None:
    assert plain(text) == shown
