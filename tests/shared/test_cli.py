"""The command line joins the cloud that runs beside it, and leaves alone what the environment already names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from photovault import cli


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
