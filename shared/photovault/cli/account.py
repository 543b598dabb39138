"""``photovault signup``, ``login``, ``logout``, ``whoami``, ``password``: who is asking, and at which vault."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from photovault.cli import entering
from photovault.cli.entering import Server
from photovault.cli.telling import counted, say
from photovault.errors import Forbidden, Invalid, PhotoVaultError, Unauthenticated, Unavailable
from photovault.showing import plain

if TYPE_CHECKING:
    from photovault.client import Client

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]
Email = Annotated[str | None, typer.Option(help="Your e-mail address.", envvar="PHOTOVAULT_EMAIL")]
# Longer ones are refused by the vault.
_MOST = 4096


def signup(
    server: Server = None,
    email: Email = None,
    name: Annotated[str | None, typer.Option(help="What you want to be called.")] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Make an account at a vault, and stay logged in there."""
    from photovault.client import Client

    with Client(entering.server_of(server)) as client:
        entering.warn_of_plain_text(client.server)
        email = email or _ask("E-mail", "--email")
        name = name or _ask("Your name", "--name")
        known = os.environ.get("PHOTOVAULT_PASSWORD")
        password = known or _new_password("Password", "PHOTOVAULT_PASSWORD", stdin=password_stdin)
        client.sign_up(email, password, name)
        _keep(client, email)
        print(f"Welcome, {plain(name)}. You are logged in at {client.server}.")


def login(
    server: Server = None,
    email: Email = None,
    password_stdin: PasswordStdin = False,
    api_key: Annotated[
        bool,
        typer.Option(
            "--api-key",
            help="Log in with an API key: that of PHOTOVAULT_API_KEY, of standard input with --password-stdin, or "
            "one that is asked for.",
        ),
    ] = False,
) -> None:
    """Log in at a vault and stay logged in, until `photovault logout`.

    Passwords, keys and codes of an authenticator are asked for, or come from standard input, PHOTOVAULT_PASSWORD,
    PHOTOVAULT_API_KEY and PHOTOVAULT_CODE; no option takes them, because other people on this computer can see the
    options of commands. Scripts do best with an API key, which needs no login: they set PHOTOVAULT_API_KEY.
    """
    from photovault.client import Client

    with Client(entering.server_of(server)) as client:
        entering.warn_of_plain_text(client.server)
        if api_key:
            key = os.environ.get("PHOTOVAULT_API_KEY") or _secret("API key", "PHOTOVAULT_API_KEY", stdin=password_stdin)
            user = client.use_token(key.strip())
            if not user:
                raise Forbidden(
                    "This key may not tell whose it is (the scope account:read), so there is nobody to stay logged in. "
                    "Set PHOTOVAULT_API_KEY to it: commands then do what its scopes allow."
                )
            email = user["email"]
        else:
            email = email or _ask("E-mail", "--email")
            password = os.environ.get("PHOTOVAULT_PASSWORD") or _secret(
                "Password", "PHOTOVAULT_PASSWORD", stdin=password_stdin
            )
            entering.log_in(client, email, password)
        _keep(client, email)
        print(f"You are logged in at {client.server} as {plain(email)}.")


def logout(server: Server = None) -> None:
    """End the session, here and at the vault. An API key is forgotten here, and stays valid."""
    from photovault.client import Client

    store = entering.store()
    address = server or store.read().current
    if address is None:
        print("You are not logged in anywhere.")
        return
    with Client(address) as client:
        kept = store.read().sessions.get(client.server)
        if kept is None:
            print(f"You are not logged in at {client.server}.")
            return
        trouble = ""
        if not kept.is_key:
            client.resume(kept, store)
            try:
                client.log_out()
            except Unauthenticated:  # it was over already
                pass
            except PhotoVaultError as error:
                trouble = error.detail
        with store.changing() as book:
            book.drop(client.server)
        print(f"You are logged out of {client.server}.")
        if trouble:
            raise Unavailable(
                f"The session is forgotten here, but the vault could not be told: {trouble} It ends by itself when "
                "it is not used; in the gallery you can end it now."
            )


def whoami(
    server: Server = None, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Show whom the commands speak for, and where. Exit 1 when nobody is logged in."""
    with entering.entered(server) as client:
        user = client.json("GET", "/auth/verify")["user"]
        if as_json:
            print(json.dumps({"server": client.server, "user": user}))
        else:
            print(f"{plain(user['name'])} <{plain(user['email'])}> at {client.server}")


def password(
    server: Server = None,
    email: Email = None,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the new password from standard input instead of asking.")
    ] = False,
    revoke_api_keys: Annotated[bool, typer.Option("--revoke-api-keys", help="End all your API keys, too.")] = False,
    remove_webhooks: Annotated[bool, typer.Option("--remove-webhooks", help="Remove all your webhooks, too.")] = False,
    revoke_shares: Annotated[bool, typer.Option("--revoke-shares", help="End all your share links, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change your password. Every other session ends; no photo is lost, for none of their keys hangs on it.

    API keys, webhooks and share links go on unless they are to end with it. Where nobody can be asked,
    PHOTOVAULT_PASSWORD is the password now, PHOTOVAULT_NEW_PASSWORD or standard input the new one.
    """
    body = {"revoke_api_keys": revoke_api_keys, "remove_webhooks": remove_webhooks, "revoke_shares": revoke_shares}
    with entering.entered(server, email=email) as client:
        known = os.environ.get("PHOTOVAULT_NEW_PASSWORD")
        new = known or _new_password("The new password", "PHOTOVAULT_NEW_PASSWORD", stdin=password_stdin)

        def send(proof: dict[str, str]) -> dict[str, int]:
            given = {"current": proof["password"], "new": new, "code": proof.get("code")}
            changed: dict[str, int] = client.json("POST", "/auth/password", body=body | given)
            return changed

        changed = entering.proven(send)
    if as_json:
        print(json.dumps(changed))
        return
    print(f"Your password is changed; {counted(changed['sessions_ended'], 'other session')} ended.")
    for ended, left, one, several in (
        ("api_keys_revoked", "api_keys", "API key", "API keys"),
        ("webhooks_removed", "webhooks", "webhook", "webhooks"),
        ("shares_revoked", "shares", "share link", "share links"),
    ):
        if changed[ended]:
            print(f"{counted(changed[ended], one, several)} ended with it.")
        if changed[left]:
            print(f"{counted(changed[left], one + ' goes', several + ' go')} on.")


def _keep(client: Client, email: str) -> None:
    """Let the session be the one of this server. One that it takes the place of is ended."""
    from photovault.client import Client

    store = entering.store()
    with store.changing() as kept:
        before = kept.sessions.get(client.server)
        kept.put(client.session(email.strip()))
        kept.current = client.server
    if before is not None and not before.is_key:
        with suppress(PhotoVaultError), Client(client.server) as other:
            other.resume(before, None)
            other.log_out()


def _ask(what: str, option: str) -> str:
    if not entering.somebody_is_there():
        raise Invalid(f"Give {option}: there is nobody to ask.")
    return entering.asked(what)


def _secret(what: str, variable: str, *, stdin: bool) -> str:
    if stdin:
        # A line's end is that of `echo`, and no part of the secret.
        secret = sys.stdin.read(_MOST).removesuffix("\n").removesuffix("\r")
        if not secret:
            raise Invalid("Standard input is empty.")
        return secret
    if not entering.somebody_is_there():
        raise Invalid(f"Set {variable} or give --password-stdin: there is nobody to ask.")
    return entering.asked(what, hidden=True)


def _new_password(what: str, variable: str, *, stdin: bool) -> str:
    if stdin or not entering.somebody_is_there():
        return _secret(what, variable, stdin=stdin)
    while True:
        password = entering.asked(f"{what}, at least 8 characters", hidden=True)
        if password == entering.asked("The same once more", hidden=True):
            return password
        say("These were two passwords.")
