"""What ``--help`` shows: the words of each command, in whole paragraphs, and an example of it at the end."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import typer
from typer.models import CommandInfo

EXAMPLES: Mapping[str, str] = {
    "signup": "photovault signup --server https://photos.example.com",
    "login": "photovault login --server https://photos.example.com --email ada@example.com",
    "logout": "photovault logout",
    "whoami": "photovault whoami",
    "password": "photovault password",
    "upload": "photovault upload ~/Pictures --exclude 'Screenshots' --album 'Lisbon 2025'",
    "import takeout": "photovault import takeout ~/Downloads/takeout-*.zip",
    "import apple": "photovault import apple ~/Downloads/iCloud*.zip",
    "import immich": "photovault import immich /srv/immich/library --tags",
    "import photovault": "photovault import photovault photovault.zip",
    "search": "photovault search anna in lisbon last summer --download found",
    "albums list": "photovault albums list --kind trip",
    "albums show": "photovault albums show 'Lisbon 2025'",
    "albums why": "photovault albums why 'Lisbon 2025'",
    "albums create": "photovault albums create 'Dogs in the snow' --search 'dog in the snow'",
    "albums add": "photovault albums add 'Lisbon 2025' --search 'lisbon in may 2025'",
    "labels list": "photovault labels list",
    "labels add": "photovault labels add beach --search 'lisbon in may 2025'",
    "labels remove": "photovault labels remove giraffe --search 'label:giraffe'",
    "people list": "photovault people list --hidden",
    "people name": "photovault people name 01a20715-4b4f-7374-b0c0-6cf566904be8 Anna",
    "people merge": "photovault people merge Anna 01a20715-4b4f-73e7-bd81-2741fd53045f",
    "people undo": "photovault people undo 01a20722-62e9-7b4e-9eb5-3ccc27e56aaa",
    "people hide": "photovault people hide 01a20715-5440-76af-90a3-b8e6f07e3db9",
    "people unhide": "photovault people unhide Anna",
    "api-keys list": "photovault api-keys list",
    "api-keys create": "photovault api-keys create 'Uploads of the NAS' --scope photos:upload --days 365",
    "api-keys revoke": "photovault api-keys revoke 'Uploads of the NAS'",
    "export": "photovault export ~/photovault.zip",
    "doctor": "photovault doctor",
    "db upgrade": "photovault db upgrade",
    "db status": "photovault db status",
    "db replay-erasures": "photovault db replay-erasures --dry-run",
    "db check": "photovault db check --repair",
    "invoke": "photovault invoke auth --event events/auth-login.json",
    "keys generate": "photovault keys generate >> .env",
    "keys status": "photovault keys status",
    "keys rotate-master": "photovault keys rotate-master",
    "keys rotate-user": "photovault keys rotate-user ada@example.com",
    "keys remove-second-factor": "photovault keys remove-second-factor ada@example.com",
    "keys reset-password": "photovault keys reset-password ada@example.com",
    "models list": "photovault models list",
    "models pull": "photovault models pull",
    "models push": "photovault models push --bucket my-models",
    "models verify": "photovault models verify",
    "models status": "photovault models status",
    "models renew": "photovault models renew --walkers 4",
    "models calibrate": "photovault models calibrate --photos ~/coco/val2017 --captions ~/coco/captions_val2017.json",
    "storage status": "photovault storage status",
    "storage check": "photovault storage check --quick",
    "storage migrate": "photovault storage migrate --to s3 --dry-run",
    "maintain": "photovault maintain --no-daily",
}
"""By the words of a command. ``photovault --help`` says what each is for."""


def complete(app: typer.Typer) -> None:
    """Give every command its example, and let each paragraph of a help be as wide as the terminal."""
    for words, command in commands(app):
        command.help = _flowing(command.help or inspect.getdoc(command.callback) or "")
        if words in EXAMPLES:
            command.epilog = f"Example: {EXAMPLES[words]}"
    if app.registered_callback is not None:
        app.registered_callback.help = _flowing(inspect.getdoc(app.registered_callback.callback) or "")


def _flowing(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def commands(app: typer.Typer, before: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """All commands of an application by their words, those of its groups among them."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        yield f"{before} {name}".strip(), command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from commands(group.typer_instance, f"{before} {group.name}".strip())
