"""The entry point: LAMBDA_RUNTIME_EXECUTOR=process."""

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args: Any, **kwargs: Any) -> Any:
        from . import patches
        from .executor import ProcessExecutor

        patches.apply()
        return ProcessExecutor
