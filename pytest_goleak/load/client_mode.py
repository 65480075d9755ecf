"""How clients misbehave: they hang up early, read slowly, or hold an answer open.

Each behaviour is looked at after libcurl did what it could, rather than from libcurl's callbacks: pycurl prints an
exception that is raised in a callback and goes on, which would swallow Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pycurl

from pytest_goleak.load.handle import Slot, has_answer_begun, is_request_sent
from pytest_goleak.model.plan import ClientMode

__all__ = [
    "BEHAVIOURS",
    "HOLD_S",
    "LOOK_INTERVAL_S",
    "SLOW_PAUSE_S",
    "SLOW_READER_S",
    "TIMEOUT_S",
    "Behaviour",
    "HangUp",
    "SlowReader",
]

TIMEOUT_S = 0.1
"""Mode ``timeout``: seconds from the end of the request to the hang-up."""
HOLD_S = 0.3
"""Mode ``hold``: seconds from the first bytes of the answer to the hang-up; nothing is read in between."""
SLOW_READER_S = 0.3
"""Mode ``slow_reader``: seconds of slow reading; what is left of the body then is read at full speed.

The kernel's buffers take the first megabytes of a body, so that a service notices only with larger ones.
"""
SLOW_PAUSE_S = 0.05
"""Mode ``slow_reader``: seconds between two reads of a few kilobytes."""
LOOK_INTERVAL_S = 0.01
"""Longest time between two looks at the clients of these modes, in seconds."""


class Behaviour(Protocol):
    """What a client does besides sending its request and reading the answer."""

    @property
    def counts_status(self) -> bool:
        """Whether the status of an answer that the client hung up on is counted."""
        ...

    def hangs_up(self, slot: Slot, now_s: float) -> bool:
        """Act for the client of *slot*, and return whether it hangs up now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Hangs up a while after something happened."""

    after: Callable[[Slot], bool]
    """Tells whether it happened."""
    patience_s: float = 0.0
    stops_reading: bool = False
    """Leave the rest of the answer unread from then on."""

    @property
    def counts_status(self) -> bool:
        """Whether the client saw a status before it hung up."""
        return self.stops_reading

    def hangs_up(self, slot: Slot, now_s: float) -> bool:
        """Return whether patience is over, which starts to run when the event is first seen."""
        if slot.hang_up_at_s is None:
            if not self.after(slot):
                return False
            slot.hang_up_at_s = now_s + self.patience_s
            if self.stops_reading:
                slot.handle.pause(pycurl.PAUSE_RECV)
        return now_s >= slot.hang_up_at_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowReader:
    """Reads a little, pauses, reads a little, until its time is over; then reads the rest."""

    duration_s: float = SLOW_READER_S
    pause_s: float = SLOW_PAUSE_S
    counts_status: bool = False

    def hangs_up(self, slot: Slot, now_s: float) -> bool:
        """Pause or resume reading; never hang up."""
        if slot.hang_up_at_s is None:
            if not has_answer_begun(slot):
                return False
            slot.hang_up_at_s = now_s + self.duration_s
        is_over = now_s >= slot.hang_up_at_s
        if slot.resume_at_s is not None and (is_over or now_s >= slot.resume_at_s):
            slot.resume_at_s = None
            slot.handle.pause(pycurl.PAUSE_CONT)
        elif slot.resume_at_s is None and not is_over:
            slot.resume_at_s = now_s + self.pause_s
            slot.handle.pause(pycurl.PAUSE_RECV)
        return False


BEHAVIOURS: dict[ClientMode, Behaviour] = {
    ClientMode.ABORT: HangUp(after=is_request_sent),
    ClientMode.TIMEOUT: HangUp(after=is_request_sent, patience_s=TIMEOUT_S),
    ClientMode.HOLD: HangUp(after=has_answer_begun, patience_s=HOLD_S, stops_reading=True),
    ClientMode.SLOW_READER: SlowReader(),
}
"""The modes that need looking after; normal clients don't."""
