"""Keep the samples whose stack matches a regular expression, or those whose stack does not."""

from __future__ import annotations

import re

import numpy as np

from pytest_goleak.model.errors import ConfigError
from pytest_goleak.pprof.profile import Profile
from pytest_goleak.pprof.ragged import BoolArray

__all__ = ["focus", "ignore"]


def focus(profile: Profile, pattern: str) -> Profile:
    """Return *profile* with only the samples in whose stack a function, file or binary matches *pattern*.

    Raises:
        ConfigError: *pattern* is not a regular expression.

    """
    return profile.take(np.flatnonzero(_matching(profile, pattern, "focus")))


def ignore(profile: Profile, pattern: str) -> Profile:
    """Return *profile* without the samples in whose stack a function, file or binary matches *pattern*.

    Raises:
        ConfigError: *pattern* is not a regular expression.

    """
    return profile.take(np.flatnonzero(~_matching(profile, pattern, "ignore")))


def _matching(profile: Profile, pattern: str, option: str) -> BoolArray:
    """Return which samples have a matching location; a pattern matches anywhere in a name, as in pprof."""
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise ConfigError(
            f"{option}: {pattern!r} is not a regular expression ({error}); "
            "expected for example 'main\\.', with parentheses and stars escaped: 'main\\.\\(\\*cache\\)\\.put'"
        ) from error
    functions = np.array([bool(search(each.name) or search(each.file)) for each in profile.functions], dtype=np.bool_)
    # Locations of no mapping have -1, the last entry.
    mappings = np.array([*(bool(search(each.file)) for each in profile.mappings), False], dtype=np.bool_)
    locations = profile.locations.lines.any(functions[profile.locations.lines.items])
    locations |= mappings[profile.locations.mappings]
    return profile.stacks.any(locations[profile.stacks.items])
