from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_goleak.findings.attribute import attribute
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.profile import Frame, Site, SiteGrowth
from pytest_goleak.model.report import Outcome, SignalEstimate
from tests.docs.pages import blocks
from tests.findings import recorded

SERVER = Frame("net/http.(*conn).serve", "/usr/local/go/src/net/http/server.go", 2000)
PUT = Frame("main.(*cache).put", "/home/dev/service/cache.go", 41)
HANDLER = Frame("main.handler", "/home/dev/service/main.go", 10)
WORKER = Frame("main.handler.func1", "/home/dev/service/main.go", 12)
PARKED = (Frame("runtime.gopark", "runtime/proc.go", 1), Frame("runtime.chansend1", "runtime/chan.go", 2))
REPEAT = Frame("strings.Repeat", "/usr/local/go/src/strings/strings.go", 600)


def heap(*stack: Frame, objects: float, size: float, error: float = 0.0) -> SiteGrowth:
    return SiteGrowth(
        site=Site("heap", stack), objects=objects, bytes=size, objects_error=error * objects, bytes_error=error * size
    )


def goroutines(*stack: Frame, count: float, **more) -> SiteGrowth:
    return SiteGrowth(site=Site("goroutine", stack), objects=count, **more)


def estimate(per_request: float, outcome: Outcome = Outcome.LEAK) -> SignalEstimate:
    return SignalEstimate(
        per_request=per_request, low=per_request, high=per_request, p_value=0.001, min_detectable=1, outcome=outcome
    )


def run(*, threads=(), memory=(), requests=1000, estimates=None):
    return attribute(goroutines=threads, heap=memory, requests=requests, estimates=estimates or {})


def test_sites_of_one_user_line_are_one_finding_with_summed_figures():
    result = run(
        memory=[
            heap(PUT, HANDLER, SERVER, objects=1000, size=256_000, error=0.03),
            heap(REPEAT, PUT, HANDLER, SERVER, objects=1000, size=64_000, error=0.04),
            heap(PUT, WORKER, objects=500, size=0),
        ]
    )

    (finding,) = result.findings
    assert (finding.function, finding.line, finding.unit) == (PUT.function, PUT.line, "B")
    assert finding.per_request == pytest.approx(320)
    assert finding.objects_per_request == pytest.approx(2.5)
    assert finding.error == pytest.approx(math.hypot(0.03 * 256, 0.04 * 64))
    assert finding.stack[0] == str(PUT)
    assert finding.user_frames == (0, 1)


def test_different_lines_and_states_are_different_findings():
    other = replace(PUT, line=50)
    result = run(
        threads=[
            goroutines(*PARKED, WORKER, count=500),
            goroutines(WORKER, count=400, state="select"),
        ],
        memory=[heap(PUT, objects=1000, size=1e5), heap(other, objects=1000, size=2e5)],
    )

    assert [(finding.function, finding.line, finding.state) for finding in result.findings] == [
        (WORKER.function, 12, "chan send"),
        (WORKER.function, 12, "select"),
        (PUT.function, 50, None),
        (PUT.function, 41, None),
    ]


@pytest.mark.parametrize(("count", "found"), [(1, False), (2, True)])
def test_single_goroutines_are_noise(count, found):
    assert bool(run(threads=[goroutines(*PARKED, WORKER, count=count)]).findings) is found


@pytest.mark.parametrize(("count", "found"), [(49, False), (50, True)])
def test_goroutines_must_grow_with_the_requests(count, found):
    assert bool(run(threads=[goroutines(*PARKED, WORKER, count=count)], requests=100_000).findings) is found


@pytest.mark.parametrize(("error", "found"), [(0.6, False), (0.4, True)])
def test_memory_within_its_sampling_error_is_left_out(error, found):
    assert bool(run(memory=[heap(PUT, objects=1000, size=1e6, error=error)]).findings) is found


@pytest.mark.parametrize(("size", "found"), [(49_000, False), (51_000, True)])
def test_memory_below_a_twentieth_of_the_growth_is_left_out(size, found):
    estimates = {Signal.HEAP_BYTES: estimate(1000), Signal.HEAP_OBJECTS: estimate(10)}

    assert bool(run(memory=[heap(PUT, objects=100, size=size)], estimates=estimates).findings) is found


def test_memory_is_not_blamed_when_the_experiment_cleared_it():
    estimates = {signal: estimate(1, Outcome.CLEAN) for signal in (Signal.HEAP_BYTES, Signal.HEAP_OBJECTS)}

    assert run(memory=[heap(PUT, objects=1000, size=1e6)], estimates=estimates).findings == ()


def test_leaked_goroutines_come_before_memory_unless_they_were_cleared():
    threads = [goroutines(*PARKED, WORKER, count=3)]
    memory = [heap(PUT, objects=1000, size=1e6)]
    leaking = {Signal.GOROUTINES: estimate(0.003), Signal.HEAP_BYTES: estimate(1000)}
    cleared = {**leaking, Signal.GOROUTINES: estimate(0.003, Outcome.CLEAN)}

    kinds = [finding.kind for finding in run(threads=threads, memory=memory, estimates=leaking).findings]
    assert kinds == ["goroutine", "heap"]
    kinds = [finding.kind for finding in run(threads=threads, memory=memory, estimates=cleared).findings]
    assert kinds == ["heap", "goroutine"]


@pytest.mark.parametrize(("low", "first"), [(0.002, "goroutine"), (-0.001, "heap")])
def test_goroutines_that_grew_come_before_their_memory_though_their_stay_is_unknown(low, first):
    threads, memory = [goroutines(*PARKED, WORKER, count=3)], [heap(PUT, objects=1000, size=1e6)]
    unknown = replace(estimate(0.003, Outcome.INCONCLUSIVE), low=low)
    estimates = {Signal.GOROUTINES: unknown, Signal.HEAP_OBJECTS: estimate(1)}

    assert run(threads=threads, memory=memory, estimates=estimates).findings[0].kind == first


def test_proven_leaks_come_first():
    result = run(
        threads=[
            goroutines(*PARKED, replace(WORKER, line=1), count=900),
            goroutines(*PARKED, WORKER, count=100, proven=True),
        ]
    )

    assert [(finding.line, finding.proven) for finding in result.findings] == [(12, True), (1, False)]


def test_memory_of_the_function_that_starts_leaked_goroutines_is_a_consequence():
    result = run(
        threads=[goroutines(*PARKED, WORKER, count=1000, created_by=HANDLER)],
        memory=[heap(HANDLER, SERVER, objects=1000, size=1e5), heap(PUT, objects=1000, size=1e4)],
    )

    assert [(finding.rule_id, finding.function) for finding in result.findings] == [
        ("GL001", WORKER.function),
        ("GL200", PUT.function),
        ("GL201", HANDLER.function),
    ]


def test_memory_of_the_leaked_goroutines_own_line_is_told_with_them():
    (finding,) = run(
        threads=[goroutines(*PARKED, WORKER, count=1000)], memory=[heap(WORKER, objects=1000, size=112_000)]
    ).findings

    assert "112 B per request" in finding.hint


def test_a_library_started_by_the_users_go_statement_is_the_users():
    loop = Frame("example.com/queue.(*Q).Run", "/home/dev/go/pkg/mod/example.com/queue@v1.0.0/q.go", 7)
    (finding,) = run(threads=[goroutines(*PARKED, loop, count=1000, created_by=HANDLER)]).findings

    assert (finding.function, finding.line) == (HANDLER.function, HANDLER.line)


def test_both_goroutines_of_a_connection_are_one_finding_named_after_the_opener():
    first, *rest = recorded.attributed("bodyNotClosed").findings

    assert first.title == "HTTP response body not closed"
    assert (first.function, first.per_request) == ("main.bodyNotClosed", 2.0)
    assert any("readLoop" in entry for entry in first.stack)
    assert first.hint.startswith("Opened by main.bodyNotClosed")
    assert not any("persistConn" in finding.function for finding in rest)


def test_memory_of_another_leak_is_not_taken_for_the_opener():
    threads = recorded.growths("bodyNotClosed", "goroutine")
    memory = recorded.growths("cacheGrows", "heap")

    result = attribute(goroutines=threads, heap=memory, requests=recorded.RUNS, estimates={})

    connection = next(finding for finding in result.findings if finding.rule_id == "GL040")
    assert connection.function.startswith("net/http.(*persistConn)")
    assert result.findings[0].function == "recorder/internal/store.(*Cache).Put"


CALL = Frame("main.handler", "/home/dev/service/main.go", 20)
SYNC_MAP = Frame("sync.(*Map).Store", "/usr/local/go/src/sync/map.go", 1)
NEW = Frame("main.newEntry", "/home/dev/service/entry.go", 5)


@pytest.mark.parametrize(
    ("stack", "rule_id"),
    [
        ((CALL, SERVER), "GL072"),
        ((NEW, CALL, SERVER), "GL072"),
        ((NEW, replace(CALL, line=30), SERVER), "GL200"),
        ((NEW, WORKER, CALL, SERVER), "GL200"),
    ],
)
def test_memory_handed_to_a_call_that_keeps_it_has_the_cause_of_that_call(stack, rule_id):
    result = run(
        memory=[
            heap(*stack, objects=1000, size=512_000),
            heap(SYNC_MAP, PUT, CALL, SERVER, objects=1000, size=64_000),
        ]
    )

    first, second = result.findings
    assert (first.rule_id, first.function) == (rule_id, stack[0].function)
    assert (second.rule_id, second.function) == ("GL072", PUT.function)
    assert first.hint.startswith(f"Kept by way of {PUT.function} (line {PUT.line})") is (rule_id == "GL072")


def test_a_context_that_keeps_memory_is_named_before_what_it_keeps():
    make = Frame("context.WithCancel", "/usr/local/go/src/context/context.go", 1)
    result = run(
        memory=[
            heap(NEW, CALL, SERVER, objects=1000, size=512_000),
            heap(make, CALL, SERVER, objects=1000, size=64_000),
        ]
    )

    assert [(finding.rule_id, finding.function) for finding in result.findings] == [
        ("GL030", CALL.function),
        ("GL030", NEW.function),
    ]


def test_a_connection_in_use_is_no_finding_beside_the_call_that_waits_for_it():
    wait = Frame("net/http.(*persistConn).roundTrip", "/usr/local/go/src/net/http/transport.go", 1)
    get = Frame("net/http.Get", "/usr/local/go/src/net/http/client.go", 1)
    read = Frame("net/http.(*persistConn).Read", "/usr/local/go/src/net/http/transport.go", 2)
    loop = Frame("net/http.(*persistConn).readLoop", "/usr/local/go/src/net/http/transport.go", 3)
    waiting = goroutines(wait, Frame("net/http.(*Client).Do"), get, CALL, count=1000, state="select")
    dialled = heap(loop, get, CALL, SERVER, objects=1000, size=64_000)

    result = run(threads=[waiting, goroutines(read, loop, count=1000, state="IO wait")], memory=[dialled])

    assert [finding.rule_id for finding in result.findings if finding.kind == "goroutine"] == ["GL044"]


def test_the_documented_rule_of_a_plugin_explains_a_finding():
    [block] = [block for block in blocks("python") if "def pytest_goleak_hints(" in block.text]
    namespace: dict = {}
    exec(compile(block.text, str(block), "exec"), namespace)
    subscribe = Frame("acme/bus.(*Bus).Subscribe", "/home/dev/go/pkg/mod/acme/bus@v1.0.0/bus.go", 7)

    result = attribute(
        goroutines=[],
        heap=[heap(subscribe, HANDLER, objects=1000, size=64_000), heap(PUT, objects=1000, size=32_000)],
        requests=1000,
        estimates={},
        extra_rules=namespace["pytest_goleak_hints"](config=None),
    )

    assert [finding.rule_id for finding in result.findings] == ["ACME001", "GL200"]
    assert result.findings[0].look_for == "a Subscribe without a deferred Unsubscribe."


def test_findings_carry_the_parts_of_their_explanation():
    (finding,) = run(threads=[goroutines(*PARKED, WORKER, count=1000)]).findings

    assert finding.hint == (
        f"{finding.explanation}\n\nLook for: {finding.look_for}\n\nFix, for example:\n"
        + "\n".join(f"    {line}" for line in finding.fix.split("\n"))
        + f"\n\nMore: {finding.link}"
    )


def test_the_runtimes_own_memory_is_no_finding_beside_others():
    malg = heap(Frame("runtime.malg", "runtime/proc.go", 1), objects=1000, size=448_000)

    assert [finding.function for finding in run(memory=[malg, heap(PUT, objects=1000, size=64_000)]).findings] == [
        PUT.function
    ]
    assert [finding.function for finding in run(memory=[malg]).findings] == ["runtime.malg"]


def test_no_more_than_ten_findings():
    memory = [heap(replace(PUT, line=line), objects=1000, size=1e5 + line) for line in range(1, 30)]

    findings = run(memory=memory).findings

    assert [finding.line for finding in findings] == list(range(29, 19, -1))


def test_growth_that_shrinks_elsewhere_in_the_same_line_is_netted():
    grown = heap(PUT, HANDLER, objects=1000, size=1e6)
    shrunk = heap(PUT, WORKER, objects=-1000, size=-1e6)

    assert run(memory=[grown, shrunk]).findings == ()


def test_how_much_is_explained_is_told_and_little_is_admitted():
    estimates = {Signal.HEAP_BYTES: estimate(1000)}
    much = run(memory=[heap(PUT, objects=1000, size=900_000)], estimates=estimates)
    little = run(memory=[heap(PUT, objects=1000, size=200_000)], estimates=estimates)

    assert (much.explained_bytes, much.note) == (pytest.approx(0.9), "")
    assert little.explained_bytes == pytest.approx(0.2)
    assert "only 20 %" in little.note
    assert run(estimates=estimates).note
    assert run().explained_bytes is None


def test_growth_over_no_requests_is_refused():
    with pytest.raises(ValueError, match="at least 1 request"):
        run(requests=0)


@pytest.mark.parametrize("leak", recorded.leaks())
def test_states_are_read_from_the_frames_where_the_profile_has_none(leak):
    threads = recorded.growths(leak, "goroutine")
    bare = [replace(growth, state=None) for growth in threads if growth.state != "syscall"]

    known = attribute(goroutines=threads, heap=[], requests=recorded.RUNS, estimates={})
    derived = attribute(goroutines=bare, heap=[], requests=recorded.RUNS, estimates={})

    expected = {finding.state for finding in known.findings} - {"syscall"}
    # A nil channel looks like any other in the frames.
    assert {finding.state for finding in derived.findings} == {
        (state or "").removesuffix(" (nil chan)") for state in expected
    }
