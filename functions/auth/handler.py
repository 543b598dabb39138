"""HTTP: sign-up, log-in, refresh, verify. The only function that receives the signing secret."""

from mangum import Mangum

from photovault.api import auth
from photovault.api.edge import create_app

app = create_app([auth.router], title="PhotoVault: auth")
handler = Mangum(app, lifespan="off")
