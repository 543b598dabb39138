"""The laptop environment: the deployed template's functions, queues and buckets on LocalStack, an embedded Postgres,
and the API under uvicorn. `make run` is `python -m infra.local`.

Everything that it keeps lives under `.photovault/`: postgres/ (the database), blobs/ (sealed pictures), logs/,
models/, secrets.env, demo.env, envs/ (locked Python environments) and localstack/ (scratch; staging is not kept).
"""
