"""The ``goleak`` marker: settings for one test, checked when it is collected."""

from __future__ import annotations

import pytest

__all__ = ["arguments_of", "check_marker", "is_loop"]

ARGUMENTS = ("budget", "idle", "tolerance", "seed", "driver", "concurrency", "keep_alive", "timeout", "loop")


def arguments_of(item: pytest.Item) -> dict[str, object]:
    """Return the settings that the markers of *item* give, the nearest one strongest."""
    merged: dict[str, object] = {}
    for marker in reversed(list(item.iter_markers("goleak"))):
        merged.update(marker.kwargs)
    merged.pop("loop", None)
    return merged


def is_loop(item: pytest.Item) -> bool:
    """Whether *item* is itself the load."""
    return any(marker.kwargs.get("loop") for marker in item.iter_markers("goleak"))


def check_marker(item: pytest.Item) -> None:
    """Refuse marker arguments that would be ignored.

    Raises:
        pytest.UsageError: an argument is unknown or positional.

    """
    for marker in item.iter_markers("goleak"):
        if marker.args:
            raise pytest.UsageError(
                f"{item.nodeid}: @pytest.mark.goleak({marker.args[0]!r}): expected keyword arguments only, "
                f"{', '.join(ARGUMENTS)}. To check an endpoint, call goleak.assert_no_leak({marker.args[0]!r})."
            )
        for name in marker.kwargs:
            if name not in ARGUMENTS:
                import difflib  # noqa: PLC0415 - slow to import, and only for a mistake

                near = difflib.get_close_matches(name, ARGUMENTS, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise pytest.UsageError(
                    f"{item.nodeid}: @pytest.mark.goleak({name}=...): unknown argument. "
                    f"Expected one of: {', '.join(ARGUMENTS)}.{hint}"
                )
