"""What the laptop environment is configured with: the environment, then `.env`, then secrets made here and kept."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from photovault import migrate as migrations

# Every setting that the functions know (photovault.settings) and that a laptop may decide. Bucket names, queue URLs and
# the endpoint are not among them: they come from the deployed stack.
NAMES = (
    "APP_ENV",
    "CLOUDINARY_API_KEY",
    "CLOUDINARY_API_SECRET",
    "CLOUDINARY_CLOUD_NAME",
    "CLOUDINARY_MAX_FILE_BYTES",
    "CLOUDINARY_UPLOAD_PREFIX",
    "CORS_ORIGINS",
    "DATABASE_URL",
    "DEFAULT_QUOTA_BYTES",
    "EMBEDDINGS_PROVIDER",
    "ENABLE_GEOCODER",
    "FACE_PROVIDER",
    "GEOCODER_EMAIL",
    "JWT_SECRET",
    "LEDGER_ROOT",
    "LOG_LEVEL",
    "MASTER_KEY",
    "MAX_UPLOAD_BYTES",
    "MODELS_DIR",
    "PLACES_FILE",
    "PUBLIC_URL",
    "REQUIRE_SEALED_UPLOADS",
    "STORAGE_DRIVER",
    "STORAGE_FALLBACK",
    "STORAGE_PRIMARY",
    "STORAGE_ROOT",
    "STORAGE_TIERS",
    "WEBHOOKS_TO_LOOPBACK",
)


def load(root: Path, folder: Path, *, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings by name, from `environ`, `root`/.env and `folder`/secrets.env, in this order; empty means unset.

    Missing secrets are made and kept in secrets.env, which only its owner may read. Paths become absolute, because the
    functions run in other folders, and the folders of photos and models are made.
    """
    written = _given(dotenv_values(root / ".env"))
    chosen = {**keep_secrets(folder / "secrets.env"), **written, **_given(environ)}
    chosen.setdefault("APP_ENV", "dev")
    chosen.setdefault("STORAGE_DRIVER", "local")
    chosen.setdefault("WEBHOOKS_TO_LOOPBACK", "true")
    chosen.setdefault("STORAGE_FALLBACK", "local")
    chosen.setdefault("STORAGE_ROOT", str(folder / "blobs"))
    chosen.setdefault("LEDGER_ROOT", str(folder / "ledger"))
    chosen.setdefault("MODELS_DIR", str(folder / "models"))
    for name in ("STORAGE_ROOT", "LEDGER_ROOT", "MODELS_DIR", "PLACES_FILE"):
        if name in chosen:
            chosen[name] = str((root / Path(chosen[name]).expanduser()).resolve())
    for name in ("STORAGE_ROOT", "LEDGER_ROOT", "MODELS_DIR"):
        Path(chosen[name]).mkdir(parents=True, exist_ok=True)
    return chosen


def migrate(settings: Mapping[str, str]) -> None:
    """Brings the database up to date, with the signing keys of these settings published."""
    secrets_of_tokens = [secret.strip() for secret in settings["JWT_SECRET"].split(",") if secret.strip()]
    migrations.upgrade(settings["DATABASE_URL"], jwt_secrets=secrets_of_tokens)


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name in NAMES if (value := values.get(name))}


def keep_secrets(path: Path) -> dict[str, str]:
    """The secrets of this laptop, made on the first call. Without MASTER_KEY its photos cannot be opened again."""
    kept = {name: value for name, value in dotenv_values(path).items() if value} if path.exists() else {}
    made = {
        "JWT_SECRET": secrets.token_urlsafe(48),
        "MASTER_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),  # the form of a Fernet key
    }
    missing = {name: value for name, value in made.items() if name not in kept}
    if missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(file, "a", encoding="utf-8") as out:
            out.writelines(f"{name}={value}\n" for name, value in missing.items())
    return {**kept, **missing}
