"""Which driver a process gets, and the keys of blobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from photovault import keys, storage
from photovault.errors import Forbidden, Misconfigured
from photovault.settings import get_settings

CLOUDINARY = ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET")
NOW = datetime(2026, 3, 4, 5, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A laptop's settings; caches are dropped before and after."""
    monkeypatch.chdir(tmp_path)  # no .env of the developer's
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_ENDPOINT_URL", "VAULT_BUCKET", *CLOUDINARY):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORAGE_DRIVER", "local")
    monkeypatch.setenv("STORAGE_ROOT", str(tmp_path / "blobs"))
    monkeypatch.setenv("MASTER_KEY", keys.generate_master_key())
    forget()
    yield monkeypatch
    forget()


def forget() -> None:
    get_settings.cache_clear()
    storage.driver.cache_clear()


def test_keys_of_blobs_are_random_and_spread_over_folders() -> None:
    made = {storage.new_key() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{38}", key) for key in made)
    assert len({key[:2] for key in made}) > 200
    assert all(storage.check_key(key) == key for key in made)


def test_a_driver_is_built_once_and_kept() -> None:
    assert storage.driver("local") is storage.driver("local")


def test_a_driver_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(Misconfigured, match="local, s3, cloudinary"):
        storage.driver("floppy")


@pytest.mark.parametrize(("driver", "setting"), [("local", "STORAGE_ROOT"), ("s3", "VAULT_BUCKET")])
def test_a_driver_without_its_place_says_which_setting_it_needs(
    environment: pytest.MonkeyPatch, driver: str, setting: str
) -> None:
    environment.delenv(setting, raising=False)
    forget()
    with pytest.raises(Misconfigured, match=setting):
        storage.driver(driver)


@pytest.mark.parametrize("missing", CLOUDINARY)
def test_cloudinary_needs_all_three_of_its_credentials(environment: pytest.MonkeyPatch, missing: str) -> None:
    for name in CLOUDINARY:
        environment.setenv(name, "x")
    forget()
    assert storage.driver("cloudinary").name == "cloudinary"
    environment.delenv(missing)
    forget()
    with pytest.raises(Misconfigured, match=f"{missing} is not set"):
        storage.driver("cloudinary")


def test_cloudinarys_address_and_file_limit_are_those_of_the_settings(environment: pytest.MonkeyPatch) -> None:
    for name in CLOUDINARY:
        environment.setenv(name, "x")
    environment.setenv("CLOUDINARY_UPLOAD_PREFIX", "https://api-eu.cloudinary.com")
    environment.setenv("CLOUDINARY_MAX_FILE_BYTES", "2048")
    forget()
    driver = storage.driver("cloudinary")
    key = driver.new_key(5000)
    links = driver.links(key, size=5000, now=NOW, ttl=300)
    assert [link.bytes for link in links] == [2048, 2048, 904]
    assert all(link.url.startswith("https://api-eu.cloudinary.com/v1_1/x/raw/download?") for link in links)


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("ab/" + "c" * 38, True),
        ("ab/" + "c" * 38 + ".3x10485760", True),
        ("ab/" + "c" * 38 + ".0x10485760", False),
        ("ab/" + "c" * 38 + ".3x10485760.0", False),
        ("ab/" + "c" * 38 + ".jpg", False),
        ("ab/" + "c" * 37, False),
        ("AB/" + "c" * 38, False),
        ("logo", False),
    ],
)
def test_only_keys_of_the_vaults_own_making_are_taken_for_such(key: str, ours: bool) -> None:
    assert storage.is_new_key(key) is ours


@pytest.mark.parametrize("root", ["/tmp/blobs", "/var/task/blobs", "/mnt/../tmp/blobs", "/mntx/blobs"])  # noqa: S108
def test_on_lambda_a_folder_that_vanishes_is_refused(environment: pytest.MonkeyPatch, root: str) -> None:
    environment.setenv("AWS_LAMBDA_FUNCTION_NAME", "library")
    environment.setenv("STORAGE_ROOT", root)
    forget()
    with pytest.raises(Misconfigured, match="under /mnt"):
        storage.driver("local")


def test_in_a_local_cloud_the_laptops_folder_is_fine(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_LAMBDA_FUNCTION_NAME", "library")
    environment.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    forget()
    assert storage.driver("local").name == "local"


def test_local_links_verify_with_the_master_keys_of_the_settings(environment: pytest.MonkeyPatch) -> None:
    url = urlsplit(storage.driver("local").links("ab/cd", size=1, now=NOW, ttl=300)[0].url)
    query = parse_qs(url.query)
    expires, signature = int(query["expires"][0]), query["signature"][0]
    storage.verify_local_url("ab/cd", expires, signature, NOW)
    with pytest.raises(Forbidden, match="expired"):
        storage.verify_local_url("ab/cd", expires, signature, NOW + timedelta(seconds=300))
    environment.setenv("MASTER_KEY", keys.generate_master_key())
    get_settings.cache_clear()
    with pytest.raises(Forbidden, match="gave out"):
        storage.verify_local_url("ab/cd", expires, signature, NOW)


def test_blobs_can_be_kept_without_a_master_key_but_not_linked_to(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("MASTER_KEY")
    forget()
    storage.driver("local").put("ab/cd", b"x", size=1)
    with pytest.raises(Misconfigured, match="MASTER_KEY"):
        storage.driver("local").links("ab/cd", size=1, now=NOW, ttl=300)
