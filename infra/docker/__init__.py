"""What the containers of infra/compose.yaml run besides LocalStack."""
