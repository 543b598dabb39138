"""events/*.json and env.json, for `sam local invoke` and `photovault invoke`: they fit the template."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from infra.local.stack import read

from photovault.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = read(ROOT / "template.yaml")
FUNCTIONS = {
    name.removesuffix("Function").lower(): resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))}
ENVIRONMENT: dict[str, dict[str, str]] = json.loads((ROOT / "env.json").read_text())


def named(suffix: str, *, of: dict[str, Any] = EVENTS) -> dict[str, Any]:
    """Events of the functions whose trigger is of the kind `suffix` (Api, SQS, Schedule)."""
    return {
        name: event
        for name, event in of.items()
        if any(source["Type"] == suffix for source in FUNCTIONS[name.split("-")[0]]["Events"].values())
    }


def test_every_function_has_an_event() -> None:
    assert {name.split("-")[0] for name in EVENTS} == set(FUNCTIONS)


@pytest.mark.parametrize("name", named("Api"))
def test_a_request_comes_by_a_route_of_its_function(name: str) -> None:
    event = EVENTS[name]
    function = FUNCTIONS[name.split("-", maxsplit=1)[0]]
    assert event["resource"] in {source["Properties"]["Path"] for source in function["Events"].values()}
    pattern = re.escape(event["resource"]).replace(r"\{proxy\+\}", "(?P<proxy>.+)")
    match = re.fullmatch(pattern, event["path"])
    assert match
    assert event["pathParameters"] == (match.groupdict() or None)
    assert event["requestContext"]["path"] == f"/{event['requestContext']['stage']}{event['path']}"
    if event["body"] is not None:
        assert event["headers"]["content-type"] == "application/json"
        json.loads(event["body"])


@pytest.mark.parametrize("name", named("SQS"))
def test_a_message_is_one_that_its_queue_carries(name: str) -> None:
    for record in EVENTS[name]["Records"]:
        assert record["eventSource"] == "aws:sqs"
        body = json.loads(record["body"])
        if "Records" in body:
            for upload in body["Records"]:
                prefix, user_id, image_id = upload["s3"]["object"]["key"].split("/")
                assert prefix == "incoming"
                assert UUID(user_id).version == UUID(image_id).version == 7
        elif "Event" in body:
            assert body["Event"] == "s3:TestEvent"
        else:
            UUID(body["user_id"])
            assert set(body) <= {"user_id", "image_id", "check", "delivery_id", "attempts", "at"}


def test_a_tick_of_the_schedule_is_what_eventbridge_sends() -> None:
    (event,) = named("Schedule").values()
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")


def test_env_json_overrides_only_what_the_template_gives() -> None:
    common = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    assert {name.removesuffix("Function").lower() for name in ENVIRONMENT} == set(FUNCTIONS)
    for name, variables in ENVIRONMENT.items():
        function = FUNCTIONS[name.removesuffix("Function").lower()]
        assert set(variables) <= common | set(function.get("Environment", {}).get("Variables", {}))


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_env_json_is_a_configuration_that_starts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ENVIRONMENT[name].items():
        monkeypatch.setenv(variable, value)
    settings = Settings(_env_file=None)
    assert settings.app_env == "dev"
    assert settings.require("database_url").startswith("postgresql://")
