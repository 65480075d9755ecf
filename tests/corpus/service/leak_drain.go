package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Mixed cases: a part of what a request leaves goes away after a while, a part stays.
func init() {
	register(Case{
		Name: "leak/drains-one-of-two", Category: "drain", Handler: leakDrainsOneOfTwo,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.awaitConfirmation",
			Also: []string{"main.leakDrainsOneOfTwo"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/expired-but-indexed", Category: "drain", Handler: leakExpiredButIndexed,
		Truth: Truth{Leaks: true, Bytes: 96, Objects: 1, Function: "main.(*indexedCache).put", Also: []string{"main.leakExpiredButIndexed"}},
	})
	register(Case{
		Name: "leak/job-results-kept", Category: "drain", Handler: leakJobResultsKept,
		Truth: Truth{Leaks: true, Bytes: 256, Objects: 1, Function: "main.(*jobHistory).finish", Also: []string{"main.runJob", "main.leakJobResultsKept"}},
	})
	register(Case{
		Name: "leak/timeout-drains-subscription-stays", Category: "drain", Handler: leakTimeoutDrainsSubscriptionStays,
		Truth: Truth{Leaks: true, Bytes: 1024, Objects: 1, Function: "main.(*ticketBoard).subscribe", Also: []string{"main.leakTimeoutDrainsSubscriptionStays"}},
	})
}

func sendConfirmation() { time.Sleep(time.Second) }

func awaitConfirmation(confirmed <-chan struct{}) { <-confirmed }

// leakDrainsOneOfTwo starts one goroutine that ends after a second and one that never does.
func leakDrainsOneOfTwo(http.ResponseWriter, *http.Request) {
	go sendConfirmation()
	go awaitConfirmation(make(chan struct{}))
}

// indexedCache drops its values when they are old, and not the places where they were.
type indexedCache struct {
	mu    sync.Mutex
	index *indexed
}

type indexed struct {
	value *[1024]byte
	next  *indexed
	stats [10]uint64
}

var thumbnails indexedCache

//go:noinline
func (c *indexedCache) put(value *[1024]byte) {
	entry := &indexed{value: value}
	c.mu.Lock()
	entry.next, c.index = c.index, entry
	c.mu.Unlock()
	time.AfterFunc(1500*time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		entry.value = nil
	})
}

// leakExpiredButIndexed frees 1,024 bytes of each entry after 1.5 s and keeps 96.
func leakExpiredButIndexed(http.ResponseWriter, *http.Request) {
	thumbnails.put(new([1024]byte))
}

// jobHistory has a result for every job there ever was.
type jobHistory struct {
	mu   sync.Mutex
	last *jobResult
}

type jobResult struct {
	before *jobResult
	output [31]uint64
}

var history jobHistory

//go:noinline
func (h *jobHistory) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = &jobResult{before: h.last}
}

func runJob() {
	time.Sleep(time.Second)
	history.finish()
}

// leakJobResultsKept answers at once; what it leaves appears a second later.
func leakJobResultsKept(w http.ResponseWriter, _ *http.Request) {
	go runJob()
	w.WriteHeader(http.StatusAccepted)
}

// ticketBoard tells its subscribers about new tickets.
type ticketBoard struct {
	mu    sync.Mutex
	first *ticketSubscriber
}

type ticketSubscriber struct {
	next    *ticketSubscriber
	tickets [126]uint64
}

var board ticketBoard

//go:noinline
func (b *ticketBoard) subscribe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = &ticketSubscriber{next: b.first}
}

// leakTimeoutDrainsSubscriptionStays lets its context run out, 2 s later, and stays subscribed.
func leakTimeoutDrainsSubscriptionStays(http.ResponseWriter, *http.Request) {
	var request importer
	request.ctx, request.cancel = context.WithTimeout(context.Background(), 2*time.Second)
	if request.ctx.Err() == nil {
		board.subscribe()
	}
}
