"""A LocalStack Lambda executor without containers: functions run as processes of the host.

    plugin    the entry point that LocalStack loads, chosen with LAMBDA_RUNTIME_EXECUTOR=process
    executor  LocalStack's view: one execution environment of one function version
    pool      the processes of one environment; splits a queue's batch over them
    worker    one function process under AWS's runtime client (awslambdaric), and the Runtime API that feeds it
    batches   pure: an SQS event cut in parts, and the parts' answers merged again
    tether    a child process that cannot outlive its parent; held is what runs in that child
    patches   two corrections to LocalStack

Only `plugin`, `executor` and `patches` import LocalStack; the rest is the standard library, so the project's own tests
reach it from the project's own environment.

Settings, from LocalStack's environment: LAMBDA_PYTHON (the interpreter that has awslambdaric; by default LocalStack's),
LAMBDA_PROCESSES (at most so many processes for one queue's batch; by default one per core), LAMBDA_LOG_DIR (a file
`<function>.log` for each function; by default LocalStack's temporary folder).
"""
