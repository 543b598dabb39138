"""Functions as processes: under AWS's runtime client, with their layers, watched, timed, replaced."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from infra.localstack.process_executor.pool import Pool
from infra.localstack.process_executor.worker import Answer, Call, Lost, Program

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., Pool]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a function from its source; every process ends with the test."""
    pools = []

    def build(source: str, *, processes: int = 1, timeout: int = 20, **environment: str) -> Pool:
        code, layer = tmp_path / "code", tmp_path / "layer"
        code.mkdir(exist_ok=True)
        layer.mkdir(exist_ok=True)
        (code / "handler.py").write_text(textwrap.dedent(source))
        (layer / "from_the_layer.py").write_text("WORD = 'layered'")
        program = Program(
            handler="handler.handler",
            python=sys.executable,
            code=code,
            python_path=(code, layer),
            environment={"PATH": os.environ["PATH"], **environment},
            timeout=timeout,
            log=tmp_path / "logs" / "function.log",
        )
        pool = Pool(program, processes=processes, watched=(code,))
        pools.append(pool)
        pool.start()
        return pool

    yield build
    for pool in pools:
        pool.stop()


def call(pool: Pool, event: Any = None) -> Answer:
    payload = json.dumps(event if event is not None else {}).encode()
    return pool.invoke(Call(str(uuid.uuid4()), payload, "arn:aws:lambda:eu-central-1:0:function:f", "Root=1-0-0"))


def value(answer: Answer) -> Any:
    assert not answer.is_error, answer.body
    return json.loads(answer.body)


def messages(*names: str) -> dict[str, Any]:
    arn = "arn:aws:sqs:eu-central-1:000000000000:work"
    return {
        "Records": [
            {"messageId": name, "eventSource": "aws:sqs", "eventSourceARN": arn, "body": name, "receiptHandle": name}
            for name in names
        ]
    }


def error(answer: Answer | Lost) -> str:
    document = answer.body if isinstance(answer, Answer) else answer.document
    return str(json.loads(document)["errorType"])


def test_a_function_gets_its_event_its_layers_and_its_variables_and_nothing_of_the_host(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_DEVELOPER", "seen")
    pool = make(
        """
        import os, sys
        from from_the_layer import WORD
        def handler(event, context):
            inherited = "A_SECRET_OF_THE_DEVELOPER" in os.environ
            return [event, WORD, os.environ["MINE"], inherited, os.getcwd(), context.aws_request_id != ""]
        """,
        MINE="yes",
    )
    event, word, mine, inherited, folder, has_id = value(call(pool, {"a": "ü"}))
    assert (event, word, mine, inherited, has_id) == ({"a": "ü"}, "layered", "yes", False, True)
    assert Path(folder).name == "code"


def test_the_process_stays_for_the_next_call(make: Make) -> None:
    pool = make("import os\ndef handler(event, context): return os.getpid()")
    assert value(call(pool)) == value(call(pool))


def test_the_handler_is_told_how_much_time_is_left(make: Make) -> None:
    pool = make("def handler(event, context): return context.get_remaining_time_in_millis()", timeout=30)
    assert 0 < value(call(pool)) <= 30_000


def test_an_exception_is_a_function_error_and_the_process_stays(make: Make) -> None:
    pool = make("import os\ndef handler(event, context): return os.getpid() if event else 1 / 0")
    before = value(call(pool, {"go": 1}))
    failed = call(pool)
    assert failed.is_error
    assert error(failed) == "ZeroDivisionError"
    assert value(call(pool, {"go": 1})) == before


def test_a_function_that_cannot_be_loaded_says_why(make: Make) -> None:
    with pytest.raises(Lost) as lost:
        make("import no_such_module")
    assert error(lost.value) == "Runtime.ImportModuleError"


@pytest.mark.parametrize(
    ("end", "how"), [("os.kill(os.getpid(), 9)", "signal: sigkill"), ("os._exit(3)", "exit status 3")]
)
def test_a_process_that_dies_ends_its_call_at_once_and_the_next_call_gets_a_new_one(
    make: Make, end: str, how: str
) -> None:
    pool = make(f"import os\ndef handler(event, context):\n  if event: {end}\n  return 'alive'", timeout=600)
    with pytest.raises(Lost, match=how) as lost:
        call(pool, {"die": 1})
    assert error(lost.value) == "Runtime.ExitError"
    assert value(call(pool)) == "alive"


def test_a_process_killed_between_two_calls_costs_nobody_a_call(make: Make) -> None:
    pool = make("import os\ndef handler(event, context): return os.getpid()")
    first = value(call(pool))
    os.kill(first, signal.SIGKILL)
    gone(first, collected=True)
    assert value(call(pool)) != first


def test_a_call_that_takes_too_long_is_killed_with_what_it_started(make: Make, tmp_path: Path) -> None:
    pool = make(
        """
        import os, subprocess, time
        def handler(event, context):
            if event:
                child = subprocess.Popen(["sleep", "600"])
                open(event["file"], "w").write(f"{os.getpid()} {child.pid}")
                time.sleep(600)
            return "quick"
        """,
        timeout=2,
    )
    with pytest.raises(Lost, match=r"timed out after 2.00 seconds") as lost:
        call(pool, {"file": str(tmp_path / "pids")})
    assert error(lost.value) == "Sandbox.Timedout"
    for pid in (tmp_path / "pids").read_text().split():
        gone(int(pid))
    assert value(call(pool)) == "quick"


def test_an_edited_file_is_live_at_the_next_call(make: Make, tmp_path: Path) -> None:
    pool = make("def handler(event, context): return 'before'")
    assert value(call(pool)) == "before"
    (tmp_path / "code" / "handler.py").write_text("def handler(event, context): return 'after it'")
    deadline = time.monotonic() + 60
    while value(call(pool)) == "before" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert value(call(pool)) == "after it"


def test_an_answer_beyond_the_limit_is_an_error(make: Make) -> None:
    pool = make("def handler(event, context): return 'x' * event['size']")
    assert len(value(call(pool, {"size": 6 * 1024 * 1024}))) == 6 * 1024 * 1024
    too_large = call(pool, {"size": 6 * 1024 * 1024 + 200})
    assert too_large.is_error
    assert error(too_large) == "Function.ResponseSizeTooLarge"


def test_what_a_function_prints_is_in_its_log(make: Make, tmp_path: Path) -> None:
    call(make("def handler(event, context): print('a line of the handler')"))
    assert "a line of the handler" in (tmp_path / "logs" / "function.log").read_text()


WORKER = """
    import os, time
    def handler(event, context):
        names = [record["body"] for record in event["Records"]]
        with open(os.environ["DONE"], "a") as done:
            done.write("".join(f"{os.getpid()} {name}\\n" for name in names))
        if "deadly" in names or "all deadly" in names[0]:
            os.kill(os.getpid(), 9)
        time.sleep(0.2)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in names if name.startswith("bad")]}
"""


def test_a_batch_is_shared_by_several_processes_and_every_message_handled_once(make: Make, tmp_path: Path) -> None:
    done = tmp_path / "done"
    pool = make(WORKER, processes=2, DONE=str(done))
    assert value(call(pool, messages("a", "b", "bad c", "d"))) == {"batchItemFailures": [{"itemIdentifier": "bad c"}]}
    handled = [line.split(" ", 1) for line in done.read_text().splitlines()]
    assert sorted(name for _, name in handled) == ["a", "b", "bad c", "d"]
    assert len({pid for pid, _ in handled}) == 2


def test_a_killed_process_fails_its_own_messages_only(make: Make, tmp_path: Path) -> None:
    pool = make(WORKER, processes=2, DONE=str(tmp_path / "done"))
    answer = value(call(pool, messages("a", "b", "c", "deadly")))
    assert {item["itemIdentifier"] for item in answer["batchItemFailures"]} == {"c", "deadly"}
    assert value(call(pool, messages("a", "b"))) == {"batchItemFailures": []}


def test_a_batch_whose_processes_all_died_is_a_function_error(make: Make, tmp_path: Path) -> None:
    pool = make(WORKER, processes=2, DONE=str(tmp_path / "done"))
    answer = call(pool, messages("all deadly 1", "all deadly 2"))
    assert answer.is_error
    assert error(answer) == "Runtime.ExitError"


def test_stopping_ends_a_running_call(make: Make, tmp_path: Path) -> None:
    pool = make(
        "import os, time\ndef handler(event, context):\n  open(event['file'], 'w').write('x')\n  time.sleep(600)",
        timeout=600,
    )
    outcome: list[BaseException] = []

    def wait() -> None:
        try:
            call(pool, {"file": str(tmp_path / "started")})
        except Lost as lost:
            outcome.append(lost)

    thread = threading.Thread(target=wait)
    thread.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.05)
    pool.stop()
    thread.join(20)
    assert [type(each) for each in outcome] == [Lost]


def test_functions_end_with_the_process_that_runs_them_even_when_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("import os\ndef handler(event, context): return os.getpid()")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    with owner:
        assert owner.stdout is not None
        function = int(owner.stdout.readline())
        assert psutil.pid_exists(function)
        owner.kill()
    gone(function)


OWNER = """
import sys, time
from pathlib import Path
from infra.localstack.process_executor.pool import Pool
from infra.localstack.process_executor.worker import Call, Program
code = Path(sys.argv[1])
pool = Pool(Program("handler.handler", sys.executable, code, (code,), {}, 20, code / "log"), processes=1)
print(int(pool.invoke(Call("id", b"{}", "arn", "trace")).body), flush=True)
sys.stdin.read()
"""


def gone(pid: int, *, collected: bool = False) -> None:
    """Waits for the end of a process. A zombie counts as ended, unless it is to be `collected` by its parent."""
    deadline = time.monotonic() + 20
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running() and (collected or process.status() != psutil.STATUS_ZOMBIE):
            assert time.monotonic() < deadline, f"process {pid} still runs"
            time.sleep(0.05)
