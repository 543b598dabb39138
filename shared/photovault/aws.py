"""AWS clients, built on first use and kept; and the credentials that ``presigning`` signs with."""

from __future__ import annotations

import os
import threading
from typing import Any

from photovault.errors import Misconfigured
from photovault.presigning import Credentials
from photovault.settings import get_settings

_clients: dict[tuple[str, str, str | None], Any] = {}
_session: Any = None
# Building a boto3 session or client is not thread-safe; using a client is.
_lock = threading.Lock()


def client(service: str) -> Any:
    """The process's boto3 client of a service ("s3", "sqs", "sns", ...)."""
    settings = get_settings()
    identity = (service, settings.aws_region, settings.aws_endpoint_url)
    with _lock:
        if identity not in _clients:
            _clients[identity] = _build(service, region=settings.aws_region, endpoint=settings.aws_endpoint_url)
        return _clients[identity]


def credentials() -> Credentials:
    """The process's AWS credentials.

    A Lambda function and LocalStack have them in the environment, and there nothing of boto3 is imported; elsewhere
    botocore's chain (profiles, roles) finds them and renews them. Raises ``Misconfigured`` when there are none.
    """
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)
    with _lock:
        found = _botocore_session().get_credentials()
    if found is None:
        raise Misconfigured("No AWS credentials were found. Set AWS_PROFILE, or run `aws configure`.")
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None)


def _botocore_session() -> Any:
    """Kept, because it caches and renews the credentials it found."""
    global _session  # noqa: PLW0603
    if _session is None:
        import botocore.session

        _session = botocore.session.get_session()
    return _session


def _build(service: str, *, region: str, endpoint: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        signature_version="s3v4" if service == "s3" else None,
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=3,
        # Seconds. Above the 20 of a long poll of SQS; KMS answers in milliseconds or not at all.
        read_timeout=3 if service == "kms" else 25,
        response_checksum_validation="when_required",  # sealed blobs verify themselves
        s3={"addressing_style": "path" if endpoint else "virtual"},
    )
    return boto3.session.Session().client(service, region_name=region, endpoint_url=endpoint, config=config)
