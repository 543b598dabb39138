"""``python -m infra.docker.serve``: migrate, deploy template.yaml to the LocalStack beside it, then be uvicorn.

A LocalStack that already has the stack is left as it is: only the API was restarted.
"""

import os
from pathlib import Path

from botocore.exceptions import ClientError
from infra.local import configuration, stack

KEPT = Path("/kept")


def deployed(endpoint: str, settings: dict[str, str], folder: Path) -> stack.Stack:
    """The stack in LocalStack, made when it is not there."""
    try:
        return stack.describe(endpoint)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":  # CloudFormation's word for "no such stack"
            raise
    return stack.deploy(endpoint, settings=settings, folder=folder)


def main(folder: Path = KEPT) -> None:
    """Replaces this process by uvicorn."""
    settings = configuration.load(stack.ROOT, folder)
    settings.setdefault("PUBLIC_URL", "http://127.0.0.1:8999")
    configuration.migrate(settings)
    found = deployed(os.environ["AWS_ENDPOINT_URL"], settings, folder)
    os.environ.update(found.environment)
    python = str(stack.ROOT / ".venv" / "bin" / "python")
    os.execv(python, [python, "-m", "uvicorn", "infra.local.app:app", "--host", "0.0.0.0", "--port", "8999"])  # noqa: S104, S606


if __name__ == "__main__":
    main()
