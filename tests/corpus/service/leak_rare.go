package main

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
)

// Leaks that few requests make, that begin late, or that grow by steps.
func init() {
	register(Case{
		Name: "leak/one-in-ten-goroutine", Category: "rare", Handler: leakOneInTenGoroutine,
		Truth: Truth{Leaks: true, Bytes: (goroutineBytes + waitBytes + channelBytes) / 10.0, Objects: 0.3, Goroutines: 0.1,
			Function: "main.sampleTrace", Also: []string{"main.leakOneInTenGoroutine"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/one-in-hundred-goroutine", Category: "rare", Handler: leakOneInHundredGoroutine,
		Truth: Truth{Leaks: true, Bytes: (goroutineBytes + waitBytes + channelBytes) / 100.0, Objects: 0.03, Goroutines: 0.01,
			Function: "main.leakOneInHundredGoroutine.func1", Also: []string{"main.leakOneInHundredGoroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/one-in-ten-failures", Category: "rare", Handler: leakOneInTenFailures,
		Truth: Truth{Leaks: true, Bytes: 25.6, Objects: 0.1, Function: "main.(*failures).remember", Also: []string{"main.leakOneInTenFailures"}},
	})
	register(Case{
		Name: "leak/one-in-hundred-slow-queries", Category: "rare", Handler: leakOneInHundredSlowQueries,
		Truth: Truth{Leaks: true, Bytes: 327.68, Objects: 0.01, Function: "main.(*queryLog).sample", Also: []string{"main.leakOneInHundredSlowQueries"}},
	})
	register(Case{
		Name: "leak/one-in-hundred-64k", Category: "rare", Handler: leakOneInHundred64K,
		Truth: Truth{Leaks: true, Bytes: 655.36, Objects: 0.01, Function: "main.takeCoreDump", Also: []string{"main.leakOneInHundred64K"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/after-500", Category: "late", Handler: leakAfter500,
		Truth: Truth{Leaks: true, Bytes: 512, Objects: 1, Function: "main.(*overflow).keep", Also: []string{"main.leakAfter500"}},
	})
	register(Case{
		Name: "leak/after-1000", Category: "late", Handler: leakAfter1000,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes, Objects: 2, Goroutines: 1, Function: "main.(*statsQueue).put",
			Also: []string{"main.leakAfter1000"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/after-2000", Category: "late", Handler: leakAfter2000,
		Truth: Truth{Leaks: true, Bytes: 128, Objects: 1, Function: "main.(*breaker).fail", Also: []string{"main.leakAfter2000"}},
	})
	register(Case{
		Name: "leak/chunk-every-200", Category: "steps", Handler: leakChunkEvery200,
		Truth: Truth{Leaks: true, Bytes: 65536 / 200.0, Objects: 0.005, Function: "main.(*slab).take", Also: []string{"main.leakChunkEvery200"}},
	})
	register(Case{
		Name: "leak/page-every-32", Category: "steps", Handler: leakPageEvery32,
		Truth: Truth{Leaks: true, Bytes: 2048 / 32.0, Objects: 1 / 32.0, Function: "main.(*counterPages).next", Also: []string{"main.leakPageEvery32"}},
	})
	register(Case{
		Name: "leak/buffer-grows", Category: "steps", Handler: leakBufferGrows,
		Truth: Truth{Leaks: true, Bytes: 27, Function: "main.leakBufferGrows", Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/map-per-partition", Category: "steps", Handler: leakMapPerPartition,
		Truth:    Truth{Leaks: true, Bytes: 30.5, Objects: 0.009, Function: "main.leakMapPerPartition", Causes: []string{"GL070"}},
		Versions: ">=1.24", // maps before took another share
	})
	register(Case{
		Name: "leak/table-of-rows", Category: "steps", Handler: leakTableOfRows,
		Truth: Truth{Leaks: true, Bytes: 72, Function: "main.leakTableOfRows", Causes: []string{"GL071"}},
	})
}

var traced, reconnects turn

func sampleTrace(collector chan<- int) { collector <- 1 }

// leakOneInTenGoroutine samples a tenth of its requests for a collector that has gone.
func leakOneInTenGoroutine(http.ResponseWriter, *http.Request) {
	if traced.every(10) {
		go sampleTrace(make(chan int))
	}
}

// leakOneInHundredGoroutine reconnects now and then, and leaves the old connection's reader.
func leakOneInHundredGoroutine(http.ResponseWriter, *http.Request) {
	if !reconnects.every(100) {
		return
	}
	closed := make(chan struct{})
	go func() { <-closed }()
}

// failures remembers what went wrong, to be shown on a page for operators.
type failures struct {
	turn
	mu   sync.Mutex
	last *failure
}

type failure struct {
	err    error
	before *failure
	stack  [29]uintptr
}

var (
	failed      failures
	errUpstream = errors.New("upstream failed")
)

//go:noinline
func (f *failures) remember(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = &failure{err: err, before: f.last}
}

// leakOneInTenFailures fails for a tenth of its requests, and answers from a cache then.
func leakOneInTenFailures(http.ResponseWriter, *http.Request) {
	if failed.every(10) {
		failed.remember(errUpstream)
	}
}

// queryLog keeps samples of 32 KiB, of one query in a hundred.
type queryLog struct {
	turn
	mu   sync.Mutex
	last *querySample
}

type querySample struct {
	before *querySample
	plan   [32752]byte
}

var slowQueries queryLog

//go:noinline
func (l *queryLog) sample() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = &querySample{before: l.last}
}

// leakOneInHundredSlowQueries logs the plan of one query in a hundred.
func leakOneInHundredSlowQueries(http.ResponseWriter, *http.Request) {
	if slowQueries.every(100) {
		slowQueries.sample()
	}
}

var coreDumps struct {
	turn
	mu  sync.Mutex
	all [][]byte
}

//go:noinline
func takeCoreDump() []byte { return make([]byte, 64<<10) }

// leakOneInHundred64K keeps a dump of one request in a hundred.
func leakOneInHundred64K(http.ResponseWriter, *http.Request) {
	if !coreDumps.every(100) {
		return
	}
	dump := takeCoreDump()
	coreDumps.mu.Lock()
	defer coreDumps.mu.Unlock()
	coreDumps.all = append(coreDumps.all, dump)
}

// overflow takes what a ring of 500 places has no room for.
type overflow struct {
	served atomic.Uint64
	mu     sync.Mutex
	ring   [500]uint64
	extra  *overflowed
}

type overflowed struct {
	next *overflowed
	data [496]byte
}

var sampled overflow

//go:noinline
func (o *overflow) keep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.extra = &overflowed{next: o.extra}
}

// leakAfter500 begins to leak when its ring is full.
func leakAfter500(http.ResponseWriter, *http.Request) {
	served := sampled.served.Add(1)
	if served > uint64(len(sampled.ring)) {
		sampled.keep()
	}
}

// statsQueue has room for 1,000 values that nobody takes out.
type statsQueue struct {
	values chan int64
}

var requestSizes = statsQueue{values: make(chan int64, 1000)}

func (q *statsQueue) put() { q.values <- 1 }

// leakAfter1000 sends to a buffered channel without a receiver: harmless until the buffer is full.
func leakAfter1000(http.ResponseWriter, *http.Request) {
	go requestSizes.put()
}

// breaker opens after 2,000 requests and notes every failure from then on.
type breaker struct {
	served   atomic.Uint64
	mu       sync.Mutex
	failures *breakerFailure
}

type breakerFailure struct {
	next   *breakerFailure
	detail [15]uint64
}

var backend breaker

//go:noinline
func (b *breaker) fail() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = &breakerFailure{next: b.failures}
}

// leakAfter2000 uses up a quota first.
func leakAfter2000(http.ResponseWriter, *http.Request) {
	if backend.served.Add(1) > 2000 {
		backend.fail()
	}
}

// slab gives out small pieces of large chunks and takes none back.
type slab struct {
	mu     sync.Mutex
	free   int
	chunks *slabChunk
}

type slabChunk struct {
	next *slabChunk
	data [65528]byte
}

var pieces slab

//go:noinline
func (s *slab) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		s.chunks = &slabChunk{next: s.chunks}
		s.free = 200
	}
	s.free--
}

// leakChunkEvery200 grows by 64 KiB at once, every 200 requests.
func leakChunkEvery200(http.ResponseWriter, *http.Request) {
	pieces.take()
}

// counterPages hands out counters, 32 to a page.
type counterPages struct {
	mu   sync.Mutex
	used int
	page *counterPage
}

type counterPage struct {
	before   *counterPage
	counters [32]struct{ value, min, max, at uint64 }
	_        [1000]byte
}

var counters counterPages

//go:noinline
func (p *counterPages) next() *uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used%32 == 0 {
		p.page = &counterPage{before: p.page}
	}
	p.used++
	return &p.page.counters[p.used%32].value
}

// leakPageEvery32 takes a new counter where it should have used its own.
func leakPageEvery32(http.ResponseWriter, *http.Request) {
	*counters.next()++
}

var transcript struct {
	sync.Mutex
	text []byte
}

// leakBufferGrows appends 24 bytes to one buffer: it grows, and no object is added.
func leakBufferGrows(http.ResponseWriter, *http.Request) {
	transcript.Lock()
	defer transcript.Unlock()
	transcript.text = append(transcript.text, "GET /leak 200 1.2ms 0 B\n"...)
}

// partitions are filled one after the other; each map doubles until it holds the 448 entries of its partition.
var partitions struct {
	sync.Mutex
	entered int
	maps    []map[[2]uint64]int64
}

// leakMapPerPartition enters every request's number, and drops no partition that is full.
func leakMapPerPartition(_ http.ResponseWriter, r *http.Request) {
	partitions.Lock()
	defer partitions.Unlock()
	if partitions.entered%448 == 0 {
		partitions.maps = append(partitions.maps, map[[2]uint64]int64{})
	}
	partitions.entered++
	current := partitions.maps[len(partitions.maps)-1]
	current[[2]uint64{uint64(partitions.entered), 1}] = r.ContentLength
}

type tableRow struct {
	number uint64
	cells  [7]float64
}

var table struct {
	sync.Mutex
	rows []tableRow
}

// leakTableOfRows appends a row of 64 bytes by value.
func leakTableOfRows(http.ResponseWriter, *http.Request) {
	table.Lock()
	defer table.Unlock()
	table.rows = append(table.rows, tableRow{number: uint64(len(table.rows))})
}
