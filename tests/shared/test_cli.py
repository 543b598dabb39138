"""The command line joins the cloud that runs beside it, leaves alone what the environment names, and keeps its logs out
of its results."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from photovault import cli, observability
from photovault.cli import app, helping
from photovault.cli.telling import counted
from photovault.pipeline import maintenance
from photovault.pipeline.reports import Report


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "STAGING_BUCKET"):
        monkeypatch.setenv(name, "")  # so that it is restored, whoever sets it
        monkeypatch.delenv(name)
    (tmp_path / ".photovault").mkdir()
    return tmp_path


def running(clone: Path) -> None:
    variables = {"DATABASE_URL": "postgresql://here", "STAGING_BUCKET": "of-the-running-cloud"}
    (clone / ".photovault" / "environment.json").write_text(json.dumps(variables))


def test_beside_a_running_cloud_commands_work_on_it(clone: Path) -> None:
    running(clone)
    cli.join_local_cloud()
    assert (os.environ["DATABASE_URL"], os.environ["STAGING_BUCKET"]) == ("postgresql://here", "of-the-running-cloud")


def test_a_database_that_the_environment_names_is_not_mixed_with_the_running_cloud(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(clone)
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    cli.join_local_cloud()
    assert os.environ["DATABASE_URL"] == "postgresql://elsewhere"
    assert "STAGING_BUCKET" not in os.environ


def test_without_a_running_cloud_nothing_is_taken(clone: Path) -> None:
    cli.join_local_cloud()
    assert "DATABASE_URL" not in os.environ


def test_a_commands_log_goes_to_stderr_and_its_metrics_nowhere(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(**_: object) -> Report:
        observability.logger().warning("rehome.failed")
        observability.count("BlobsAway", 7)
        return Report(rehomed=2, failures=["rehome: the storage\nis away"])

    monkeypatch.setattr(maintenance, "run", run)
    told = CliRunner().invoke(cli.app, ["maintain"])
    assert told.exit_code == 1
    assert "rehomed: 2\n" in told.stdout
    assert told.stdout.endswith("failed: rehome: the storage\ufffdis away\n")
    assert "rehome.failed" in told.stderr
    as_json = CliRunner().invoke(cli.app, ["maintain", "--json"])
    assert json.loads(as_json.stdout)["failures"] == ["rehome: the storage\nis away"]
    assert "BlobsAway" not in told.output + as_json.output
    observability.count("BlobsAway", 7)
    assert "BlobsAway" in capsys.readouterr().out, "functions count as before"


@pytest.mark.parametrize(("number", "told"), [(0, "0 photos"), (1, "1 photo"), (1200, "1,200 photos")])
def test_one_of_a_thing_is_told_as_one(number: int, told: str) -> None:
    assert counted(number, "photo") == told
    assert counted(number, "photo is", "photos are").split() == [*told.split(), "is" if number == 1 else "are"]


# ---------------------------------------------------------------------------------------------------------- help

COMMANDS = dict(helping.commands(app))


def test_every_command_has_an_example_and_no_example_is_of_nothing() -> None:
    assert COMMANDS.keys() == helping.EXAMPLES.keys()


@pytest.mark.parametrize("words", helping.EXAMPLES)
def test_an_example_is_understood_as_it_stands(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events/auth-login.json").write_text("{}")
    coco = tmp_path / "coco/val2017"
    coco.mkdir(parents=True)
    (tmp_path / "coco/captions_val2017.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    example = helping.EXAMPLES[words].replace("~/", f"{tmp_path}/").partition(" >>")[0]
    program, *given = shlex.split(example)
    assert (program, example.startswith(f"photovault {words}")) == ("photovault", True)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[given.pop(0)]
    with command.make_context(words, given):  # raises for what it does not take
        pass


def test_a_help_has_whole_paragraphs_and_ends_with_its_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    told = CliRunner().invoke(app, ["upload", "--help"], terminal_width=300).stdout
    assert "The film of a Live Photo goes up with its photo and becomes its moving part." in told
    assert "Example: photovault upload ~/Pictures" in told
