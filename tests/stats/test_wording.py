from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.stats.wording import growth


def estimate(per_request):
    return SignalEstimate(
        per_request=per_request,
        low=per_request - 0.1,
        high=per_request + 0.1,
        p_value=0.5,
        min_detectable=0.1,
        outcome=Outcome.CLEAN,
    )


def test_growth_has_its_amount_per_request():
    grown = growth({Signal.HEAP_BYTES: estimate(256.0)}, [Signal.HEAP_BYTES])

    assert grown == "heap grows by 256 B per request"


def test_levels_that_do_not_grow_are_not_said_to_grow_by_less_than_nothing():
    estimates = {Signal.HEAP_BYTES: estimate(-1.0), Signal.HEAP_OBJECTS: estimate(-0.004)}

    assert growth(estimates, estimates) == "heap goes up and down and live objects go up and down"
