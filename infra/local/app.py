"""The whole API as one ASGI application: ``uvicorn infra.local.app:app`` or gunicorn with uvicorn's workers.

The same routers as the functions, without a gateway in front; settings come from the environment and ``.env``.
"""

import logging

from photovault.api import complete_app, edge
from photovault.errors import Misconfigured


def without_secrets(record: logging.LogRecord) -> bool:
    """Takes what nobody else should read out of a line of uvicorn's access log, for which every argument is a part."""
    if isinstance(record.args, tuple):
        record.args = tuple(edge.as_logged(part) if isinstance(part, str) else part for part in record.args)
    return True


logging.getLogger("uvicorn.access").addFilter(without_secrets)

try:
    app = complete_app()
except Misconfigured as error:
    raise SystemExit(f"PhotoVault does not start: {error.detail}") from None
