"""Real time."""

from __future__ import annotations

import time

__all__ = ["MonotonicClock"]


class MonotonicClock:
    """The system's monotonic clock."""

    def now(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        time.sleep(seconds)
