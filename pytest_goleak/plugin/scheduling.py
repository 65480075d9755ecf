"""What xdist is told: endpoints of one target go to one worker. Registered in the controller, where xdist distributes.

xdist's own groups are a suffix of the node id, which some versions of pytest do not take over. The node ids of the
configuration file's items say where they belong by themselves.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from pytest_goleak.plugin.collect import GROUP
from pytest_goleak.plugin.settings import config_file

__all__ = ["pytest_xdist_make_scheduler"]


class OneTargetScheduling(LoadGroupScheduling):  # type: ignore[misc] # xdist has no types
    """xdist's scheduling by group, with all items of the configuration file in one group."""

    def _split_scope(self, nodeid: str) -> str:
        path = config_file(self.config)
        is_endpoint = path is not None and nodeid.split("::", maxsplit=1)[0].endswith(path.name)
        return GROUP if is_endpoint else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneTargetScheduling | None:
    """Schedule by target where :func:`~pytest_goleak.plugin.activate.keep_together` has chosen groups."""
    return OneTargetScheduling(config, log) if config.getoption("dist") == "loadgroup" else None
