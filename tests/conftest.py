"""The fixtures of all tests: see tests/local_cloud.py and tests/vaults.py."""

import pytest
from tests.local_cloud import api_url, cloud, database_url, group_by_cloud, localstack, postgres, scratch, server_folder
from tests.vaults import vault

__all__ = ["api_url", "cloud", "database_url", "localstack", "postgres", "scratch", "server_folder", "vault"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    group_by_cloud(items)
