"""How tests are shared out to the processes of ``make test``.

What shares a server or a folder has a group (``xdist_group``), which goes to one process; every other module goes to
one, too, so that what its tests share is made once: the browser, the application, the library.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling


class ModulesTogether(LoadGroupScheduling):
    """Groups first, then modules, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test, or else its module."""
        scope = super()._split_scope(nodeid)
        return scope if scope != nodeid else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesTogether | None:
    """For ``--dist loadgroup``."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # many tests are not long ones
    return ModulesTogether(config, log)


def longest_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: what must not begin last, because the other one would wait for its end."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("xdist_group"):
        return 0
    return 1 if item.nodeid.startswith("tests/web/") else 2
