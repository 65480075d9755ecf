// Command service is what the end-to-end tests judge: a few endpoints of known truth.
package main

import (
	"flag"
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"
	"strconv"
	"sync"
	"time"
)

var (
	mu     sync.Mutex
	kept   [][]byte
	served int
)

func keep(size int) {
	mu.Lock()
	defer mu.Unlock()
	kept = append(kept, make([]byte, size))
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func leakMemory(w http.ResponseWriter, _ *http.Request) { keep(1024) }

func leakGoroutine(w http.ResponseWriter, _ *http.Request) {
	never := make(chan struct{})
	go func() { <-never }()
}

// drain works on for a while after the answer, and then lets go.
func drain(w http.ResponseWriter, _ *http.Request) {
	buffer := make([]byte, 512)
	go func() {
		time.Sleep(1500 * time.Millisecond)
		buffer[0] = 1
	}()
}

func status(w http.ResponseWriter, r *http.Request) {
	code, _ := strconv.Atoi(r.PathValue("code"))
	w.WriteHeader(code)
}

// die ends the process after a few hundred requests.
func die(w http.ResponseWriter, _ *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	if served++; served > 300 {
		log.Print("panic: out of everything")
		os.Exit(3)
	}
}

// guarded refuses profile requests that do not carry the token.
func guarded(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && len(r.URL.Path) > 6 && r.URL.Path[:7] == "/debug/" && r.Header.Get("Authotization") != token {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	http.HandleFunc("/healthz", ok)
	http.HandleFunc("/ok", ok)
	http.HandleFunc("/memory", leakMemory)
	http.HandleFunc("/goroutine", leakGoroutine)
	http.HandleFunc("/drain", drain)
	http.HandleFunc("/status/{code}", status)
	http.HandleFunc("/die", die)
	log.Fatal(http.ListenAndServe(*addr, guarded(os.Getenv("TOKEN"), http.DefaultServeMux)))
}
