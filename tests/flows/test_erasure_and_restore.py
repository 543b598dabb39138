"""A deleted account stays deleted: through deaths at any point, and after yesterday's backup was restored.

Real Postgres with ``pg_dump`` and ``pg_restore``, photos sealed by the real worker; and for the deaths real S3
(LocalStack) with a ledger bucket under object lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest
from infra.local import stack
from infra.local.localstack import REGION, LocalStack
from infra.local.postgres import Postgres
from tests.flows.eraser import delete, sweep
from tests.flows.forked import exit_status
from tests.local_cloud import database_of_its_own
from tests.pictures import draw
from tests.shared.pipeline.test_erasing import rows_of
from tests.staged import Bucket
from tests.vaults import SECRET, forget
from typer.testing import CliRunner, Result

from photovault import accounts, blobs, cli, db, erasures, images, keyring, migrate, originals, uploads, vault
from photovault.errors import PhotoVaultError
from photovault.images import Image
from photovault.pipeline import embedding, erasing, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.settings import get_settings

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "password123"

pytestmark = pytest.mark.usefixtures("quick_hashes")

# The daily pass looks through every storage that a row names, and fails for those of other tests that this vault lacks.
database_url = database_of_its_own()


def run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def replay(*options: str) -> Result:
    """``photovault db replay-erasures``."""
    return CliRunner().invoke(cli.app, ["db", "replay-erasures", *options])


# --------------------------------------------------------------------------------------------- a vault with a backup


@dataclass(frozen=True)
class Vault:
    """A database and a folder of blobs of their own, and a backup of both; the ledger lies apart and has none."""

    postgres: Postgres
    name: str
    folder: Path

    @property
    def url(self) -> str:
        return self.postgres.url(self.name)

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    def program(self, name: str) -> str:
        """A program of the very version that the server is of."""
        pid = self.postgres.pid()
        assert pid is not None
        return str(Path(psutil.Process(pid).exe()).with_name(name))

    def back_up(self) -> None:
        run(self.program("pg_dump"), "--format=custom", f"--file={self.folder / 'dump'}", self.url)
        shutil.copytree(self.blobs, self.folder / "backup")

    def restore(self) -> None:
        """Yesterday's database and storage, in the place of today's."""
        forget()
        self.postgres.drop_database(self.name)
        self.postgres.create_database(self.name)
        run(self.program("pg_restore"), "--exit-on-error", f"--dbname={self.url}", str(self.folder / "dump"))
        shutil.rmtree(self.blobs)
        shutil.copytree(self.folder / "backup", self.blobs)

    def everything(self) -> str:
        """All that the database holds, as text."""
        return run(self.program("pg_dump"), "--inserts", self.url)


@pytest.fixture
def live(vault: Path, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """Settings for that vault, with the master key of the others."""
    made = Vault(postgres, f"restore_{uuid4().hex[:8]}", tmp_path)
    migrate.upgrade(postgres.create_database(made.name), jwt_secrets=[SECRET])
    for name, value in {
        "DATABASE_URL": made.url,
        "STORAGE_ROOT": str(made.blobs),
        "LEDGER_ROOT": str(tmp_path / "ledger"),
        "FACE_PROVIDER": "haar",
        "EMBEDDINGS_PROVIDER": "phash",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LEDGER_BUCKET", raising=False)  # that of the deaths below, when they were first
    forget()
    yield made
    forget()
    postgres.drop_database(made.name)


@dataclass(frozen=True)
class Member:
    """Somebody with photos in the vault: their bytes by their id."""

    email: str
    account: accounts.LoggedIn
    photos: dict[UUID, bytes]

    @property
    def user_id(self) -> UUID:
        return self.account.user.id

    def opened(self) -> dict[UUID, bytes]:
        return {image_id: originals.open(self.user_id, image_id).data for image_id in self.photos}

    def log_in(self) -> accounts.LoggedIn:
        return accounts.log_in(email=self.email, password=PASSWORD, address="a test", user_agent=None)


def join(bucket: Bucket, email: str, name: str, seeds: range) -> Member:
    """Sign up and upload photos, which are sealed, understood and embedded as ever."""
    account = accounts.sign_up(email=email, password=PASSWORD, name=name, address=email, user_agent=None)
    member = Member(email, account, {})
    for seed in seeds:
        data = draw(seed, (96, 72))
        announced = uploads.Announcement(
            f"{name} at sea {seed}.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest()
        )
        with db.transaction(member.user_id) as conn:
            (answer,) = uploads.announce(conn, member.user_id, [announced], now=datetime.now(UTC))
        bucket.post(member.user_id, answer.image_id, data)
        vision.handle(PhotoMessage(member.user_id, answer.image_id))
        embedding.handle(PhotoMessage(member.user_id, answer.image_id))
        member.photos[answer.image_id] = data
    with db.transaction(member.user_id) as conn:
        conn.execute("UPDATE images SET caption = %s", [f"{name} swims"])
    return member


def photos_of(user_id: UUID) -> list[tuple[Image, list[blobs.Blob]]]:
    with db.transaction(user_id) as conn:
        ids = [row[0] for row in conn.execute("SELECT id FROM images ORDER BY id").fetchall()]
        found = [images.get(conn, image_id) for image_id in ids]
        return [(image, blobs.of_images(conn, [image.id])) for image in found if image is not None]


def keys_in_the_database(url: str) -> list[tuple[UUID, UUID, bytes]]:
    """(person, photo, content key) of everything that the master key of now still opens, whoever it belongs to."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT user_id, id, key_version, content_key FROM images ORDER BY id").fetchall()
    found = []
    for user_id, image_id, version, wrapped in rows:
        try:
            with db.transaction(user_id) as conn:
                key = keyring.content_key(conn, user_id, image_id, version=version, wrapped=bytes(wrapped))
        except PhotoVaultError:
            continue
        found.append((user_id, image_id, key))
    return found


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("sent")
def test_after_yesterdays_backup_was_restored_a_replay_leaves_nothing_that_opens(live: Vault, bucket: Bucket) -> None:
    ada = join(bucket, "ada.lovelace@example.com", "Ada", range(3))
    grace = join(bucket, "grace.hopper@example.com", "Grace", range(3, 5))
    assert ada.opened() == ada.photos
    her_rows = photos_of(ada.user_id)
    her_files = {blob.key for _, found in her_rows for blob in found}
    assert len(her_files) >= 12
    with db.transaction(ada.user_id) as conn:
        her_wrapped = [bytes(row[0]) for row in conn.execute("SELECT wrapped FROM user_keys").fetchall()]
    live.back_up()

    # She deletes her account, and it is removed.
    erased_at = accounts.delete(ada.user_id, ada.account.session_id, password=PASSWORD, address="a test")
    assert erasing.finish(ada.user_id)
    assert rows_of(live.url, ada.user_id) == {}
    assert not her_files & files(live.blobs)

    # Yesterday comes back, and with it everything of hers: the proof that what follows proves something.
    live.restore()
    assert ada.opened() == ada.photos
    assert ada.log_in().user.id == ada.user_id
    assert her_files <= files(live.blobs)
    for trace in (ada.email, "Ada at sea", "Ada swims", str(ada.user_id), her_wrapped[0].hex()):
        assert trace in live.everything()
    asked = replay("--dry-run")
    assert asked.exit_code == 0
    assert f"would be erased: {ada.user_id}" in asked.output
    assert "1 account to be erased" in asked.output
    assert ada.opened() == ada.photos

    done = replay()
    assert done.exit_code == 0, done.output
    assert f"erased: {ada.user_id}" in done.output
    assert "1 account erased, 0 entries of accounts that are gone already, 0 left." in done.output

    # No row, no trace in any table, no wrapped key, no file.
    forget()
    assert rows_of(live.url, ada.user_id) == {}
    text = live.everything()
    for trace in (ada.email, "Ada at sea", "Ada swims", str(ada.user_id), *(key.hex() for key in her_wrapped)):
        assert trace not in text
    for image_id in ada.photos:
        assert str(image_id) not in text
    assert not her_files & files(live.blobs)
    with pytest.raises(PhotoVaultError):
        ada.log_in()

    # Nor does any key that is left open a copy of her blobs that somebody kept.
    left = keys_in_the_database(live.url)
    assert {user_id for user_id, _, _ in left} == {grace.user_id}
    shutil.copytree(live.folder / "backup", live.blobs, dirs_exist_ok=True)
    for _, found in her_rows:
        for blob in found:
            assert vault_can_read(blob)
            for user_id, image_id, key in [*left, *((ada.user_id, blob.image_id, key) for _, _, key in left)]:
                with pytest.raises(PhotoVaultError):
                    vault.fetch(replace(blob, image_id=image_id), content_key=key, user_id=user_id)

    # Who stayed has everything.
    assert grace.log_in().user.id == grace.user_id
    assert grace.opened() == grace.photos
    for image, found in photos_of(grace.user_id):
        key = next(key for _, image_id, key in left if image_id == image.id)
        assert all(vault.fetch(blob, content_key=key, user_id=grace.user_id) for blob in found)

    again = replay()
    assert again.exit_code == 0
    assert "0 accounts erased, 1 entry of an account that is gone already, 0 left." in again.output
    assert [(entry.user_id, entry.erased_at) for entry in erasures.entries()] == [(ada.user_id, erased_at)]


def vault_can_read(blob: blobs.Blob) -> bool:
    """Whether its ciphertext is there, so that only a key is missing."""
    path = Path(get_settings().require("storage_root")) / blob.key
    return hashlib.sha256(path.read_bytes()).digest() == blob.sha256


@pytest.mark.usefixtures("sent")
def test_a_backup_of_the_middle_of_an_erasure_is_finished_by_the_replay(live: Vault, bucket: Bucket) -> None:
    """Restored to between the commit and the ledger's entry, with a ledger that had never heard of it."""
    ada = join(bucket, "ada@example.com", "Ada", range(1))
    with db.transaction(ada.user_id) as conn:
        erasures.erase(conn, at=datetime.now(UTC))
    live.back_up()
    live.restore()
    assert list(erasures.entries()) == []
    assert replay().exit_code == 0
    assert rows_of(live.url, ada.user_id) == {}
    assert [entry.user_id for entry in erasures.entries()] == [ada.user_id]


@pytest.mark.usefixtures("sent")
def test_what_is_left_is_told_and_is_exit_status_1(live: Vault, bucket: Bucket) -> None:
    ada = join(bucket, "ada@example.com", "Ada", range(1))
    erasures.enter(ada.user_id, datetime.now(UTC))
    broken = UUID(int=7)
    erasures.enter(broken, datetime.now(UTC))
    (live.folder / "ledger" / "erasures" / str(broken)).write_text("{")
    bucket.away = True
    result = replay()
    assert result.exit_code == 1
    assert f"left: erasures/{broken} (the entry cannot be read" in result.output
    assert f"left: {ada.user_id} (nothing of it can be opened" in result.output
    assert "0 accounts erased, 0 entries of accounts that are gone already, 2 left." in result.output
    bucket.away = False
    assert replay().exit_code == 1, "the entry that cannot be read"
    assert rows_of(live.url, ada.user_id) == {}


def test_a_database_of_an_older_version_is_upgraded_first(
    live: Vault, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.postgres.drop_database(live.name)
    live.postgres.create_database(live.name)
    user_id = uuid4()
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "available", lambda: migrate_available[:1])
        migrate.upgrade(live.url)
    with psycopg.connect(live.url) as conn:
        conn.execute(
            "INSERT INTO users (id, email, email_key, name, password_hash, quota_bytes) "
            "VALUES (%s, 'ada@example.com', 'ada@example.com', 'Ada', 'x', 1)",
            [user_id],
        )
        conn.execute(
            "INSERT INTO user_keys (user_id, version, wrapped, master_fingerprint) VALUES (%s, 1, 'w', 'f')", [user_id]
        )
    erasures.enter(user_id, datetime.now(UTC))
    refused = replay()
    assert refused.exit_code == 1
    assert "photovault db upgrade" in refused.stderr
    assert CliRunner().invoke(cli.app, ["db", "upgrade"]).exit_code == 0
    assert replay().exit_code == 0
    assert rows_of(live.url, user_id) == {}


migrate_available = migrate.available()


def test_without_a_ledger_the_command_says_how_to_get_one(live: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEDGER_ROOT")
    forget()
    result = replay()
    assert result.exit_code == 1
    assert "LEDGER_BUCKET" in result.stderr


# --------------------------------------------------------------------------------------- deaths, on real S3


@dataclass(frozen=True)
class Cloud:
    """A staging bucket, and a ledger bucket under object lock. Nobody is called."""

    s3: Any
    staging: str
    ledger: str
    folder: Path
    environment: dict[str, str]

    def run(self, action: Callable[..., None], *arguments: str, failpoint: str = "") -> int:
        """The exit status of a process, negative for a signal."""
        environment = {**os.environ, **self.environment, "PHOTOVAULT_FAILPOINT": failpoint, "LOG_LEVEL": "CRITICAL"}
        log = self.folder / f"{action.__name__}-{uuid4().hex[:8]}.log"
        status = exit_status(action, *arguments, environment=environment, log=log)
        print(log.read_text())  # shown where the test fails
        return status

    def staged(self) -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.staging).get("Contents", [])]


@pytest.fixture(scope="module")
def cloud_of_buckets(vault: Path, localstack: LocalStack) -> Iterator[Cloud]:
    s3 = stack.client(localstack.endpoint, "s3")
    queue = stack.client(localstack.endpoint, "sqs").create_queue(QueueName=f"erasures-{uuid4().hex[:8]}")["QueueUrl"]
    staging, ledger = (f"erasures-{name}-{uuid4().hex[:8]}" for name in ("staging", "ledger"))
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=staging, CreateBucketConfiguration=where)
    s3.create_bucket(Bucket=ledger, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=ledger,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 35}},
        },
    )
    environment = {
        "AWS_ENDPOINT_URL": localstack.endpoint,
        "AWS_REGION": REGION,
        "STAGING_BUCKET": staging,
        "LEDGER_BUCKET": ledger,
        "VISION_QUEUE_URL": queue,
        "EMBEDDING_QUEUE_URL": queue,
        "ALBUMS_QUEUE_URL": queue,
        "FACE_PROVIDER": "haar",
        "EMBEDDINGS_PROVIDER": "phash",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")]),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LEDGER_ROOT", raising=False)
        for key, value in environment.items():
            patch.setenv(key, value)
        forget()
        yield Cloud(s3, staging, ledger, vault, environment)
    forget()


@pytest.mark.parametrize(
    ("dies", "place"),
    [
        ("delete", "erasing.committed"),
        ("delete", "erasing.entered"),
        ("sweep", "erasing.rows-deleted"),
        ("sweep", "erasing.blobs-deleted"),
        ("sweep", "erasing.copies-dropped"),
        ("sweep", "erasing.removed"),
        ("nobody", ""),
    ],
)
def test_whoever_dies_where_the_next_run_finishes_it(
    cloud_of_buckets: Cloud, vault: Path, database_url: str, dies: str, place: str
) -> None:
    cloud = cloud_of_buckets
    ada = accounts.sign_up(
        email=f"ada{uuid4().hex}@example.com", password=PASSWORD, name="Ada", address=uuid4().hex, user_agent=None
    )
    data = draw(int(uuid4().int % 1000), (96, 72))
    digest = hashlib.sha256(data)
    announced = uploads.Announcement("a.jpg", "image/jpeg", len(data), digest.digest())
    with db.transaction(ada.user.id) as conn:
        (answer,) = uploads.announce(conn, ada.user.id, [announced], now=datetime.now(UTC))
    key = f"incoming/{ada.user.id}/{answer.image_id}"
    cloud.s3.put_object(Bucket=cloud.staging, Key=key, Body=data, ContentType="image/jpeg")
    vision.handle(PhotoMessage(ada.user.id, answer.image_id))
    hers = {blob.key for _, found in photos_of(ada.user.id) for blob in found}
    assert hers <= files(vault / "blobs")
    cloud.s3.put_object(Bucket=cloud.staging, Key=key, Body=data)  # the client posts once more

    hers_to_prove = (str(ada.user.id), str(ada.session_id), PASSWORD)
    assert cloud.run(delete, *hers_to_prove, failpoint=place if dies == "delete" else "") == (
        -signal.SIGKILL if dies == "delete" else 0
    )
    marked = f"erasing/{ada.user.id}" in cloud.staged()
    assert marked == (dies != "delete")
    if dies == "sweep":
        assert cloud.run(sweep, failpoint=place) == -signal.SIGKILL
    # Where the mark was made a sweep is enough, which opens no database for anybody else; else it is the daily pass.
    assert cloud.run(sweep, *(() if marked else ("daily",))) == 0

    assert rows_of(database_url, ada.user.id) == {}
    assert not hers & files(vault / "blobs")
    assert [key for key in cloud.staged() if str(ada.user.id) in key] == []
    entry = cloud.s3.get_object(Bucket=cloud.ledger, Key=f"erasures/{ada.user.id}")
    assert json.loads(entry["Body"].read())["user_id"] == str(ada.user.id)
    assert entry["ObjectLockMode"] == "GOVERNANCE"
    assert ada.user.id in {found.user_id for found in erasures.entries()}


def test_an_entry_in_the_bucket_is_written_once(cloud_of_buckets: Cloud) -> None:
    cloud, user_id = cloud_of_buckets, uuid4()
    first, second = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    erasures.enter(user_id, first)
    erasures.enter(user_id, second)
    versions = cloud.s3.list_object_versions(Bucket=cloud.ledger, Prefix=f"erasures/{user_id}")["Versions"]
    assert len(versions) == 1
    assert [entry.erased_at for entry in erasures.entries() if entry.user_id == user_id] == [first]
