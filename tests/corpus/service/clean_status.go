package main

import (
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"sync/atomic"
	"time"
)

// Answers other than 200, and answers that take their time or are large.

func init() {
	register(Case{Name: "clean/unauthorised-401", Category: "error path", Expect: []string{"401"},
		Handler: serveUnauthorised})
	register(Case{Name: "clean/not-found-404", Category: "error path", Path: "/clean/not-found-404/{uuid}",
		Expect: []string{"404"}, Handler: http.NotFound})
	register(Case{Name: "clean/error-500", Category: "error path", Expect: []string{"500"}, Handler: serveError})
	register(Case{Name: "clean/panic-recovered-500", Category: "error path", Expect: []string{"500"},
		Handler: servePanic})
	register(Case{Name: "clean/too-large-413", Category: "error path", Method: http.MethodPost, Body: "{uuid}{uuid}{uuid}{uuid}",
		Expect: []string{"413"}, Handler: serveTooLarge})
	register(Case{Name: "clean/timeout-handler-503", Category: "error path", Expect: []string{"503"},
		Handler: http.TimeoutHandler(http.HandlerFunc(serveTooLate), 40*time.Millisecond, "too slow\n").ServeHTTP})
	register(Case{Name: "clean/tenth-fails", Category: "status", Expect: []string{"200", "500"},
		Handler: (&failing{every: 10}).serve})
	register(Case{Name: "clean/tenth-fails-at-random", Category: "status", Expect: []string{"200", "500"},
		Handler: (&failing{odds: 10}).serve})
	register(Case{Name: "clean/redirect-302", Category: "status", Path: "/clean/redirect-302/{n}",
		Handler: serveRedirect})
	register(Case{Name: "clean/slow-30ms", Category: "slow", Handler: waitFor(30 * time.Millisecond)})
	register(Case{Name: "clean/slow-100ms", Category: "slow", Handler: waitFor(100 * time.Millisecond)})
	register(Case{Name: "clean/slow-300ms", Category: "slow", Handler: waitFor(300 * time.Millisecond)})
	register(Case{Name: "clean/slow-100ms-holding-64k", Category: "slow",
		Handler: holdWhileSlow(100*time.Millisecond, 64*kibibyte)})
	register(Case{Name: "clean/slow-random", Category: "slow", Handler: func(w http.ResponseWriter, r *http.Request) {
		waitFor(time.Duration(1+rand.Intn(60))*time.Millisecond)(w, r)
	}})
	register(Case{Name: "clean/response-200k", Category: "response", Handler: sendBlock(200_000)})
	register(Case{Name: "clean/response-200k-built", Category: "response", Handler: serveBuiltReport})
}

func serveUnauthorised(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a token is needed", http.StatusUnauthorized)
	}
}

var errStorage = errors.New("the storage does not answer")

// serveError wraps an error, formats it, and forgets it.
func serveError(w http.ResponseWriter, r *http.Request) {
	err := fmt.Errorf("request of %s: %w", r.RemoteAddr, errStorage)
	http.Error(w, errors.Join(err, r.Context().Err()).Error(), http.StatusInternalServerError)
}

func servePanic(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if reason := recover(); reason != nil {
			http.Error(w, fmt.Sprint(reason), http.StatusInternalServerError)
		}
	}()
	panic("no handler for " + r.URL.Path)
}

func serveTooLarge(w http.ResponseWriter, r *http.Request) {
	var head [64]byte
	body := http.MaxBytesReader(w, r.Body, 32)
	for {
		if _, err := body.Read(head[:]); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
	}
}

// serveTooLate works until its time is over. When the timeout comes, its own answer and that of the timeout race to be
// the first, hence it is the same.
func serveTooLate(w http.ResponseWriter, r *http.Request) {
	waitFor(10*time.Second)(w, r)
	if r.Context().Err() != nil {
		http.Error(w, "too slow", http.StatusServiceUnavailable)
	}
}

// failing answers 500 to one request in ten: in turn, or at random.
type failing struct {
	every, odds int64
	served      atomic.Int64
}

func (f *failing) serve(w http.ResponseWriter, r *http.Request) {
	served := f.served.Add(1)
	if f.every > 0 && served%f.every == 0 || f.odds > 0 && rand.Int63n(f.odds) == 0 {
		serveError(w, r)
		return
	}
	fmt.Fprintln(w, served)
}

func serveRedirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/health", http.StatusFound)
}

// holdWhileSlow returns a handler that holds size bytes while it works.
func holdWhileSlow(duration time.Duration, size int) http.HandlerFunc {
	slow := waitFor(duration)
	return func(w http.ResponseWriter, r *http.Request) {
		held := make([]byte, size)
		slow(w, r)
		held[0]++
	}
}

// sendBlock returns a handler that sends the same size bytes to everybody.
func sendBlock(size int) http.HandlerFunc {
	block := make([]byte, size)
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(block) }
}

// serveBuiltReport formats 200 KB anew for each request.
func serveBuiltReport(w http.ResponseWriter, r *http.Request) {
	var report []byte
	for line := 0; len(report) < 200_000; line++ {
		report = fmt.Appendf(report, "%6d %s a line of the report, the same for everybody, written for nobody\n", line, r.Method)
	}
	_, _ = w.Write(report)
}
