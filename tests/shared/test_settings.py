"""Settings: names, defaults, and the sentences that stop a start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from photovault import settings
from photovault.errors import Misconfigured
from photovault.settings import get_settings

ROOT = Path(__file__).resolve().parents[2]
STRONG = "Zk3v9QpLw8Xy2Tn6Rb4Mc7Hd1Sf5Gj0AaBbCc"
PROD = {
    "APP_ENV": "prod",
    "DATABASE_URL": "postgresql://localhost/photovault",
    "JWT_SECRET": STRONG,
    "MASTER_KEY": Fernet.generate_key().decode(),
    "STAGING_BUCKET": "staging",
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """No .env of the developer's, and nothing kept from other tests."""
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def with_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> settings.Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return get_settings()


def test_the_seeds_variables_work_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_environment(
        monkeypatch,
        **PROD,
        CLOUDINARY_CLOUD_NAME="c",
        CLOUDINARY_API_KEY="k",
        CLOUDINARY_API_SECRET="s",
        CORS_ORIGINS="https://a.example, https://b.example",
        ENABLE_GEOCODER="true",
        GEOCODER_EMAIL="me@example.com",
        STORAGE_DRIVER="local",
        EMBEDDINGS_PROVIDER="phash",
        FACE_PROVIDER="haar",
        MODELS_DIR="/models",
    )
    assert found.allowed_origins == ["https://a.example", "https://b.example"]
    assert (found.enable_geocoder, found.storage_driver, found.embeddings_provider) == (True, "local", "phash")
    assert found.jwt_secrets == [STRONG]


def test_a_dot_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CORS_ORIGINS=https://file.example\nLOG_LEVEL=DEBUG\n")
    found = with_environment(monkeypatch, LOG_LEVEL="ERROR")
    assert (found.cors_origins, found.log_level) == ("https://file.example", "ERROR")


def test_a_function_reads_no_dot_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CORS_ORIGINS=https://file.example\n")
    assert with_environment(monkeypatch, AWS_LAMBDA_FUNCTION_NAME="library").cors_origins == ""


@pytest.mark.parametrize("secret", ["secret", "short", "a" * 40, "changeme"])
def test_a_weak_secret_stops_production_with_the_way_out(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    with pytest.raises(Misconfigured, match=r"JWT_SECRET is too weak.*photovault keys generate") as refusal:
        with_environment(monkeypatch, **(PROD | {"JWT_SECRET": secret}))
    assert f"'{secret}'" not in refusal.value.detail


def test_a_weak_secret_is_fine_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_environment(monkeypatch, JWT_SECRET="secret").jwt_secrets == ["secret"]


def test_a_broken_master_key_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="MASTER_KEY") as refusal:
        with_environment(monkeypatch, MASTER_KEY="not a key")
    assert "not a key" not in refusal.value.detail


def test_a_key_in_kms_is_a_master_key_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = "kms:arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    for keys in ([entry], [PROD["MASTER_KEY"], entry], [entry, PROD["MASTER_KEY"]]):
        found = settings.Settings(
            **{name.lower(): value for name, value in (PROD | {"MASTER_KEY": ", ".join(keys)}).items()}
        )
        found.check(["master_key"])
        assert found.master_keys == keys
    with pytest.raises(Misconfigured, match="ARN of a KMS key"):
        with_environment(monkeypatch, MASTER_KEY="kms:alias/photovault")


@pytest.mark.parametrize("missing", ["DATABASE_URL", "JWT_SECRET", "MASTER_KEY", "STAGING_BUCKET"])
def test_a_missing_setting_stops_production_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = with_environment(monkeypatch, **{name: value for name, value in PROD.items() if name != missing})
    with pytest.raises(Misconfigured, match=f"{missing} is not set. Set {missing}"):
        found.check(["database_url", "jwt_secret", "master_key", "staging_bucket"])


def test_elsewhere_a_missing_setting_is_told_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_environment(monkeypatch, APP_ENV="dev")
    found.check(["database_url"])
    with pytest.raises(Misconfigured, match="DATABASE_URL is not set"):
        found.require("database_url")


def test_a_wildcard_origin_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="CORS_ORIGINS"):
        with_environment(monkeypatch, **PROD, CORS_ORIGINS="*")


def test_cloudinarys_secret_does_not_travel_in_the_open_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="CLOUDINARY_UPLOAD_PREFIX"):
        with_environment(monkeypatch, **PROD, CLOUDINARY_UPLOAD_PREFIX="http://api.cloudinary.com")


def test_nominatim_wants_an_address_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="GEOCODER_EMAIL"):
        with_environment(monkeypatch, **PROD, ENABLE_GEOCODER="true")


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match=r"STORAGE_DRIVER: Input should be 'local', 's3', 'cloudinary' or 'hybrid'"):
        with_environment(monkeypatch, STORAGE_DRIVER="floppy")


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_environment(monkeypatch, **PROD)
    assert STRONG not in repr(found)
    assert PROD["MASTER_KEY"] not in repr(found)


def test_the_application_ends_with_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import infra.local.app"],
        env={"APP_ENV": "prod", "JWT_SECRET": "secret", "PYTHONPATH": f"{ROOT}:{ROOT / 'shared'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("PhotoVault does not start: JWT_SECRET is too weak")
    assert "Traceback" not in done.stderr
