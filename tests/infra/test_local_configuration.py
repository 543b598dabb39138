"""Where a laptop's settings come from, and what it makes for itself."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from infra.local import configuration, stack

from photovault.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".photovault"


def test_missing_secrets_are_made_and_kept_where_only_their_owner_reads_them(tmp_path: Path, folder: Path) -> None:
    made = configuration.load(tmp_path, folder, environ={})
    assert Fernet(made["MASTER_KEY"]).decrypt(Fernet(made["MASTER_KEY"]).encrypt(b"photo")) == b"photo"
    assert len(made["JWT_SECRET"]) >= 32
    assert stat.S_IMODE((folder / "secrets.env").stat().st_mode) == 0o600
    assert configuration.load(tmp_path, folder, environ={}) == made


def test_a_secret_that_is_there_already_is_kept_beside_one_that_is_made(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "secrets.env").write_text("JWT_SECRET=an old one\n")
    chosen = configuration.load(tmp_path, folder, environ={})
    assert chosen["JWT_SECRET"] == "an old one"
    assert configuration.load(tmp_path, folder, environ={})["MASTER_KEY"] == chosen["MASTER_KEY"]


def test_the_environment_wins_over_the_file_and_both_over_what_was_made(tmp_path: Path, folder: Path) -> None:
    made = configuration.load(tmp_path, folder, environ={})
    (tmp_path / ".env").write_text("JWT_SECRET=from the file\nLOG_LEVEL=DEBUG\nSTORAGE_DRIVER=s3\n")
    chosen = configuration.load(tmp_path, folder, environ={"LOG_LEVEL": "ERROR", "STORAGE_DRIVER": ""})
    assert chosen["JWT_SECRET"] == "from the file"
    assert chosen["LOG_LEVEL"] == "ERROR"
    assert chosen["STORAGE_DRIVER"] == "s3"
    assert chosen["MASTER_KEY"] == made["MASTER_KEY"]


def test_nothing_but_settings_is_taken_from_the_environment(tmp_path: Path, folder: Path) -> None:
    chosen = configuration.load(
        tmp_path, folder, environ={"AWS_SECRET_ACCESS_KEY": "a real account's", "HOME": "/home"}
    )
    assert set(chosen) <= set(configuration.NAMES)


def test_folders_are_absolute_because_functions_run_elsewhere(tmp_path: Path, folder: Path) -> None:
    chosen = configuration.load(tmp_path, folder, environ={"STORAGE_ROOT": "photos/sealed"})
    assert chosen["STORAGE_ROOT"] == str(tmp_path / "photos" / "sealed")
    assert chosen["MODELS_DIR"] == str(folder / "models")


def test_every_setting_of_the_functions_is_decided_by_the_laptop_or_by_the_stack() -> None:
    by_the_stack = {
        *("STAGING_BUCKET", "VAULT_BUCKET", "LEDGER_BUCKET", "MODELS_BUCKET"),
        *("VISION_QUEUE_URL", "EMBEDDING_QUEUE_URL", "ALBUMS_QUEUE_URL", "WEBHOOKS_QUEUE_URL"),
        *("AWS_ENDPOINT_URL", "AWS_REGION", "ROOT_PATH"),
    }
    assert {name.upper() for name in Settings.model_fields} == {*configuration.NAMES, *by_the_stack}


def test_every_setting_that_the_laptop_decides_reaches_the_functions() -> None:
    declared = stack.read(stack.ROOT / "template.yaml")["Parameters"].keys()
    by_secret = {setting for parameter, setting in stack.SECRETS.items() if parameter in declared}
    by_parameter = {name for name in configuration.NAMES if stack.parameter(name) in declared}
    assert {*configuration.NAMES} == {*by_secret, *by_parameter, *stack.HOST_VARIABLES}
