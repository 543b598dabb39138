"""The template as it runs on a laptop: code in place, the host's Python, larger batches, nothing else changed."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from infra.local import queues, stack
from infra.local.localstack import LocalStack

FIXTURE = Path(__file__).parent / "fixtures" / "small"
DEAD = "arn:aws:sqs:eu-central-1:000000000000:dead"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def localised(folder: Path, processes: int = 2) -> stack.Template:
    template = stack.read(FIXTURE / "template.yaml")
    return stack.localise(
        template, root=FIXTURE, folder=folder, variables={"STORAGE_ROOT": "/blobs"}, processes=processes
    )


def test_short_tags_are_read_in_their_long_form(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("a: !Ref X\nb: !GetAtt X.Y.Z\nc: !Sub '${X}'\nd: !If [C, !Ref X, {e: !Condition D}]\n")
    assert stack.read(path) == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["X", "Y.Z"]},
        "c": {"Fn::Sub": "${X}"},
        "d": {"Fn::If": ["C", {"Ref": "X"}, {"e": {"Condition": "D"}}]},
    }


def test_functions_run_in_place_on_the_python_of_this_host(tmp_path: Path) -> None:
    template = localised(tmp_path)
    common = template["Globals"]["Function"]
    assert common["Runtime"] == RUNTIME
    assert "Architectures" not in common
    assert common["Environment"]["Variables"] == {"LOG_LEVEL": {"Ref": "LogLevel"}, "STORAGE_ROOT": "/blobs"}
    code = template["Resources"]["WebFunction"]["Properties"]["CodeUri"]
    assert code == {"Bucket": "hot-reload", "Key": str(FIXTURE / "functions" / "web")}


def test_a_layer_is_its_folder_and_locked_requirements_are_the_installed_environment(tmp_path: Path) -> None:
    resources = localised(tmp_path)["Resources"]
    own, installed = (Path(resources[name]["Properties"]["ContentUri"]["Key"]) for name in ("Words", "Installed"))
    assert (own / "python" / "words.py").read_text() == (FIXTURE / "words" / "words.py").read_text()
    assert (installed / "python" / "pytest" / "__init__.py").is_file()


@pytest.mark.parametrize(("processes", "size"), [(1, 4), (2, 8), (16, 10)])
def test_a_batch_is_as_large_as_its_processes_together_take_it(tmp_path: Path, processes: int, size: int) -> None:
    events = localised(tmp_path, processes)["Resources"]["WorkerFunction"]["Properties"]["Events"]
    assert events["Messages"]["Properties"]["BatchSize"] == size


def test_the_projects_template_changes_in_nothing_but_code_runtime_and_batches(tmp_path: Path) -> None:
    template = stack.read(stack.ROOT / "template.yaml")
    local = stack.localise(template, root=stack.ROOT, folder=tmp_path, variables={}, processes=2)
    assert local["Parameters"] == template["Parameters"]
    assert local["Outputs"] == template["Outputs"]
    changed = {name for name, each in template["Resources"].items() if local["Resources"][name] != each}
    kinds = {template["Resources"][name]["Type"] for name in changed}
    assert kinds == {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
    for name in changed:
        before, after = template["Resources"][name]["Properties"], local["Resources"][name]["Properties"]
        different = {key for key in before | after if before.get(key) != after.get(key)}
        assert different <= {"CodeUri", "ContentUri", "Events", "CompatibleRuntimes", "CompatibleArchitectures"}


@pytest.fixture(scope="session")
def small(localstack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> stack.Stack:
    """The small template, deployed."""
    return stack.deploy(
        localstack.endpoint,
        settings={"JWT_SECRET": "whispered", "LOG_LEVEL": "DEBUG", "NOT_A_PARAMETER": "ignored"},
        folder=tmp_path_factory.mktemp("small"),
        template=FIXTURE / "template.yaml",
        root=FIXTURE,
        processes=2,
        name="small",
    )


def get(url: str) -> tuple[int, bytes]:
    answer = httpx.get(url, timeout=30)
    return answer.status_code, answer.content


def test_settings_become_parameters_and_secrets_and_reach_who_they_are_for(small: stack.Stack) -> None:
    functions = stack.client(small.endpoint, "lambda")
    found = {
        name: functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        for name, function in small.functions.items()
    }
    assert found["WebFunction"] == {"LOG_LEVEL": "DEBUG", "JWT_SECRET": "whispered"}
    assert found["WorkerFunction"] == {"LOG_LEVEL": "DEBUG"}
    assert small.environment["JWT_SECRET"] == "whispered"
    assert small.environment["AWS_ENDPOINT_URL"] == small.endpoint


def test_a_function_answers_through_the_gateway_with_its_layer(small: stack.Stack) -> None:
    status, body = get(f"{small.gateway}/hello")
    assert status == 200
    assert body.startswith(b"good day ")


def test_bytes_pass_the_gateway_as_they_are(small: stack.Stack) -> None:
    assert get(f"{small.gateway}/bytes") == (200, bytes(range(256)))


def test_a_killed_function_is_an_error_of_the_gateway_and_the_next_request_is_answered(small: stack.Stack) -> None:
    status, _ = get(f"{small.gateway}/killed")
    assert status == 502
    assert get(f"{small.gateway}/hello")[0] == 200


def test_each_function_has_its_log(small: stack.Stack, localstack: LocalStack) -> None:
    get(f"{small.gateway}/noted")
    assert "asked for /noted" in (localstack.logs / f"{small.functions['WebFunction']}.log").read_text()


def send(small: stack.Stack, file: Path, *orders: dict[str, Any]) -> None:
    entries = [
        {"Id": str(n), "MessageBody": json.dumps({"file": str(file), **order})} for n, order in enumerate(orders)
    ]
    stack.client(small.endpoint, "sqs").send_message_batch(QueueUrl=small.outputs["WorkUrl"], Entries=entries)


def handled(file: Path, until: Callable[[list[list[str]]], bool]) -> list[list[str]]:
    """Lines of [process id, name], once they are as wanted."""
    deadline = time.monotonic() + 60
    while True:
        lines = [line.split(" ", 1) for line in file.read_text().splitlines()] if file.exists() else []
        if until(lines):
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)


def test_a_queue_is_worked_off_by_two_processes(small: stack.Stack, tmp_path: Path) -> None:
    file = tmp_path / "done"
    send(small, file, *({"name": f"m{n}", "seconds": 0.1} for n in range(10)))
    lines = handled(file, lambda lines: len(lines) >= 10)
    assert sorted(name for _, name in lines) == sorted(f"m{n}" for n in range(10))
    assert len({pid for pid, _ in lines}) == 2


def test_what_failed_is_delivered_again_and_ends_among_the_dead_letters(small: stack.Stack, tmp_path: Path) -> None:
    file = tmp_path / "done"
    send(small, file, {"name": "good"}, {"name": "bad", "fails": True}, {"name": "deadly", "killed": True})
    sqs = stack.client(small.endpoint, "sqs")
    dead: set[str] = set()
    deadline = time.monotonic() + 60
    while len(dead) < 2 and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=small.outputs["DeadUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=1)
        dead |= {json.loads(each["Body"])["name"] for each in answer.get("Messages", [])}
    assert dead == {"bad", "deadly"}
    names = [name for _, name in handled(file, bool)]
    assert names.count("bad") == 2
    assert "good" in names


def test_draining_waits_for_the_work_and_not_for_dead_letters(small: stack.Stack, tmp_path: Path) -> None:
    file = tmp_path / "done"
    sqs = stack.client(small.endpoint, "sqs")
    sqs.send_message(QueueUrl=small.outputs["DeadUrl"], MessageBody="{}")
    send(small, file, *({"name": f"m{n}", "seconds": 0.3} for n in range(4)))
    seen: list[dict[str, int]] = []
    assert queues.drain(sqs, stack="small", seconds=60, skip=lambda: False, show=seen.append)
    assert len(handled(file, bool)) == 4
    assert any(seen)
    assert queues.waiting(sqs, stack="small").keys() == {small.outputs["WorkUrl"].rsplit("/", 1)[1]}


def test_draining_gives_up_on_what_failed_and_comes_again_much_later(small: stack.Stack) -> None:
    sqs = stack.client(small.endpoint, "sqs")
    failing = sqs.create_queue(
        QueueName="small-failing",
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 5})},
    )["QueueUrl"]
    sqs.send_message(QueueUrl=failing, MessageBody="a photo")
    sqs.receive_message(QueueUrl=failing, VisibilityTimeout=600)
    seen: list[dict[str, int]] = []
    assert not queues.drain(sqs, stack="small", seconds=1, skip=lambda: False, show=seen.append)
    assert seen[-1] == {"small-failing": 1}
    sqs.delete_queue(QueueUrl=failing)


def test_draining_can_be_skipped(small: stack.Stack) -> None:
    sqs = stack.client(small.endpoint, "sqs")
    assert not queues.drain(sqs, stack="small", seconds=60, skip=lambda: True, show=lambda left: None)


def test_a_template_that_cannot_be_deployed_says_why(localstack: LocalStack, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: 'not a name!'}\n")
    with pytest.raises(stack.DeployFailed, match="Q: "):
        stack.deploy(localstack.endpoint, settings={}, folder=tmp_path, template=path, root=tmp_path, name="broken")
