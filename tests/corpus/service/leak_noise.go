package main

import (
	"net/http"
	"sync"
)

// Leaks under a background that hides them, and under garbage that each request makes itself.
func init() {
	waiting := goroutineBytes + waitBytes + channelBytes
	register(Case{
		Name: "leak/sawtooth-goroutine", Category: "noise", Environment: "sawtooth", Handler: leakSawtoothGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitShipment",
			Also: []string{"main.leakSawtoothGoroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/sawtooth-256", Category: "noise", Environment: "sawtooth", Handler: leakSawtooth256,
		Truth: Truth{Leaks: true, Bytes: 256, Objects: 1, Function: "main.(*cart).add", Also: []string{"main.leakSawtooth256"}},
	})
	register(Case{
		Name: "leak/sawtooth-8k", Category: "noise", Environment: "sawtooth", Handler: leakSawtooth8K,
		Truth: Truth{Leaks: true, Bytes: 8192 + 27, Objects: 1, Function: "main.scanDocument", Also: []string{"main.leakSawtooth8K"}},
	})
	register(Case{
		Name: "leak/breathing-goroutine", Category: "noise", Environment: "breathing", Handler: leakBreathingGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitLease",
			Also: []string{"main.leakBreathingGoroutine"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/breathing-one-in-ten", Category: "noise", Environment: "breathing", Handler: leakBreathingOneInTen,
		Truth: Truth{Leaks: true, Bytes: float64(waiting) / 10, Objects: 0.3, Goroutines: 0.1, Function: "main.awaitElection",
			Also: []string{"main.leakBreathingOneInTen"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/breathing-1k", Category: "noise", Environment: "breathing", Handler: leakBreathing1K,
		Truth: Truth{Leaks: true, Bytes: 1024 + 27, Objects: 1, Function: "main.issueToken", Also: []string{"main.leakBreathing1K"}},
	})
	register(Case{
		Name: "leak/busy-goroutine", Category: "busy", Environment: "busy", Handler: leakBusyGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitWorker",
			Also: []string{"main.leakBusyGoroutine"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/busy-512", Category: "busy", Environment: "busy", Handler: leakBusy512,
		Truth: Truth{Leaks: true, Bytes: 512, Objects: 1, Function: "main.(*backlog).postpone", Also: []string{"main.leakBusy512"}},
	})
	register(Case{
		Name: "leak/bigheap-goroutine", Category: "big heap", Environment: "bigheap", Handler: leakBigHeapGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitIndex",
			Also: []string{"main.leakBigHeapGoroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/bigheap-2k", Category: "big heap", Environment: "bigheap", Handler: leakBigHeap2K,
		Truth: Truth{Leaks: true, Bytes: 2048 + 27, Objects: 1, Function: "main.loadShard", Also: []string{"main.leakBigHeap2K"}},
	})
	register(Case{
		Name: "leak/drift-goroutine", Category: "drift", Environment: "drift", Handler: leakDriftGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitReplication",
			Also: []string{"main.leakDriftGoroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/drift-4k", Category: "drift", Environment: "drift", Handler: leakDrift4K,
		Truth: Truth{Leaks: true, Bytes: 4096 + 27, Objects: 1, Function: "main.readPage", Also: []string{"main.leakDrift4K"}},
	})
	register(Case{
		Name: "leak/flush-goroutine", Category: "noise", Environment: "flush", Handler: leakFlushGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitFlush",
			Also: []string{"main.leakFlushGoroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/flush-1k", Category: "noise", Environment: "flush", Handler: leakFlush1K,
		Truth: Truth{Leaks: true, Bytes: 1024 + 27, Objects: 1, Function: "main.encodeBatch", Also: []string{"main.leakFlush1K"}},
	})
	register(Case{
		Name: "leak/garbage-256k-keeps-64", Category: "garbage", Handler: leakGarbage256KKeeps64,
		Truth: Truth{Leaks: true, Bytes: 64, Objects: 1, Function: "main.(*digests).add", Also: []string{"main.leakGarbage256KKeeps64"}},
	})
	register(Case{
		Name: "leak/garbage-1m-keeps-512", Category: "garbage", Handler: leakGarbage1MKeeps512,
		Truth: Truth{Leaks: true, Bytes: 512 + 27, Objects: 1, Function: "main.summarise", Also: []string{"main.leakGarbage1MKeeps512"}},
	})
	register(Case{
		Name: "leak/garbage-1m-goroutine", Category: "garbage", Handler: leakGarbage1MGoroutine,
		Truth: Truth{Leaks: true, Bytes: float64(waiting), Objects: 3, Goroutines: 1, Function: "main.awaitUpload",
			Also: []string{"main.leakGarbage1MGoroutine"}, Causes: []string{"GL001"}},
	})
}

func awaitShipment(shipped <-chan struct{})   { <-shipped }
func awaitLease(free chan<- struct{})         { free <- struct{}{} }
func awaitElection(elected <-chan struct{})   { <-elected }
func awaitWorker(work chan<- struct{})        { work <- struct{}{} }
func awaitIndex(indexed <-chan struct{})      { <-indexed }
func awaitReplication(copied <-chan struct{}) { <-copied }
func awaitFlush(flushed <-chan struct{})      { <-flushed }
func awaitUpload(uploaded chan<- struct{})    { uploaded <- struct{}{} }

func leakSawtoothGoroutine(http.ResponseWriter, *http.Request)  { go awaitShipment(make(chan struct{})) }
func leakBreathingGoroutine(http.ResponseWriter, *http.Request) { go awaitLease(make(chan struct{})) }
func leakBusyGoroutine(http.ResponseWriter, *http.Request)      { go awaitWorker(make(chan struct{})) }
func leakBigHeapGoroutine(http.ResponseWriter, *http.Request)   { go awaitIndex(make(chan struct{})) }
func leakDriftGoroutine(http.ResponseWriter, *http.Request)     { go awaitReplication(make(chan struct{})) }
func leakFlushGoroutine(http.ResponseWriter, *http.Request)     { go awaitFlush(make(chan struct{})) }

var (
	elections                                 turn
	scans, tokens, shards, blocks, batchesOut keeper
	summaries                                 keeper
)

// leakBreathingOneInTen waits for the outcome of an election in one request of ten.
func leakBreathingOneInTen(http.ResponseWriter, *http.Request) {
	if elections.every(10) {
		go awaitElection(make(chan struct{}))
	}
}

//go:noinline
func scanDocument() []byte { return make([]byte, 8192) }

//go:noinline
func issueToken() []byte { return make([]byte, 1024) }

//go:noinline
func loadShard() []byte { return make([]byte, 2048) }

//go:noinline
func readPage() []byte { return make([]byte, 4096) }

//go:noinline
func encodeBatch() []byte { return make([]byte, 1024) }

func leakSawtooth8K(http.ResponseWriter, *http.Request)  { scans.keep(scanDocument()) }
func leakBreathing1K(http.ResponseWriter, *http.Request) { tokens.keep(issueToken()) }
func leakBigHeap2K(http.ResponseWriter, *http.Request)   { shards.keep(loadShard()) }
func leakDrift4K(http.ResponseWriter, *http.Request)     { blocks.keep(readPage()) }
func leakFlush1K(http.ResponseWriter, *http.Request)     { batchesOut.keep(encodeBatch()) }

// cart keeps the lines that were taken out, to put them in again.
type cart struct {
	mu      sync.Mutex
	removed *cartLine
}

type cartLine struct {
	before *cartLine
	fields [31]uint64
}

var sharedCart cart

//go:noinline
func (c *cart) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removed = &cartLine{before: c.removed}
}

func leakSawtooth256(http.ResponseWriter, *http.Request) { sharedCart.add() }

// backlog is what is to be done when the machine is less busy.
type backlog struct {
	mu   sync.Mutex
	last *backlogItem
}

type backlogItem struct {
	before *backlogItem
	task   [63]uint64
}

var postponed backlog

//go:noinline
func (b *backlog) postpone() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = &backlogItem{before: b.last}
}

func leakBusy512(http.ResponseWriter, *http.Request) { postponed.postpone() }

// churn stands for the decoding, joining and encoding of large documents.
//
//go:noinline
func churn(size int) []byte {
	garbage := make([]byte, size)
	garbage[size-1] = 1
	return garbage
}

// digests has the digest of each document that ever came.
type digests struct {
	mu   sync.Mutex
	last *digest
}

type digest struct {
	before *digest
	sum    [7]uint64
}

var seenDigests digests

//go:noinline
func (d *digests) add(sum byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = &digest{before: d.last, sum: [7]uint64{uint64(sum)}}
}

// leakGarbage256KKeeps64 keeps 64 of 256 Ki bytes.
func leakGarbage256KKeeps64(http.ResponseWriter, *http.Request) {
	document := churn(256 << 10)
	seenDigests.add(document[len(document)-1])
}

//go:noinline
func summarise(document []byte) []byte {
	summary := make([]byte, 512)
	copy(summary, document)
	return summary
}

// leakGarbage1MKeeps512 keeps a summary of each document of 1 MiB.
func leakGarbage1MKeeps512(http.ResponseWriter, *http.Request) {
	summaries.keep(summarise(churn(1 << 20)))
}

// leakGarbage1MGoroutine starts an upload of which it waits for nothing.
func leakGarbage1MGoroutine(w http.ResponseWriter, _ *http.Request) {
	document := churn(1 << 20)
	go awaitUpload(make(chan struct{}))
	_, _ = w.Write(document[:16])
}
