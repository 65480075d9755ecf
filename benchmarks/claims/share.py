"""How often something happened, with the interval that so many runs allow."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

__all__ = ["Share"]


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened in independent runs."""

    hits: int
    runs: int

    @property
    def value(self) -> float:
        return self.hits / max(1, self.runs)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval."""
        if not self.runs:
            return (0.0, 1.0)
        interval = binomtest(self.hits, self.runs).proportion_ci(method="wilson")
        return (float(interval.low), float(interval.high))

    def __str__(self) -> str:
        low, high = self.interval
        digits = 2 if self.value < 0.1 else 1
        return f"{100 * self.value:.{digits}f} % [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
