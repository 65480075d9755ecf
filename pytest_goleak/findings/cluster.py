"""Sites that are one finding to a reader: same kind, same user frame, same state."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_goleak.findings.blame import Origin, blamed_frame, library_of, origin, user_frame
from pytest_goleak.findings.hints.rule import waiting
from pytest_goleak.model.profile import Frame, SiteGrowth

__all__ = ["Cluster", "cluster_sites"]

# The two goroutines of one client connection, which end together.
_HTTP_CONNECTION = frozenset({"net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Sites that differ in nothing that matters, the largest first."""

    kind: str
    frame: Frame
    """The user's frame, or what is named in its stead."""
    user: Frame | None
    """The user's frame on the stack."""
    state: str | None
    members: tuple[SiteGrowth, ...]

    @property
    def objects(self) -> float:
        """Objects or goroutines gained."""
        return math.fsum(member.objects for member in self.members)

    @property
    def bytes(self) -> float:
        """Bytes gained."""
        return math.fsum(member.bytes for member in self.members)

    @property
    def objects_error(self) -> float:
        """Standard error of :attr:`objects`; sites are sampled independently."""
        return math.hypot(*(member.objects_error for member in self.members))

    @property
    def bytes_error(self) -> float:
        """Standard error of :attr:`bytes`."""
        return math.hypot(*(member.bytes_error for member in self.members))

    @property
    def units(self) -> float:
        """How many things leaked: of a connection's two goroutines only one is counted."""
        return max(member.objects for member in self.members)

    @property
    def stack(self) -> tuple[Frame, ...]:
        """The stack of the largest member."""
        return self.members[0].site.stack

    @property
    def created_by(self) -> Frame | None:
        """Who started the goroutines of the largest member that tells."""
        return next((member.created_by for member in self.members if member.created_by), None)

    @property
    def library(self) -> str:
        """The library of :attr:`frame`."""
        return library_of(self.frame)

    @property
    def is_proven(self) -> bool:
        """Whether the runtime proved any of the goroutines leaked."""
        return any(member.proven for member in self.members)

    @property
    def functions(self) -> tuple[str, ...]:
        """All functions on the stacks, leaf first, those of the largest member first."""
        return tuple(dict.fromkeys(frame.function for member in self.members for frame in member.site.stack))

    @property
    def callees(self) -> tuple[str, ...]:
        """What the user's frame called in the largest member, outermost first, the runtime left out."""
        if self.user is None:
            return ()
        inner = self.stack[: self.stack.index(self.user)]
        return tuple(frame.function for frame in reversed(inner) if origin(frame) is not Origin.RUNTIME)


def cluster_sites(growths: Iterable[SiteGrowth]) -> tuple[Cluster, ...]:
    """Return *growths* merged, the largest first; sites that shrank count against the cluster they belong to."""
    grouped: dict[tuple[object, ...], list[SiteGrowth]] = defaultdict(list)
    for growth in growths:
        if growth.site.stack:
            grouped[_key(growth)].append(growth)
    clusters = [_make(members) for members in grouped.values()]
    return tuple(sorted(clusters, key=lambda cluster: (-cluster.bytes, -cluster.objects, str(cluster.frame))))


def _make(members: list[SiteGrowth]) -> Cluster:
    members.sort(key=lambda growth: (-growth.bytes, -growth.objects, str(growth.site.stack)))
    largest = members[0]
    return Cluster(
        kind=largest.site.kind,
        frame=_named(largest),
        user=user_frame(largest.site.stack),
        state=_state(largest),
        members=tuple(members),
    )


def _state(growth: SiteGrowth) -> str | None:
    if growth.site.kind != "goroutine":
        return None
    return waiting(growth.state, (frame.function for frame in growth.site.stack))


def _named(growth: SiteGrowth) -> Frame:
    """Return the frame to name: without user code on the stack, a user's ``go`` statement is better than a library."""
    user = user_frame(growth.site.stack)
    if user:
        return user
    creator = growth.created_by
    if creator and creator.file and origin(creator) is Origin.USER:
        return creator
    return blamed_frame(growth.site.stack)


def _key(growth: SiteGrowth) -> tuple[object, ...]:
    site, named = growth.site, _named(growth)
    owner = origin(named)
    if owner is Origin.USER:
        return (site.kind, named, _state(growth))
    if named.function in _HTTP_CONNECTION:
        return (site.kind, "net/http connection")
    if site.kind == "goroutine" and owner is Origin.THIRD_PARTY:
        # One connection of a library often has several goroutines: they are one finding.
        return (site.kind, library_of(named))
    return (site.kind, named.function)
