from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_goleak.findings.hints import CONSEQUENCE, RULES, Facts, Rule, explain, waiting
from pytest_goleak.findings.hints.fallback import GOROUTINE, HEAP, LIBRARY_HEAP
from pytest_goleak.findings.hints.rule import has_wait
from tests.findings import recorded

CAUSES = {
    "channelSemaphore": ("GL015", "main.channelSemaphore.func1"),
    "connKept": ("GL055", "main.connKept"),
    "connWrite": ("GL028", "main.connWrite.func1"),
    "handedOn": ("GL200", "main.handedOn"),  # 20 calls are too few for the map to grow; see test_attribute
    "ioPipe": ("GL026", "main.ioPipe.func1"),
    "linkedList": ("GL078", "main.linkedList"),
    "listen": ("GL027", "main.listen.func1"),
    "osPipe": ("GL029", "main.osPipe.func1"),
    "retryForever": ("GL037", "main.retryForever.func1"),
    "selectTicker": ("GL034", "main.selectTicker.func1"),
    "subSlice": ("GL076", "main.subSlice"),
    "afterFunc": ("GL032", "main.afterFunc"),
    "bodyNotClosed": ("GL040", "main.bodyNotClosed"),
    "bufferPerRequest": ("GL071", "main.bufferPerRequest"),
    "cacheGrows": ("GL077", "recorder/internal/store.(*Cache).Put"),
    "chanReceive": ("GL002", "main.chanReceive.func1"),
    "chanSend": ("GL001", "main.chanSend.func1"),
    "condWait": ("GL013", "main.condWait.func1"),
    "connRead": ("GL020", "main.connRead.func1"),
    "contextDone": ("GL006", "main.contextDone.func1"),
    "emptySelect": ("GL005", "main.emptySelect.func1"),
    "errgroupWait": ("GL002", "main.errgroupWait.func1"),
    "finalizerCycle": ("GL074", "main.finalizerCycle"),
    "genericGrows": ("GL200", "main.genericGrows"),
    "grpcClient": ("GL060", "main.grpcClient"),
    "labelsGrow": ("GL073", "main.labelsGrow"),
    "listGrows": ("GL078", "recorder/internal/store.Touch"),
    "loggerPerRequest": ("GL071", "main.loggerPerRequest"),
    "method": ("GL002", "main.(*listener).wait"),
    "mutexHeld": ("GL010", "main.mutexHeld.func1"),
    "nilChannel": ("GL004", "main.nilChannel.func1"),
    "notify": ("GL024", "main.notify"),
    "openFile": ("GL022", "main.openFile"),
    "openPerRequest": ("GL052", "main.openPerRequest"),
    "poolExhausted": ("GL053", "main.poolExhausted"),
    "rangeChannel": ("GL002", "main.rangeChannel.func1"),
    "readAll": ("GL076", "main.readAll"),
    "rowsNotClosed": ("GL050", "main.rowsNotClosed"),
    "rowsNotClosedNoContext": ("GL050", "main.rowsNotClosedNoContext"),
    "rwMutexHeld": ("GL010", "main.rwMutexHeld.func1"),
    "selectForever": ("GL003", "main.selectForever.func1"),
    "semaphoreWait": ("GL014", "main.semaphoreWait.func1"),
    "sleepLoop": ("GL033", "main.sleepLoop.func1"),
    "sliceGrows": ("GL071", "main.sliceGrows"),
    "stmtNotClosed": ("GL054", "main.stmtNotClosed"),
    "subprocess": ("GL021", "main.subprocess.func1"),
    "subscribe": ("GL079", "main.subscribe"),
    "syncMapGrows": ("GL072", "recorder/internal/store.Remember"),
    "tickerKept": ("GL031", "main.tickerKept"),
    "tickerLoop": ("GL034", "main.tickerLoop.func1"),
    "timeAfter": ("GL036", "main.timeAfter.func1"),
    "transportPerRequest": ("GL041", "main.transportPerRequest"),
    "txNotFinished": ("GL051", "main.txNotFinished"),
    "waitGroup": ("GL012", "main.waitGroup.func1"),
    "withCancel": ("GL030", "main.withCancel"),
    "withTimeout": ("GL030", "main.withTimeout"),
}
NEEDS_SOURCE = {
    "GL006",
    "GL015",
    "GL024",
    "GL034",
    "GL036",
    "GL037",
    "GL070",
    "GL071",
    "GL074",
    "GL076",
    "GL077",
    "GL079",
}
GENERAL = {rule.id: rule.refines for rule in RULES if rule.refines}


def test_the_table_covers_all_recorded_leaks():
    assert sorted(CAUSES) == recorded.leaks()


@pytest.mark.parametrize("leak", sorted(CAUSES))
def test_real_leaks_are_explained_and_blamed(leak):
    first = recorded.attributed(leak).findings[0]

    assert (first.rule_id, first.function) == CAUSES[leak]


@pytest.mark.parametrize("leak", sorted(CAUSES))
def test_without_source_a_leak_gets_the_same_cause_or_a_more_general_one(leak):
    first = recorded.attributed(leak, with_source=False).findings[0]

    rule_id, function = CAUSES[leak]
    general = {"GL200", *GENERAL.get(rule_id, ())} if rule_id in NEEDS_SOURCE or leak == "linkedList" else {rule_id}
    assert first.rule_id in general
    assert first.function == function


def test_rule_ids_are_unique_and_all_rules_are_whole():
    rules = (*RULES, CONSEQUENCE, GOROUTINE, HEAP, LIBRARY_HEAP)

    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"GL\d{3}", rule.id)
        assert rule.title
        assert rule.why.endswith((".", ".)"))
        assert len(rule.why) < 340
        assert "\n" not in rule.why
        assert rule.look_for.endswith(".")
        assert len(rule.look_for) < 140
        assert len(rule.fix.split("\n")) <= 12
        assert rule.fix or rule in (CONSEQUENCE, GOROUTINE, HEAP, LIBRARY_HEAP)
        assert set(rule.refines) <= {each.id for each in RULES}
        assert rule.link.startswith("https://") or rule is CONSEQUENCE


@pytest.mark.parametrize("kind", ["goroutine", "heap"])
def test_nothing_known_gives_the_fallback(kind):
    fallback = explain(Facts(kind=kind, user="main.f", functions=("main.f",)))

    assert fallback.id == {"goroutine": "GL100", "heap": "GL200"}[kind]


def test_memory_without_user_code_is_the_librarys():
    assert explain(Facts(kind="heap", functions=("net/http.(*conn).serve",))) is LIBRARY_HEAP


def test_rules_of_plugins_are_asked_first():
    own = Rule(id="ACME1", title="t", why="w.", look_for="l.", matches=lambda facts: facts.has("acme.Loop"))
    facts = Facts(kind="goroutine", state="select", user="main.f", functions=("runtime.selectgo", "acme.Loop"))

    assert explain(facts, [own]) is own
    assert explain(replace(facts, functions=()), [own]).id == "GL003"


@pytest.mark.parametrize(
    ("state", "functions", "expected"),
    [
        ("chan send, 5 minutes", (), "chan send"),
        ("select (leaked)", (), "select"),
        (None, ("runtime.gopark", "runtime.chansend", "runtime.chansend1", "main.f"), "chan send"),
        (None, ("runtime.gopark", "runtime.selectgo", "main.f"), "select"),
        (
            None,
            ("runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1", "sync.runtime_SemacquireMutex"),
            "sync.Mutex.Lock",
        ),
        (None, ("runtime.gopark", "runtime.netpollblock", "internal/poll.runtime_pollWait"), "IO wait"),
        (None, ("syscall.Syscall6", "main.f"), None),
        (None, (), None),
    ],
)
def test_what_a_goroutine_waits_for(state, functions, expected):
    assert waiting(state, functions) == expected


def test_a_wait_inside_of_a_library_is_not_called_the_users_own():
    facts = Facts(kind="goroutine", state="select", user="main.f", callees=("example.com/queue.(*Q).Pop",))

    assert explain(facts) is GOROUTINE
    assert not has_wait("select")(facts)


def test_hints_are_paragraphs_with_indented_code():
    paragraphs = explain(Facts(kind="goroutine", state="chan send", user="main.f")).hint().split("\n\n")

    assert [paragraph.split(" ")[0] for paragraph in paragraphs] == ["Each", "Look", "Fix,", "More:"]
    assert all(line.startswith("    ") for line in paragraphs[2].split("\n")[1:])
