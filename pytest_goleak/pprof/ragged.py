"""Rows of different lengths in two flat arrays (compressed sparse rows), so that numpy does the loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["BoolArray", "IntArray", "Ragged", "concatenate", "intern_rows", "join", "repack"]

IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Row ``i`` is ``items[offsets[i]:offsets[i + 1]]``; the arrays become read-only."""

    offsets: IntArray
    """One more than there are rows; starts at 0, never falls."""
    items: IntArray

    def __post_init__(self) -> None:
        self.offsets.setflags(write=False)
        self.items.setflags(write=False)

    @classmethod
    def from_lengths(cls, lengths: IntArray, items: IntArray) -> Ragged:
        """Return rows of these *lengths* that share out *items* in order."""
        offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(offsets, items)

    @classmethod
    def empty(cls, rows: int = 0) -> Ragged:
        """Return so many empty rows."""
        return cls(np.zeros(rows + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.items, other.items)

    __hash__ = None  # type: ignore[assignment]  # arrays have no cheap hash, and nothing needs one

    @property
    def lengths(self) -> IntArray:
        """Items per row."""
        return np.diff(self.offsets)

    def row(self, number: int) -> IntArray:
        """Return the items of one row."""
        return self.items[self.offsets[number] : self.offsets[number + 1]]

    def row_of_items(self) -> IntArray:
        """Return, for every item, the number of its row."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def positions(self, rows: IntArray) -> IntArray:
        """Return where the items of *rows* are, row after row, for use on columns parallel to ``items``."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        # Consecutive numbers, shifted row by row from where they are wanted to where they come from.
        shifts: IntArray = np.repeat(self.offsets[rows] - (ends - lengths), lengths)
        return np.arange(total, dtype=np.int64) + shifts

    def take(self, rows: IntArray) -> Ragged:
        """Return *rows* (numbers, repeats allowed) in the given order."""
        return Ragged.from_lengths(self.lengths[rows], self.items[self.positions(rows)])

    def any(self, flags: BoolArray) -> BoolArray:
        """Return, for every row, whether any of its items is flagged; *flags* is parallel to ``items``."""
        counted = np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))
        return np.asarray(counted[self.offsets[1:]] > counted[self.offsets[:-1]])


def concatenate(parts: Sequence[Ragged]) -> Ragged:
    """Return the rows of all *parts*, one part after the other."""
    return Ragged.from_lengths(
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.items for part in parts]),
    )


def join(parts: Sequence[Ragged]) -> Ragged:
    """Return rows that hold the items of the same row of each of the *parts*, which have equally many rows."""
    lengths = np.stack([part.lengths for part in parts])
    total = lengths.sum(axis=0)
    row_starts = np.cumsum(total) - total
    items = np.empty(int(total.sum()), dtype=np.int64)
    for part, start in zip(parts, row_starts + np.cumsum(lengths, axis=0) - lengths, strict=True):
        shift = np.repeat(start - part.offsets[:-1], part.lengths)
        items[np.arange(len(part.items)) + shift] = part.items
    return Ragged.from_lengths(total, items)


def repack(columns: Sequence[IntArray]) -> IntArray:
    """Return *columns* of equal length as one array, item by item: a0 b0 a1 b1 …."""
    return np.stack(columns, axis=1).reshape(-1)


def intern_rows(rows: Ragged) -> tuple[IntArray, IntArray]:
    """Number the distinct rows in order of first appearance.

    Returns:
        For every row the number of its content, and for every number the first row that has it.

    """
    raw = rows.items.tobytes()
    bounds = (rows.offsets * rows.items.itemsize).tolist()
    # Bytes are compared by content, so this is exact; a hash computed by numpy would only be probable.
    numbers: dict[bytes, int] = {}
    number_of = numbers.setdefault
    contents = [number_of(raw[start:end], len(numbers)) for start, end in pairwise(bounds)]
    numbered = np.array(contents, dtype=np.int64)
    first = np.zeros(len(numbers), dtype=np.int64)
    # Assigned back to front, so that the first row of each content is the one that stays.
    first[numbered[::-1]] = np.arange(len(rows), dtype=np.int64)[::-1]
    return numbered, first
