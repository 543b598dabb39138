"""HTTP: sign-up, log-in, refresh, verify. The only function that receives the signing secret."""

from photovault.api import auth
from photovault.api.edge import create_app, lambda_handler

app = create_app([auth.router], title="PhotoVault: auth", needed=("database_url", "jwt_secret", "ledger"))
handler = lambda_handler(app)
