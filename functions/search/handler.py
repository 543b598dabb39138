"""HTTP: search in words. The only HTTP function that carries a text encoder, and it loads it when a query needs it."""

from photovault.api import PHOTOS_NEED, search
from photovault.api.edge import create_app, lambda_handler

app = create_app([search.router], title="PhotoVault: search", needed=PHOTOS_NEED)
handler = lambda_handler(app)
