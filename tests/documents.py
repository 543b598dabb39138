"""The documents, for tests that hold them to what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The code of a language in a document, block by block."""
    return [code for tag, code in _FENCED.findall(page.read_text(encoding="utf-8")) if tag == language]


def prose(page: Path) -> str:
    """A document without its blocks of code."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> Iterator[str]:
    """Everything in a document that is written as code, in its text and in blocks without Python or drawings."""
    yield from (each.strip() for each in re.findall(r"`([^`]+)`", prose(page)))
    for tag, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        if tag in {"", "bash"}:
            yield from (line.partition("#")[0].strip() for line in block.splitlines())


def anchors(page: Path) -> set[str]:
    """What can be linked to in a document: its headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
