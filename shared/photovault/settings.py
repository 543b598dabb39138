"""Settings, read from the environment (and a ``.env`` file on a laptop) when first asked for, never at import.

One flat set of names serves every function; a function only receives those that it needs, and asks for what it cannot
do without through ``require``, which says in a sentence what is missing and how to get it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from photovault.errors import Misconfigured

MIB = 1024 * 1024

# What the seed, tutorials and careless copies use; never a secret in production.
WELL_KNOWN_SECRETS = frozenset(
    {"secret", "changeme", "change-me", "your-secret-key", "your_jwt_secret", "dev-secret", "password", "jwt-secret"}
)

HOW_TO = {
    "database_url": "Set DATABASE_URL to a Postgres 15+ with pgvector, for example postgresql://user:pass@host/photovault.",
    "jwt_secret": "Set JWT_SECRET to at least 32 random characters: `photovault keys generate` prints one.",
    "master_key": "Set MASTER_KEY to one or more Fernet keys, or kms:<ARN of a KMS key>, newest first: "
    "`photovault keys generate` prints a Fernet key. "
    "Keep a copy in a safe place: without it no photo can ever be opened again.",
    "staging_bucket": "Set STAGING_BUCKET to the bucket that uploads arrive in (the stack's output StagingBucket).",
    "vault_bucket": "Set VAULT_BUCKET to the bucket that keeps sealed photos (the stack's output VaultBucket).",
    "storage_root": "Set STORAGE_ROOT to a durable folder for the sealed photos of the local driver.",
    "ledger": "Set LEDGER_BUCKET to the bucket of the erasure ledger (the stack's output LedgerBucket), or "
    "LEDGER_ROOT to a folder that is backed up apart from the database.",
    "cloudinary_cloud_name": "Set CLOUDINARY_CLOUD_NAME, CLOUDINARY_API_KEY and CLOUDINARY_API_SECRET (in "
    "Cloudinary's console under API Keys).",
    "cloudinary_api_key": "Set CLOUDINARY_API_KEY (in Cloudinary's console under API Keys).",
    "cloudinary_api_secret": "Set CLOUDINARY_API_SECRET (in Cloudinary's console under API Keys).",
    "geocoder_email": "Set GEOCODER_EMAIL to your address, which Nominatim's usage policy asks for, or unset "
    "ENABLE_GEOCODER.",
    "vision_queue_url": "Set VISION_QUEUE_URL (the stack's output VisionQueueUrl).",
    "embedding_queue_url": "Set EMBEDDING_QUEUE_URL (the stack's output EmbeddingQueueUrl).",
    "albums_queue_url": "Set ALBUMS_QUEUE_URL (the stack's output AlbumsQueueUrl).",
    "webhooks_queue_url": "Set WEBHOOKS_QUEUE_URL (the stack's output WebhooksQueueUrl).",
}


# What STORAGE_TIERS may place, and where. A face's blob is called "face:<its id>".
TIERED_BLOBS = ("original", "preview", "thumbnail", "metadata", "face", "motion")
DRIVERS = ("local", "s3", "cloudinary")


class Settings(BaseSettings):
    """Every setting by the name of its environment variable in lower case. Sizes are in bytes."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True)

    app_env: Literal["dev", "test", "staging", "prod"] = "dev"
    database_url: SecretStr | None = None
    jwt_secret: SecretStr | None = None
    master_key: SecretStr | None = None
    cors_origins: str = ""

    storage_driver: Literal["local", "s3", "cloudinary", "hybrid"] = "s3"
    storage_primary: Literal["local", "s3", "cloudinary"] = "cloudinary"
    storage_fallback: Literal["local", "s3"] | None = None
    storage_tiers: str = ""
    storage_root: str | None = None
    cloudinary_cloud_name: str | None = None
    cloudinary_api_key: str | None = None
    cloudinary_api_secret: SecretStr | None = None
    cloudinary_upload_prefix: str = "https://api.cloudinary.com"
    cloudinary_max_file_bytes: int = Field(default=10 * MIB, ge=1024)
    ledger_root: str | None = None
    ledger_bucket: str | None = None
    require_sealed_uploads: bool = False

    enable_geocoder: bool = False
    geocoder_email: str | None = None
    embeddings_provider: Literal["auto", "clip", "phash"] = "auto"
    face_provider: Literal["auto", "onnx", "haar"] = "auto"
    models_dir: str | None = None
    models_bucket: str | None = None
    places_file: str | None = None

    staging_bucket: str | None = None
    vault_bucket: str | None = None
    vision_queue_url: str | None = None
    embedding_queue_url: str | None = None
    albums_queue_url: str | None = None
    webhooks_queue_url: str | None = None
    # Webhooks may be posted to the machine itself, without TLS: for receivers on a laptop.
    webhooks_to_loopback: bool = False
    aws_endpoint_url: str | None = None
    aws_region: str = "eu-central-1"

    public_url: str = "http://127.0.0.1:8999"
    root_path: str = ""
    max_upload_bytes: int = Field(default=25 * MIB, ge=1024, le=100 * MIB)
    default_quota_bytes: int = Field(default=15 * 1024 * MIB, ge=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    @field_validator("storage_tiers")
    @classmethod
    def _known_tiers(cls, value: str) -> str:
        for pair in value.split(","):
            name, _, driver = (part.strip() for part in pair.partition("="))
            if pair.strip() and (name not in TIERED_BLOBS or driver not in DRIVERS):
                raise ValueError(
                    f"'{pair.strip()}' is no tier. Write pairs such as original=s3,thumbnail=cloudinary; blobs are "
                    f"{', '.join(TIERED_BLOBS)}, drivers are {', '.join(DRIVERS)}."
                )
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("master_key")
    @classmethod
    def _list_of_master_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from photovault.keys import is_master_key

            entries = _split(value)
            if not entries or not all(is_master_key(entry) for entry in entries):
                raise ValueError(
                    "MASTER_KEY is not a comma-separated list of Fernet keys (or kms: and the ARN of a KMS key). "
                    + HOW_TO["master_key"]
                )
        return value

    @model_validator(mode="after")
    def _strong_in_production(self) -> Settings:
        if self.app_env != "prod":
            return self
        for secret in self.jwt_secrets:
            if len(secret) < 32 or secret.lower() in WELL_KNOWN_SECRETS or len(set(secret)) < 10:
                raise ValueError("JWT_SECRET is too weak for APP_ENV=prod. " + HOW_TO["jwt_secret"])
        if "*" in self.allowed_origins:
            raise ValueError("CORS_ORIGINS must name the gallery's origins in APP_ENV=prod, not '*'.")
        if not self.cloudinary_upload_prefix.lower().startswith("https://"):
            raise ValueError(
                "CLOUDINARY_UPLOAD_PREFIX must begin with https:// in APP_ENV=prod: the secret travels to it."
            )
        if self.webhooks_to_loopback:
            raise ValueError("WEBHOOKS_TO_LOOPBACK is for laptops: unset it in APP_ENV=prod.")
        if self.enable_geocoder and not self.geocoder_email:
            raise ValueError("ENABLE_GEOCODER=true needs GEOCODER_EMAIL, which Nominatim's usage policy asks for.")
        return self

    @property
    def jwt_secrets(self) -> list[str]:
        """Signing secrets, newest first."""
        return _split(self.jwt_secret)

    @property
    def master_keys(self) -> list[str]:
        """What wraps the users' keys, newest first: Fernet keys, and ``kms:`` before the ARN of a key of KMS."""
        return _split(self.master_key)

    @property
    def tiers(self) -> dict[str, str]:
        """The driver of each kind of blob that STORAGE_TIERS names."""
        pairs = (pair.partition("=") for pair in self.storage_tiers.split(",") if pair.strip())
        return {name.strip(): driver.strip() for name, _, driver in pairs}

    @property
    def ledger(self) -> str | None:
        """The folder, or else the bucket, of the erasure ledger."""
        return self.ledger_root or self.ledger_bucket

    @property
    def allowed_origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    def check(self, needed: Iterable[str]) -> None:
        """Stop a start in production that lacks something: better now, in words, than at somebody's first request.

        Elsewhere a missing setting is told when it is needed. Raises ``Misconfigured``.
        """
        if self.app_env == "prod":
            for name in needed:
                self.require(name)

    def require(self, name: str) -> str:
        """The value of a setting that the caller cannot do without. Raises ``Misconfigured`` with a way out."""
        value = getattr(self, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if not value:
            raise Misconfigured(f"{name.upper()} is not set. {HOW_TO.get(name, '')}".strip())
        return str(value)


def _split(secret: SecretStr | None) -> list[str]:
    return [part.strip() for part in secret.get_secret_value().split(",") if part.strip()] if secret else []


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings. Raises ``Misconfigured`` with the sentences of everything that is wrong."""
    if not os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        env_file: str | None = ".env"
    else:
        env_file = None  # a function is configured by its template alone
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        sentences = []
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0]).upper() + ": " if problem["loc"] else ""
            sentences.append(name + problem["msg"].removeprefix("Value error, "))
        raise Misconfigured(" ".join(sentences)) from None
