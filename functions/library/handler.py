"""HTTP: uploads, photos, albums, people, dashboards, and the description of the whole API."""

from mangum import Mangum

from photovault.api import library_app

app = library_app()
handler = Mangum(app, lifespan="off")
