"""A queue's batch is divided and its answers are put together again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infra.localstack.process_executor import batches
from infra.localstack.process_executor.batches import Part

QUEUE = "arn:aws:sqs:eu-central-1:000000000000:work"


def event(count: int, *, source: str = "aws:sqs", queue: str = QUEUE) -> dict[str, Any]:
    records = [{"messageId": f"m{n}", "eventSource": source, "eventSourceARN": queue} for n in range(count)]
    return {"Records": records}


def answered(part: dict[str, Any], *failed: str) -> Part:
    answer = {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    return Part(batches.message_ids(part), json.dumps(answer).encode(), failed=False)


def failures(answer: bytes) -> list[str]:
    return [item["itemIdentifier"] for item in json.loads(answer)["batchItemFailures"]]


@given(st.integers(2, 40), st.integers(2, 9))
def test_every_message_is_in_one_part_in_order_and_the_parts_are_of_equal_size(count: int, processes: int) -> None:
    parts = batches.split(json.dumps(event(count)), processes)
    assert [each for part in parts for each in batches.message_ids(part)] == [f"m{n}" for n in range(count)]
    sizes = [len(part["Records"]) for part in parts]
    assert len(parts) == min(count, processes)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    "payload",
    [
        event(1),
        event(4, source="aws:s3"),
        event(4, queue=QUEUE + ".fifo"),
        {"path": "/", "body": 'the text "aws:sqs"'},
        {"Records": "aws:sqs"},
        ["aws:sqs"],
    ],
)
def test_what_is_no_batch_of_an_unordered_queue_stays_whole(payload: object) -> None:
    assert batches.split(json.dumps(payload), 4) == []


def test_one_process_divides_nothing() -> None:
    assert batches.split(json.dumps(event(8)), 1) == []


@given(st.lists(st.booleans(), min_size=2, max_size=20), st.integers(2, 5))
def test_the_merged_answer_names_exactly_the_messages_that_failed(outcomes: list[bool], processes: int) -> None:
    failed = [f"m{n}" for n, fails in enumerate(outcomes) if fails]
    parts = batches.split(json.dumps(event(len(outcomes))), processes)
    answers = [answered(part, *(each for each in batches.message_ids(part) if each in failed)) for part in parts]
    answer, is_error = batches.merge(answers)
    assert failures(answer) == failed
    assert not is_error


def test_a_lost_part_counts_as_all_of_its_messages_failed() -> None:
    first, second = batches.split(json.dumps(event(4)), 2)
    lost = Part(batches.message_ids(second), b'{"errorType": "Runtime.ExitError"}', failed=True)
    answer, is_error = batches.merge([answered(first, "m0"), lost])
    assert failures(answer) == ["m0", "m2", "m3"]
    assert not is_error


def test_the_batch_fails_as_a_whole_when_every_part_failed() -> None:
    parts = [Part((f"m{n}",), json.dumps({"errorType": f"Error{n}"}).encode(), failed=True) for n in range(2)]
    assert batches.merge(parts) == (b'{"errorType": "Error0"}', True)


def test_the_batch_fails_as_a_whole_when_the_function_does_not_report_messages_one_by_one() -> None:
    silent = Part(("m0",), b"null", failed=False)
    lost = Part(("m1",), b'{"errorType": "Runtime.ExitError"}', failed=True)
    assert batches.merge([silent, lost]) == (b'{"errorType": "Runtime.ExitError"}', True)


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'"done"', b"not JSON", b'{"batchItemFailures": null}'])
def test_an_answer_without_failures_is_success(body: bytes) -> None:
    answer, is_error = batches.merge([Part(("m0",), body, failed=False), Part(("m1",), b"null", failed=False)])
    assert failures(answer) == []
    assert not is_error
