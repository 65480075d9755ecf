package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// Goroutines that wait for a lock, a group, a condition, a semaphore or a peer.
func init() {
	register(Case{
		Name: "leak/mutex-locked-twice", Category: "goroutine", Handler: leakMutexLockedTwice,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + 24, Objects: 3, Goroutines: 1,
			Function: "main.(*account).total", Also: []string{"main.(*account).transfer", "main.leakMutexLockedTwice"}, Causes: []string{"GL010"}},
	})
	register(Case{
		Name: "leak/mutex-held-for-ever", Category: "goroutine", Handler: leakMutexHeldForEver,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes, Objects: 2, Goroutines: 1,
			Function: "main.(*ledger).audit", Also: []string{"main.leakMutexHeldForEver"}, Causes: []string{"GL010"}},
	})
	register(Case{
		Name: "leak/rwmutex-upgrade", Category: "goroutine", Handler: leakRWMutexUpgrade,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + 48, Objects: 3, Goroutines: 1,
			Function: "main.(*catalogue).refresh", Also: []string{"main.leakRWMutexUpgrade"}, Causes: []string{"GL010"}},
	})
	register(Case{
		Name: "leak/waitgroup-one-done-short", Category: "goroutine", Handler: leakWaitGroupOneDoneShort,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + 16, Objects: 4, Goroutines: 1,
			Function: "main.leakWaitGroupOneDoneShort.func2", Also: []string{"main.leakWaitGroupOneDoneShort"}, Causes: []string{"GL012"}},
	})
	register(Case{
		Name: "leak/cond-never-signalled", Category: "goroutine", Handler: leakCondNeverSignalled,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + 24 + 64, Objects: 4, Goroutines: 1,
			Function: "main.(*gate).pass", Also: []string{"main.leakCondNeverSignalled"}, Causes: []string{"GL013"}},
	})
	register(Case{
		Name: "leak/semaphore-not-released", Category: "goroutine", Handler: leakSemaphoreNotReleased,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes, Objects: 2, Goroutines: 1,
			Function: "main.generateThumbnail", Also: []string{"main.leakSemaphoreNotReleased"}, Causes: []string{"GL001", "GL015"}},
	})
	register(Case{
		Name: "leak/io-wait-on-pipe", Category: "goroutine", Handler: leakIOWaitOnPipe,
		Truth: Truth{Leaks: true, Bytes: 446, Objects: 0.4, Goroutines: 0.05,
			Function: "main.readProgress", Also: []string{"main.leakIOWaitOnPipe"}, Causes: []string{"GL020", "GL029"}},
	})
	register(Case{
		Name: "leak/io-pipe-reader-left", Category: "goroutine", Handler: leakIOPipeReaderLeft,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + 2*waitBytes + 446, Objects: 8, Goroutines: 1,
			Function: "main.writeReport", Also: []string{"main.leakIOPipeReaderLeft"}, Causes: []string{"GL003", "GL026"}},
	})
}

// account deadlocks with itself when a transfer asks for the total.
type account struct {
	mu      sync.Mutex
	balance int
	pending int
}

//go:noinline
func (a *account) total() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.balance + a.pending
}

func (a *account) transfer() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balance -= a.total() / 10
}

// leakMutexLockedTwice books its transfer in the background.
func leakMutexLockedTwice(http.ResponseWriter, *http.Request) {
	a := &account{balance: 100}
	go a.transfer()
}

// ledger is locked once, on a path without an Unlock, and so for ever.
type ledger struct {
	mu     sync.Mutex
	closed sync.Once
	count  int
}

var books ledger

func (l *ledger) closeMonth() { l.mu.Lock() }

func (l *ledger) audit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
}

// leakMutexHeldForEver waits for a mutex of a package variable: reachable, so that only growth tells.
func leakMutexHeldForEver(http.ResponseWriter, *http.Request) {
	books.closed.Do(books.closeMonth)
	go books.audit()
}

// catalogue takes its write lock while it still holds the read lock.
type catalogue struct {
	mu    sync.RWMutex
	items []string
}

func (c *catalogue) refresh() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.items) == 0 {
		c.mu.Lock()
		c.items = []string{"all"}
		c.mu.Unlock()
	}
}

// leakRWMutexUpgrade refreshes a catalogue of its own, in the background.
func leakRWMutexUpgrade(http.ResponseWriter, *http.Request) {
	go new(catalogue).refresh()
}

// leakWaitGroupOneDoneShort skips Done for the part that fails.
func leakWaitGroupOneDoneShort(http.ResponseWriter, *http.Request) {
	var parts sync.WaitGroup
	done := make(chan struct{})
	for part := 0; part < 2; part++ {
		part := part
		parts.Add(1)
		go func() {
			if part == 1 {
				return // an error: logged, and Done forgotten
			}
			parts.Done()
		}()
	}
	go func() {
		parts.Wait()
		close(done)
	}()
}

// gate opens when somebody broadcasts.
type gate struct {
	mu   sync.Mutex
	open bool
	cond *sync.Cond
}

func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open {
		g.cond.Wait()
	}
}

// leakCondNeverSignalled opens its gate and forgets to say so.
func leakCondNeverSignalled(http.ResponseWriter, *http.Request) {
	g := &gate{}
	g.cond = sync.NewCond(&g.mu)
	go g.pass()
}

// thumbnailSlots bounds the work; a picture that cannot be decoded keeps its slot.
var thumbnailSlots = make(chan struct{}, 8)

func generateThumbnail() {
	thumbnailSlots <- struct{}{}
	if _, err := fmt.Sscan("", new(int)); err != nil {
		return // the release below is skipped
	}
	<-thumbnailSlots
}

// leakSemaphoreNotReleased leaks from its ninth request on, in goroutines that stay reachable.
func leakSemaphoreNotReleased(http.ResponseWriter, *http.Request) {
	go generateThumbnail()
}

// turn counts requests on all connections together.
type turn struct{ served atomic.Uint64 }

// every tells whether this is the nth request since it last said so.
func (t *turn) every(n uint64) bool { return t.served.Add(1)%n == 0 }

var (
	exports   turn
	exporters struct {
		mu     sync.Mutex
		inputs *exporter
	}
)

type exporter struct {
	input *os.File
	next  *exporter
}

func readProgress(output *os.File) {
	defer output.Close()
	_, _ = io.Copy(io.Discard, output)
}

// leakIOWaitOnPipe reads the progress of one export in 20 requests from a pipe whose writing end nobody closes.
func leakIOWaitOnPipe(w http.ResponseWriter, _ *http.Request) {
	if !exports.every(20) {
		return
	}
	output, input, err := os.Pipe()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	exporters.mu.Lock()
	exporters.inputs = &exporter{input: input, next: exporters.inputs}
	exporters.mu.Unlock()
	go readProgress(output)
}

func writeReport(report *io.PipeWriter) {
	_, err := report.Write([]byte("header\n"))
	if err == nil {
		_, err = report.Write([]byte("row\n"))
	}
	_ = report.CloseWithError(err)
}

// leakIOPipeReaderLeft reads a report's header and neither reads on nor closes.
func leakIOPipeReaderLeft(w http.ResponseWriter, _ *http.Request) {
	reader, writer := io.Pipe()
	go writeReport(writer)
	header := make([]byte, 7)
	_, _ = io.ReadFull(reader, header)
	_, _ = w.Write(header)
}
