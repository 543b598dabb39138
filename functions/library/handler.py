"""HTTP: uploads, photos, albums, people, dashboards, and the description of the whole API."""

from photovault.api import library_app
from photovault.api.edge import lambda_handler

app = library_app()
handler = lambda_handler(app)
