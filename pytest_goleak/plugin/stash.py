"""Where the run is kept, for items and fixtures to find without importing what it hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_goleak.plugin.run import GoleakRun

__all__ = ["RUN", "run_of"]

RUN = pytest.StashKey["GoleakRun"]()


def run_of(config: pytest.Config) -> GoleakRun:
    """Return the run, which ``--goleak`` made."""
    return config.stash[RUN]
