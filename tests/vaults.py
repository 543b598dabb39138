"""A configured vault on a real database, and people in it, for tests of a module's length."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import argon2
import psycopg
import pytest
from fastapi import APIRouter

from photovault import db, ids, keyring, keys, migrate, passwords, posting, rotation, sessions, storage, tokens, users
from photovault.api import edge
from photovault.settings import get_settings
from photovault.storage import placing

with warnings.catch_warnings():
    # Starlette would rather have httpx2 under its client, which nothing else of the project needs.
    warnings.filterwarnings("ignore", message=".*httpx2", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message=".*httpx2", category=UserWarning)
    from fastapi.testclient import TestClient

# What everybody here has for a password.
PASSWORD = "what everybody here remembers"
SECRET = "a secret of the tests that is of no use elsewhere"
QUOTA = 1024 * 1024 * 1024
_addresses = itertools.count(1)


@dataclass(frozen=True)
class Somebody:
    """A person with an account and a session."""

    user_id: UUID
    session_id: UUID
    email: str
    access_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    @property
    def proof(self) -> str:
        """That the password was given a moment ago."""
        key = tokens.SigningKey.from_secret(SECRET)
        return tokens.sign(
            key, user_id=self.user_id, session_id=self.session_id, now=datetime.now(UTC), kind=tokens.PROOF
        )


def forget() -> None:
    """Drop everything that was built from settings."""
    db.close()
    get_settings.cache_clear()
    storage.driver.cache_clear()
    placing.forget()
    keyring.forget()
    keyring.master_keys.cache_clear()
    sessions._keys, sessions._read_at = {}, float("-inf")


def use_master_keys(patch: pytest.MonkeyPatch, master_keys: Iterable[str]) -> None:
    """Go on with these, as a process does after a deployment."""
    patch.setenv("MASTER_KEY", ",".join(master_keys))
    get_settings.cache_clear()
    keyring.master_keys.cache_clear()
    keyring.forget()
    rotation.forget()


@pytest.fixture(scope="module")
def vault(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings of a vault with the local driver and a staging bucket that nobody may reach; its folder."""
    folder = tmp_path_factory.mktemp("vault")
    migrate.upgrade(database_url, jwt_secrets=[SECRET])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # no .env of the developer's
        patch.setattr(posting, "resolve", found_on_the_internet)
        for name in ("AWS_LAMBDA_FUNCTION_NAME", "CORS_ORIGINS", "ROOT_PATH"):
            patch.delenv(name, raising=False)
        for name, value in {
            "APP_ENV": "test",
            "DATABASE_URL": database_url,
            "JWT_SECRET": SECRET,
            "MASTER_KEY": keys.generate_master_key(),
            "STORAGE_DRIVER": "local",
            "STORAGE_ROOT": str(folder / "blobs"),
            "STAGING_BUCKET": "photovault-staging",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "ALBUMS_QUEUE_URL": "http://127.0.0.1:9/albums",
            "WEBHOOKS_QUEUE_URL": "http://127.0.0.1:9/webhooks",
            "VISION_QUEUE_URL": "http://127.0.0.1:9/vision",
            "EMBEDDING_QUEUE_URL": "http://127.0.0.1:9/embedding",
        }.items():
            patch.setenv(name, value)
        forget()
        yield folder
        forget()


def found_on_the_internet(host: str, port: int) -> list[str]:
    """Any name there is, without asking a name server."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        return ["93.184.216.34"]


@pytest.fixture
def alone(vault: Path, database_url: str) -> None:
    """Nothing is left of other tests. For modules with a database of their own."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("TRUNCATE users CASCADE")
    for stored in list(storage.driver("local").list()):
        storage.driver("local").delete(stored.key)


@pytest.fixture(scope="module")
def small_models(vault: Path) -> Iterator[None]:
    """Providers that need no model files: Haar cascades for faces, perceptual hashes for embeddings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACE_PROVIDER", "haar")
        patch.setenv("EMBEDDINGS_PROVIDER", "phash")
        forget()
        yield
    forget()


@pytest.fixture(scope="module")
def quick_hashes() -> Iterator[None]:
    """Argon2 with the least work that it allows, for tests that count hashes and need no strong ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords.dummy_hash.cache_clear()
        yield
    passwords.dummy_hash.cache_clear()


@cache
def password_hash() -> str:
    """Of ``PASSWORD``, made once, with the least work that Argon2 allows."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def somebody(*, quota: int = QUOTA, name: str = "Ada") -> Somebody:
    """A new person, without the cost of a strong hash."""
    email = f"person{ids.new().hex}@example.com"
    now = datetime.now(UTC)
    with db.transaction(ids.new()) as conn:
        user = users.create(
            conn, email=email, email_key=email, name=name, password_hash=password_hash(), quota_bytes=quota
        )
        session_id, _ = sessions.start(conn, user_agent="tests", now=now)
    access_token = tokens.sign(tokens.SigningKey.from_secret(SECRET), user_id=user.id, session_id=session_id, now=now)
    return Somebody(user.id, session_id, email, access_token)


def client(routers: Iterable[APIRouter]) -> TestClient:
    """A client with an address of its own, so that no other test's attempts are counted against it."""
    number = next(_addresses)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return TestClient(edge.create_app(routers), client=(address, 50000), raise_server_exceptions=False)
