"""What is uploaded to Lambda, built and measured (infra/decisions/0006-packaging.md)."""
