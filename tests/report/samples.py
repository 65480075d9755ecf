"""Reports of every kind, and hypothesis strategies for any report."""

from __future__ import annotations

from hypothesis import strategies as st

from pytest_goleak.model.growth import GrowthClass, Point
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Finding, Outcome, RunReport, SignalEstimate, TargetInfo

CACHE = Finding(
    rule_id="GL070",
    kind="heap",
    function="main.(*cache).put",
    file="/home/dev/service/cache.go",
    line=41,
    per_request=256.1,
    unit="B",
    error=11.8,
    objects_per_request=1.0,
    stack=(
        "main.(*cache).put /home/dev/service/cache.go:41",
        "main.(*server).remember /home/dev/service/server.go:77",
        "net/http.HandlerFunc.ServeHTTP /usr/local/go/src/net/http/server.go:2286",
    ),
    user_frames=(0, 1),
    source=("  40 c.mu.Lock()", "> 41 c.entries[key] = make([]byte, 256)", "  42 c.mu.Unlock()"),
    hint=(
        "Each request stores an entry in a map that outlives it, and nothing deletes entries: a cache without "
        "eviction, or a registry that is never left.\n\nLook for: a delete for the same key.\n\n"
        "Fix, for example:\n    if len(entries) >= limit {\n    \tevict()\n    }\n\n"
        "More: https://pkg.go.dev/builtin#delete"
    ),
    title="map that only grows",
)
SENDER = Finding(
    rule_id="GL001",
    kind="goroutine",
    function="main.handler.func1",
    file="main.go",
    line=12,
    per_request=1.0,
    unit="goroutines",
    state="chan send",
    created_by="main.handler",
    stack=("runtime.gopark runtime/proc.go:462", "main.handler.func1 main.go:12"),
    user_frames=(1,),
    hint="Each request leaves a goroutine.",
    title="goroutine blocked on a channel send",
    proven=True,
    ignored_by="TICKET-1",
    baseline="unchanged",
)
HEAP_BYTES = SignalEstimate(
    per_request=256.1, low=250.2, high=262.0, p_value=0.0004, min_detectable=1.9, outcome=Outcome.LEAK
)
HEAP_OBJECTS = SignalEstimate(
    per_request=1.0, low=0.98, high=1.02, p_value=0.0004, min_detectable=0.004, outcome=Outcome.LEAK
)
GOROUTINES = SignalEstimate(
    per_request=0.0, low=-0.0001, high=0.0002, p_value=0.7, min_detectable=0.001, outcome=Outcome.CLEAN
)
LEAK = EndpointReport(
    id="goleak.toml::GET /leak/cache",
    name="GET /leak/cache",
    method="GET",
    path="/leak/cache",
    outcome=Outcome.LEAK,
    reason=(
        "heap grows by 256 B and live objects grow by 1 per request; repeated in a second randomised experiment "
        "(6,000 requests, p = 0.004); kept through 8.0 s of idleness"
    ),
    duration_s=11.2,
    requests=18500,
    signals={Signal.HEAP_BYTES: HEAP_BYTES, Signal.HEAP_OBJECTS: HEAP_OBJECTS, Signal.GOROUTINES: GOROUTINES},
    findings=(CACHE,),
    artifacts={
        "heap_before": ".goleak/GET_leak_cache/heap_before.pb.gz",
        "heap_diff": ".goleak/GET_leak_cache/heap_diff.pb.gz",
    },
    reproduce=(
        'export PPROF_TOKEN="$TOKEN"',
        """curl -fsS -H "Authotization: $PPROF_TOKEN" -o heap_before.pb.gz 'http://127.0.0.1:8080/debug/pprof/heap?gc=1'""",
        "hey -n 18500 -c 16 -m GET http://127.0.0.1:8080/leak/cache",
    ),
    alpha=0.001,
    background_per_s={Signal.HEAP_BYTES: 2048.0},
    growth_class=GrowthClass.PER_KEY,
    series=tuple(
        Point(
            at_s=0.5 * index,
            requests=1000 * ((index + 1) // 2),
            heap_bytes=2_100_000 + 256_000 * ((index + 1) // 2),
            heap_objects=9_000 + 1_000 * ((index + 1) // 2),
            goroutines=12,
        )
        for index in range(12)
    ),
)
CLEAN = EndpointReport(
    id="goleak.toml::GET /users",
    name="GET /users",
    method="GET",
    path="/users",
    outcome=Outcome.CLEAN,
    reason="grows at most 3.1 B, 0.004 objects and 0.001 goroutines per request, over 10,300 requests",
    duration_s=2.1,
    requests=10300,
    signals={
        Signal.HEAP_BYTES: SignalEstimate(
            per_request=0.4, low=-2.2, high=3.1, p_value=0.4, min_detectable=3.1, outcome=Outcome.CLEAN
        ),
        Signal.HEAP_OBJECTS: SignalEstimate(
            per_request=0.0, low=-0.004, high=0.004, p_value=0.5, min_detectable=0.004, outcome=Outcome.CLEAN
        ),
        Signal.GOROUTINES: GOROUTINES,
    },
    levelled_after=4000,
    growth_class=GrowthClass.FILL,
)
INCONCLUSIVE = EndpointReport(
    id="goleak.toml::GET /noisy",
    name="GET /noisy",
    method="GET",
    path="/noisy",
    outcome=Outcome.INCONCLUSIVE,
    reason="cannot decide within 30 s: growth of up to 410 B per request can't be excluded. Raise budget to about 2 min.",
    duration_s=30.0,
    requests=2000,
    unexpected_responses=3,
)
ERROR = EndpointReport(
    id="goleak.toml::GET /gone",
    name="GET /gone",
    method="GET",
    path="/gone",
    outcome=Outcome.ERROR,
    reason="the service died with exit status 2.\nIts last lines:\n  panic: out of descriptors",
    duration_s=0.3,
)
KNOWN = EndpointReport(
    id="goleak.toml::GET /known",
    name="GET /known",
    method="GET",
    path="/known",
    outcome=Outcome.LEAK,
    reason="goroutines grow by 1 per request",
    duration_s=9.0,
    requests=900,
    signals={
        Signal.GOROUTINES: SignalEstimate(
            per_request=1.0, low=1.0, high=1.0, p_value=0.004, min_detectable=0.001, outcome=Outcome.LEAK
        )
    },
    findings=(SENDER,),
)
TARGET = TargetInfo(
    url="http://127.0.0.1:8080", go_version="go1.26.1", started_by_us=True, profiles=("heap", "goroutine")
)
RUN = RunReport(tool_version="0.1.0", target=TARGET, seed=1, endpoints=(CLEAN, LEAK, KNOWN, INCONCLUSIVE, ERROR))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
outcomes = st.sampled_from(Outcome)
signals = st.sampled_from(Signal)
estimates = st.builds(
    SignalEstimate,
    per_request=numbers,
    low=numbers | st.just(float("-inf")),
    high=numbers | st.just(float("inf")),
    p_value=st.floats(0, 1),
    min_detectable=numbers | st.just(float("inf")),
    outcome=outcomes,
)
findings = st.builds(
    Finding,
    rule_id=texts.filter(bool),
    kind=st.sampled_from(["heap", "goroutine"]),
    function=texts.filter(bool),
    file=texts,
    line=st.integers(0, 10**6),
    per_request=numbers,
    unit=st.sampled_from(["B", "objects", "goroutines"]),
    error=st.floats(0, 1e9),
    objects_per_request=st.none() | numbers,
    state=st.none() | texts,
    created_by=st.none() | texts,
    stack=st.lists(texts, max_size=3).map(tuple),
    user_frames=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    source=st.lists(texts, max_size=2).map(tuple),
    hint=texts,
    title=texts,
    proven=st.booleans(),
    ignored_by=st.none() | texts,
    baseline=st.sampled_from(["new", "updated", "unchanged", "absent"]),
)
points = st.builds(
    Point,
    at_s=st.floats(0, 1e6).map(lambda seconds: round(seconds, 3)),
    requests=st.integers(0, 10**9),
    heap_bytes=st.integers(0, 2**40),
    heap_objects=st.integers(0, 10**9),
    goroutines=st.integers(0, 10**6),
)
endpoints = st.builds(
    EndpointReport,
    id=texts.filter(bool),
    name=texts,
    method=texts,
    path=texts,
    outcome=outcomes,
    reason=texts,
    note=texts,
    duration_s=st.floats(0, 1e6),
    requests=st.integers(0, 10**9),
    unexpected_responses=st.integers(0, 10**9),
    seed=st.integers(),
    signals=st.dictionaries(signals, estimates),
    findings=st.lists(findings, max_size=3).map(tuple),
    artifacts=st.dictionaries(texts, texts, max_size=2),
    reproduce=st.lists(texts, max_size=2).map(tuple),
    alpha=st.floats(0, 1),
    drained_in_s=st.none() | st.floats(0, 1e6),
    levelled_after=st.none() | st.integers(0, 10**9),
    background_per_s=st.dictionaries(signals, numbers),
    growth_class=st.none() | st.sampled_from(GrowthClass),
    series=st.lists(points, max_size=5).map(tuple),
    screened_with=st.none() | st.integers(1, 100),
    xfail=st.none() | texts,
)
runs = st.builds(
    RunReport,
    tool_version=texts,
    target=st.builds(
        TargetInfo,
        url=texts,
        go_version=texts,
        started_by_us=st.booleans(),
        profiles=st.lists(texts, max_size=3).map(tuple),
    ),
    seed=st.integers(),
    endpoints=st.lists(endpoints, max_size=3).map(tuple),
)
