"""Corrections to LocalStack 4.12, applied when the executor is loaded."""

import sys
import uuid
from collections.abc import Sequence
from hashlib import sha1


def apply() -> None:
    binary_answers()
    if sys.version_info < (3, 12):
        symmetric_keys()


def binary_answers() -> None:
    """With `*/*` among a REST API's binary media types AWS decodes all answers marked so; LocalStack does not."""
    from localstack.services.apigateway.next_gen.execute_api.integrations import aws

    matches = aws.mime_type_matches_binary_media_types

    def matches_anything(mime_type: str | None, binary_media_types: Sequence[str] | None) -> bool:
        return "*/*" in (binary_media_types or ()) or bool(matches(mime_type, binary_media_types))

    aws.mime_type_matches_binary_media_types = matches_anything


class _Uuid:
    """The uuid module with Python 3.12's uuid5, which takes bytes as well as text."""

    def __getattr__(self, name: str) -> object:
        return getattr(uuid, name)

    @staticmethod
    def uuid5(namespace: uuid.UUID, name: str | bytes) -> uuid.UUID:
        name = name.encode() if isinstance(name, str) else name
        digest = sha1(namespace.bytes + name, usedforsecurity=False).digest()
        return uuid.UUID(bytes=digest[:16], version=5)


def symmetric_keys() -> None:
    """kms.CreateKey hands bytes to uuid5 and answers 500 on Python 3.11."""
    from localstack.services.kms import models

    models.uuid = _Uuid()
