"""What an endpoint's report says where a leak is certain, and its profiles are missing."""

from pytest_goleak.check import endpoint as check
from pytest_goleak.check.endpoint import Equipment, check_endpoint
from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.report.terminal import render_endpoint
from tests.measure.fakes import ENDPOINT, FakeClock, FakeDriver, FakeSource, FakeTarget


def test_a_service_that_dies_before_the_profiles_is_what_the_report_says(monkeypatch):
    clock = FakeClock()
    died = FakeTarget(TargetError("The service ended by itself (killed by SIGKILL)."))
    for target, said in ((died, "killed by SIGKILL"), (FakeTarget(), "a further run names the place")):
        verdict = Verdict(outcome=Outcome.LEAK, reason="grows, then the service was gone", requests=9)
        monkeypatch.setattr(check, "conduct", lambda _trial, _bench, verdict=verdict: verdict)
        equipment = Equipment(target=target, fetcher=None, source=FakeSource(clock, [(1, 1, 1)]), clock=clock)

        report = check_endpoint(ENDPOINT, driver=FakeDriver(clock), equipment=equipment, item_id="x").report
        shown = " ".join(render_endpoint(report).split())

        assert report.outcome is Outcome.LEAK
        assert "broke off before profiles of the growth were taken" in shown
        assert said in shown
        assert "sampling error" not in shown
