// A service that tells what clients did to it: requests, headers, connections, disconnects.
//
// It serves the load on a TCP port and on a unix socket (-socket), and its counts on a port of its own, so that asking
// for them changes none of them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Seen is the last request that /echo got.
type Seen struct {
	Method  string              `json:"method"`
	URI     string              `json:"uri"`
	Host    string              `json:"host"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	Proto   string              `json:"proto"`
}

// Stats are the counts since the start.
type Stats struct {
	Requests    map[string]int `json:"requests"` // by "METHOD URI"
	Total       int            `json:"total"`
	Open        int            `json:"open"`
	PeakOpen    int            `json:"peak_open"`
	Connections int            `json:"connections"`
	Left        int            `json:"left"`        // handlers whose client hung up
	LongestMS   float64        `json:"longest_ms"`  // longest handler
	WrittenMax  int            `json:"written_max"` // most bytes that one /stream handler wrote
	Echo        Seen           `json:"echo"`
}

var (
	mu    sync.Mutex
	stats = Stats{Requests: map[string]int{}}
)

func locked(change func()) {
	mu.Lock()
	defer mu.Unlock()
	change()
}

func connState(_ net.Conn, state http.ConnState) {
	locked(func() {
		switch state {
		case http.StateNew:
			stats.Connections++
			stats.Open++
			stats.PeakOpen = max(stats.PeakOpen, stats.Open)
		case http.StateClosed, http.StateHijacked:
			stats.Open--
		}
	})
}

func counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		locked(func() { stats.Requests[r.Method+" "+r.RequestURI]++; stats.Total++ })
		began := time.Now()
		next.ServeHTTP(w, r)
		locked(func() { stats.LongestMS = max(stats.LongestMS, float64(time.Since(began).Microseconds())/1000) })
	})
}

func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.FormValue(name)); err == nil {
		return n
	}
	return otherwise
}

func status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.URL.Path[len("/status/"):])
	if err != nil {
		code = http.StatusBadRequest
	}
	w.WriteHeader(code)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	locked(func() { stats.Echo = Seen{r.Method, r.RequestURI, r.Host, r.Header, string(body), r.Proto} })
	w.Write(body)
}

// never answers nothing until the client leaves.
func never(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	locked(func() { stats.Left++ })
}

// stream answers at once, and goes on until the client leaves or the connection takes no more for a while.
func stream(w http.ResponseWriter, r *http.Request) {
	control, chunk, written := http.NewResponseController(w), make([]byte, 4096), 0
	for r.Context().Err() == nil {
		n, err := w.Write(chunk)
		if err == nil {
			err = control.Flush()
		}
		if written += n; err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	locked(func() { stats.Left++; stats.WrittenMax = max(stats.WrittenMax, written) })
}

func big(w http.ResponseWriter, r *http.Request) {
	chunk := make([]byte, 64<<10)
	for left := number(r, "kb", 1024) << 10; left > 0; left -= len(chunk) {
		if _, err := w.Write(chunk[:min(left, len(chunk))]); err != nil {
			locked(func() { stats.Left++ })
			return
		}
	}
}

// dying ends the process after so many requests.
func dying(w http.ResponseWriter, r *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	if stats.Total > number(r, "after", 1) {
		os.Exit(3)
	}
	fmt.Fprint(w, "alive")
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) })
	mux.HandleFunc("/status/", status)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(number(r, "ms", 100)) * time.Millisecond)
	})
	mux.HandleFunc("/never", never)
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/big", big)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/drop", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/dying", dying)
	mux.HandleFunc("/", http.NotFound)
	return counted(mux)
}

func listen(network, address string) net.Listener {
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func main() {
	socket := flag.String("socket", "", "unix socket to serve on too")
	flag.Parse()
	load, admin := listen("tcp", "127.0.0.1:0"), listen("tcp", "127.0.0.1:0")
	server := &http.Server{Handler: routes(), ConnState: connState}
	if *socket != "" {
		go server.Serve(listen("unix", *socket))
	}
	go http.Serve(admin, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		json.NewEncoder(w).Encode(stats)
	}))
	fmt.Printf("http://%s http://%s\n", load.Addr(), admin.Addr())
	log.Fatal(server.Serve(load))
}
