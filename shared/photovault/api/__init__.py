"""The HTTP edge: routers that the HTTP functions serve, and everything they share."""
