"""``photovault storage``: what the operator sees, exit codes, and a vault that moves between real storages.

The commands look at all people's rows, so these tests have a database of their own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from infra.local import stack
from infra.local.localstack import LocalStack
from tests.cloudinary_stand_in import API_KEY, API_SECRET, CLOUD, StandIn
from tests.local_cloud import ON_S3, database_of_its_own
from tests.pictures import draw
from tests.shared.api.photos import sealed_photo
from tests.storages import add_blob, lying, opened, overwrite, reconfigure, row, sealed
from tests.vaults import Somebody, somebody
from typer.testing import CliRunner

from photovault import blobs, db, storage
from photovault.blobs import Blob
from photovault.cli import app
from photovault.errors import StorageUnavailable
from photovault.pipeline import clearing, migrating
from photovault.pipeline.findings import Finding, Tally
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "sent", "alone")

ROOT = Path(__file__).resolve().parents[2]


database_url = database_of_its_own()


@pytest.fixture
def ada(alone: None) -> Somebody:
    return somebody()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["storage", *arguments], terminal_width=200)


def lines(result: Result) -> list[dict[str, Any]]:
    """What was printed, each line an object."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def original(who: Somebody, data: bytes = b"an original") -> Blob:
    return add_blob(who, data, name="original")


def delete(blob: Blob) -> None:
    storage.driver(blob.driver).delete(blob.key)


def age(key: str, hours: float) -> None:
    then = (datetime.now(UTC) - timedelta(hours=hours)).timestamp()
    os.utime(Path(os.environ["STORAGE_ROOT"]) / key, (then, then))


# ---- check ----------------------------------------------------------------------------------------------------------


def test_a_sound_vault_is_exit_0(ada: Somebody) -> None:
    sealed_photo(ada)
    result = run("check")
    assert result.exit_code == 0
    assert "Blobs checked: 3 (" in result.stdout
    assert "All is well" in result.stdout


def test_an_empty_vault_is_exit_0() -> None:
    assert run("check").exit_code == 0


def test_what_is_wrong_is_told_with_the_photo_and_the_file_and_exit_1(ada: Somebody) -> None:
    lost, bad = original(ada), original(ada)
    delete(lost)
    overwrite(bad, sealed(bad)[:-1])
    result = run("check")
    assert result.exit_code == 1
    for word in ("lost original", str(lost.image_id), lost.key, "tampered original", str(bad.image_id), bad.key):
        assert word in result.stdout
    assert "left to do: 2" in result.stdout


def test_as_json_each_finding_is_a_line_and_the_summary_the_last(ada: Somebody) -> None:
    lost = original(ada)
    original(ada)
    delete(lost)
    result = run("check", "--json")
    finding, last = lines(result)
    assert result.exit_code == 1
    assert (finding["kind"], finding["image_id"], finding["name"], finding["driver"], finding["key"]) == (
        "lost",
        str(lost.image_id),
        "original",
        "local",
        lost.key,
    )
    summary = last["summary"]
    assert (summary["blobs"], summary["lost"], summary["left"], summary["complete"]) == (2, 1, 1, True)


def test_security_events_go_to_the_log_beside_the_output(ada: Somebody) -> None:
    lost = original(ada)
    delete(lost)
    result = run("check", "--json")
    (event,) = [json.loads(line) for line in result.stderr.splitlines() if "blob.lost" in line]
    assert event["image_id"] == str(lost.image_id)


def test_a_repair_says_what_was_mended_and_what_is_left(ada: Somebody) -> None:
    lost = original(ada)
    original(ada)
    orphan, young = storage.new_key(), storage.new_key()
    for key in (orphan, young):
        storage.driver("local").put(key, b"refuse", size=6)
    age(orphan, 25)
    delete(lost)
    result = run("check", "--repair")
    assert result.exit_code == 1
    assert f"removed file (local: {orphan})" in result.stdout
    assert "lost original" in result.stdout
    assert "left to do: 1" in result.stdout
    assert "files too young to judge: 1" in result.stdout
    assert orphan not in lying("local")
    assert young in lying("local")


def test_what_was_all_mended_is_exit_0(ada: Somebody) -> None:
    original(ada)
    orphan = storage.new_key()
    storage.driver("local").put(orphan, b"refuse", size=6)
    age(orphan, 25)
    assert run("check").exit_code == 1
    assert orphan in lying("local"), "without --repair nothing is changed"
    assert run("check", "--repair").exit_code == 0
    assert run("check").exit_code == 0


def test_storage_that_is_away_is_exit_2_and_a_cursor_to_go_on_with(
    ada: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    original(ada)

    def away(*_: object) -> bytes:
        raise StorageUnavailable("The storage is away.")

    with monkeypatch.context() as patch:
        patch.setattr(storage.driver("local"), "read", away)
        result = run("check")
    assert result.exit_code == 2
    assert "ot checked: 1" in result.stdout
    assert "ost:" not in result.stdout
    cursor = result.stdout.split("--after ")[1].split()[0]
    again = run("check", "--after", cursor)
    assert again.exit_code == 0
    assert "Blobs checked: 1 (" in again.stdout


def test_interrupted_it_tells_what_it_saw_and_how_to_go_on(ada: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = sorted(original(ada).image_id for _ in range(4))
    with db.transaction(ada.user_id) as conn:
        for blob in blobs.of_images(conn, photos):
            delete(blob)
    seen, take = [], Tally.take

    def interrupt(tally: Tally, finding: Finding) -> None:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(finding.image_id)
        take(tally, finding)

    with monkeypatch.context() as patch:
        patch.setattr(Tally, "take", interrupt)
        result = run("check")
    assert result.exit_code == 1
    assert "Interrupted." in result.stdout
    assert "Lost: 2" in result.stdout
    cursor = result.stdout.split("--after ")[1].split()[0]
    rest = run("check", "--json", "--after", cursor)
    assert [line["image_id"] for line in lines(rest)[:-1]] == [str(image_id) for image_id in photos[2:]]


def test_a_cursor_of_something_else_is_refused() -> None:
    assert run("check", "--after", "nonsense").exit_code != 0


def test_a_driver_that_does_not_exist_is_refused() -> None:
    result = run("check", "--driver", "floppy")
    assert result.exit_code == 2
    assert "There is no driver" in result.stderr


def test_one_driver_alone_can_be_checked(ada: Somebody, hybrid: StandIn) -> None:
    at_home = original(ada)
    assert at_home.driver == "cloudinary"
    delete(at_home)
    assert run("check", "--driver", "local").exit_code == 0
    assert run("check", "--driver", "cloudinary").exit_code == 1


def test_the_quick_look_costs_cloudinary_one_listing(ada: Somebody, hybrid: StandIn) -> None:
    for _ in range(5):
        original(ada)
    hybrid.forget_requests()
    assert run("check", "--quick", "--driver", "cloudinary").exit_code == 0
    assert [request.action for request in hybrid.requests] == ["resources"]


# ---- migrate --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """Where blobs go, and the settings that make it the home of new ones too."""

    driver: str
    settings: dict[str, str]


def settings_of_s3(localstack: LocalStack) -> dict[str, str]:
    bucket = f"vault-{uuid4().hex[:8]}"
    stack.client(localstack.endpoint, "s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stack.REGION}
    )
    return {"VAULT_BUCKET": bucket, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_REGION": stack.REGION}


def settings_of_cloudinary(cloud: StandIn) -> dict[str, str]:
    return {
        "CLOUDINARY_CLOUD_NAME": CLOUD,
        "CLOUDINARY_API_KEY": API_KEY,
        "CLOUDINARY_API_SECRET": API_SECRET,
        "CLOUDINARY_UPLOAD_PREFIX": cloud.url,
        "CLOUDINARY_MAX_FILE_BYTES": "50000",
    }


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def configure(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        reconfigure()

    yield configure
    monkeypatch.undo()
    reconfigure()


@pytest.fixture
def s3(localstack: LocalStack, configure: Any) -> Target:
    configure(**settings_of_s3(localstack))
    return Target("s3", {"STORAGE_DRIVER": "s3"})


@pytest.fixture
def cloudinary(configure: Any) -> Iterator[Target]:
    with StandIn() as cloud:
        configure(**settings_of_cloudinary(cloud))
        yield Target("cloudinary", {"STORAGE_DRIVER": "cloudinary"})


@pytest.fixture(params=[ON_S3, "cloudinary"])
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.getfixturevalue(request.param)
    return chosen


def assert_moved(who: Somebody, moved: list[Blob], contents: list[bytes], to: str) -> None:
    for blob, data in zip(moved, contents, strict=True):
        current = row(who, blob)
        assert current is not None
        assert (current.driver, current.away) == (to, False)
        assert opened(who, blob) == data


def test_a_vault_moves_to_another_storage(ada: Somebody, target: Target, configure: Any) -> None:
    contents = [os.urandom(size) for size in (10, 1000, 120_000)]
    there = [original(ada, data) for data in contents]
    configure(**target.settings)
    result = run("migrate", "--to", target.driver)
    assert result.exit_code == 0, result.output
    assert f"Moved to {target.driver}: 3 (" in result.stdout
    assert "24 hours" in result.stdout
    assert "the old storage can go" in result.stdout
    assert_moved(ada, there, contents, target.driver)
    assert len(lying("local")) == 3, "addresses of the old copies may be out"
    clearing.remove_retired(Report(), now=datetime.now(UTC) + timedelta(hours=25))
    assert lying("local") == set()
    assert run("check").exit_code == 0
    again = run("migrate", "--to", target.driver)
    assert again.exit_code == 0
    assert f"Moved to {target.driver}: 0 (" in again.stdout


@pytest.mark.parametrize("failpoint", ["moving.stored", "moving.committed"])
def test_a_migration_that_is_killed_goes_on_when_it_is_run_again(
    ada: Somebody, cloudinary: Target, configure: Any, tmp_path: Path, failpoint: str
) -> None:
    contents = [os.urandom(1000) for _ in range(6)]
    there = [original(ada, data) for data in contents]
    configure(**cloudinary.settings)
    environment = {
        **os.environ,
        "PHOTOVAULT_FAILPOINT": failpoint,
        "PHOTOVAULT_FAILPOINT_ONCE": str(tmp_path / "reached"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "shared")]),
    }
    command = [sys.executable, "-c", "from photovault.cli import main; main()", "storage", "migrate"]
    for status in (-signal.SIGKILL, 0):
        done = subprocess.run(
            [*command, "--to", "cloudinary", "--jobs", "1"],
            env=environment,
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
    assert_moved(ada, there, contents, "cloudinary")
    with db.transaction(ada.user_id) as conn:
        named = {blob.key for blob in blobs.of_images(conn, [blob.image_id for blob in there])}
    assert named <= lying("cloudinary")
    assert len(lying("cloudinary") - named) <= 1, "the copy that was not named yet, an orphan"


def test_a_kind_of_blob_can_be_moved_alone(ada: Somebody, cloudinary: Target, configure: Any) -> None:
    image_id = sealed_photo(ada, draw(1, (64, 48)))
    configure(STORAGE_TIERS="original=cloudinary")
    result = run("migrate", "--to", "cloudinary", "--name", "original")
    assert result.exit_code == 0
    with db.transaction(ada.user_id) as conn:
        where = {blob.name: blob.driver for blob in blobs.of_images(conn, [image_id])}
    assert where == {"original": "cloudinary", "preview": "local", "thumbnail": "local"}


def test_a_dry_run_counts_and_changes_nothing(ada: Somebody, cloudinary: Target) -> None:
    blob = original(ada)
    result = run("migrate", "--to", "cloudinary", "--dry-run")
    assert result.exit_code == 0
    assert f"To be moved to cloudinary: 1 ({blob.size} bytes)" in result.stdout
    assert row(ada, blob) == blob


def test_new_blobs_that_would_be_placed_elsewhere_are_warned_of(
    ada: Somebody, cloudinary: Target, configure: Any
) -> None:
    assert "original to local" in run("migrate", "--to", "cloudinary", "--dry-run").stderr
    configure(STORAGE_TIERS="thumbnail=local", **cloudinary.settings)
    warning = run("migrate", "--to", "cloudinary", "--dry-run").stderr
    assert "thumbnail to local" in warning
    assert "original" not in warning
    configure(STORAGE_TIERS="")
    assert run("migrate", "--to", "cloudinary", "--dry-run").stderr == ""


def test_nothing_is_moved_to_where_maintenance_would_bring_it_back_from(ada: Somebody, cloudinary: Target) -> None:
    blob = original(ada)
    result = run("migrate", "--to", "cloudinary")
    assert result.exit_code == 1
    assert "Change STORAGE_DRIVER or STORAGE_TIERS first" in result.stderr
    assert row(ada, blob) == blob


def test_a_blob_that_cannot_be_moved_is_told_and_the_rest_goes_on(
    ada: Somebody, cloudinary: Target, configure: Any
) -> None:
    lost, bad, sound = (original(ada) for _ in range(3))
    delete(lost)
    overwrite(bad, sealed(bad)[:-1])
    configure(**cloudinary.settings)
    result = run("migrate", "--to", "cloudinary", "--json")
    *told, last = lines(result)
    assert result.exit_code == 1
    assert {line["image_id"] for line in told} == {str(lost.image_id), str(bad.image_id)}
    assert all("storage check" in line["detail"] for line in told)
    assert (last["summary"]["moved"], last["summary"]["failed"], last["summary"]["left"]) == (1, 2, 2)
    moved = row(ada, sound)
    assert moved is not None
    assert moved.driver == "cloudinary"
    assert (row(ada, lost), row(ada, bad)) == (lost, bad)


def test_a_storage_that_fails_for_a_moment_is_tried_again(ada: Somebody, configure: Any) -> None:
    contents = [os.urandom(100) for _ in range(4)]
    there = [original(ada, data) for data in contents]
    with StandIn() as cloud:
        configure(**settings_of_cloudinary(cloud), STORAGE_DRIVER="cloudinary")
        cloud.fault("status", status=503, on="upload", times=2)
        result = run("migrate", "--to", "cloudinary", "--jobs", "1")
        assert result.exit_code == 0, result.output
        assert_moved(ada, there, contents, "cloudinary")


def test_a_storage_that_stays_away_ends_it_and_loses_nothing(
    ada: Somebody, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "AWAY_AFTER", 5)
    there = [original(ada, b"data") for _ in range(12)]
    with StandIn() as cloud:
        configure(**settings_of_cloudinary(cloud), STORAGE_DRIVER="cloudinary")
        cloud.fault("status", status=401)
        result = run("migrate", "--to", "cloudinary", "--jobs", "1")
        assert result.exit_code == 1
        assert "Moved to cloudinary: 0 (" in result.stdout
        assert "run the same again" in result.stdout
        assert [row(ada, blob) for blob in there] == there
        assert len(cloud.requests) < 30


def test_what_is_uploaded_meanwhile_is_moved_too(
    ada: Somebody, cloudinary: Target, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a function, say, that still has the old settings."""
    original(ada)
    later: list[Blob] = []
    move = migrating.moving.move

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        if not later:
            configure(STORAGE_DRIVER="local")
            later.append(original(ada, b"uploaded meanwhile"))
            configure(**cloudinary.settings)
        return move(*arguments, **options)

    monkeypatch.setattr(migrating.moving, "move", meanwhile)
    configure(**cloudinary.settings)
    result = run("migrate", "--to", "cloudinary", "--jobs", "1")
    assert result.exit_code == 0
    assert_moved(ada, later, [b"uploaded meanwhile"], "cloudinary")


def test_interrupted_it_goes_on_when_it_is_run_again(
    ada: Somebody, cloudinary: Target, configure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [os.urandom(100) for _ in range(6)]
    there = [original(ada, data) for data in contents]
    configure(**cloudinary.settings)
    migrate = migrating.migrate

    def interrupted(*arguments: Any, **options: Any) -> Iterator[migrating.Step]:
        steps = migrate(*arguments, **options)
        yield next(steps)
        steps.close()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrate", interrupted)
        result = run("migrate", "--to", "cloudinary")
    assert result.exit_code == 1
    assert "Interrupted" in result.stdout
    assert run("migrate", "--to", "cloudinary").exit_code == 0
    assert_moved(ada, there, contents, "cloudinary")


def test_a_target_that_lacks_its_settings_says_so(ada: Somebody) -> None:
    result = run("migrate", "--to", "s3")
    assert result.exit_code == 1
    assert "VAULT_BUCKET" in result.stderr


# ---- status ---------------------------------------------------------------------------------------------------------


def test_the_status_says_where_blobs_go_and_what_lies_where(ada: Somebody, hybrid: StandIn, configure: Any) -> None:
    configure(STORAGE_TIERS="thumbnail=local")
    blob = original(ada)
    result = run("status", "--json")
    (status,) = lines(result)
    assert result.exit_code == 0
    assert (status["homes"]["original"], status["homes"]["thumbnail"]) == ("cloudinary", "local")
    assert status["fallback"] == "local"
    assert status["drivers"].keys() == {"cloudinary", "local"}
    there = status["drivers"]["cloudinary"]
    assert (there["blobs"], there["bytes"], there["away"], there["problem"]) == (1, blob.size, 0, "")
    assert there["usage"]["files"] == 1
    words = run("status").stdout
    assert "reachable" in words
    assert "plan" in words


def test_the_status_of_a_storage_that_is_away_is_exit_1(ada: Somebody, hybrid: StandIn) -> None:
    original(ada)
    hybrid.fault("status", status=401)
    result = run("status", "--json")
    assert result.exit_code == 1
    assert lines(result)[0]["drivers"]["cloudinary"]["problem"]


def test_the_status_counts_what_is_away_from_home_and_what_is_retired(ada: Somebody, hybrid: StandIn) -> None:
    kept = original(ada)
    hybrid.fault("status", status=503)
    away = original(ada)
    assert (kept.driver, away.driver) == ("cloudinary", "local")
    hybrid.well()
    assert run("migrate", "--to", "cloudinary").exit_code == 0
    (status,) = lines(run("status", "--json"))
    assert {name: (d["blobs"], d["away"], d["retired"]) for name, d in status["drivers"].items()} == {
        "cloudinary": (2, 0, 0),
        "local": (0, 0, 1),
    }
