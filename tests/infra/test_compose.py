"""infra/compose.yaml starts what `make run` starts, with the same settings."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.docker import healthy
from infra.local.localstack import LocalStack

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_the_file_at_the_root_points_to_the_one_in_infra() -> None:
    pointer = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert [(ROOT / path).resolve() for path in pointer["include"]] == [ROOT / "infra" / "compose.yaml"]


def test_every_service_says_whether_it_is_healthy_and_the_api_waits_for_the_others() -> None:
    assert all(service["healthcheck"]["test"] for service in SERVICES.values())
    waits = SERVICES["api"]["depends_on"]
    assert {name: each["condition"] for name, each in waits.items()} == {
        "db": "service_healthy",
        "localstack": "service_healthy",
    }


def test_the_image_is_built_from_a_dockerfile_that_is_there() -> None:
    for name in ("localstack", "api"):
        build = SERVICES[name]["build"]
        context = (ROOT / "infra" / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).is_file()
        assert (context / f"{build['dockerfile']}.dockerignore").is_file()


def test_nothing_is_published_beyond_this_computer() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_api_and_localstack_are_one_address_for_each_other_and_for_a_browser() -> None:
    assert SERVICES["api"]["network_mode"] == "service:localstack"
    assert SERVICES["api"]["environment"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert set(SERVICES["localstack"]["ports"]) == {"127.0.0.1:4566:4566", "127.0.0.1:8999:8999"}


def test_localstack_is_configured_as_on_a_laptop(tmp_path: Path) -> None:
    laptop = LocalStack(tmp_path, tmp_path)._environment()
    inside = SERVICES["localstack"]["environment"]
    here = {"GATEWAY_LISTEN", "LOCALSTACK_VOLUME_DIR", "FILESYSTEM_ROOT", "LAMBDA_PYTHON"}
    assert {name: value for name, value in inside.items() if name not in here} == {
        name: laptop.get(name) for name in inside if name not in here
    }


def test_a_url_that_does_not_answer_is_not_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthy.main("http://127.0.0.1:9/health") == 1
    assert capsys.readouterr().err
