"""The small signer says exactly what boto3 says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from photovault import presigning
from photovault.presigning import Credentials

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PERMANENT = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("ASIAEXAMPLE", "secret/of+a=role", "token//of+a/role==")
SHA256 = bytes(range(32))


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore signs as of ``NOW``, too."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW if tz else NOW.replace(tzinfo=None)

        @classmethod
        def utcnow(cls) -> datetime:
            return NOW.replace(tzinfo=None)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(
            botocore.auth,
            "get_current_datetime",
            lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW,
        )
    monkeypatch.setattr(botocore.auth.datetime, "datetime", Clock)


@lru_cache
def boto3_client(*, credentials: Credentials, region: str, endpoint: str | None) -> Any:
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.session_token,
        config=Config(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if endpoint else "virtual",
                "us_east_1_regional_endpoint": "regional",
            },
        ),
    )


everywhere = pytest.mark.parametrize("endpoint", [None, "http://localhost:4566", "https://s3.example.org"])
with_both = pytest.mark.parametrize("credentials", [PERMANENT, TEMPORARY], ids=["permanent", "temporary"])
regions = pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])


@everywhere
@with_both
@regions
@pytest.mark.parametrize("key", ["ab/0123456789abcdef", "odd key/ü&=+~(1).jpg"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"response-content-type": "image/jpeg", "response-content-disposition": 'inline; filename="a b~.jpg"'}],
    ids=["plain", "overrides"],
)
@pytest.mark.usefixtures("frozen")
def test_a_presigned_get_equals_boto3s(
    endpoint: str | None, credentials: Credentials, region: str, key: str, headers: dict[str, str]
) -> None:
    ours = presigning.presign_get(
        endpoint=endpoint,
        bucket="vault-bucket",
        key=key,
        region=region,
        credentials=credentials,
        now=NOW,
        expires_in=300,
        response_headers=headers,
    )
    names = {
        "response-content-type": "ResponseContentType",
        "response-content-disposition": "ResponseContentDisposition",
    }
    theirs = boto3_client(credentials=credentials, region=region, endpoint=endpoint).generate_presigned_url(
        "get_object",
        Params={"Bucket": "vault-bucket", "Key": key} | {names[name]: value for name, value in headers.items()},
        ExpiresIn=300,
    )
    assert ours == theirs


@everywhere
@with_both
@regions
@pytest.mark.parametrize("sha256", [SHA256, None], ids=["bound", "contents-open"])
@pytest.mark.usefixtures("frozen")
def test_a_presigned_post_equals_boto3s(
    endpoint: str | None, credentials: Credentials, region: str, sha256: bytes | None
) -> None:
    ours = presigning.presign_post(
        endpoint=endpoint,
        bucket="staging-bucket",
        key="incoming/user/image",
        region=region,
        credentials=credentials,
        now=NOW,
        expires_in=300,
        size=12345,
        content_type="image/jpeg",
        sha256=sha256,
    )
    bound = {"Content-Type": "image/jpeg"}
    if sha256 is not None:
        bound |= {
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": base64.b64encode(sha256).decode(),
        }
    client = boto3_client(credentials=credentials, region=region, endpoint=endpoint)
    theirs = client.generate_presigned_post(
        "staging-bucket",
        "incoming/user/image",
        Fields=dict(bound),
        Conditions=[["content-length-range", 12345, 12345], *({name: value} for name, value in bound.items())],
        ExpiresIn=300,
    )
    assert {"url": ours.url.rstrip("/"), "fields": ours.fields} == theirs | {"url": theirs["url"].rstrip("/")}


def test_the_policy_of_a_post_binds_everything_and_nothing_loosely() -> None:
    post = presigning.presign_post(
        endpoint=None,
        bucket="staging-bucket",
        key="incoming/user/image",
        region="eu-central-1",
        credentials=TEMPORARY,
        now=NOW,
        expires_in=300,
        size=12345,
        content_type="image/jpeg",
        sha256=SHA256,
    )
    checksum = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    credential = "ASIAEXAMPLE/20260304/eu-central-1/s3/aws4_request"
    assert post.url == "https://staging-bucket.s3.eu-central-1.amazonaws.com/"
    assert json.loads(base64.b64decode(post.fields["policy"])) == {
        "expiration": "2026-03-04T05:11:07Z",
        "conditions": [
            ["content-length-range", 12345, 12345],
            {"Content-Type": "image/jpeg"},
            {"x-amz-checksum-algorithm": "SHA256"},
            {"x-amz-checksum-sha256": checksum},
            {"bucket": "staging-bucket"},
            {"key": "incoming/user/image"},
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": credential},
            {"x-amz-date": "20260304T050607Z"},
            {"x-amz-security-token": "token//of+a/role=="},
        ],
    }
    assert {name: value for name, value in post.fields.items() if name not in {"policy", "x-amz-signature"}} == {
        "Content-Type": "image/jpeg",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": checksum,
        "key": "incoming/user/image",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": credential,
        "x-amz-date": "20260304T050607Z",
        "x-amz-security-token": "token//of+a/role==",
    }


def test_a_post_for_contents_that_nobody_has_yet_binds_all_but_the_contents() -> None:
    post = presigning.presign_post(
        endpoint=None,
        bucket="staging-bucket",
        key="incoming/user/image",
        region="eu-central-1",
        credentials=PERMANENT,
        now=NOW,
        expires_in=300,
        size=12345,
        content_type="application/octet-stream",
        sha256=None,
    )
    conditions = json.loads(base64.b64decode(post.fields["policy"]))["conditions"]
    assert conditions[:4] == [
        ["content-length-range", 12345, 12345],
        {"Content-Type": "application/octet-stream"},
        {"bucket": "staging-bucket"},
        {"key": "incoming/user/image"},
    ]
    assert not [name for name in post.fields if "checksum" in name]


def get(**changes: Any) -> str:
    arguments = {
        "endpoint": None,
        "bucket": "vault",
        "key": "ab/cd",
        "region": "eu-central-1",
        "credentials": PERMANENT,
        "now": NOW,
        "expires_in": 300,
    }
    return presigning.presign_get(**(arguments | changes))


def test_an_instant_is_the_same_in_every_time_zone() -> None:
    assert get(now=NOW.astimezone(timezone(timedelta(hours=9)))) == get()


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        get(now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize("seconds", [0, -1, 604801])
def test_a_life_that_s3_would_refuse_is_refused_here(seconds: int) -> None:
    with pytest.raises(ValueError, match="604800"):
        get(expires_in=seconds)


def test_a_bucket_with_a_dot_is_addressed_by_path_because_of_its_certificate() -> None:
    assert get(bucket="my.vault").startswith("https://s3.eu-central-1.amazonaws.com/my.vault/ab/cd?")


@given(now=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), ttl=st.integers(2, 86400))
def test_a_bucketed_link_lives_between_half_its_time_and_all_of_it(now: datetime, ttl: int) -> None:
    start = presigning.bucket_start(now, ttl)
    left = (start + timedelta(seconds=ttl) - now).total_seconds()
    assert ttl / 2 - 1 <= left <= ttl
    assert presigning.bucket_start(start, ttl) == start
    assert presigning.bucket_start(start + timedelta(seconds=ttl // 2, microseconds=-1), ttl) == start


def test_secrets_are_not_shown() -> None:
    assert repr(TEMPORARY) == "Credentials(access_key='ASIAEXAMPLE')"
    post = presigning.Post("https://bucket/", {"x-amz-security-token": "secret"})
    assert "secret" not in repr(post)


def test_signing_imports_nothing_of_boto3() -> None:
    code = (
        "import sys; from photovault import aws; from photovault.storage import driver;"
        "from datetime import datetime, UTC;"
        "(link,) = driver('s3').links('ab/cd', size=1, now=datetime.now(UTC), ttl=300);"
        "assert 'X-Amz-Signature' in link.url;"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('boto3', 'botocore')]"
    )
    shared = Path(presigning.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"PYTHONPATH": str(shared), "PATH": os.environ["PATH"], "VAULT_BUCKET": "vault"}
        | {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"},
    )
