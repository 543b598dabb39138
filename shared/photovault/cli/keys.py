"""``photovault keys``: making secrets."""

from __future__ import annotations

import secrets

import typer

from photovault import keys as key_chain

app = typer.Typer(no_args_is_help=True, help="Keys: making the secrets that a deployment starts with.")


@app.callback()
def group() -> None:
    """Keys: making the secrets that a deployment starts with."""


@app.command()
def generate() -> None:
    """Print a new MASTER_KEY and JWT_SECRET. Keep the master key safe: without it no photo can be opened again."""
    print(f"MASTER_KEY={key_chain.generate_master_key()}")
    print(f"JWT_SECRET={secrets.token_urlsafe(48)}")
