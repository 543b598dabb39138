"""``photovault invoke``: one event through one function, under AWS's own runtime client, without a container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from photovault.errors import Misconfigured


def invoke(
    function: Annotated[str, typer.Argument(help="auth, library, search, vision, embedding, albums or maintenance.")],
    event: Annotated[
        Path,
        typer.Option("--event", "-e", exists=True, dir_okay=False, help="The event, such as events/auth-login.json."),
    ],
    env_vars: Annotated[
        Path | None,
        typer.Option("--env-vars", "-n", exists=True, dir_okay=False, help="Variables by function, like env.json."),
    ] = None,
) -> None:
    """Run a function's handler with an event, as Lambda would, and print its answer. In a clone of the project.

    The function gets the variables of a running local cloud, then those of the environment, then those of --env-vars.
    """
    if not Path("functions", function, "handler.py").is_file():
        raise Misconfigured(f"There is no functions/{function}/handler.py here: run this in a clone of the project.")
    command = [sys.executable, "-m", "infra.local.invoke", function, str(event)]
    raise typer.Exit(subprocess.run([*command, *([str(env_vars)] if env_vars else [])], check=False).returncode)
