// Package serve is what the programs of all pairs share: the address, the health check, plain counters, pprof.
package serve

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
)

// Endpoint listens on the address of the command line, prints where, and serves handler under path until it fails.
func Endpoint(path string, handler http.Handler) {
	address := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, routes(path, handler)))
}

func routes(path string, handler http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(path, handler)
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/memory", memory)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// memory answers with the plain counters that prove the declared truth, read after three collections: pools need two,
// finalizers one more.
func memory(w http.ResponseWriter, _ *http.Request) {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]uint64{
		"objects":    stats.HeapObjects,
		"bytes":      stats.HeapAlloc,
		"goroutines": uint64(runtime.NumGoroutine()),
	})
}

// OK answers 200, or 500 with what went wrong.
func OK(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "ok")
}
