import dataclasses
from itertools import pairwise

import pytest

from pytest_goleak.measure.conduct import DRAIN_POLL_S, Bench, conduct
from pytest_goleak.measure.stream import LoadStream
from pytest_goleak.model.errors import LoadDriverError, TargetError, TargetRestartedError
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.plan import ClientMode, LoadPlan
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.model.step import AGREEING_S, Block, Drain, Listen, Proof, Snapshot, WarmUp
from tests.measure.fakes import ENDPOINT, FakeClock, FakeDriver, FakeSource, FakeTarget

REST = (1_000_000, 9_000, 10)
UNTIL = dict(zip(Signal, REST, strict=True))
DONE = Verdict(outcome=Outcome.CLEAN, reason="done")


def bench_of(levels=(REST,), *, rate=1000.0, latency_s=0.0, spoil=None, death=None, proven=None, endpoint=ENDPOINT):
    clock = FakeClock()
    driver = FakeDriver(clock, rate=rate, latency_s=latency_s, spoil=spoil)
    told, taken = [], []
    bench = Bench(
        stream=LoadStream(endpoint, target=FakeTarget(death), driver=driver),
        source=FakeSource(clock, levels, proven=proven),
        clock=clock,
        take_snapshot=taken.append,
        listen=told.append,
    )
    return bench, driver, told, taken


EARLIER = Observation(at_s=-1.0, heap_bytes=1, heap_objects=1, goroutines=1, total_alloc=0, num_gc=0)


def ask(*steps):
    """An experiment that asks for *steps* and keeps what it was sent."""
    results = []

    def conversation():
        for step in steps:
            result = yield step
            results.append(result)
        return DONE

    return conversation(), results


def test_a_block_has_a_level_before_and_after_each_round():
    bench, driver, _, _ = bench_of()
    conversation, results = ask(Block(doses=(100, 0, 50)))

    assert conduct(conversation, bench) is DONE
    assert len(results[0].observations) == 4
    assert [load.completed if load else None for load in results[0].loads] == [100, None, 50]
    assert [job.requests for job in driver.jobs] == [100, 50]


def test_idle_rounds_last_as_long_as_loaded_ones():
    bench, _, _, _ = bench_of(rate=100)
    conversation, results = ask(Block(doses=(0, 100, 0), rate=100))
    conduct(conversation, bench)
    times = [observation.at_s for observation in results[0].observations]
    lengths = [after - before for before, after in pairwise(times)]

    assert lengths == pytest.approx([1.0, 1.0, 1.0], rel=0.05)


def test_idle_rounds_make_up_for_what_takes_longer_after_load():
    bench, driver, _, _ = bench_of(rate=100)
    conversation, results = ask(Block(doses=(100, 0, 100, 0, 0)))
    send = driver.run

    def slow_to_settle(job, on_progress=None):
        result = send(job, on_progress)
        bench.clock.time += 0.2
        return result

    driver.run = slow_to_settle
    conduct(conversation, bench)
    times = [observation.at_s for observation in results[0].observations]
    lengths = [after - before for before, after in pairwise(times)]

    assert lengths == pytest.approx([lengths[0]] * 5, rel=0.02)
    assert lengths[0] > 1.2


def test_levels_that_are_dear_to_read_are_read_once_between_blocks():
    bench, _, _, _ = bench_of()
    bench.source.cost_s = 1.0
    conversation, results = ask(Block(doses=(10, 0)), Block(doses=(10, 0)))
    conduct(conversation, bench)

    assert results[1].observations[0] is results[0].observations[-1]


def test_a_dose_of_one_request_sent_again_and_again():
    bench, driver, _, _ = bench_of()
    conversation, _ = ask(Block(doses=(10,), same_request=True), Block(doses=(10,)))
    conduct(conversation, bench)

    assert [job.same_request for job in driver.jobs] == [True, False]


def test_listening_gives_the_levels_in_order_of_time():
    bench, _, told, _ = bench_of()
    conversation, results = ask(Listen(seconds=0.5))
    conduct(conversation, bench)
    times = [observation.at_s for observation in results[0].observations]

    assert times == sorted(times)
    assert 0.5 <= times[-1] - times[0] < 0.6
    assert told[-1].stage == "listening to the noise"


def test_request_numbers_never_repeat():
    bench, driver, _, _ = bench_of()
    conversation, _ = ask(WarmUp(seconds=0.1, max_requests=100), Block(doses=(100, 50)))
    conduct(conversation, bench)
    numbers = [n for job in driver.jobs for n in range(job.first_number, job.first_number + job.requests)]

    assert len(numbers) == len(set(numbers))


def test_drain_stops_early_when_everything_is_back():
    bench, _, _, _ = bench_of([(3_000_000, 9_000, 10), (2_000_000, 9_000, 10), REST])
    conversation, results = ask(Drain(seconds=8, until=UNTIL))
    conduct(conversation, bench)

    falling, back = results[0].observations[:2], results[0].observations[2:]
    assert [observation.heap_bytes for observation in falling] == [3_000_000, 2_000_000]
    assert {observation.heap_bytes for observation in back} == {1_000_000}
    assert AGREEING_S <= back[-1].at_s - back[0].at_s < AGREEING_S + 2 * DRAIN_POLL_S


def test_a_level_that_only_dips_does_not_end_the_drain():
    bench, _, _, _ = bench_of([(3_000_000, 9_000, 10), REST, REST, (3_000_000, 9_000, 10), REST])
    conversation, results = ask(Drain(seconds=8, until=UNTIL))
    conduct(conversation, bench)

    back = results[0].observations[4:]
    assert AGREEING_S <= back[-1].at_s - back[0].at_s < AGREEING_S + 2 * DRAIN_POLL_S


def test_a_wait_ends_though_the_source_keeps_another_time():
    bench, _, _, _ = bench_of()
    observe = bench.source.observe
    bench.source.observe = lambda **asked: dataclasses.replace(observe(**asked), at_s=1e9)
    conduct(ask(Drain(seconds=2, until=dict.fromkeys(Signal, 0)))[0], bench)

    assert 2 <= bench.clock.time < 2.5


def test_the_looks_of_a_measurement_are_kept_for_the_next_ones():
    high = (REST[0] + 5000, REST[1] + 40, REST[2] + 7)
    bench, _, _, _ = bench_of(levels=(REST, high, REST))
    conversation, results = ask(Block(doses=(10, 0)))

    conduct(conversation, bench)

    assert bench.past == [Measured(looks=results[0].observations)]


def test_the_looks_of_a_measurement_that_failed_are_kept_as_well():
    bench, _, _, _ = bench_of(levels=(REST, REST, (2 * REST[0], *REST[1:])))

    def conversation():
        yield Block(doses=(10,))
        raise TargetError("gone")

    with pytest.raises(TargetError):
        conduct(conversation(), bench)
    assert [each.heap_bytes for each in bench.past[0].looks] == [REST[0], 2 * REST[0]]


def test_drain_waits_no_longer_than_asked():
    bench, _, _, _ = bench_of()
    conversation, results = ask(Drain(seconds=8, until=dict.fromkeys(Signal, 0)))
    conduct(conversation, bench)

    assert 8 <= bench.clock.time < 8.5
    assert len(results[0].observations) > 10


@pytest.mark.parametrize(
    ("latency_s", "rate", "endpoint", "connections"),
    [
        pytest.param(0.1, 1e6, ENDPOINT, 256, id="throughput follows"),
        pytest.param(0.3, 1e6, ENDPOINT, 512, id="throughput follows, and answers are very slow"),
        pytest.param(0.3, 900, ENDPOINT, 256, id="throughput does not follow in the end"),
        pytest.param(0.3, 100, ENDPOINT, 64, id="throughput follows for a while"),
        pytest.param(0.0, 100, ENDPOINT, 16, id="throughput does not follow"),
        pytest.param(0.001, 1e6, ENDPOINT, 16, id="not slow"),
        pytest.param(5.0, 1e6, ENDPOINT, 16, id="too slow to try"),
        pytest.param(0.3, 1e6, dataclasses.replace(ENDPOINT, mode=ClientMode.ABORT), 512, id="misbehaving"),
        pytest.param(
            0.3, 1e6, dataclasses.replace(ENDPOINT, load=LoadPlan(concurrency=10, is_fixed=True)), 10, id="chosen"
        ),
    ],
)
def test_slow_endpoints_get_more_connections_where_that_helps(latency_s, rate, endpoint, connections):
    bench, driver, _, _ = bench_of(rate=rate, latency_s=latency_s, endpoint=endpoint)
    conduct(ask(WarmUp(seconds=0.4, max_requests=1000), Block(doses=(1000, 0)))[0], bench)

    assert driver.jobs[-1].concurrency == connections


def test_where_more_connections_helped_little_the_next_ones_are_not_tried():
    bench, driver, _, _ = bench_of(rate=85, latency_s=0.3)
    conduct(ask(WarmUp(seconds=0.4, max_requests=1000))[0], bench)

    assert [job.concurrency for job in driver.jobs[:2]] == [16, 64]
    assert max(job.concurrency for job in driver.jobs) == 64


def test_connections_that_the_service_can_not_bear_are_given_up():
    def refuse(job):
        return {"completed": 64, "errors": {"connection refused": job.requests - 64}} if job.concurrency > 64 else {}

    bench, driver, _, _ = bench_of(rate=1e6, latency_s=0.3, spoil=refuse)
    conversation, results = ask(WarmUp(seconds=0.4, max_requests=1000))
    conduct(conversation, bench)

    assert [job.concurrency for job in driver.jobs[:4]] == [16, 64, 256, 64]
    assert results[0].connections == 64
    assert results[0].requests == sum(job.requests for job in driver.jobs), "what failed may leave something, too"


def test_failures_that_more_connections_did_not_bring_about_are_errors():
    bench, _, _, _ = bench_of(latency_s=0.3, spoil=lambda _: {"completed": 0, "errors": {"connection refused": 1}})

    with pytest.raises(LoadDriverError, match="connection refused"):
        conduct(ask(WarmUp(seconds=0.4, max_requests=1000))[0], bench)


def test_proof_and_snapshots_are_passed_through():
    bench, _, told, taken = bench_of(proven=3)
    conversation, results = ask(Proof(), Snapshot(name="before"))
    conduct(conversation, bench)

    assert results[0].leaked == 3
    assert taken == ["before"]
    assert [each.stage for each in told] == ["looking for proof", "capturing profiles"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda job: {"completed": job.requests - 1, "errors": {"connection reset": 1}}, r"49 of 50 .*reset x1"),
        (
            lambda job: {"unexpected": 20, "status_codes": {200: 30, 500: 20}},
            r"20 of 50 answers were not as expected .*500 x20.*declare these statuses with 'expect'",
        ),
    ],
)
def test_a_dose_that_was_not_answered_as_planned_is_an_error(spoil, message):
    bench, _, _, _ = bench_of(spoil=spoil)
    with pytest.raises(LoadDriverError, match=message):
        conduct(ask(Block(doses=(50, 0)))[0], bench)


def test_few_unexpected_statuses_are_counted_and_borne():
    bench, _, _, _ = bench_of(spoil=lambda _: {"unexpected": 2})
    conduct(ask(Block(doses=(50, 0)))[0], bench)

    assert bench.stream.unexpected == 2


def test_a_dead_service_is_named_as_the_cause():
    bench, _, _, _ = bench_of(spoil=lambda _: {"completed": 0}, death=TargetError("the service was killed by SIGKILL"))
    with pytest.raises(TargetError, match="SIGKILL"):
        conduct(ask(Block(doses=(50, 0)))[0], bench)


def test_a_restart_is_noticed():
    bench, _, _, _ = bench_of()

    def restart(_):
        bench.source.total_alloc = -10_000
        return {}

    bench.stream._driver.spoil = restart
    with pytest.raises(TargetRestartedError, match="TotalAlloc fell"):
        conduct(ask(Block(doses=(50, 0)))[0], bench)


def test_an_experiment_may_judge_a_failure():
    bench, _, _, _ = bench_of(spoil=lambda _: {"completed": 0})

    def conversation():
        try:
            yield Block(doses=(50, 0))
        except LoadDriverError:
            return DONE

    assert conduct(conversation(), bench) is DONE


GROWING = tuple((1_000_000 + 50_000 * look, 9_000, 10) for look in range(20))


@pytest.mark.parametrize(
    ("levels", "cost_s", "collections"),
    [
        ((REST,), 0.01, [2, 1, 1, 1, 2, 1, 2]),
        (GROWING, 0.01, [2, 1, *[1, 1], *[1, 1], *[2, 1], *[1, 1], *[1, 1]]),
        (GROWING, 0.2, [2, 1, *[1, 1], *[1, 1], *[2, 1], *[1, 1], *[2, 1]]),
        (GROWING, 0.4, [2, 1, 2, 1, 2]),
    ],
)
def test_a_look_without_load_has_one_collection(levels, cost_s, collections):
    """What a pool holds outlives one collection: where requests came, a second one has to take it away."""
    bench, _, _, _ = bench_of(levels)
    bench.source.cost_s = cost_s
    asked, observe = [], bench.source.observe

    def noting(*, collections):
        asked.append(collections)
        return observe(collections=collections)

    bench.source.observe = noting
    bench.past.append(Measured(looks=(EARLIER,)))
    conduct(ask(WarmUp(seconds=0.1, max_requests=10), Block(doses=(0, 10, 0, 10)))[0], bench)

    assert asked == collections
