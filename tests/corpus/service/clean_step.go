package main

import (
	"bytes"
	"fmt"
	"math/rand"
	"net/http"
	"sync"
)

// Growth that happens once: lazy initialisation, structures that grew to their peak, slabs that are replaced, and what
// the runtime keeps of the highest number of goroutines so far.

func init() {
	register(Case{Name: "clean/lazy-init", Category: "step", Handler: (&lazyTable{entries: 20_000}).serve})
	register(Case{Name: "clean/lazy-init-late", Category: "step",
		Handler: (&lazyTable{after: 1500, entries: 20_000}).serve})
	register(Case{Name: "clean/lazy-tenants-500", Category: "step", Path: "/clean/lazy-tenants-500/{n}",
		Handler: (&lazyTenants{}).serve})
	register(Case{Name: "clean/map-grew-and-shrank", Category: "step", Handler: newTide(2000).serve})
	register(Case{Name: "clean/slice-to-bound", Category: "step", Handler: (&recentLines{bound: 5000}).serve})
	register(Case{Name: "clean/peak-buffer", Category: "step", Handler: (&peakBuffer{peak: 256 * kibibyte}).serve})
	register(Case{Name: "clean/slab-replaced", Category: "step", Handler: (&slabAllocator{size: 256 * kibibyte}).serve})
	register(Case{Name: "clean/log-ring-2000", Category: "step", Path: "/clean/log-ring-2000?id={uuid}",
		Handler: newMessageRing(2000, 100, 101).serve})
	register(Case{Name: "clean/ring-1000-random-sizes", Category: "noise", Handler: newMessageRing(1000, 16, 2048).serve})
	register(Case{Name: "clean/goroutine-burst-100", Category: "goroutine", Handler: burst(100)})
	register(Case{Name: "clean/goroutine-burst-random", Category: "goroutine",
		Handler: func(w http.ResponseWriter, r *http.Request) {
			burst(1+rand.Intn(200))(w, r)
		}})
}

// lazyTable is built by the request after the first few.
type lazyTable struct {
	mutex   sync.Mutex
	after   int
	entries int
	served  int
	table   map[int]string
}

func (l *lazyTable) serve(w http.ResponseWriter, _ *http.Request) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.served++; l.table == nil && l.served > l.after {
		l.table = make(map[int]string, l.entries)
		for i := 0; i < l.entries; i++ {
			l.table[i] = fmt.Sprint("entry ", i)
		}
	}
	fmt.Fprintln(w, len(l.table))
}

// lazyTenants sets up each of 500 tenants at their first request.
type lazyTenants struct {
	all [500]struct {
		once    sync.Once
		buffer  *bytes.Buffer
		lookups map[string]int
	}
}

func (t *lazyTenants) serve(w http.ResponseWriter, r *http.Request) {
	tenant := &t.all[numberAtEnd(r.URL.Path)%len(t.all)]
	tenant.once.Do(func() {
		tenant.buffer = bytes.NewBuffer(make([]byte, 0, 2*kibibyte))
		tenant.lookups = map[string]int{"quota": 100}
	})
	fmt.Fprintln(w, tenant.buffer.Cap(), tenant.lookups["quota"])
}

// tide is a map that is filled to a bound, emptied key by key, and filled again; its buckets stay.
type tide struct {
	mutex   sync.Mutex
	bound   int
	falling bool
	entries map[int]*[64]byte
}

func newTide(bound int) *tide { return &tide{bound: bound, entries: map[int]*[64]byte{}} }

func (t *tide) serve(w http.ResponseWriter, _ *http.Request) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	count := len(t.entries)
	if count == 0 || count == t.bound {
		t.falling = count == t.bound
	}
	if t.falling {
		delete(t.entries, count-1)
	} else {
		t.entries[count] = new([64]byte)
	}
	fmt.Fprintln(w, len(t.entries))
}

// recentLines is a slice that append grows by steps until it is a ring.
type recentLines struct {
	mutex sync.Mutex
	bound int
	next  int
	lines []string
}

func (c *recentLines) serve(w http.ResponseWriter, r *http.Request) {
	line := fmt.Sprint(r.RemoteAddr, " ", rand.Intn(1_000_000))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.lines) < c.bound {
		c.lines = append(c.lines, line)
	} else {
		c.lines[c.next] = line
		c.next = (c.next + 1) % c.bound
	}
	fmt.Fprintln(w, len(c.lines))
}

// peakBuffer is one buffer for all requests, as large as the largest of them needed.
type peakBuffer struct {
	mutex  sync.Mutex
	peak   int
	buffer bytes.Buffer
}

func (s *peakBuffer) serve(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.buffer.Reset()
	for size := rand.Intn(s.peak); s.buffer.Len() < size; {
		s.buffer.WriteString("a line of a report that is of some length\n")
	}
	fmt.Fprintln(w, s.buffer.Len())
}

// slabAllocator hands out small pieces of a large block, and begins a new block when it is used up: as long as one
// piece is in use, its whole block lives. The pieces of the last 64 requests are in use.
type slabAllocator struct {
	mutex sync.Mutex
	size  int
	block []byte
	inUse [64][]byte
	next  int
}

func (s *slabAllocator) serve(w http.ResponseWriter, _ *http.Request) {
	const piece = 200
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.block) < piece {
		s.block = make([]byte, s.size)
	}
	s.inUse[s.next] = s.block[:piece:piece]
	s.block = s.block[piece:]
	s.next = (s.next + 1) % len(s.inUse)
	fmt.Fprintln(w, len(s.block))
}

// messageRing keeps the last messages, of least to most bytes each.
type messageRing struct {
	mutex       sync.Mutex
	least, most int
	messages    [][]byte
	next        int
}

func newMessageRing(length, least, most int) *messageRing {
	return &messageRing{least: least, most: most, messages: make([][]byte, length)}
}

func (g *messageRing) serve(w http.ResponseWriter, _ *http.Request) {
	message := make([]byte, g.least+rand.Intn(g.most-g.least))
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.messages[g.next] = message
	g.next = (g.next + 1) % len(g.messages)
	fmt.Fprintln(w, len(message))
}

// burst returns a handler that runs goroutines and waits for all of them.
func burst(goroutines int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var group sync.WaitGroup
		results := make([]int, goroutines)
		for i := range results {
			i := i
			group.Add(1)
			go func() {
				defer group.Done()
				results[i] = i * i
			}()
		}
		group.Wait()
		fmt.Fprintln(w, results[goroutines-1])
	}
}
