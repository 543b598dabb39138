"""The whole API as one ASGI application: ``uvicorn infra.local.app:app`` or gunicorn with uvicorn's workers.

The same routers as the functions, without a gateway in front; settings come from the environment and ``.env``.
"""

from photovault.api import complete_app
from photovault.errors import Misconfigured

try:
    app = complete_app()
except Misconfigured as error:
    raise SystemExit(f"PhotoVault does not start: {error.detail}") from None
