"""What is installed on a laptop is locked, hashed, from nowhere in particular, and what was asked for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
TOOLS = ["localstack", "sam", "uv"]
LOCKS = ["layers/dev.txt", *(f"infra/{tool}/requirements.txt" for tool in TOOLS)]


def locked(path: str) -> dict[str, str]:
    """The versions of a lock by name; a name that depends on the platform may stand there more than once."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s;\\]+)", (ROOT / path).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def asked(*lines: str) -> list[Requirement]:
    return [Requirement(line) for line in lines]


def written(path: str) -> list[Requirement]:
    lines = [line.split("#")[0].strip() for line in (ROOT / path).read_text().splitlines()]
    return asked(*filter(None, lines))


def missing(requirements: list[Requirement], lock: dict[str, str]) -> list[str]:
    return [
        str(each)
        for each in requirements
        if canonicalize_name(each.name) not in lock
        or not each.specifier.contains(Version(lock[canonicalize_name(each.name)]), prereleases=True)
    ]


@pytest.mark.parametrize("path", LOCKS)
def test_every_entry_has_its_hashes_and_no_address(path: str) -> None:
    text = (ROOT / path).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert entries
    assert [entry.split(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_the_development_lock_has_all_that_the_project_asks_for() -> None:
    asked_for = asked(*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines))
    # An extra may take another one whole.
    requirements = [each for each in asked_for if each.name != PROJECT["name"]]
    assert {extra for each in asked_for if each not in requirements for extra in each.extras} <= EXTRAS.keys()
    assert missing(requirements, locked("layers/dev.txt")) == []


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tools_lock_has_all_that_it_asks_for(tool: str) -> None:
    assert missing(written(f"infra/{tool}/requirements.in"), locked(f"infra/{tool}/requirements.txt")) == []


def test_what_installs_the_project_agrees_with_what_the_project_needs() -> None:
    installer, development = locked("infra/uv/requirements.txt"), locked("layers/dev.txt")
    shared = installer.keys() & development.keys()
    assert {name: installer[name] for name in shared} == {name: development[name] for name in shared}
