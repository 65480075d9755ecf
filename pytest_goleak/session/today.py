"""The date, for ignore rules that expire."""

from __future__ import annotations

import datetime as dt

__all__ = ["today"]


def today() -> dt.date:
    """Return the local date: an expiry date in a file means a day where the tests run."""
    return dt.datetime.now().astimezone().date()
