"""How a person's commands find their server, and who is asking.

The server: ``--server``, PHOTOVAULT_SERVER, the one that was logged in at last, or this computer. Who: an access token
or API key of the environment, an e-mail address and password of the environment, the session that `photovault login`
keeps for that server, or whoever answers when asked. No file of the folder that a command is run in has a say.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from photovault import credentials
from photovault.cli.telling import say
from photovault.credentials import Store
from photovault.errors import (
    PROOFS,
    Invalid,
    PasswordWrong,
    PhotoVaultError,
    SecondFactorNeeded,
    SecondFactorWrong,
    Unauthenticated,
)

if TYPE_CHECKING:
    from photovault.client import Client

CODES = 3
"""Codes that may be mistyped."""
QUICK_ATTEMPTS = 3
HERE = "http://127.0.0.1:8999"

Server = Annotated[
    str | None,
    typer.Option(
        help="The address of the vault; without it, the one that you are logged in at.", envvar="PHOTOVAULT_SERVER"
    ),
]
Email = Annotated[
    str | None,
    typer.Option(help="Whom to log in for this command alone; it asks for the password.", envvar="PHOTOVAULT_EMAIL"),
]


def store() -> Store:
    return Store(credentials.state_folder())


def server_of(given: str | None) -> str:
    """The address to speak with."""
    if given:
        return given
    current = store().read().current
    if current:
        return current
    say(f"No server is named, so this is about {HERE}. Name yours with --server or PHOTOVAULT_SERVER.")
    return HERE


@contextmanager
def entered(
    server: str | None,
    *,
    email: str | None = None,
    patient: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Client]:
    """A client of somebody. A session that was begun for this command alone ends with it.

    ``patient`` is for hours of work: it outlasts a network that is away for half a minute.

    Raises ``Unauthenticated``, ``Invalid`` when there is nobody to ask, and what the server raises.
    """
    from photovault.client import ATTEMPTS, Client

    with Client(server_of(server), attempts=ATTEMPTS if patient else QUICK_ATTEMPTS, sleep=sleep) as client:
        passing = _enter(client, email)
        try:
            yield client
        finally:
            if passing:
                with suppress(PhotoVaultError):
                    client.log_out()


def _enter(client: Client, email: str | None) -> bool:
    """Log in with what there is; whether the session is to end with the command."""
    warn_of_plain_text(client.server)
    token = os.environ.get("PHOTOVAULT_TOKEN") or os.environ.get("PHOTOVAULT_API_KEY")
    if token:
        client.use_token(token)
        return False
    password = os.environ.get("PHOTOVAULT_PASSWORD")
    if not password:
        kept = store().read().sessions.get(client.server)
        if kept is not None and (email is None or email.strip().casefold() == kept.email.casefold()):
            client.resume(kept, store())
            return False
    if not (email and password) and not somebody_is_there():
        raise Invalid(
            f"You are not logged in at {client.server}: run `photovault login` first. Where nobody can be asked, set "
            "PHOTOVAULT_API_KEY, PHOTOVAULT_TOKEN, or PHOTOVAULT_EMAIL and PHOTOVAULT_PASSWORD."
        )
    log_in(client, email or asked("E-mail"), password or asked("Password", hidden=True))
    return True


def log_in(client: Client, email: str, password: str) -> None:
    """Log in, and ask for the second factor where there is one."""
    try:
        client.log_in(email, password)
    except SecondFactorNeeded:
        code = os.environ.get("PHOTOVAULT_CODE")
        if not code and not somebody_is_there():
            raise Unauthenticated(
                "This account asks for a code of its authenticator, too. Where nobody can be asked, set "
                "PHOTOVAULT_CODE, or use an API key."
            ) from None
        for left in reversed(range(1 if code else CODES)):
            try:
                client.log_in(
                    email,
                    password,
                    code=(code or asked("Six digits of your authenticator, or a recovery code")).strip(),
                )
            except SecondFactorWrong as wrong:
                if not left:
                    raise
                say(wrong.detail)
            else:
                return


def proven(send: Callable[[dict[str, str]], Any]) -> Any:
    """What a request comes to that asks for the password once more, and for a code where there is a second factor.

    Either is asked for again when it was mistyped; the rest of the request stays as it is.

    Raises ``Invalid`` when there is nobody to ask, and what ``send`` raises.
    """
    given, code = {}, os.environ.get("PHOTOVAULT_CODE")
    if password := os.environ.get("PHOTOVAULT_PASSWORD"):
        given["password"] = password
    elif somebody_is_there():
        given["password"] = asked("Your password, once more", hidden=True)
    else:
        raise Invalid(
            "This asks for your password once more. Set PHOTOVAULT_EMAIL and PHOTOVAULT_PASSWORD "
            "where nobody can be asked."
        )
    for left in reversed(range(2 * CODES)):
        try:
            return send(given)
        except Unauthenticated as error:
            if error.type == SecondFactorNeeded.type and code:
                given["code"], code = code, None
                continue
            if error.type not in PROOFS or not left or not somebody_is_there():
                raise
            if error.type == PasswordWrong.type:
                say(error.detail)
                given["password"] = asked("Your password, once more", hidden=True)
            else:
                if error.type == SecondFactorWrong.type:
                    say(error.detail)
                given["code"] = asked("Six digits of your authenticator, or a recovery code").strip()
    raise AssertionError("unreachable")


def warn_of_plain_text(server: str) -> None:
    address = urlsplit(server)
    if address.scheme == "http" and address.hostname not in {"127.0.0.1", "::1", "localhost"}:
        say(f"Warning: {server} is not encrypted on its way. Others may read along.")


def somebody_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def asked(what: str, *, hidden: bool = False) -> str:
    """What a person types, without it being shown when it is a secret."""
    answer: str = typer.prompt(what, hide_input=hidden, err=True)
    return answer
