package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"runtime"
	"sync"
)

// Memory that one collection does not free: pools outlive one, finalizers take one more for each link of a chain.

func init() {
	register(Case{Name: "clean/pool-64k", Category: "pool", Handler: usePool(64*kibibyte, 1)})
	register(Case{Name: "clean/pool-random-sizes", Category: "pool", Handler: usePool(1, 128*kibibyte)})
	register(Case{Name: "clean/pool-gzip", Category: "pool", Handler: serveGzip})
	register(Case{Name: "clean/pool-json", Category: "pool", Method: http.MethodPost,
		Headers: map[string]string{"Content-Type": "application/json"},
		Body:    `{"user": "{uuid}", "amount": {random:1,5000}, "tags": ["a", "b"]}`, Handler: servePooledJSON})
	register(Case{Name: "clean/free-list-100", Category: "pool",
		Handler: (&boundedFreeList{free: make(chan []byte, 100)}).serve})
	register(Case{Name: "clean/finalizer", Category: "pool", Handler: finalize(1)})
	register(Case{Name: "clean/finalizer-chain-3", Category: "pool", Handler: finalize(3)})
	register(Case{Name: "clean/finalizer-stops-goroutine", Category: "pool", Handler: serveFinalizedWorker})
	register(Case{Name: "clean/ring-without-finalizer", Category: "pool", Handler: serveCycle})
}

// usePool returns a handler with a pool of buffers of least bytes and up to extra more.
func usePool(least, extra int) http.HandlerFunc {
	pool := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return func(w http.ResponseWriter, _ *http.Request) {
		buffer := pool.Get().(*bytes.Buffer)
		defer pool.Put(buffer)
		buffer.Reset()
		buffer.Write(make([]byte, least+rand.Intn(extra)))
		fmt.Fprintln(w, buffer.Len())
	}
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// serveGzip uses a writer from the pool: each is some 800 KB large.
func serveGzip(w http.ResponseWriter, _ *http.Request) {
	writer := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(writer)
	writer.Reset(w)
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = writer.Write(bytes.Repeat([]byte("compressible "), 500))
	_ = writer.Close()
}

type pooledOrder struct {
	User   string   `json:"user"`
	Amount int      `json:"amount"`
	Tags   []string `json:"tags"`
}

var pooledOrders = sync.Pool{New: func() any { return new(pooledOrder) }}

func servePooledJSON(w http.ResponseWriter, r *http.Request) {
	decoded := pooledOrders.Get().(*pooledOrder)
	defer pooledOrders.Put(decoded)
	*decoded = pooledOrder{Tags: decoded.Tags[:0]}
	if err := json.NewDecoder(r.Body).Decode(decoded); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(decoded)
}

// boundedFreeList is a pool of its own, bounded by its channel.
type boundedFreeList struct{ free chan []byte }

func (f *boundedFreeList) serve(w http.ResponseWriter, _ *http.Request) {
	var buffer []byte
	select {
	case buffer = <-f.free:
	default:
		buffer = make([]byte, 4*kibibyte)
	}
	fmt.Fprintln(w, len(buffer))
	select {
	case f.free <- buffer:
	default:
	}
}

// finalized stands for what owns something outside of the heap, which a finalizer gives back.
type finalized struct {
	next    *finalized
	payload [512]byte
}

// finalize returns a handler that drops a chain of objects with finalizers, of which a collection frees one at a time.
func finalize(links int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var first *finalized
		for i := 0; i < links; i++ {
			first = &finalized{next: first}
			runtime.SetFinalizer(first, func(dropped *finalized) { dropped.payload[0]++ })
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// finalizedWorker owns a goroutine that ends when nobody holds the worker any more. The goroutine must not hold it
// either, hence it gets the channel alone.
type finalizedWorker struct{ stop chan struct{} }

func serveFinalizedWorker(w http.ResponseWriter, _ *http.Request) {
	worker := &finalizedWorker{stop: make(chan struct{})}
	go awaitStop(worker.stop)
	runtime.SetFinalizer(worker, func(dropped *finalizedWorker) { close(dropped.stop) })
	w.WriteHeader(http.StatusNoContent)
}

// serveCycle drops objects that refer to each other: no finalizer, hence no leak.
func serveCycle(w http.ResponseWriter, _ *http.Request) {
	first, second := new(finalized), new(finalized)
	first.next, second.next = second, first
	fmt.Fprintln(w, len(first.next.payload))
}
