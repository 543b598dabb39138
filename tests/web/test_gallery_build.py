"""The gallery's built files: small, with nothing inline and nothing from elsewhere; and what they are made from."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from tests.web.conftest import ROOT

from photovault.api import gallery

#: Bytes (gzip) that a first visit loads, until photos are on the screen.
MOST = 120_000


def text(name: str) -> str:
    return (gallery.BUILT / "assets" / name).read_text(encoding="utf-8")


def names(suffix: str) -> list[str]:
    return sorted(path.name for path in (gallery.BUILT / "assets").glob(f"*{suffix}"))


def needs(script: str, *, later: bool) -> set[str]:
    """What a script imports, directly or not; with ``later`` also what it imports when it is asked to."""
    waiting, found = [script], set[str]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        body = text(name)
        waiting += re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', body)
        if later:
            waiting += re.findall(r'["`\'(]\./([\w.-]+\.js)', body)
    return found


@pytest.mark.usefixtures("built_gallery")
class TestBuilt:
    def test_a_first_visit_loads_little(self) -> None:
        page = (gallery.BUILT / "index.html").read_text(encoding="utf-8")
        (entry,) = re.findall(r'<script type="module"[^>]* src="\./assets/([^"]+)"', page)
        photos = next(name for name in names(".js") if name.startswith("Photos-"))
        workers = {name for name in names(".js") if name.startswith("open.worker-")}
        scripts = needs(entry, later=False) | needs(photos, later=False) | workers
        styles = set(re.findall(r'href="\./assets/([^"]+\.css)"', page))
        styles |= {name for name in names(".css") if name.startswith("Photos-")}
        loaded = sum(len(gzip.compress(text(name).encode(), 9)) for name in scripts | styles)
        assert loaded + len(page) < MOST, sorted(scripts | styles)

    def test_every_text_has_its_gzip_beside_it(self) -> None:
        for name in (*names(".js"), *names(".css"), *names(".svg")):
            packed = (gallery.BUILT / "assets" / f"{name}.gz").read_bytes()
            assert gzip.decompress(packed).decode() == text(name)

    def test_what_the_policy_forbids_is_not_there(self) -> None:
        page = (gallery.BUILT / "index.html").read_text(encoding="utf-8")
        assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page) == []
        for name in names(".js"):
            body = text(name)
            assert not re.search(r"\bnew Function\(|[^.\w]eval\(", body), name
            # Svelte puts markup into the page by way of templates; their styles would be refused.
            assert not re.search(r"<\w+[^<>`]* style=", body), name

    def test_nothing_comes_from_elsewhere(self) -> None:
        known = {"www.w3.org", "svelte.dev", "localhost", "example.com"}  # of namespaces, of explanations, of nobody
        for name in (*names(".js"), *names(".css")):
            hosts = {host for host in re.findall(r"https?://([\w.-]+)", text(name)) if host not in known}
            assert hosts == set(), name

    def test_every_name_can_be_served(self) -> None:
        for path in (gallery.BUILT / "assets").iterdir():
            named = gallery.ASSET.fullmatch(path.name.removesuffix(".gz"))
            assert named is not None
            assert named[1] in gallery.TYPES, path.name


def test_the_lock_file_names_versions_and_hashes_and_no_registry() -> None:
    locked = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in locked["packages"].items() if name}
    assert all("integrity" in each and "resolved" not in each for each in packages.values() if not each.get("link"))
    for name in ("package-lock.json", "package.json", ".npmrc"):
        found = re.findall(r"https?://[^\s\"]+", (ROOT / "web" / name).read_text(encoding="utf-8"))
        assert not [address for address in found if re.search(r"registry|npmjs|\.tgz", address)], name


def test_nothing_of_the_gallery_is_needed_when_it_runs() -> None:
    package = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in package, "everything is built in; what is installed is for building alone"
