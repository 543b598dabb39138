"""One logger and one set of metrics for all functions, through Powertools.

A log line is one event name and keys. Never a secret, a photo's content, an e-mail address or a precise position.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from photovault.errors import Misconfigured
from photovault.settings import get_settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

NAMESPACE = "PhotoVault"

_uncounted = threading.Event()


@lru_cache(maxsize=1)
def logger() -> Logger:
    """The process's structured logger (JSON lines on stdout)."""
    from aws_lambda_powertools import Logger

    try:
        level = get_settings().log_level
    except Misconfigured:  # what is wrong with the settings is about to be logged
        level = "INFO"
    return Logger(
        service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "photovault"),
        level=level,
        utc=True,
    )


def count(name: str, value: float = 1, *, unit: str = "Count") -> None:
    """Add to a metric, written as one line of CloudWatch's embedded metric format."""
    if _uncounted.is_set():
        return
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    with single_metric(
        name=name,
        unit=MetricUnit(unit),
        value=value,
        namespace=NAMESPACE,
        default_dimensions={"service": os.environ.get("METRICS_SERVICE", "photovault")},
    ):
        pass


@contextmanager
def without_metrics() -> Iterator[None]:
    """Count nothing, in the whole process: for commands, whose stdout is read by people and scripts."""
    _uncounted.set()
    try:
        yield
    finally:
        _uncounted.clear()
