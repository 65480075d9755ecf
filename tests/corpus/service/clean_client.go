package main

import (
	"fmt"
	"net/http"
	"time"
)

// Clients that hang up, are slow or lose patience, and handlers that notice.

func init() {
	register(Case{Name: "clean/abort-noticed", Category: "client abort", Mode: "abort",
		Handler: waitFor(200 * time.Millisecond)})
	register(Case{Name: "clean/abort-unnoticed-300ms", Category: "client abort", Mode: "abort",
		Handler: ignoreClient(300 * time.Millisecond)})
	register(Case{Name: "clean/abort-worker-buffered", Category: "client abort", Mode: "abort",
		Handler: serveBufferedWorker})
	register(Case{Name: "clean/timeout-noticed", Category: "client abort", Mode: "timeout",
		Handler: waitFor(2 * time.Second)})
	register(Case{Name: "clean/timeout-unnoticed-1s", Category: "client abort", Mode: "timeout",
		Handler: ignoreClient(time.Second)})
	register(Case{Name: "clean/hold-stream", Category: "client abort", Mode: "hold", Handler: serveEvents})
	register(Case{Name: "clean/slow-reader-300k", Category: "client abort", Mode: "slow_reader",
		Handler: streamChunks(30, 10*kibibyte)})
	register(Case{Name: "clean/slow-reader-8m", Category: "client abort", Mode: "slow_reader",
		Handler: streamChunks(128, 64*kibibyte)})
	register(Case{Name: "clean/abort-subscriber-removed", Category: "client abort", Mode: "abort",
		Handler: (&broadcaster{}).serveSubscription})
	register(Case{Name: "clean/stream-20-chunks", Category: "response", Handler: streamChunks(20, kibibyte)})
}

// waitFor returns a handler that works for a while, or until the client hangs up.
func waitFor(duration time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		work := time.NewTimer(duration)
		defer work.Stop()
		select {
		case <-work.C:
			fmt.Fprintln(w, "done")
		case <-r.Context().Done():
		}
	}
}

// ignoreClient returns a handler that works on for nobody, but ends.
func ignoreClient(duration time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		state := make([]byte, 4*kibibyte)
		time.Sleep(duration)
		fmt.Fprintln(w, len(state))
	}
}

// serveBufferedWorker leaves a worker behind whose result has a place to go to: it ends though nobody reads it.
func serveBufferedWorker(w http.ResponseWriter, r *http.Request) {
	result := make(chan int, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		result <- 1
	}()
	select {
	case value := <-result:
		fmt.Fprintln(w, value)
	case <-r.Context().Done():
	}
}

// serveEvents sends events for as long as the client listens.
func serveEvents(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		fmt.Fprint(w, "data: tick\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}

// streamChunks returns a handler that sends chunks one by one, and stops when nobody reads them.
func streamChunks(chunks, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, size)
		for i := 0; i < chunks; i++ {
			if _, err := w.Write(chunk); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
}
