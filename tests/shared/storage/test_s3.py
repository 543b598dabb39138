"""The S3 driver: what it asks of S3, how it tells S3's answers, and the whole contract on LocalStack."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import IncompleteReadError, NoCredentialsError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from infra.local.localstack import LocalStack
from tests.shared.storage.contract import DriverContract

from photovault.errors import BlobMissing, Conflict, Misconfigured, StorageUnavailable
from photovault.presigning import Credentials
from photovault.storage.s3 import S3Driver

CREDENTIALS = Credentials("test", "test")  # the ones that LocalStack verifies signatures with


def client_at(endpoint: str | None) -> Any:
    return boto3.session.Session().client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, s3={"addressing_style": "path"}),
    )


def driver_of(client: Any, *, bucket: str = "vault", endpoint: str | None = None) -> S3Driver:
    return S3Driver(
        bucket, region="eu-central-1", endpoint=endpoint, client=lambda: client, credentials=lambda: CREDENTIALS
    )


@pytest.mark.stack
class TestContract(DriverContract):
    links_can_be_fetched = True

    @pytest.fixture
    def driver(self, localstack: LocalStack) -> Iterator[S3Driver]:
        client, bucket = client_at(localstack.endpoint), f"vault-{uuid.uuid4().hex}"
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield driver_of(client, bucket=bucket, endpoint=localstack.endpoint)
        for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ()):
            client.delete_object(Bucket=bucket, Key=entry["Key"])
        client.delete_bucket(Bucket=bucket)

    def test_a_link_opens_without_credentials_and_only_as_it_was_signed(self, driver: S3Driver) -> None:
        driver.put("ab/cd", b"sealed", size=6)
        driver.put("ab/other", b"other", size=5)
        url = driver.links("ab/cd", size=1, now=datetime.now(UTC), ttl=300)[0].url
        answer = httpx.get(url)
        assert answer.content == b"sealed"
        assert "immutable" in answer.headers["Cache-Control"]
        expired = driver.links("ab/cd", size=1, now=datetime.now(UTC) - timedelta(hours=1), ttl=300)[0].url
        for bad in (url.replace("ab/cd", "ab/other"), url.replace("X-Amz-Expires=300", "X-Amz-Expires=900"), expired):
            assert httpx.get(bad).status_code == 403

    def test_an_object_is_stored_with_its_checksum_and_encrypted(self, driver: S3Driver) -> None:
        driver.put("ab/cd", b"sealed", size=6)
        head = driver._head("ab/cd")
        assert head is not None
        assert head["ChecksumSHA256"] == sha256(b"sealed")
        assert head["ServerSideEncryption"] == "AES256"


# Against botocore's own stand-in, which checks requests against the service's model


@pytest.fixture(scope="module")
def client() -> Any:
    return client_at(None)


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def driver(client: Any, stub: Stubber) -> S3Driver:
    return driver_of(client)


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


PUT = {
    "Bucket": "vault",
    "Key": "ab/cd",
    "Body": ANY,
    "ContentLength": 6,
    "ChecksumSHA256": sha256(b"sealed"),
    "ContentType": "application/octet-stream",
    "CacheControl": "private, max-age=31536000, immutable",
    "ServerSideEncryption": "AES256",
    "IfNoneMatch": "*",
}
HEAD = {"Bucket": "vault", "Key": "ab/cd", "ChecksumMode": "ENABLED"}


def test_a_put_is_one_request_with_checksum_encryption_and_no_overwriting(driver: S3Driver, stub: Stubber) -> None:
    stub.add_response("put_object", {}, PUT)
    driver.put("ab/cd", [b"sea", b"led"], size=6)


def test_a_put_over_another_blob_is_a_conflict(driver: S3Driver, stub: Stubber) -> None:
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stub.add_response("head_object", {"ContentLength": 6, "ChecksumSHA256": sha256(b"others")}, HEAD)
    with pytest.raises(Conflict):
        driver.put("ab/cd", b"sealed", size=6)


def test_a_put_whose_first_answer_was_lost_succeeds_on_the_retry(driver: S3Driver, stub: Stubber) -> None:
    stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    stub.add_response("head_object", {"ContentLength": 6, "ChecksumSHA256": sha256(b"sealed")}, HEAD)
    driver.put("ab/cd", b"sealed", size=6)


def test_a_range_is_asked_for_inclusively(driver: S3Driver, stub: Stubber) -> None:
    body = StreamingBody(io.BytesIO(b"34"), 2)
    stub.add_response("get_object", {"Body": body}, {"Bucket": "vault", "Key": "ab/cd", "Range": "bytes=3-4"})
    assert driver.read("ab/cd", 3, 2) == b"34"


def test_a_storage_that_sends_more_than_was_asked_for_is_not_listened_to(driver: S3Driver, stub: Stubber) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0, "all of it was asked for"
            self.given += size
            return bytes(size)

    endless = Endless()
    for _ in range(2):
        stub.add_response("get_object", {"Body": StreamingBody(endless, None)})
    assert driver.read("ab/cd", 3, 2) == bytes(2)
    assert driver.get("ab/cd", at_most=10) == bytes(11)
    assert endless.given == 13


def test_a_blob_whose_body_is_cut_is_an_outage_however_much_was_asked_for(driver: S3Driver, stub: Stubber) -> None:
    for _ in range(2):
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"cut"), 1000), "ContentLength": 1000})
    with pytest.raises(StorageUnavailable):
        driver.get("ab/cd", at_most=1000)
    with pytest.raises(StorageUnavailable):
        driver.read("ab/cd", 0, 1000)


def test_a_range_past_the_end_is_empty(driver: S3Driver, stub: Stubber) -> None:
    stub.add_client_error("get_object", "InvalidRange", http_status_code=416)
    assert driver.read("ab/cd", 100, 2) == b""


@pytest.mark.parametrize(("operation", "code"), [("get_object", "NoSuchKey"), ("head_object", "404")])
def test_an_absent_object_is_a_missing_blob(driver: S3Driver, stub: Stubber, operation: str, code: str) -> None:
    stub.add_client_error(operation, code, http_status_code=404)
    if operation == "head_object":
        stub.add_response("head_bucket", {})
        assert driver.size("ab/cd") is None
    else:
        with pytest.raises(BlobMissing):
            driver.get("ab/cd")


def test_a_bucket_that_is_missing_is_an_outage_and_no_missing_blob(driver: S3Driver, stub: Stubber) -> None:
    """Nothing in an answer to HEAD tells one from the other."""
    for operation in ("head_object", "head_bucket"):
        stub.add_client_error(operation, "404", http_status_code=404)
    with pytest.raises(StorageUnavailable):
        driver.size("ab/cd")


def test_a_404_of_something_in_between_is_an_outage(driver: S3Driver, stub: Stubber) -> None:
    """S3 says which of them is missing; botocore names an answer that says nothing by its status."""
    stub.add_client_error("get_object", "404", http_status_code=404)
    with pytest.raises(StorageUnavailable):
        driver.get("ab/cd")


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDenied", 403), ("NoSuchBucket", 404), ("SlowDown", 503), ("InternalError", 500), ("429", 429)],
)
def test_every_other_refusal_is_an_outage_for_every_method(
    driver: S3Driver, stub: Stubber, code: str, status: int
) -> None:
    methods: dict[str, Callable[[], object]] = {
        "put_object": lambda: driver.put("ab/cd", b"sealed", size=6),
        "get_object": lambda: driver.get("ab/cd"),
        "head_object": lambda: driver.size("ab/cd"),
        "delete_object": lambda: driver.delete("ab/cd"),
        "list_objects_v2": lambda: list(driver.list()),
    }
    for operation, call in methods.items():
        stub.add_client_error(operation, code, http_status_code=status)
        with pytest.raises(StorageUnavailable):
            call()


def test_a_storage_that_nobody_answers_for_is_an_outage() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(StorageUnavailable):
            driver_of(client_at(address)).get("ab/cd")


def test_a_body_cut_on_its_way_is_an_outage_and_not_a_short_blob(driver: S3Driver, stub: Stubber) -> None:
    stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"cut"), 1000)})
    with pytest.raises(StorageUnavailable) as outage:
        driver.get("ab/cd")
    assert isinstance(outage.value.__cause__, IncompleteReadError)


def test_missing_credentials_are_told_as_such() -> None:
    class Nobody:
        def delete_object(self, **_: str) -> None:
            raise NoCredentialsError

    with pytest.raises(Misconfigured, match="credentials"):
        driver_of(Nobody()).delete("ab/cd")


def test_a_listing_goes_through_all_pages(driver: S3Driver, stub: Stubber) -> None:
    modified = datetime(2026, 3, 4, tzinfo=UTC)
    pages = [[("ab/1", 1), ("ab/2", 2)], [("ab/3", 3)]]
    answers = [[{"Key": key, "Size": size, "LastModified": modified} for key, size in page] for page in pages]
    first = {"Bucket": "vault", "Prefix": "ab/", "StartAfter": "ab/0"}
    more = {"Contents": answers[0], "IsTruncated": True, "NextContinuationToken": "next"}
    stub.add_response("list_objects_v2", more, first)
    second = {"Bucket": "vault", "Prefix": "ab/", "ContinuationToken": "next"}
    stub.add_response("list_objects_v2", {"Contents": answers[1], "IsTruncated": False}, second)
    listed = list(driver.list("ab/", after="ab/0"))
    assert [(blob.key, blob.bytes, blob.modified) for blob in listed] == [
        (key, size, modified) for page in pages for key, size in page
    ]


def test_links_go_to_the_regions_own_address_or_to_the_endpoint(client: Any) -> None:
    now = datetime(2026, 3, 4, 5, 1, 7, tzinfo=UTC)
    plain = driver_of(client).links("ab/cd", size=1, now=now, ttl=300)[0].url
    assert plain.startswith("https://vault.s3.eu-central-1.amazonaws.com/ab/cd?")
    assert "X-Amz-Date=20260304T050000Z&X-Amz-Expires=300" in plain
    local = driver_of(client, endpoint="http://localhost:4566").links("ab/cd", size=1, now=now, ttl=300)[0].url
    assert local.startswith("http://localhost:4566/vault/ab/cd?")
