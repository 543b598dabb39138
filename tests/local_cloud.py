"""Fixtures for tests on real parts: an embedded Postgres, LocalStack with the deployed template, and the API.

Each is started once for a test session (with pytest-xdist: for a worker), on free ports and in temporary folders, and
ends with it. Tests that use the cloud run in one worker, so that it is started once.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from infra.local import configuration, stack
from infra.local.api import start_api
from infra.local.localstack import LocalStack
from infra.local.ports import free_port
from infra.local.postgres import Postgres
from tests.pictures import SHARED

from photovault import migrate

ON_THE_CLOUD = {"localstack", "cloud", "api_url"}
# A parameter with which a test asks for LocalStack by itself, so that its fixtures do not tell.
ON_S3 = pytest.param("s3", marks=[pytest.mark.stack, pytest.mark.xdist_group("cloud")])


def group_by_cloud(items: list[pytest.Item]) -> None:
    """Marks what needs the cloud, and keeps it in one worker."""
    for item in items:
        if ON_THE_CLOUD & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)
            item.add_marker(pytest.mark.xdist_group("cloud"))


@dataclass(frozen=True)
class Cloud:
    """The deployed template. `settings` are the names and values of a laptop; `environment` is what the API gets."""

    stack: stack.Stack
    settings: dict[str, str]
    database_url: str
    folder: Path
    logs: Path

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.environment

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        return stack.client(self.stack.endpoint, service)


@pytest.fixture(scope="session")
def scratch(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The session's folder for servers. When a test failed, their logs stay.

    Not below pytest's own: each new session of the same user closes that one to others, and a Postgres that root has
    started runs as another user.
    """
    folder = Path(tempfile.mkdtemp(prefix="photovault-tests-"))
    yield folder
    if request.session.testsfailed:
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix != ".log":
                file.unlink()
    else:
        shutil.rmtree(folder)


@pytest.fixture
def server_folder(scratch: Path) -> Path:
    """A new folder for the servers of one test."""
    return Path(tempfile.mkdtemp(dir=scratch))


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Postgres]:
    """A Postgres server with pgvector, without durability."""
    server = Postgres(scratch / "postgres", scratch / "logs" / "postgres.log", scratch=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a migrated, empty database, to make others from: nobody may connect to it."""
    migrate.upgrade(
        postgres.create_database("migrated"), jwt_secrets=["a secret of the tests that is of no use elsewhere"]
    )
    return "migrated"


@pytest.fixture(scope="session")
def database_url(postgres: Postgres, migrated: str) -> str:
    """A migrated database of this session's own."""
    return postgres.create_database("tests", like=migrated)


def database_of_its_own() -> Any:
    """``database_url = database_of_its_own()``: migrated and empty, for the tests of a module, removed after them."""

    @pytest.fixture(scope="module")
    def database_url(postgres: Postgres, migrated: str) -> Iterator[str]:
        name = f"own_{secrets.token_hex(4)}"
        yield postgres.create_database(name, like=migrated)
        postgres.drop_database(name)

    return database_url


@pytest.fixture(scope="session")
def localstack(scratch: Path) -> Iterator[LocalStack]:
    """LocalStack, with the process executor."""
    cloud = LocalStack(scratch / "localstack", scratch / "logs", port=0)
    cloud.start()
    cloud.ready()
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def cloud(postgres: Postgres, localstack: LocalStack, scratch: Path) -> Cloud:
    """template.yaml deployed, with a migrated database behind it."""
    settings = configuration.load(scratch, scratch, environ={"APP_ENV": "test", **_models()})
    settings["DATABASE_URL"] = postgres.create_database("cloud")
    with psycopg.connect(settings["DATABASE_URL"], autocommit=True) as conn:
        # The tests' server answers a commit before it is written; what a test crashes must keep its word.
        conn.execute("ALTER DATABASE cloud SET synchronous_commit = on")
    settings["PUBLIC_URL"] = f"http://127.0.0.1:{free_port()}"  # where tickets point, whoever makes them
    settings["ALBUMS_DELAY_SECONDS"] = "1"
    configuration.migrate(settings)
    deployed = stack.deploy(localstack.endpoint, settings=settings, folder=scratch)
    return Cloud(
        stack=deployed,
        settings=settings,
        database_url=settings["DATABASE_URL"],
        folder=scratch,
        logs=scratch / "logs",
    )


def _models() -> dict[str, str]:
    """The real models, where they are at hand."""
    models = SHARED / "models"
    return {"MODELS_DIR": str(models)} if models.is_dir() else {}


@pytest.fixture(scope="session")
def api_url(cloud: Cloud) -> Iterator[str]:
    """The base URL of the API under uvicorn, on the same cloud."""
    base = cloud.settings["PUBLIC_URL"]
    port = int(base.rsplit(":", 1)[1])
    child = start_api(port, cloud.environment, cloud.logs / "api.log")
    yield base
    child.stop(patience=5)
