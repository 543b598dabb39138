"""Why a server was not reached, in a sentence that says what to do about it. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""What TLS makes of an answer without TLS (OpenSSL's reasons; they differ by version)."""


def is_hopeless(error: BaseException) -> bool:
    """Whether trying again cannot help: what is there does not prove who it is, or does not speak TLS."""
    return any(isinstance(each, ssl.SSLError) and not isinstance(each, _BROKEN_OFF) for each in _causes(error))


def why(error: BaseException, host: str) -> str:
    """What an error of a connection to ``host`` (with its port, where that matters) means."""
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            reason = each.verify_message or "its certificate cannot be verified"
            return (
                f"{host} does not prove who it is ({reason}), so nothing was sent to it. Is the address right, and "
                "this computer's clock? A certificate of your own is named by SSL_CERT_FILE."
            )
        if isinstance(each, ssl.SSLError) and each.reason in _PLAIN:
            return f"{host} does not speak TLS. Is it http:// instead of https://?"
        if type(each).__name__ == "gaierror":  # its class is one of sockets', which nothing here opens
            return f"There is no server of the name {host}, or this computer is off line. Is the address right?"
        if isinstance(each, ConnectionRefusedError):
            return f"Nothing answers at {host}. Is the vault running, and the address right?"
        if isinstance(each, TimeoutError) or "Timeout" in type(each).__name__:
            return f"{host} does not answer in time. Try again in a moment."
        if isinstance(each, _BROKEN_OFF) or "RemoteProtocolError" in type(each).__name__:
            return f"{host} broke the connection off. Try again in a moment."
    return f"{host} cannot be reached ({error or type(error).__name__}). Is this computer on line?"


_BROKEN_OFF = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came of, the deepest last."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
