"""A profile as columns: one array per field, so that a hundred thousand samples cost no Python loop."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.profile import Frame
from pytest_goleak.pprof.ragged import BoolArray, IntArray, Ragged

__all__ = ["Function", "Labels", "Locations", "Mapping", "Profile", "ValueType"]


@dataclass(frozen=True, slots=True)
class ValueType:
    """What a column of values measures: ``inuse_space`` in ``bytes``, ``goroutine`` in ``count`` …."""

    type: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.type}/{self.unit}"


@dataclass(frozen=True, slots=True)
class Function:
    """A function, as the symbol table of the program names it."""

    name: str
    system_name: str = ""
    file: str = ""
    start_line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """An address range of the process and the binary behind it."""

    start: int = 0
    limit: int = 0
    offset: int = 0
    file: str = ""
    build_id: str = ""
    has_functions: bool = False
    has_filenames: bool = False
    has_line_numbers: bool = False
    has_inline_frames: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Equality by content for dataclasses of arrays."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        pairs = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]  # arrays have no cheap hash, and nothing needs one

    def _freeze(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Locations(_Columns):
    """The places that stacks refer to by number; each has its frames, inlined ones innermost first."""

    addresses: IntArray
    """Instruction addresses; the bits are those of the unsigned number."""
    mappings: IntArray
    """Numbers of mappings, -1 for none."""
    folded: BoolArray
    """Whether the linker gave several symbols this address."""
    lines: Ragged
    """Per location, the functions of its frames, by number."""
    line_numbers: IntArray
    """Parallel to ``lines.items``."""
    line_columns: IntArray
    """Parallel to ``lines.items``."""

    def __post_init__(self) -> None:
        self._freeze()

    def __len__(self) -> int:
        return len(self.addresses)

    def take(self, rows: IntArray) -> Locations:
        """Return the locations *rows*, in that order."""
        lines = self.lines.positions(rows)
        return Locations(
            addresses=self.addresses[rows],
            mappings=self.mappings[rows],
            folded=self.folded[rows],
            lines=self.lines.take(rows),
            line_numbers=self.line_numbers[lines],
            line_columns=self.line_columns[lines],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels(_Columns):
    """The labels of samples: mostly none, or the object size (``bytes``) of a heap profile."""

    keys: Ragged
    """Per sample, the keys of its labels, as indices into :attr:`table`."""
    strings: IntArray
    """Text values as indices into :attr:`table`, 0 for numeric labels; parallel to ``keys.items``."""
    numbers: IntArray
    """Numeric values; parallel to ``keys.items``."""
    units: IntArray
    """Units of the numbers as indices into :attr:`table`, 0 for none."""
    table: tuple[str, ...] = ("",)
    """Distinct strings; the first one is empty."""

    def __post_init__(self) -> None:
        self._freeze()

    @classmethod
    def empty(cls, samples: int) -> Labels:
        """Return no labels for so many samples."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(keys=Ragged.empty(samples), strings=nothing, numbers=nothing, units=nothing)

    def take(self, rows: IntArray) -> Labels:
        """Return the labels of the samples *rows*, in that order."""
        labels = self.keys.positions(rows)
        return Labels(
            keys=self.keys.take(rows),
            strings=self.strings[labels],
            numbers=self.numbers[labels],
            units=self.units[labels],
            table=self.table,
        )

    def text_of(self, sample: int) -> tuple[tuple[str, str], ...]:
        """Return the text labels of one sample as sorted pairs of key and value."""
        span = slice(self.keys.offsets[sample], self.keys.offsets[sample + 1])
        pairs = zip(self.keys.items[span].tolist(), self.strings[span].tolist(), strict=True)
        return tuple(sorted((self.table[key], self.table[value]) for key, value in pairs if value))

    def numbers_named(self, key: str) -> IntArray:
        """Return, for every sample, the number of its label *key*; 0 where it has none."""
        found = np.zeros(len(self.keys), dtype=np.int64)
        if key in self.table:
            wanted = (self.keys.items == self.table.index(key)) & (self.strings == 0)
            found[self.keys.row_of_items()[wanted]] = self.numbers[wanted]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile(_Columns):
    """Samples (stacks with values) and the tables they refer to. Immutable; two are equal if all columns are."""

    value_types: tuple[ValueType, ...]
    values: IntArray
    """One row per sample, one column per value type."""
    stacks: Ragged
    """Per sample, the numbers of its locations, leaf first."""
    labels: Labels
    locations: Locations
    functions: tuple[Function, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    """The first one is the main binary."""
    period_type: ValueType = field(default_factory=ValueType)
    period: int = 0
    """Events between two samples: for heap profiles the sampling rate in bytes."""
    time_nanos: int = 0
    duration_nanos: int = 0
    default_sample_type: str = ""
    comments: tuple[str, ...] = ()
    drop_frames: str = ""
    keep_frames: str = ""
    doc_url: str = ""

    def __post_init__(self) -> None:
        self._freeze()

    def __len__(self) -> int:
        return len(self.stacks)

    def value_index(self, name: str | None = None) -> int:
        """Return the column of the value type *name*; by default the one the profile prefers, or else the last.

        Raises:
            MalformedProfileError: the profile has no such value type.

        """
        names = [value_type.type for value_type in self.value_types]
        wanted = name if name is not None else self.default_sample_type
        if wanted in names:
            return names.index(wanted)
        if name is None and names:
            return len(names) - 1
        offered = ", ".join(names) or "no value types"
        raise MalformedProfileError(
            f"the profile has no values of type {name!r}; it has {offered}: is it a profile of another kind?"
        )

    def column(self, name: str | None = None) -> IntArray:
        """Return the values of type *name* of all samples; see :meth:`value_index`."""
        column: IntArray = self.values[:, self.value_index(name)]
        return column

    def take(self, rows: IntArray) -> Profile:
        """Return the profile with only the samples *rows*, in that order; the tables stay as they are."""
        return replace(self, values=self.values[rows], stacks=self.stacks.take(rows), labels=self.labels.take(rows))

    def frames(self) -> list[tuple[Frame, ...]]:
        """Return the frames of every location, innermost first; an address stands for code without symbols."""
        rows = zip(self.locations.lines.items.tolist(), self.locations.line_numbers.tolist(), strict=True)
        functions = self.functions
        lines = [Frame(functions[number].name, functions[number].file, line) for number, line in rows]
        bounds = self.locations.lines.offsets.tolist()
        unknown = (f"{address:#x}" for address in self.locations.addresses.view(np.uint64).tolist())
        return [
            tuple(lines[start:end]) or (Frame(address),)
            for start, end, address in zip(bounds[:-1], bounds[1:], unknown, strict=True)
        ]
