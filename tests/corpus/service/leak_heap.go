package main

import (
	"container/list"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Containers that take and never give, from 16 bytes to 64 KiB a request.
func init() {
	register(Case{
		Name: "leak/audit-trail", Category: "heap", Handler: leakAuditTrail,
		Truth: Truth{Leaks: true, Bytes: 16, Objects: 1, Function: "main.(*auditTrail).record", Also: []string{"main.leakAuditTrail"}},
	})
	register(Case{
		Name: "leak/shutdown-hooks", Category: "heap", Handler: leakShutdownHooks,
		Truth: Truth{Leaks: true, Bytes: 32 + 9, Objects: 1, Function: "main.leakShutdownHooks",
			Also: []string{"main.(*lifecycle).onShutdown"}, Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/observers", Category: "heap", Handler: leakObservers,
		Truth: Truth{Leaks: true, Bytes: 48, Objects: 2, Function: "main.leakObservers", Also: []string{"main.(*subject).attach"}},
	})
	register(Case{
		Name: "leak/interface-boxes", Category: "heap", Handler: leakInterfaceBoxes,
		Truth: Truth{Leaks: true, Bytes: 48 + 18, Objects: 1, Function: "main.(*eventLog).add", Also: []string{"main.leakInterfaceBoxes"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/recent-list", Category: "heap", Handler: leakRecentList,
		Truth: Truth{Leaks: true, Bytes: 48 + 48, Objects: 2, Function: "main.leakRecentList", Causes: []string{"GL078"}},
	})
	register(Case{
		Name: "leak/history-of-orders", Category: "heap", Method: http.MethodPost, Body: `{"id":"{uuid}"}`, Handler: leakHistoryOfOrders,
		Truth: Truth{Leaks: true, Bytes: 128 + 9, Objects: 1, Function: "main.leakHistoryOfOrders", Also: []string{"main.newOrder"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/undo-versions", Category: "heap", Handler: leakUndoVersions,
		Truth: Truth{Leaks: true, Bytes: 256, Objects: 1, Function: "main.(*document).edit", Also: []string{"main.leakUndoVersions"}},
	})
	register(Case{
		Name: "leak/joined-strings", Category: "heap", Path: "/leak/joined-strings?who={uuid}", Handler: leakJoinedStrings,
		Truth: Truth{Leaks: true, Bytes: 512 + 18, Objects: 1, Function: "main.leakJoinedStrings", Also: []string{"main.auditLine"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/queue-without-consumer", Category: "heap", Handler: leakQueueWithoutConsumer,
		Truth: Truth{Leaks: true, Bytes: 1024 + 9, Objects: 1, Function: "main.newMail", Also: []string{"main.leakQueueWithoutConsumer", "main.(*outbox).push"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/subscriber-buffers", Category: "heap", Handler: leakSubscriberBuffers,
		Truth: Truth{Leaks: true, Bytes: 2048 + slot16, Objects: 1, Function: "main.(*broker).subscribe", Also: []string{"main.leakSubscriberBuffers"},
			Causes: []string{"GL070", "GL079"}},
	})
	register(Case{
		Name: "leak/graph-of-parents", Category: "heap", Handler: leakGraphOfParents,
		Truth: Truth{Leaks: true, Bytes: 8 * 512, Objects: 8, Function: "main.(*span).child", Also: []string{"main.leakGraphOfParents"}},
	})
	register(Case{
		Name: "leak/uploads-kept", Category: "heap", Method: http.MethodPost, Body: strings.Repeat("0123456789abcdef", 500), Handler: leakUploadsKept,
		Truth: Truth{Leaks: true, Bytes: 8192 + 27, Objects: 1, Function: "main.leakUploadsKept", Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/buffers-not-returned", Category: "heap", Handler: leakBuffersNotReturned,
		Truth: Truth{Leaks: true, Bytes: 16384, Objects: 1, Function: "main.(*arena).buffer", Also: []string{"main.leakBuffersNotReturned"}},
	})
	register(Case{
		Name: "leak/frames-64k", Category: "heap", Handler: leakFrames64K,
		Truth: Truth{Leaks: true, Bytes: 65536 + 27, Objects: 1, Function: "main.leakFrames64K", Causes: []string{"GL071"}},
	})
}

// auditTrail is the smallest leak there is to find: two words a request.
type auditTrail struct {
	mu   sync.Mutex
	last *auditMark
}

type auditMark struct {
	previous *auditMark
	bytes    int64
}

var trail auditTrail

//go:noinline
func (t *auditTrail) record(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = &auditMark{previous: t.last, bytes: bytes}
}

// leakAuditTrail records every request for a report that nobody draws.
func leakAuditTrail(_ http.ResponseWriter, r *http.Request) {
	trail.record(r.ContentLength)
}

// lifecycle runs its hooks when the service ends.
type lifecycle struct {
	mu    sync.Mutex
	hooks []func()
}

var service lifecycle

//go:noinline
func (l *lifecycle) onShutdown(hook func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hooks = append(l.hooks, hook)
}

// leakShutdownHooks registers per request what belongs in main.
func leakShutdownHooks(_ http.ResponseWriter, r *http.Request) {
	major, minor, size := r.ProtoMajor, r.ProtoMinor, r.ContentLength
	service.onShutdown(func() { fmt.Println(major, minor, size) })
}

// subject tells its observers, a linked list of callbacks.
type subject struct {
	mu   sync.Mutex
	head *observer
}

type observer struct {
	notify func(string)
	next   *observer
	weight int
	muted  bool
}

var stock subject

//go:noinline
func (s *subject) attach(notify func(string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = &observer{notify: notify, next: s.head}
}

// leakObservers attaches a callback that refers to the request's method, and never detaches it.
func leakObservers(_ http.ResponseWriter, r *http.Request) {
	length := &r.ProtoMajor
	major := *length
	stock.attach(func(symbol string) { fmt.Println(symbol, major) })
}

// eventLog holds events of any type, each in a box of its own.
type eventLog struct {
	mu     sync.Mutex
	events []any
}

type viewed struct {
	method, proto string
	status        int
}

var events eventLog

//go:noinline
func (l *eventLog) add(e viewed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// leakInterfaceBoxes adds an event for every view.
func leakInterfaceBoxes(_ http.ResponseWriter, r *http.Request) {
	events.add(viewed{method: http.MethodGet, proto: "HTTP/1.1", status: r.ProtoMajor})
}

var recent = struct {
	sync.Mutex
	list.List
}{}

type visit struct {
	method, proto, host string
}

// leakRecentList shows the ten latest visits and keeps them all.
func leakRecentList(http.ResponseWriter, *http.Request) {
	v := &visit{method: http.MethodGet, proto: "HTTP/1.1", host: "localhost"}
	recent.Lock()
	defer recent.Unlock()
	recent.PushFront(v)
}

type order struct {
	id    [36]byte
	lines [10]uint64
}

var orders struct {
	sync.Mutex
	history []*order
}

//go:noinline
func newOrder(body io.Reader) *order {
	o := &order{}
	_, _ = io.ReadFull(body, o.id[:])
	return o
}

// leakHistoryOfOrders appends to a package variable.
func leakHistoryOfOrders(w http.ResponseWriter, r *http.Request) {
	o := newOrder(r.Body)
	orders.Lock()
	orders.history = append(orders.history, o)
	orders.Unlock()
	w.WriteHeader(http.StatusCreated)
}

// document keeps what it was before each edit.
type document struct {
	mu      sync.Mutex
	current *version
}

type version struct {
	before *version
	text   [248]byte
}

var page document

//go:noinline
func (d *document) edit(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := &version{before: d.current}
	copy(v.text[:], text)
	d.current = v
}

// leakUndoVersions edits one page, whose versions can all be undone.
func leakUndoVersions(_ http.ResponseWriter, r *http.Request) {
	page.edit(r.URL.Path)
}

var auditLines struct {
	sync.Mutex
	lines []string
}

//go:noinline
func auditLine(who string) string {
	return strings.Repeat(who, 14)
}

// leakJoinedStrings keeps a line of text, 504 bytes long, for every visitor.
func leakJoinedStrings(_ http.ResponseWriter, r *http.Request) {
	line := auditLine(r.URL.Query().Get("who"))
	auditLines.Lock()
	defer auditLines.Unlock()
	auditLines.lines = append(auditLines.lines, line)
}

// outbox is a queue without a bound.
type outbox struct {
	mu    sync.Mutex
	mails []*mail
}

type mail struct {
	to   string
	body [1000]byte
}

var outgoing outbox

//go:noinline
func newMail(to string) *mail { return &mail{to: to} }

func (o *outbox) push(m *mail) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = append(o.mails, m)
}

// leakQueueWithoutConsumer queues a mail; the worker that took them out ended at its first error.
func leakQueueWithoutConsumer(w http.ResponseWriter, _ *http.Request) {
	outgoing.push(newMail("root@localhost"))
	w.WriteHeader(http.StatusAccepted)
}

// broker holds one buffered channel for each subscriber.
type broker struct {
	mu          sync.Mutex
	subscribers map[chan [8]uint64]struct{}
}

var prices = broker{subscribers: map[chan [8]uint64]struct{}{}}

//go:noinline
func (b *broker) subscribe() chan [8]uint64 {
	subscription := make(chan [8]uint64, 30)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers[subscription] = struct{}{}
	return subscription
}

// leakSubscriberBuffers reads one price and forgets that it subscribed.
func leakSubscriberBuffers(w http.ResponseWriter, _ *http.Request) {
	prices.subscribe() <- [8]uint64{1}
}

// span is a node of a trace that knows its parent and its children, so that one of them keeps all.
type span struct {
	parent   *span
	children *span
	sibling  *span
	tags     [61]uint64
}

var (
	traceMu sync.Mutex
	traces  *span
)

//go:noinline
func (s *span) child() *span {
	c := &span{parent: s}
	c.sibling, s.children = s.children, c
	return c
}

// leakGraphOfParents keeps one leaf of each trace, and with it the tree.
func leakGraphOfParents(http.ResponseWriter, *http.Request) {
	traceMu.Lock()
	defer traceMu.Unlock()
	if traces == nil {
		traces = &span{}
	}
	root := traces.child()
	for i := 0; i < 7; i++ {
		root.child()
	}
}

var uploads struct {
	sync.Mutex
	all [][]byte
}

// leakUploadsKept reads 8,000 bytes and keeps them for a second look that never comes.
func leakUploadsKept(w http.ResponseWriter, r *http.Request) {
	upload := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, upload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	uploads.Lock()
	defer uploads.Unlock()
	uploads.all = append(uploads.all, upload)
}

// arena lends buffers; what is lent is remembered until it is returned.
type arena struct {
	mu   sync.Mutex
	lent *lentBuffer
}

type lentBuffer struct {
	next *lentBuffer
	data [16368]byte
}

var buffers arena

//go:noinline
func (a *arena) buffer() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lent = &lentBuffer{next: a.lent}
	return a.lent.data[:]
}

// leakBuffersNotReturned borrows a buffer and does not give it back.
func leakBuffersNotReturned(w http.ResponseWriter, r *http.Request) {
	data := buffers.buffer()
	_, _ = w.Write(data[:copy(data, r.URL.Path)])
}

var frames struct {
	sync.Mutex
	recorded [][]byte
}

// leakFrames64K records a video frame for a replay that nobody asks for.
func leakFrames64K(http.ResponseWriter, *http.Request) {
	frame := make([]byte, 64<<10)
	frames.Lock()
	defer frames.Unlock()
	frames.recorded = append(frames.recorded, frame)
}
