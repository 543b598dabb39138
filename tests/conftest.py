"""The fixtures of all tests: see tests/local_cloud.py, tests/vaults.py, tests/arranging.py and
tests/storages.py."""

import httpx
import pytest
from hypothesis import HealthCheck, settings
from tests.arranging import sent
from tests.flows.workshop import workshop
from tests.local_cloud import (
    api_url,
    cloud,
    database_url,
    group_by_cloud,
    localstack,
    migrated,
    postgres,
    scratch,
    server_folder,
)
from tests.master_keys import use
from tests.staged import bucket
from tests.storages import emptied, hybrid, settled, shelf, told
from tests.vaults import alone, quick_hashes, small_models, vault
from tests.workers import longest_first, pytest_xdist_make_scheduler

from photovault import observability
from photovault.settings import get_settings

__all__ = [
    "alone",
    "api_url",
    "bucket",
    "cloud",
    "database_url",
    "emptied",
    "hybrid",
    "localstack",
    "migrated",
    "postgres",
    "pytest_xdist_make_scheduler",
    "quick_hashes",
    "scratch",
    "sent",
    "server_folder",
    "settled",
    "shelf",
    "small_models",
    "told",
    "use",
    "vault",
    "workshop",
]


# The same examples each time, so that whoever breaks something sees it, and nobody else; and a busy machine breaks
# nothing. ``--hypothesis-profile=default`` looks for other examples.
settings.register_profile(
    "the-same", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("the-same")

# By itself httpx waits five seconds, in which a busy machine may not come to answer.
for _phase in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _phase, 60.0)


@pytest.fixture(scope="session", autouse=True)
def log_stream() -> None:
    """The log has its stream before a test captures the output of a command, and keeps it."""
    observability.logger()
    get_settings.cache_clear()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    group_by_cloud(items)
    longest_first(config, items)
