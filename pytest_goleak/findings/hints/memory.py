"""Memory that something long-lived keeps: maps, slices, lists, caches, subscribers, metrics, finalizers.

The heap profile hides the runtime's frames, so it does not tell a map from a slice: most of these rules need the
source, and stay silent without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_goleak.findings.hints.flow import Container
from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_METRICS = (
    "github.com/prometheus/client_golang/prometheus.(*metricMap).getOrCreateMetric",
    "github.com/VictoriaMetrics/metrics.(*Set).GetOrCreate",
    "go.opentelemetry.io/otel/sdk/metric/internal/aggregate.",
    "expvar.(*Map).",
)
_CACHES = (
    "github.com/patrickmn/go-cache.",
    "github.com/golang/groupcache/lru.",
    "github.com/jellydator/ttlcache/",
    "github.com/muesli/cache2go.",
)
_READS_ALL = ("io.ReadAll", "io/ioutil.ReadAll", "os.ReadFile")
_IS_CACHE = re.compile(r"cache|memo(?:s|iz|ized)?\b|memoiz", re.IGNORECASE)
_IS_SUBSCRIBER = re.compile(r"subscri|listener|observer|watcher", re.IGNORECASE)
_IS_CHANNEL = re.compile(r"^(?:\w+ :?= |return )make\(chan\b")
_HAS_MEMBERS = re.compile(r"hub|bus\b|broker|topic|room|client|peer|channels", re.IGNORECASE)
_DECLARATION = re.compile(r"func (?:\((?P<receiver>[^)]*)\) )?(?P<name>\w+)")


def _is_heap(facts: Facts) -> bool:
    return facts.kind == "heap" and facts.user is not None


def _kept_in(*containers: Container) -> Callable[[Facts], bool]:
    def matches(facts: Facts) -> bool:
        return _is_heap(facts) and facts.store is not None and facts.store.container in containers

    return matches


def _is_named(facts: Facts, pattern: re.Pattern[str]) -> bool:
    """Whether what keeps the memory, its type or the function that stores are called what *pattern* looks for."""
    if facts.store is None:
        return False
    declared = _DECLARATION.match(facts.store.function)
    names = [facts.store.target, *((declared["receiver"] or "", declared["name"]) if declared else ())]
    return any(pattern.search(name) for name in names)


def _is_cache(facts: Facts) -> bool:
    if _calls_prefix(facts, *_CACHES):
        return True
    kept = _kept_in(Container.MAP, Container.SYNC_MAP, Container.LIST)
    return kept(facts) and _is_named(facts, _IS_CACHE)


def _is_subscriber(facts: Facts) -> bool:
    kept = _kept_in(Container.MAP, Container.SYNC_MAP, Container.SLICE, Container.LIST)
    if not kept(facts) or facts.store is None:
        return False
    is_channel = _IS_CHANNEL.search(facts.store.made) is not None
    return _is_named(facts, _IS_SUBSCRIBER) or (is_channel and _is_named(facts, _HAS_MEMBERS))


def _is_relieved(facts: Facts) -> bool:
    return _is_heap(facts) and facts.store is not None and facts.store.relief != ""


def _is_part(facts: Facts) -> bool:
    return _is_heap(facts) and facts.store is not None and facts.store.is_part


def _has_finalizer(facts: Facts) -> bool:
    shown = facts.has("runtime.SetFinalizer", "runtime.addfinalizer")
    return _is_heap(facts) and (shown or _kept_in(Container.FINALIZER)(facts))


def _keeps_in_sync_map(facts: Facts) -> bool:
    stores = ("sync.(*Map).Store", "sync.(*Map).Swap", "sync.(*Map).LoadOrStore", "sync.(*Map).CompareAndSwap")
    return _calls_prefix(facts, *stores) or _kept_in(Container.SYNC_MAP)(facts)


def _keeps_in_list(facts: Facts) -> bool:
    adds = ("container/list.(*List).Push", "container/list.(*List).Insert")
    return _calls_prefix(facts, *adds) or _kept_in(Container.LIST)(facts)


def _calls_prefix(facts: Facts, *prefixes: str) -> bool:
    return _is_heap(facts) and any(callee.startswith(prefixes) for callee in facts.callees)


RULES = (
    Rule(
        id="GL073",
        title="metric with a label of unbounded values",
        why=(
            "Each request makes a new time series of a metric. A series lives as long as the program, so a label may "
            "take few values only: not a user, an id, a raw path or an error text."
        ),
        look_for="the labels or names of the metric that vary by request: arguments of WithLabelValues or With.",
        fix='requests.WithLabelValues(route, strconv.Itoa(status)).Inc() // the route "/users/{id}", not the path',
        link="https://prometheus.io/docs/practices/naming/#labels",
        matches=lambda facts: facts.kind == "heap" and any(facts.has_prefix(prefix) for prefix in _METRICS),
    ),
    Rule(
        id="GL074",
        title="objects kept for a finalizer",
        why=(
            "Each request sets a finalizer or clean-up that does not run. A finalizer on an object that refers to "
            "itself, through however many others, keeps the whole cycle for ever. (A cycle without finalizer is "
            "collected like anything else.)"
        ),
        look_for="runtime.SetFinalizer on an object of a cycle, or a clean-up whose function refers to its object.",
        fix="runtime.AddCleanup(handle, closeDescriptor, descriptor) // no reference back to handle",
        link="https://pkg.go.dev/runtime#SetFinalizer",
        matches=_has_finalizer,
    ),
    Rule(
        id="GL076",
        refines=("GL075",),
        title="part of a slice or string that keeps all of it",
        why=(
            "Each request keeps a part of the memory allocated here: a sub-slice or sub-string. It refers to the whole "
            "array, so that stays in memory, however short the part is."
        ),
        look_for="the part that is stored: copy it, and look whether what stores it should be bounded as well.",
        fix="header := bytes.Clone(document[:16]) // or strings.Clone for a string",
        link="https://go.dev/blog/slices-intro#a-possible-gotcha",
        matches=_is_part,
    ),
    Rule(
        id="GL080",
        refines=("GL070", "GL071", "GL072", "GL077", "GL078"),
        title="container that did not reach its bound or removal",
        why=(
            "Each request adds an element to a container that outlives it. The same function has a bound or a removal, "
            "which took effect for none or too few of the elements within the requests of this run: it is larger than "
            "the run could fill, or never reached."
        ),
        look_for="whether the bound or removal is reached, for the same keys, and how much memory it allows.",
        fix="if len(history) >= limit { // a bound that tests reach as well\n\thistory = history[1:]\n}\n"
        "history = append(history, latest)",
        link="https://pkg.go.dev/slices#Delete",
        matches=_is_relieved,
    ),
    Rule(
        id="GL079",
        refines=("GL070", "GL071", "GL072"),
        title="subscriber that is never removed",
        why=(
            "Each request adds a subscriber, listener or channel to a registry that outlives it, and nothing removes "
            "it when the request is over. Whoever publishes serves all of them, so this costs time as well."
        ),
        look_for="the function that removes a subscriber, and a path that does not call it; defer it right away.",
        fix="events, unsubscribe := bus.Subscribe()\ndefer unsubscribe()",
        link="https://pkg.go.dev/slices#DeleteFunc",
        matches=_is_subscriber,
    ),
    Rule(
        id="GL077",
        refines=("GL070", "GL072", "GL078"),
        title="cache that never evicts",
        why=(
            "Each request adds an entry to a cache, and nothing takes one out: neither a bound nor an expiry. Keys "
            "that differ from request to request make it grow for ever."
        ),
        look_for="the bound or the expiry of the cache, and what of the request is a part of its key.",
        fix="if len(cache.entries) >= cache.limit {\n\tcache.evictOldest()\n}\ncache.entries[key] = value",
        link="https://pkg.go.dev/github.com/hashicorp/golang-lru/v2",
        matches=_is_cache,
    ),
    Rule(
        id="GL072",
        title="sync.Map that only grows",
        why="Each request stores an entry in a sync.Map that nothing deletes. A sync.Map has no bound of its own.",
        look_for="the Store, LoadOrStore or Swap, and whether any path calls Delete for the same keys.",
        fix="sessions.Store(id, value)\ndefer sessions.Delete(id)",
        link="https://pkg.go.dev/sync#Map",
        matches=_keeps_in_sync_map,
    ),
    Rule(
        id="GL078",
        title="list that only grows",
        why="Each request adds an element to a linked list that nothing removes: a queue or LRU without a bound.",
        look_for="the Push, and the Remove that should follow once the list is long enough.",
        fix="for recent.Len() > limit {\n\trecent.Remove(recent.Back())\n}",
        link="https://pkg.go.dev/container/list",
        matches=_keeps_in_list,
    ),
    Rule(
        id="GL071",
        title="slice that only grows",
        why=(
            "Each request appends to a slice that outlives it and is never cut or replaced. Cutting its front off "
            "frees nothing as long as the same array is in use."
        ),
        look_for="a package variable or long-lived field that is appended to: history, results, pending work.",
        fix="history = append(history, latest)\nif len(history) > limit {\n"
        "\thistory = slices.Delete(history, 0, len(history)-limit)\n}",
        link="https://pkg.go.dev/slices#Delete",
        matches=_kept_in(Container.SLICE),
    ),
    Rule(
        id="GL070",
        title="map that only grows",
        why=(
            "Each request stores an element in a map that outlives it, and nothing deletes it again: a "
            "cache without eviction, or a registry that is never left."
        ),
        look_for="a delete for the same key, or a bound; keys that are different in every request make it unbounded.",
        fix="byID[id] = value\ndefer delete(byID, id) // or once it has expired",
        link="https://pkg.go.dev/builtin#delete",
        matches=_kept_in(Container.MAP),
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
)
"""Containers that take and never give."""
