package main

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// Goroutines that are not stuck, only endless: they sleep, tick, retry and poll for a request that is long over.
func init() {
	register(Case{
		Name: "leak/retry-for-ever", Category: "goroutine", Handler: leakRetryForEver,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + sleepBytes, Objects: 2, Goroutines: 1,
			Function: "main.deliverWebhook", Also: []string{"main.leakRetryForEver"}, Causes: []string{"GL033", "GL037"}},
	})
	register(Case{
		Name: "leak/worker-per-request", Category: "goroutine", Handler: leakWorkerPerRequest,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + sleepBytes + 80, Objects: 3, Goroutines: 1,
			Function: "main.(*flusher).run", Also: []string{"main.leakWorkerPerRequest", "main.newFlusher"}, Causes: []string{"GL033"}},
	})
	register(Case{
		Name: "leak/ticker-loop", Category: "goroutine", Handler: leakTickerLoop,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + tickerBytes, Objects: 5, Goroutines: 1,
			Function: "main.leakTickerLoop.func1", Also: []string{"main.leakTickerLoop"}, Causes: []string{"GL034", "GL031"}},
	})
	register(Case{
		Name: "leak/ticker-and-quit", Category: "goroutine", Handler: leakTickerAndQuit,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + 2*waitBytes + tickerBytes + channelBytes + 8, Objects: 8, Goroutines: 1,
			Function: "main.(*heartbeat).beat", Also: []string{"main.leakTickerAndQuit"}, Causes: []string{"GL003"}},
	})
	register(Case{
		Name: "leak/waits-a-day", Category: "goroutine", Handler: leakWaitsADay,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + tickerBytes, Objects: 5, Goroutines: 1,
			Function: "main.expireReservation", Also: []string{"main.leakWaitsADay"}, Causes: []string{"GL036", "GL032"}},
	})
}

// deliverWebhook tries again until it succeeds, which for a receiver that is gone means for ever.
func deliverWebhook(attempt func() error) {
	for attempt() != nil {
		time.Sleep(time.Minute)
	}
}

func unreachableReceiver() error { return errors.New("no such host") }

// leakRetryForEver notifies a receiver that will never answer.
func leakRetryForEver(http.ResponseWriter, *http.Request) {
	go deliverWebhook(unreachableReceiver)
}

// flusher writes out what it gathered, every minute.
type flusher struct {
	mu      sync.Mutex
	pending [4]string
}

//go:noinline
func newFlusher(first string) *flusher {
	f := &flusher{pending: [4]string{first}}
	go f.run()
	return f
}

func (f *flusher) run() {
	for {
		time.Sleep(time.Minute)
		f.mu.Lock()
		f.pending = [4]string{}
		f.mu.Unlock()
	}
}

// leakWorkerPerRequest makes what should have been one flusher for the whole service.
func leakWorkerPerRequest(http.ResponseWriter, *http.Request) {
	newFlusher("started")
}

// leakTickerLoop refreshes something for a client that has left.
func leakTickerLoop(http.ResponseWriter, *http.Request) {
	go func() {
		ticker := time.NewTicker(time.Hour)
		defer ticker.Stop()
		for range ticker.C {
		}
	}()
}

// heartbeat has a quit channel, which its owner never closes.
type heartbeat struct {
	quit chan struct{}
}

func (h *heartbeat) beat() {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-h.quit:
			return
		}
	}
}

// leakTickerAndQuit forgets to close quit.
func leakTickerAndQuit(http.ResponseWriter, *http.Request) {
	h := &heartbeat{quit: make(chan struct{})}
	go h.beat()
}

func expireReservation() {
	<-time.After(24 * time.Hour)
}

// leakWaitsADay holds a goroutine for each reservation until it expires.
func leakWaitsADay(http.ResponseWriter, *http.Request) {
	go expireReservation()
}
