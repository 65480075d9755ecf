"""A screen of a whole session: reports for the endpoints that are clean together."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_goleak.check.screen import Cleared, Screened, screen_endpoints
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import ProgressListener
from pytest_goleak.model.report import EndpointReport
from pytest_goleak.session.session import GoleakSession

__all__ = ["screen_session"]

CAVEAT = (
    "A screen sends few requests: leaks that start late or that one request in hundreds has are for a run without "
    "--goleak-screen."
)


def screen_session(
    session: GoleakSession, endpoints: Iterable[tuple[str, Endpoint]], *, listen: ProgressListener = lambda _: None
) -> dict[str, EndpointReport]:
    """Return the reports of those *endpoints* that are proven clean together, by item id.

    Endpoints that are not in it need a closer look: they grow, are slow, or could not be driven.
    """
    ids: dict[str, str] = {}
    candidates: list[Screened] = []
    try:
        equipment = session.service.prepare()
        for item_id, endpoint in endpoints:
            candidates.append(Screened(endpoint=endpoint, driver=session.driver_for(endpoint)))
            ids[endpoint.name] = item_id
    except GoleakError:  # each endpoint's own examination will say what is wrong
        return {}
    return {
        ids[endpoint.name]: _report(ids[endpoint.name], endpoint, cleared)
        for cleared in screen_endpoints(candidates, equipment=equipment, listen=listen)
        for endpoint in cleared.endpoints
    }


def _report(item_id: str, endpoint: Endpoint, cleared: Cleared) -> EndpointReport:
    verdict, together = cleared.verdict, len(cleared.endpoints)
    return EndpointReport(
        id=item_id,
        name=endpoint.name,
        method=endpoint.method,
        path=endpoint.path,
        outcome=verdict.outcome,
        reason=f"screened together with {together - 1} others: {verdict.reason} of each",
        note=CAVEAT,
        duration_s=cleared.duration_s / together,
        requests=verdict.requests,
        seed=endpoint.measure.seed,
        signals=verdict.signals,
        alpha=verdict.alpha,
        growth_class=verdict.growth_class,
        screened_with=together - 1,
        xfail=endpoint.xfail,
    )
