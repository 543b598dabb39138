"""HTTP: log-in, accounts and their API keys. The only function that receives the signing secret."""

from photovault.api import auth_app
from photovault.api.edge import lambda_handler

app = auth_app()
handler = lambda_handler(app)
