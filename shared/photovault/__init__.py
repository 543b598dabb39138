"""PhotoVault: the one library that all functions import."""
