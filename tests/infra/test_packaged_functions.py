"""The packages work: a photo goes its whole way through the gateway, and every function sees only its own code, its own
layers and what Lambda's runtime brings, under awslambdaric. With this host's wheels; the arm64 ones cannot run here."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from infra.local import configuration, stack
from infra.local.localstack import LocalStack
from infra.local.pictures import draw
from infra.local.postgres import Postgres
from infra.packaging import build as packaging
from infra.packaging import runtime
from infra.packaging.stack import packaged, uploads
from tests.flows.uploader import Client

from photovault import migrate

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("packaging")]

KEPT = Path(__file__).resolve().parents[2] / ".photovault"
ARTEFACTS = "photovault-artefacts"
# LocalStack unpacks one archive of at most 250 MiB, and the host's OpenCV and NumPy together are larger.
ARCHIVE_BYTES = 200 * 1024 * 1024


@pytest.fixture(scope="module")
def python() -> Path:
    return runtime.make(KEPT / "envs" / "runtime")


@pytest.fixture(scope="module")
def made() -> packaging.Build:
    return packaging.build(KEPT / "packages" / "host", arch="host", archive_bytes=ARCHIVE_BYTES)


@pytest.fixture(scope="module")
def deployed(made: packaging.Build, python: Path, postgres: Postgres, scratch: Path) -> Iterator[stack.Stack]:
    folder = scratch / "packaged"
    folder.mkdir()
    cloud = LocalStack(folder / "localstack", folder / "logs", port=0, python=str(python))
    cloud.start()
    try:
        cloud.ready()
        with closing(stack.client(cloud.endpoint, "s3")) as s3:
            s3.create_bucket(Bucket=ARTEFACTS, CreateBucketConfiguration={"LocationConstraint": stack.REGION})
            for key, archive in uploads(made, KEPT / "packages" / "host"):
                s3.upload_file(str(archive), ARTEFACTS, key)
        settings = configuration.load(folder, folder, environ={"APP_ENV": "test", "STORAGE_DRIVER": "s3"})
        settings["DATABASE_URL"] = postgres.create_database("packaged")
        settings["ALBUMS_DELAY_SECONDS"] = "1"
        migrate.upgrade(settings["DATABASE_URL"], jwt_secrets=[settings["JWT_SECRET"]])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stack, "localise", lambda template, **_: packaged(template, made, bucket=ARTEFACTS))
            yield stack.deploy(cloud.endpoint, settings=settings, folder=folder)
    finally:
        cloud.stop()


def test_the_interpreter_has_the_runtimes_packages_alone(python: Path) -> None:
    def imports(name: str) -> bool:
        return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0

    assert imports("boto3")
    assert imports("awslambdaric")
    assert not any(map(imports, ("photovault", "fastapi", "psycopg", "numpy", "cv2", "onnxruntime")))


def test_a_photo_goes_its_whole_way_through_packaged_functions(deployed: stack.Stack) -> None:
    assert deployed.gateway
    ada = Client.sign_up(deployed.gateway)
    picture = draw(1, (1600, 1200), gps=(38.7139, -9.1394), taken=datetime(2025, 5, 9, 10, 30), offset="+01:00")
    ada.upload({"lisbon.jpg": picture})
    photo = ada.wait(1)["lisbon.jpg"]
    assert photo["status"] == "ready", photo
    assert photo["steps"] == {"vision": "done", "embedding": "done"}
    assert photo["location"]["place"]["city"] == "Lisbon"
    ada.wait_for_albums()
    assert {"place", "date"} <= {album["kind"] for album in ada.items("/albums/")}
    assert [hit["image"]["id"] for hit in ada.items("/search", q="lisbon")] == [photo["id"]]
    view = ada.get(f"/images/{photo['id']}/view", params={"rendition": "original"})
    assert view.content == picture
    assert ada.open_ticket(photo["id"], photo["tickets"]["thumbnail"])


def test_maintenance_runs_on_its_layers(deployed: stack.Stack) -> None:
    with closing(stack.client(deployed.endpoint, "lambda")) as client:
        answer = client.invoke(FunctionName=deployed.functions["MaintenanceFunction"], Payload=b'{"daily": true}')
        body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    assert json.loads(body)["failures"] == []
