"""One process or several behind a URL: two real services that take turns, and counters that look alike."""

from contextlib import nullcontext

import pytest

from pytest_goleak.model.errors import FetchError, TargetError
from pytest_goleak.model.observation import Capture
from pytest_goleak.model.plan import Endpoint, RunPlan, TargetPlan
from pytest_goleak.model.report import Outcome
from pytest_goleak.session.drivers import BUILT_IN
from pytest_goleak.session.replicas import require_one_process
from pytest_goleak.session.session import GoleakSession
from pytest_goleak.target.process import start
from tests.plugin.conftest import service_binary  # noqa: F401 - a fixture
from tests.target.balancer import taking_turns

ENDPOINT = Endpoint(name="GET /ok", path="/ok")


@pytest.fixture
def plan(service_binary):  # noqa: F811 - the fixture
    return TargetPlan(command=(str(service_binary), "-addr", "127.0.0.1:{port}"), ready="/healthz")


def test_a_load_balancer_in_front_of_two_is_an_error_and_not_a_verdict(plan):
    with start(plan, redact=str) as one, start(plan, redact=str) as two, taking_turns([one.url, two.url]) as url:
        target = TargetPlan(url=url)
        with GoleakSession(RunPlan(target=target), drivers=BUILT_IN) as session:
            reports = [session.check(ENDPOINT, item_id="x") for _ in range(2)]

    assert [report.outcome for report in reports] == [Outcome.ERROR, Outcome.ERROR]
    assert all("Several processes answer at one URL" in report.reason for report in reports)
    assert "a replica's own address" in reports[0].reason
    assert reports[0].requests == 0


def test_one_process_behind_a_proxy_is_measured_and_one_of_ours_is_not_asked(plan):
    with start(plan, redact=str) as one, taking_turns([one.url]) as url:
        for target, is_ours in ((TargetPlan(url=url), False), (one, True)):
            run = RunPlan(target=TargetPlan() if is_ours else target)
            with GoleakSession(run, drivers=BUILT_IN) as session:
                if is_ours:
                    session.service.use(one, run.auth)
                equipment = session.service.prepare()
                assert session.service.info.started_by_us is is_ours
                assert equipment.sample_bytes == (plan.memprofilerate if is_ours else 512 * 1024)


class Replica:
    """A process with counters like another's, and a last collection of its own."""

    def __init__(self, total_alloc, num_gc, last_gc):
        self.total_alloc, self.num_gc, self.last_gc = total_alloc, num_gc, last_gc

    def fetch(self, kind, **_params):
        if kind == "cmdline":
            raise FetchError("not served")
        counters = {"HeapAlloc": 1, "HeapObjects": 1, "Sys": 1, "HeapInuse": 1, "HeapSys": 1}
        counters |= {"TotalAlloc": self.total_alloc, "NumGC": self.num_gc, "LastGC": self.last_gc}
        text = "# runtime.MemStats\n" + "".join(f"# {name} = {value}\n" for name, value in counters.items())
        return Capture(kind=kind, url="", content=text.encode(), duration_s=0)


def looks(*replicas):
    answers = iter(replicas)
    return lambda: nullcontext(next(answers))


def test_replicas_of_the_same_age_are_told_apart_by_their_collections():
    # Interleaved, both counters rise all the time.
    twins = [Replica(1000 + 10 * look, 5 + look // 2, 100 + look) for look in range(8)]
    with pytest.raises(TargetError, match="yet there was a collection in between"):
        require_one_process(looks(*twins))


def test_a_service_that_collects_nothing_when_asked_is_no_replica():
    require_one_process(looks(*(Replica(1000 + 10 * look, 5, 100) for look in range(8))))
