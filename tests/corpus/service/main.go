// Command corpus is a web service made of endpoints whose leaks are known exactly.
//
// Every endpoint is a Case (case.go). Files leak_*.go hold mistakes as they are made in real services, clean_*.go hold
// what looks like a leak and is none. The service is a target for tests and measurements only: it serves pprof openly.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("corpus: ")
	address := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	environment := flag.String("environment", "plain", "`name` of the background to run beside the requests")
	wait := flag.Duration("wait", 0, "`time` that every case waits before it answers, as for a database")
	list := flag.Bool("cases", false, "print the cases as JSON and exit")
	flag.Parse()
	if *list {
		if err := writeCases(os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := serve(*address, *environment, *wait); err != nil {
		log.Fatal(err)
	}
}

// serve starts the environment, listens on address, prints where, and answers until it fails.
func serve(address, environment string, wait time.Duration) error {
	if err := startEnvironment(environment); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	return http.Serve(listener, routes(wait))
}

// routes returns the handler of the whole service: the cases by the path of their name, each of which waits a while
// before it answers, and what looks into them.
func routes(wait time.Duration) http.Handler {
	mux := http.NewServeMux()
	for name, c := range cases {
		handler := c.Handler
		if wait > 0 {
			handler = after(wait, handler)
		}
		mux.HandleFunc("/"+name, handler)
		mux.HandleFunc("/"+name+"/", handler) // for paths that go on: /leak/x/{uuid}
	}
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/memory", serveMemory)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// after returns a handler that waits before it does what handler does.
func after(wait time.Duration, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(wait)
		handler(w, r)
	}
}

// serveMemory answers with the plain counters that prove the declared truth, read after three collections: pools need
// two, finalizers one more.
func serveMemory(w http.ResponseWriter, _ *http.Request) {
	for i := 0; i < 3; i++ {
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
