"""What keeps a value, as the lines of its source tell it."""

from __future__ import annotations

import pytest

from pytest_goleak.findings.hints import Facts, explain
from pytest_goleak.findings.hints.fallback import HEAP
from pytest_goleak.findings.hints.flow import find_store, loop_around, statement_at
from pytest_goleak.findings.source import Excerpt

MARK = "// here"


def place(text: str) -> Excerpt:
    body = tuple(text.strip("\n").split("\n"))
    index = next(number for number, line in enumerate(body) if MARK in line)
    return Excerpt(line=body[index].strip(), body=body, index=index, context=())


def rule_of(*places: str) -> str:
    shown = tuple(place(text) for text in places)
    facts = Facts(
        kind="heap", user="main.f", source=shown[0].line, body=shown[0].body, places=shown, store=find_store(shown)
    )
    return explain(facts).id


KEPT = {
    "map": ("func put(key string) {\n\tentries[key] = value // here\n}", "GL070"),
    "map of the receiver": (
        "func (s *store) put(key string) {\n\ts.entries[key] = make([]byte, 9) // here\n}",
        "GL070",
    ),
    "map, by a name": ("func (s *store) put(k string) {\n\tv := make([]byte, 9) // here\n\ts.m[k] = v\n}", "GL070"),
    "map, in a literal": (
        "func (s *store) put(k string) {\n\tv := data() // here\n\ts.m[k] = &entry{data: v}\n}",
        "GL070",
    ),
    "map, as its key": (
        'func see(id int) {\n\tkey := fmt.Sprintf("%d", id) // here\n\tseen[key] = struct{}{}\n}',
        "GL070",
    ),
    "map of a found element": (
        "func (s *store) put(u, k string) {\n\tone := s.users[u]\n\tone.items[k] = value() // here\n}",
        "GL070",
    ),
    "map, over several lines": (
        "func (s *store) put(k string) {\n\ts.m[k] = &entry{\n\t\tkey: k,\n\t\tdata: make([]byte, 9), // here\n\t}\n}",
        "GL070",
    ),
    "map, by two names": (
        "func (s *store) put(k string) {\n\tv := data() // here\n\te := &entry{}\n\te.data = v\n\ts.m[k] = e\n}",
        "GL070",
    ),
    "map, by a key with brackets": (
        "func see() {\n\tall.next++\n\tall.at[[2]int{all.next, 1}] = 1 // here\n}",
        "GL070",
    ),
    "cache": ("func (c *pageCache) put(k string) {\n\tc.pages[k] = render(k) // here\n}", "GL077"),
    "memo": ("func fib(n int) {\n\tmemo[n] = big.NewInt(1) // here\n}", "GL077"),
    "slice": ("func add(item int) {\n\titems = append(items, item) // here\n}", "GL071"),
    "slice in a map": ("func add(u, i int) {\n\tbyUser[u] = append(byUser[u], i) // here\n}", "GL071"),
    "slice, a pointer": ("func (l *log) add() {\n\te := event{} // here\n\tl.all = append(l.all, &e)\n}", "GL071"),
    "slice of the handler's maker": (
        (
            "func handler() http.HandlerFunc {\n\tvar all [][]byte\n\treturn func(http.ResponseWriter, *http.Request) {\n"
            "\t\tall = append(all, make([]byte, 9)) // here\n\t}\n}"
        ),
        "GL071",
    ),
    "subscriber": ("func (b *bus) subscribe() {\n\tb.subscribers = append(b.subscribers, &s{}) // here\n}", "GL079"),
    "channel": ("func (h *hub) join(id int) {\n\tc := make(chan int, 4) // here\n\th.clients[id] = c\n}", "GL079"),
    "sync.Map": ("func keep(id string) {\n\tv := make([]byte, 9) // here\n\tstate.Store(id, v)\n}", "GL072"),
    "list": ("func keep() {\n\tv := make([]byte, 9) // here\n\trecent.PushBack(v)\n}", "GL078"),
    "linked list": ("func (s *stack) push() {\n\tn := &node{} // here\n\tn.next = s.head\n\ts.head = n\n}", "GL078"),
    "sub-slice": ("func keep() {\n\tb := make([]byte, 9000) // here\n\theads = append(heads, b[:4])\n}", "GL076"),
    "sub-slice in a map": (
        "func (s *store) keep(k string) {\n\tb := read() // here\n\thead := b[:4]\n\ts.m[k] = head\n}",
        "GL076",
    ),
    "sub-string": (
        "func keep() {\n\tline := read() // here\n\tname := strings.Fields(line)[0]\n\tnames[name] = true\n}",
        "GL076",
    ),
    "finalizer": ("func open() {\n\th := &handle{} // here\n\truntime.SetFinalizer(h, (*handle).close)\n}", "GL074"),
    "signal": ("func wait() {\n\tc := make(chan os.Signal, 1) // here\n\tsignal.Notify(c, os.Interrupt)\n}", "GL024"),
    "one line": ("func add(s string) { history = append(history, strings.Repeat(s, 9)) } // here", "GL071"),
}
RELIEVED = {
    "delete": "func put(k string) {\n\tif old(k) {\n\t\tdelete(m, k)\n\t}\n\tm[k] = value() // here\n}",
    "bound": "func (s *log) add(e event) {\n\ts.all = append(s.all, e) // here\n\tif len(s.all) > most {\n"
    "\t\ts.all = s.all[1:]\n\t}\n}",
    "bound of a cache": "func (c *cache) put(k string) {\n\tif len(c.m) < c.size {\n\t\tc.m[k] = render(k) // here\n\t}\n}",
    "bound before the length": "func put(k string) {\n\tif 9 < len(m) {\n\t\treturn\n\t}\n\tm[k] = value() // here\n}",
    "list": "func add() {\n\tif l.Len() > most {\n\t\tl.Remove(l.Front())\n\t}\n\tl.PushBack(value()) // here\n}",
    "sync.Map": "func put(k string) {\n\tdefer all.Delete(k)\n\tall.Store(k, value()) // here\n}",
    "eviction": "func (c *cache) put(k string) {\n\tc.evictOldest()\n\tc.m[k] = render(k) // here\n}",
}
NOT_RELIEVED = {
    "another map": "func put(k string) {\n\tdelete(other, k)\n\tm[k] = value() // here\n}",
    "in a comment": "func put(k string) {\n\t// once: delete(m, k)\n\tm[k] = value() // here\n}",
    "is it empty": "func put(k string) {\n\tif len(m) > 0 {\n\t\tlog()\n\t}\n\tm[k] = value() // here\n}",
    "a field of the same name": "func put(k string) {\n\tdelete(s.m, k)\n\tm[k] = value() // here\n}",
}
NOT_KNOWN = {
    "a local map": "func f() {\n\tm := map[string]int{}\n\tm[key] = value // here\n}",
    "a parameter": "func f(m map[string]int) {\n\tm[key] = value // here\n}",
    "a result": "func f() (out []int) {\n\tout = append(out, item) // here\n}",
    "another slice": "func f(in []int) {\n\tout := append(in, item) // here\n}",
    "a comparison": "func f() {\n\tif seen[key] == value { // here\n\t}\n}",
    "a copy of bytes": "func f() {\n\tb := make([]byte, 9000) // here\n\tnames = append(names, string(b[:4]))\n}",
    "a clone": "func f() {\n\tb := read() // here\n\tnames[k] = strings.Clone(b[:4])\n}",
    "elements": "func f() {\n\tb := read() // here\n\tall = append(all, b...)\n}",
    "another name": "func f() {\n\tb := read() // here\n\tbb := 1\n\tall = append(all, bb)\n}",
    "a text": 'func f() {\n\tb := read() // here\n\tall = append(all, "b")\n}',
    "a comment": "func f() {\n\tb := read() // here\n\t// all = append(all, b)\n}",
    "a goroutine's outer variable": (
        "func f() {\n\tvar all [][]byte\n\tgo func() {\n\t\tall = append(all, make([]byte, 9)) // here\n\t}()\n}"
    ),
    "an earlier store": "func f() {\n\tall = append(all, b)\n\tb := read() // here\n}",
    "a field that is replaced": "func (s *store) f() {\n\ts.last = make([]byte, 9) // here\n}",
    "an atomic value": "func f() {\n\tv := config() // here\n\tcurrent.Store(v)\n}",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_keeps_a_value(name):
    text, rule_id = KEPT[name]

    assert rule_of(text) == rule_id


@pytest.mark.parametrize("name", RELIEVED)
def test_what_has_a_bound_or_a_removal_is_not_said_to_have_none(name):
    assert rule_of(RELIEVED[name]) == "GL080"


@pytest.mark.parametrize("name", NOT_RELIEVED)
def test_a_removal_elsewhere_is_none_of_this_container(name):
    assert rule_of(NOT_RELIEVED[name]) == "GL070"


RESULT = """
func first(w http.ResponseWriter, r *http.Request) {
	done := make(chan struct{}MORE)
	go func() {
		time.Sleep(d)
		done <- struct{}{} // here
	}()
	select {
	case <-done:
	case <-time.After(d):
	}
}
"""
SLOT = """
func thumbnail() {
	go func() {
		slots <- struct{}{} // here
		defer func() { <-slots }()
		work()
	}()
}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RESULT.replace("MORE", ""), "GL001"),
        (RESULT.replace("MORE", ", size"), "GL001"),
        (SLOT, "GL015"),
        (SLOT.replace("\tgo", "\tslots := make(chan struct{}, 4)\n\tgo"), "GL015"),
        (SLOT.replace("\tgo", "\tslots := make(chan struct{})\n\tgo"), "GL001"),
    ],
)
def test_a_slot_is_given_back_by_who_took_it_and_a_result_is_not_a_slot(text, expected):
    sends = place(text)
    facts = Facts(
        kind="goroutine", state="chan send", user="main.f.func1", source=sends.line, body=sends.body, places=(sends,)
    )

    assert explain(facts).id == expected


@pytest.mark.parametrize("name", NOT_KNOWN)
def test_what_does_not_tell_gets_no_specific_hint(name):
    assert rule_of(NOT_KNOWN[name]) == HEAP.id


RETURNS = "func newEntry(k string) *entry {\n\treturn &entry{key: k} // here\n}"
RETURNS_NAME = "func newEntry(k string) (*entry, error) {\n\te := &entry{} // here\n\te.key = k\n\treturn e, nil\n}"
CALLER = "func (s *store) put(k string) {\n\ts.m[k] = newEntry(k) // here\n}"
CALLER_NAME = "func (s *store) put(k string) {\n\te, _ := newEntry(k) // here\n\ts.m[k] = e\n}"


@pytest.mark.parametrize("first", [RETURNS, RETURNS_NAME])
@pytest.mark.parametrize("then", [CALLER, CALLER_NAME])
def test_a_value_is_followed_to_the_caller_that_it_is_returned_to(first, then):
    assert rule_of(first, then) == "GL070"
    assert rule_of(first) == HEAP.id


def test_a_value_that_is_not_returned_is_not_the_callers():
    assert rule_of("func f(k string) int {\n\te := &entry{} // here\n\treturn e.size()\n}", CALLER) == HEAP.id


def test_a_function_without_lines_around_it_tells_nothing():
    assert find_store([Excerpt(line="x", body=(), context=())]) is None
    assert find_store([]) is None


def test_statements_are_put_together():
    lines = ["func f() {", "\tx := g(", "\t\ta, // one", '\t\t"(",', "\t)", "\ty := 1", "}"]

    assert statement_at(lines, 2) == 'x := g( a, "", )'
    assert statement_at(lines, 5) == "y := 1"


LOOP = "func f() {\n\t%s\n\t\tif err := try(); err == nil {\n\t\t\treturn\n\t\t}\n\t\ttime.Sleep(d) // here\n\t}\n}"


@pytest.mark.parametrize(
    ("header", "endless"),
    [
        ("for {", True),
        ("for i := 0; ; i++ {", True),
        ("for !done() {", True),
        ("for try() != nil {", True),
        ("for i := 0; i < 3; i++ {", False),
        ("for i := range 3 {", False),
        ("for err != nil && n < 3 {", False),
        ("if x {", False),
    ],
)
def test_loops_without_an_end(header, endless):
    shown = place(LOOP % header)

    assert bool(loop_around(shown.body, shown.index or 0)) is endless
    facts = Facts(
        kind="goroutine",
        state="sleep",
        user="main.f",
        callees=("time.Sleep",),
        source=shown.line,
        body=shown.body,
        places=(shown,),
    )
    assert explain(facts).id == ("GL037" if endless else "GL033")
