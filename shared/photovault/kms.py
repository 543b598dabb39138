"""Keys of AWS KMS as master keys: they wrap and open people's keys, and never leave KMS.

Each call names the person and the version of the key as its encryption context, which KMS binds to the token and
writes into CloudTrail: who was unwrapped, when, and by which role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from photovault import aws
from photovault.errors import Tampered, Unavailable
from photovault.observability import logger

# https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}
_WAYS_OUT = {
    "AccessDeniedException": "this role may not use it: allow kms:Encrypt and kms:Decrypt on it",
    "NotFoundException": "KMS knows no such key in this region",
    "DisabledException": "it is disabled: enable it again",
    "KMSInvalidStateException": "it cannot be used as it is; if its deletion is scheduled, cancel that now, "
    "for nobody opens the photos that hang on it afterwards",
    "InvalidKeyUsageException": "it is not a symmetric key for encryption",
}


class KmsKey:
    """One key, by its ARN. Whatever keeps KMS from answering is ``Unavailable``: it passes, or the operator ends it."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def wrap(self, payload: bytes, *, context: Mapping[str, str]) -> bytes:
        answer = self._ask("encrypt", Plaintext=payload, EncryptionContext=dict(context))
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, token: bytes, *, context: Mapping[str, str]) -> bytes:
        if not token:  # which the client refuses to send
            raise Tampered("A person's key does not open: it is empty.")
        answer = self._ask("decrypt", CiphertextBlob=token, EncryptionContext=dict(context))
        return bytes(answer["Plaintext"])

    def _ask(self, operation: str, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(aws.client("kms"), operation)(KeyId=self._arn, **parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _NOT_OURS:
                raise Tampered(
                    "A person's key does not open: it was altered, or KMS wrapped it for another person or version."
                ) from None
            # A refused request can name the role and the account: the operator may read that, a client may not.
            logger().error("kms.failed", extra={"operation": operation, "code": code, "why": str(error)})
            if code in _WAYS_OUT:
                name = self._arn.rpartition("/")[2]  # without the account's number, which is nobody else's business
                raise Unavailable(f"The KMS key {name} cannot be used: {_WAYS_OUT[code]}.", retry_after=60) from None
            raise Unavailable("KMS is busy and does not open a key right now; try again in a moment.") from None
        except BotoCoreError as error:  # no network, no answer in time, no credentials
            logger().error(
                "kms.failed", extra={"operation": operation, "code": type(error).__name__, "why": str(error)}
            )
            raise Unavailable("KMS does not answer; try again in a moment.") from None
