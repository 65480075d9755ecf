"""The rules that ``CheckValid`` of google/pprof sets for a profile, checked on whole columns at once."""

from __future__ import annotations

import numpy as np

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.pprof.ragged import IntArray

__all__ = ["check_ids", "check_strings", "check_values", "resolve"]


def check_values(lengths: IntArray, value_types: int) -> None:
    """Check that every sample has one value per value type; *lengths* has the number of values of each.

    Raises:
        MalformedProfileError: a sample has more or fewer.

    """
    wrong = np.flatnonzero(lengths != value_types)
    if len(wrong):
        raise _problem(f"sample {wrong[0]} has {lengths[wrong[0]]} values, expected {value_types}, one per value type")


def check_ids(ids: IntArray, what: str) -> None:
    """Check that no id of the table of *what* is 0, and none is there twice.

    Raises:
        MalformedProfileError: an id is 0 or repeated.

    """
    if not ids.all():
        raise _problem(f"a {what} has the reserved id 0")
    if _is_dense(ids):
        return
    ordered = np.sort(ids)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        raise _problem(f"several {what}s have the id {_unsigned(repeated[0])}")


def check_strings(indices: IntArray, table_size: int) -> None:
    """Check that all *indices* are inside the string table.

    Raises:
        MalformedProfileError: an index is not.

    """
    if len(indices) and (indices.min() < 0 or indices.max() >= table_size):
        outside = indices[(indices < 0) | (indices >= table_size)][0]
        raise _problem(f"it refers to string {outside} of {table_size}")


def resolve(references: IntArray, ids: IntArray, who: str, what: str, *, missing: int | None = None) -> IntArray:
    """Return where in *ids* each of the *references* is.

    Args:
        references: Ids as samples and locations name them.
        ids: The ids of the table they refer to, checked by :func:`check_ids`.
        who: Who refers, for the message.
        what: What the table holds, for the message.
        missing: What stands for a reference to nothing; without it, such a reference is an error.

    Raises:
        MalformedProfileError: a reference leads nowhere.

    """
    if _is_dense(ids):
        rows = references - 1
        found = (rows >= 0) & (rows < len(ids))
    else:
        order = np.argsort(ids)
        ordered = ids[order]
        spots = np.minimum(np.searchsorted(ordered, references), len(ids) - 1)
        rows = order[spots]
        found = ordered[spots] == references
    if found.all():
        return rows
    if missing is None:
        raise _problem(f"{who} refers to {what} {_unsigned(references[~found][0])}, which is not in the profile")
    return np.where(found, rows, missing)


def _is_dense(ids: IntArray) -> bool:
    """Whether the ids are 1, 2, 3 …, as almost every writer numbers them."""
    return bool((ids == np.arange(1, len(ids) + 1)).all())


def _unsigned(number: np.int64) -> int:
    return int(number.view(np.uint64))


def _problem(problem: str) -> MalformedProfileError:
    return MalformedProfileError(
        f"the profile is inconsistent: {problem}; it was damaged on the way or written by a faulty profiler"
    )
