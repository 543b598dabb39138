"""README and docs name nothing that is not there: links, variables of the environment, targets, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.documents import PAGES, ROOT, anchors, code, prose

from photovault.api import describe
from photovault.cli import app
from photovault.settings import Settings

by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@by_name
def test_every_link_leads_somewhere(page: Path) -> None:
    text = prose(page)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    broken = []
    for link in found:
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@by_name
def test_every_variable_is_one_that_something_reads(page: Path) -> None:
    sources = [*(ROOT / "shared" / "photovault" / "cli").glob("*.py"), ROOT / "template.yaml"]
    read = "".join(source.read_text(encoding="utf-8") for source in sources)
    settings = {name.upper() for name in Settings.model_fields}
    named = {found for each in code(page) for found in re.findall(r"^([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=.*)?$", each)}
    assert not {name for name in named - settings if name not in read}


@by_name
def test_every_target_of_make_is_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    named = {found for each in code(page) for found in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", each)}
    assert named <= targets


@by_name
def test_every_command_and_option_is_there(page: Path) -> None:
    for words in invocations(page):
        command: Any = typer.main.get_command(app)
        path = []
        for word in words:
            inner = getattr(command, "commands", {})
            if word not in inner:
                break
            command = inner[word]
            path.append(word)
        assert path, words
        assert not getattr(command, "commands", {}) or len(path) == len(words) == 1, f"no such command: {words}"
        options = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        given = {word.partition("=")[0] for word in words if re.fullmatch(r"-{1,2}[a-z][\w-]*", word)}
        assert given <= options | {"--help"}, words


def invocations(page: Path) -> Iterator[list[str]]:
    """What is written behind ``photovault``, word by word; brackets around what may be left out are not words."""
    for each in code(page):
        for found in re.findall(r"(?:^|&& |\S=\S* )photovault ((?:[^|#&;\n])+)", each):
            words = [word.strip("[]()") for word in found.split()]
            if words and re.fullmatch(r"[a-z][\w-]*", words[0]):
                yield words


@by_name
def test_every_parameter_output_and_alarm_is_in_a_template(page: Path) -> None:
    templates = [ROOT / "template.yaml", ROOT / "infra" / "database.yaml"]
    known = "".join(template.read_text(encoding="utf-8") for template in templates)
    named = {found for each in code(page) for found in re.findall(r"^(?:[A-Z][a-z0-9]+){2,}$", each)}
    foreign = {"WebCrypto", "ThumbHash"}
    assert not {name for name in named - foreign if not re.search(rf"^  {name}:|\b{name}:", known, re.MULTILINE)}


@by_name
def test_every_path_of_the_repository_is_there(page: Path) -> None:
    tops = {"functions", "shared", "infra", "layers", "tests", "web", "docs", "events"}
    named = {each for each in code(page) if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+/?", each)}
    assert not {each for each in named if each.split("/")[0] in tops and not (ROOT / each).exists()}


@by_name
def test_every_path_of_the_api_is_described(page: Path) -> None:
    known = {re.sub(r"{\w+}", "{}", path).rstrip("/") for path in describe()["paths"]} | {"/docs", "/openapi.json"}
    named = set()
    for each in code(page):
        found = re.match(r"(?:[A-Z]+(?:\\?\|[A-Z]+)* )?(/[a-z][\w{}/.-]*)(?=$|[?&])", each)
        if found:
            named.add(re.sub(r"{\w+}", "{}", found[1]).rstrip("/"))
    assert named <= known


def test_the_costs_add_up() -> None:
    """Of a household's vault: each sum is that of the lines above it."""
    table = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8").partition("| a month, with |")[2]
    rows = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.split("\n\n")[0].splitlines()[2:]
    ]
    *lines, (name, *sums) = rows
    assert name == "sum"
    assert [round(sum(map(float, column)), 2) for column in zip(*(line[1:] for line in lines), strict=True)] == [
        float(each) for each in sums
    ]
