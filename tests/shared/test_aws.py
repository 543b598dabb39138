"""Clients are built once; credentials come from the environment where it has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photovault import aws
from photovault.errors import Misconfigured
from photovault.presigning import Credentials
from photovault.settings import get_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """No AWS account at all, and nothing cached."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(aws, "_clients", {})
    monkeypatch.setattr(aws, "_session", None)
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


def test_a_client_is_built_once_per_service() -> None:
    assert aws.client("sqs") is aws.client("sqs")
    assert aws.client("sqs") is not aws.client("sns")


def test_a_client_knows_its_region_and_a_local_cloud_is_addressed_by_path(environment: pytest.MonkeyPatch) -> None:
    assert aws.client("s3").meta.region_name == "eu-central-1"
    assert aws.client("s3").meta.config.s3["addressing_style"] == "virtual"
    environment.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    environment.setenv("AWS_REGION", "us-west-2")
    get_settings.cache_clear()
    local = aws.client("s3")
    assert local.meta.endpoint_url == "http://localhost:4566"
    assert local.meta.region_name == "us-west-2"
    assert local.meta.config.s3["addressing_style"] == "path"
    assert local.meta.config.signature_version == "s3v4"


def test_credentials_are_those_of_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ACCESS_KEY_ID", "AKID")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert aws.credentials() == Credentials("AKID", "secret")
    environment.setenv("AWS_SESSION_TOKEN", "token")
    assert aws.credentials() == Credentials("AKID", "secret", "token")


def test_credentials_of_a_profile_are_found(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = profile\n")
    assert aws.credentials() == Credentials("AKID", "profile")


def test_no_credentials_at_all_is_told_with_the_way_out() -> None:
    with pytest.raises(Misconfigured, match="AWS_PROFILE"):
        aws.credentials()
