package main

import (
	"net/http"
	"sync"
	"time"
)

// Handlers so slow that a run sees few requests.
func init() {
	register(Case{
		Name: "leak/slow-30ms-goroutine", Category: "slow", Handler: leakSlow30Goroutine,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.awaitReceipt",
			Also: []string{"main.leakSlow30Goroutine"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/slow-30ms-statements", Category: "slow", Handler: leakSlow30Statements,
		Truth: Truth{Leaks: true, Bytes: 512, Objects: 1, Function: "main.(*statementLog).add", Also: []string{"main.leakSlow30Statements"}},
	})
	register(Case{
		Name: "leak/slow-100ms-reports", Category: "slow", Handler: leakSlow100Reports,
		Truth: Truth{Leaks: true, Bytes: 4096 + 27, Objects: 1, Function: "main.compileReport", Also: []string{"main.leakSlow100Reports"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/slow-300ms-quotes", Category: "slow", Handler: leakSlow300Quotes,
		Truth: Truth{Leaks: true, Bytes: 16384 + 27, Objects: 1, Function: "main.collectQuotes", Also: []string{"main.leakSlow300Quotes"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/slow-300ms-goroutine", Category: "slow", Handler: leakSlow300Goroutine,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.pollPayment",
			Also: []string{"main.leakSlow300Goroutine"}, Causes: []string{"GL003"}},
	})
}

func awaitReceipt(receipt <-chan struct{}) { <-receipt }

func leakSlow30Goroutine(http.ResponseWriter, *http.Request) {
	time.Sleep(30 * time.Millisecond)
	go awaitReceipt(make(chan struct{}))
}

type statementLog struct {
	mu   sync.Mutex
	last *loggedStatement
}

type loggedStatement struct {
	before *loggedStatement
	took   time.Duration
	text   [496]byte
}

var statements statementLog

//go:noinline
func (l *statementLog) add(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = &loggedStatement{before: l.last, took: took}
}

// leakSlow30Statements logs what took long, which is everything.
func leakSlow30Statements(http.ResponseWriter, *http.Request) {
	begin := time.Now()
	time.Sleep(30 * time.Millisecond)
	statements.add(time.Since(begin))
}

var reports, quotes keeper

// keeper is a list of documents which nobody shortens.
type keeper struct {
	mu   sync.Mutex
	kept [][]byte
}

func (k *keeper) keep(document []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, document)
}

//go:noinline
func compileReport() []byte { return make([]byte, 4096) }

func leakSlow100Reports(http.ResponseWriter, *http.Request) {
	time.Sleep(100 * time.Millisecond)
	reports.keep(compileReport())
}

//go:noinline
func collectQuotes() []byte { return make([]byte, 16384) }

func leakSlow300Quotes(http.ResponseWriter, *http.Request) {
	time.Sleep(300 * time.Millisecond)
	quotes.keep(collectQuotes())
}

func pollPayment(paid <-chan struct{}) {
	var never chan struct{}
	select {
	case <-paid:
	case <-never:
	}
}

func leakSlow300Goroutine(http.ResponseWriter, *http.Request) {
	time.Sleep(300 * time.Millisecond)
	go pollPayment(make(chan struct{}))
}
