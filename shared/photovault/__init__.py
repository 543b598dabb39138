"""PhotoVault: the one library that all functions import."""

__version__ = "0.1.0"
