package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Live memory and goroutines that go up and down with the requests, around a level that stays.

func init() {
	register(Case{Name: "clean/random-level-100k", Category: "noise", Handler: (&randomLevel{most: 200 * kibibyte}).serve})
	register(Case{Name: "clean/random-level-objects", Category: "noise", Handler: (&randomPieces{most: 800}).serve})
	register(Case{Name: "clean/breathing-pool", Category: "noise", Handler: (&breathingPool{most: 100}).serve})
	register(Case{Name: "clean/barrier-100", Category: "noise", Handler: newConvoy(100, 0).serve})
	register(Case{Name: "clean/barrier-64-payload", Category: "noise", Handler: newConvoy(64, kibibyte).serve})
	register(Case{Name: "clean/batch-64", Category: "noise", Handler: (&fullBatch{limit: 64, size: 512}).serve})
	register(Case{Name: "clean/batch-1000", Category: "noise", Handler: (&fullBatch{limit: 1000, size: 64}).serve})
	register(Case{Name: "clean/flush-1s", Category: "noise",
		Handler: (&flushedLog{limit: mebibyte, interval: time.Second}).serve})
	register(Case{Name: "clean/flush-random", Category: "noise",
		Handler: (&flushedLog{limit: mebibyte, odds: 300}).serve})
	register(Case{Name: "clean/garbage-256k", Category: "noise", Handler: dropBlocks(1, 256*kibibyte)})
	register(Case{Name: "clean/garbage-1m", Category: "noise", Handler: dropBlocks(1, mebibyte)})
	register(Case{Name: "clean/garbage-1m-in-4096-objects", Category: "noise", Handler: dropBlocks(4096, 256)})
	register(Case{Name: "clean/metrics-bounded", Category: "noise",
		Path:    "/clean/metrics-bounded?route={choice:/a,/b,/c,/d}&code={choice:200,404,500}",
		Handler: (&boundedSeries{}).serve})
	register(Case{Name: "clean/histogram-reservoir", Category: "noise", Handler: (&reservoir{bound: 1028}).serve})
}

// randomLevel is one block of live memory, replaced by every request by one of a random size.
type randomLevel struct {
	most int
	held atomic.Pointer[[]byte]
}

func (l *randomLevel) serve(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, rand.Intn(l.most))
	l.held.Store(&block)
	fmt.Fprintln(w, len(block))
}

// randomPieces is a random number of small blocks, replaced by every request.
type randomPieces struct {
	most int
	held atomic.Pointer[[][]byte]
}

func (p *randomPieces) serve(w http.ResponseWriter, _ *http.Request) {
	blocks := make([][]byte, rand.Intn(p.most))
	for i := range blocks {
		blocks[i] = make([]byte, 128)
	}
	p.held.Store(&blocks)
	fmt.Fprintln(w, len(blocks))
}

// breathingPool has a random number of goroutines after every request.
type breathingPool struct {
	mutex sync.Mutex
	most  int
	stops []chan struct{}
}

func (p *breathingPool) serve(w http.ResponseWriter, _ *http.Request) {
	target := rand.Intn(p.most + 1)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for len(p.stops) < target {
		stop := make(chan struct{})
		p.stops = append(p.stops, stop)
		go awaitStop(stop)
	}
	for _, stop := range p.stops[target:] {
		close(stop)
	}
	p.stops = p.stops[:target]
	fmt.Fprintln(w, target)
}

// convoy lets goroutines wait until there is a whole number of them: 0 to size-1 wait at any time.
type convoy struct {
	mutex   sync.Mutex
	size    int
	payload int
	waiting int
	gate    chan struct{}
}

func newConvoy(size, payload int) *convoy {
	return &convoy{size: size, payload: payload, gate: make(chan struct{})}
}

func (c *convoy) serve(w http.ResponseWriter, _ *http.Request) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.waiting++; c.waiting == c.size {
		close(c.gate)
		c.gate, c.waiting = make(chan struct{}), 0
	} else {
		go ride(c.gate, make([]byte, c.payload))
	}
	fmt.Fprintln(w, c.waiting)
}

func ride(gate <-chan struct{}, luggage []byte) {
	<-gate
	clear(luggage)
}

// fullBatch collects records until there are limit of them; what is left when the load ends, stays.
type fullBatch struct {
	mutex   sync.Mutex
	limit   int
	size    int
	records [][]byte
}

func (b *fullBatch) serve(w http.ResponseWriter, _ *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.records = append(b.records, make([]byte, b.size))
	if len(b.records) == b.limit {
		clear(b.records)
		b.records = b.records[:0]
	}
	fmt.Fprintln(w, len(b.records))
}

// flushedLog collects lines until a flush: when there are limit bytes, at an interval if there is one, and by chance
// for one request in odds if there are odds.
type flushedLog struct {
	mutex    sync.Mutex
	limit    int
	interval time.Duration
	odds     int
	lines    []byte
	flusher  *time.Timer
}

func (f *flushedLog) serve(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.lines = fmt.Appendf(f.lines, "%s %s %s %x\n", r.RemoteAddr, r.Method, r.URL, rand.Int63())
	if f.interval > 0 && f.flusher == nil {
		f.flusher = time.AfterFunc(f.interval, f.flush)
	}
	if len(f.lines) > f.limit || f.odds > 0 && rand.Intn(f.odds) == 0 {
		f.lines = nil
	}
	fmt.Fprintln(w, len(f.lines))
}

func (f *flushedLog) flush() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.lines, f.flusher = nil, nil
}

// dropBlocks returns a handler that makes count blocks of size bytes and keeps none of them.
func dropBlocks(count, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		blocks := make([][]byte, count)
		for i := range blocks {
			blocks[i] = make([]byte, size)
			blocks[i][0] = byte(i)
		}
		fmt.Fprintf(w, "%x\n", sha256.Sum256(blocks[count-1][:min(size, 64)]))
	}
}

// boundedSeries has a series for each combination of labels, and the labels are few.
type boundedSeries struct{ series sync.Map }

type seriesLabels struct{ route, code string }

func (m *boundedSeries) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	counter, _ := m.series.LoadOrStore(seriesLabels{query.Get("route"), query.Get("code")}, new(atomic.Int64))
	fmt.Fprintln(w, counter.(*atomic.Int64).Add(1))
}

// reservoir is a fair sample of all values so far, of a bounded size.
type reservoir struct {
	mutex  sync.Mutex
	bound  int
	count  int
	values []*float64
}

func (v *reservoir) serve(w http.ResponseWriter, _ *http.Request) {
	value := rand.ExpFloat64()
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.count++; len(v.values) < v.bound {
		v.values = append(v.values, &value)
	} else if place := rand.Intn(v.count); place < v.bound {
		v.values[place] = &value
	}
	fmt.Fprintln(w, len(v.values))
}
