"""The fixtures of all tests: see tests/local_cloud.py, tests/vaults.py, tests/arranging.py and
tests/storages.py."""

import pytest
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


@pytest.fixture(scope="session", autouse=True)
def log_stream() -> None:
    """The log has its stream before a test captures the output of a command, and keeps it."""
    observability.logger()
    get_settings.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    group_by_cloud(items)
