"""A crash is told to the operator by where it happened, and never by the secrets that were being handled."""

from __future__ import annotations

import dataclasses
import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from tests.vaults import client

from photovault import accounts, api_keys, blobs, ids, presigning, sealing, tickets, uploads, users
from photovault.api.schemas import Schema
from photovault.observability import logger

pytestmark = pytest.mark.usefixtures("vault")

SECRET = "the-key-of-a-blob"


class Answer(Schema):
    key: str
    size: int


@pytest.fixture(scope="module")
def api(vault: Path) -> Iterator[TestClient]:
    router = APIRouter()

    @router.get("/lacking", response_model=Answer)
    def lacking() -> object:
        return {"key": SECRET}

    @router.get("/wrong", response_model=Answer)
    def wrong() -> object:
        return {"key": SECRET, "size": SECRET}

    @router.get("/while-made")
    def while_made() -> None:
        Answer.model_validate({"key": SECRET, "size": SECRET})

    with client([router]) as made:
        yield made


@pytest.mark.parametrize("path", ["/lacking", "/wrong", "/while-made"])
def test_an_answer_that_is_not_as_described_is_logged_without_what_is_in_it(api: TestClient, path: str) -> None:
    told = io.StringIO()
    handler = logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(told)
    try:
        answer = api.get(path)
    finally:
        if before is not None:
            handler.setStream(before)
    assert answer.status_code == 500
    log = told.getvalue()
    assert "request.crashed" in log
    assert "size" in log, "where it happened"
    assert SECRET not in log + answer.text


def test_what_holds_a_secret_does_not_show_it() -> None:
    now, key = datetime.now(UTC), SECRET.encode()
    blob = blobs.Blob(ids.new(), "preview", "s3", "ab/cd", 3, b"s", b"h", 1, "image/jpeg")
    address = sealing.Address(ids.new(), ids.new(), "upload")
    user = users.User(ids.new(), "ada@example.com", "Ada", 0, 0, 0, now)
    for holder in (
        tickets.Ticket(ids.new(), blob, (), now, key),
        uploads.Seal(address, 3, key),
        accounts.LoggedIn(user, ids.new(), SECRET, SECRET, 600),
        users.Account(ids.new(), SECRET),
        api_keys.Made(api_keys.ApiKey(ids.new(), "n", "pv_a", [], now, None, None), SECRET),
        users.Credentials("ada@example.com", SECRET),
        presigning.Credentials("AKIA", SECRET, SECRET),
        presigning.Post("https://storage.example", {"policy": SECRET}),
    ):
        assert dataclasses.is_dataclass(holder)
        assert SECRET not in repr(holder), type(holder).__name__
