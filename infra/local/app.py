"""The whole API as one ASGI application: ``uvicorn infra.local.app:app`` or gunicorn with uvicorn's workers.

The same routers as the functions, without a gateway in front; settings come from the environment and ``.env``.
"""

from photovault.api import complete_app

app = complete_app()
