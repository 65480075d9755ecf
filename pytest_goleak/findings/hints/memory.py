"""Memory that something long-lived keeps: maps, slices, lists, caches, metrics, finalizers."""

from __future__ import annotations

import re

from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_APPENDS = re.compile(r"([\w.]+)(?:\[[^\]]*\])?\s*=\s*append\(\s*\1")
_ASSIGNS_ELEMENT = re.compile(r"([\w.]+)\[[^\]\[]+\]\s*=[^=]")
_BODY = re.compile(r"\{(?:\s|$)")
_RECEIVER = re.compile(r"func \((\w+) ")
_ALLOCATES = re.compile(r"(\w+)(?:\s*,\s*\w+)*\s*:?=")
_PROMETHEUS = "github.com/prometheus/client_golang/prometheus.(*metricMap).getOrCreateMetric"
_READS_ALL = ("io.ReadAll", "io/ioutil.ReadAll", "os.ReadFile")
_MAP_GROWS = (
    "runtime.mapassign",
    "runtime.growWork",
    "runtime.hashGrow",
    "internal/runtime/maps.(*table).grow",
    "internal/runtime/maps.(*table).rehash",
)


def _is_heap(facts: Facts) -> bool:
    return facts.kind == "heap" and facts.user is not None


def _outlives_call(target: str, facts: Facts) -> bool:
    """Whether *target*, a name in the blamed line, is a field of the receiver or a package's variable."""
    base, _, field = target.partition(".")
    receiver = _RECEIVER.match(facts.body[0]) if facts.body else None
    if receiver and receiver[1] == base:
        return bool(field)
    # Declared in the function, as a parameter or a variable: then it is not known how long it lives.
    declared = re.compile(rf"\b{re.escape(base)}\b[\w\s,]*:=|\bvar {re.escape(base)}\b")
    return (
        bool(facts.body)
        and not any(declared.search(line) for line in facts.body)
        and not re.search(rf"\b{re.escape(base)}\b", _signature(facts.body[0]))
    )


def _signature(declaration: str) -> str:
    """Return the parameters in a function's first line, which may hold its body too."""
    return _BODY.split(declaration, maxsplit=1)[0].partition("(")[2]


def _line_grows(facts: Facts, pattern: re.Pattern[str]) -> bool:
    found = pattern.search(facts.source)
    return found is not None and _outlives_call(found[1], facts)


def _grows_map(facts: Facts) -> bool:
    # The heap profile hides the runtime's frames at the leaf, so mostly only the line itself can tell.
    shown = any(facts.has_prefix(function) for function in _MAP_GROWS)
    return _is_heap(facts) and (shown or _line_grows(facts, _ASSIGNS_ELEMENT))


def _grows_slice(facts: Facts) -> bool:
    return _is_heap(facts) and (facts.has("runtime.growslice") or _line_grows(facts, _APPENDS))


def _has_finalizer(facts: Facts) -> bool:
    if facts.has("runtime.SetFinalizer", "runtime.addfinalizer"):
        return _is_heap(facts)
    allocated = _ALLOCATES.search(facts.source)
    return (
        _is_heap(facts)
        and allocated is not None
        and any(f"runtime.SetFinalizer({allocated[1]}," in line for line in facts.body)
    )


def _calls_prefix(facts: Facts, *prefixes: str) -> bool:
    return _is_heap(facts) and any(callee.startswith(prefixes) for callee in facts.callees)


RULES = (
    Rule(
        id="GL073",
        title="metric with a label of unbounded values",
        why=(
            "Each request makes a new time series in a Prometheus vector. A series lives as long as the program, so a "
            "label may take few values only: not a user, an id, a raw path or an error text."
        ),
        look_for="the arguments of WithLabelValues or With that vary by request.",
        fix='requests.WithLabelValues(route, strconv.Itoa(status)).Inc() // the route "/users/{id}", not the path',
        link="https://prometheus.io/docs/practices/naming/#labels",
        matches=lambda facts: facts.kind == "heap" and facts.has_prefix(_PROMETHEUS),
    ),
    Rule(
        id="GL072",
        title="sync.Map that only grows",
        why="Each request stores an entry in a sync.Map that nothing deletes.",
        look_for="the Store, LoadOrStore or Swap, and whether any path calls Delete for the same keys.",
        fix="defer sessions.Delete(id)",
        link="https://pkg.go.dev/sync#Map",
        matches=lambda facts: _calls_prefix(
            facts, "sync.(*Map).Store", "sync.(*Map).Swap", "sync.(*Map).LoadOrStore", "sync.(*Map).CompareAndSwap"
        ),
    ),
    Rule(
        id="GL078",
        title="list that only grows",
        why="Each request adds an element to a container/list that nothing removes: a queue or LRU without a bound.",
        look_for="the Push, and the Remove that should follow once the list is long enough.",
        fix="for recent.Len() > limit {\n\trecent.Remove(recent.Back())\n}",
        link="https://pkg.go.dev/container/list",
        matches=lambda facts: _calls_prefix(facts, "container/list.(*List).Push", "container/list.(*List).Insert"),
    ),
    Rule(
        id="GL075",
        title="whole document kept",
        why=(
            "Each request reads a document into memory at once, and the bytes stay. A slice or string cut from them "
            "keeps all of them, however short it is."
        ),
        look_for="what is stored of the bytes read here: a sub-slice, or a string that shares their memory.",
        fix="header := bytes.Clone(document[:16]) // or strings.Clone for a string",
        link="https://go.dev/blog/slices-intro#a-possible-gotcha",
        matches=lambda facts: _is_heap(facts) and bool(facts.callees) and facts.callees[0] in _READS_ALL,
    ),
    Rule(
        id="GL074",
        title="objects kept for a finalizer",
        why=(
            "Each request sets a finalizer or clean-up that does not run. A finalizer on an object that refers to "
            "itself, through however many others, keeps the whole cycle for ever."
        ),
        look_for="runtime.SetFinalizer on an object of a cycle, or a clean-up whose function refers to its object.",
        fix="runtime.AddCleanup(&handle, closeDescriptor, descriptor) // no reference back to handle",
        link="https://pkg.go.dev/runtime#SetFinalizer",
        matches=_has_finalizer,
    ),
    Rule(
        id="GL071",
        title="slice that only grows",
        why="Each request appends to a slice that outlives it and is never cut or replaced.",
        look_for="a package variable or long-lived field that is appended to: subscribers, history, pending work.",
        fix="subscribers = slices.DeleteFunc(subscribers, func(s *subscriber) bool { return s == gone })",
        link="https://pkg.go.dev/slices#DeleteFunc",
        matches=_grows_slice,
    ),
    Rule(
        id="GL070",
        title="map or slice element that stays set",
        why=(
            "Each request stores an element in a map or slice that outlives it, and nothing deletes it again: a cache "
            "without eviction, or a registry that is never left."
        ),
        look_for="a delete for the same key, or a bound; keys that are different in every request make it unbounded.",
        fix="if len(cache.entries) >= cache.limit {\n\tcache.evictOldest()\n}\ncache.entries[key] = value",
        link="https://pkg.go.dev/builtin#delete",
        matches=_grows_map,
    ),
)
"""Containers that take and never give."""
