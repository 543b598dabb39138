"""What the web gallery is made with, beside web/ itself."""
