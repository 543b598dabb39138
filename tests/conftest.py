"""The fixtures of all tests: see tests/local_cloud.py, tests/vaults.py and tests/arranging.py."""

import pytest
from tests.arranging import sent
from tests.local_cloud import api_url, cloud, database_url, group_by_cloud, localstack, postgres, scratch, server_folder
from tests.vaults import quick_hashes, vault

__all__ = [
    "api_url",
    "cloud",
    "database_url",
    "localstack",
    "postgres",
    "quick_hashes",
    "scratch",
    "sent",
    "server_folder",
    "vault",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    group_by_cloud(items)
