package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Contexts that are never cancelled, timers that are not due for a day, tickers that nobody stops.
func init() {
	register(Case{
		Name: "leak/context-on-long-lived-parent", Category: "context", Handler: leakContextOnLongLivedParent,
		Truth: Truth{Leaks: true, Bytes: 1024 + 48 + 80 + slot24, Objects: 3, Function: "main.(*importer).start",
			Also: []string{"main.leakContextOnLongLivedParent"}, Causes: []string{"GL030"}},
	})
	register(Case{
		Name: "leak/context-with-timeout-of-a-day", Category: "context", Handler: leakContextWithTimeoutOfADay,
		Truth: Truth{Leaks: true, Bytes: 1342, Objects: 5, Function: "main.leakContextWithTimeoutOfADay",
			Also: []string{"main.withClaims"}, Causes: []string{"GL030"}},
	})
	register(Case{
		Name: "leak/context-awaited", Category: "context", Handler: leakContextAwaited,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + 80 + 32 + 16, Objects: 6, Goroutines: 1, Function: "main.(*stream).closeWhenDone",
			Also: []string{"main.leakContextAwaited"}, Causes: []string{"GL006"}},
	})
	register(Case{
		Name: "leak/context-afterfunc", Category: "context", Handler: leakContextAfterFunc,
		Truth: Truth{Leaks: true, Bytes: 1024 + 112 + 16 + slot24, Objects: 3, Function: "main.leakContextAfterFunc", Causes: []string{"GL030"}},
	})
	register(Case{
		Name: "leak/timer-of-a-day", Category: "timer", Handler: leakTimerOfADay,
		Truth: Truth{Leaks: true, Bytes: 1024 + 32 + timerBytes, Objects: 3, Function: "main.(*reservations).hold", Also: []string{"main.leakTimerOfADay"},
			Causes: []string{"GL032"}},
	})
	register(Case{
		Name: "leak/timer-rearms-itself", Category: "timer", Handler: leakTimerRearmsItself,
		Truth: Truth{Leaks: true, Bytes: 512 + 16 + timerBytes, Objects: 3, Function: "main.(*poller).arm", Also: []string{"main.leakTimerRearmsItself"},
			Causes: []string{"GL032"}},
	})
	register(Case{
		Name: "leak/ticker-not-stopped", Category: "timer", Handler: leakTickerNotStopped,
		Truth: Truth{Leaks: true, Bytes: tickerBytes, Objects: 3, Function: "main.leakTickerNotStopped", Causes: []string{"GL031"}},
		// From 1.23 on the collector takes such tickers, but not in a module that says go 1.21, up to 1.26.
		Versions: "<1.27",
	})
	register(Case{
		Name: "leak/ticker-kept", Category: "timer", Handler: leakTickerKept,
		Truth: Truth{Leaks: true, Bytes: tickerBytes + 16, Objects: 4, Function: "main.(*scheduler).every", Also: []string{"main.leakTickerKept"},
			Causes: []string{"GL031"}},
	})
}

// serviceContext lives as long as the service.
var serviceContext, stopService = context.WithCancel(context.Background())

type contextKey int

// claims is what a token said; 1,000 bytes in this service.
type claims struct {
	subject string
	roles   [984]byte
}

//go:noinline
func withClaims(parent context.Context) context.Context {
	return context.WithValue(parent, contextKey(1), &claims{subject: "root"})
}

// importer can be cancelled, by whoever keeps it, which nobody does.
type importer struct {
	ctx    context.Context
	cancel context.CancelFunc
}

//go:noinline
func (i *importer) start(parent context.Context) {
	i.ctx, i.cancel = context.WithCancel(withClaims(parent))
}

// leakContextOnLongLivedParent derives from the service's context, which keeps a list of its children.
func leakContextOnLongLivedParent(http.ResponseWriter, *http.Request) {
	new(importer).start(serviceContext)
}

// leakContextWithTimeoutOfADay forgets its cancel: the timer holds the context until it fires.
func leakContextWithTimeoutOfADay(http.ResponseWriter, *http.Request) {
	var nightly importer
	nightly.ctx, nightly.cancel = context.WithTimeout(withClaims(context.Background()), 24*time.Hour)
	if nightly.ctx.Err() != nil {
		nightly.cancel()
	}
}

// stream is closed when its context is done.
type stream struct {
	ctx    context.Context
	cancel context.CancelFunc
	open   bool
}

func (s *stream) closeWhenDone() {
	<-s.ctx.Done()
	s.open = false
}

// leakContextAwaited drops the stream, and the one cancel function with it.
func leakContextAwaited(http.ResponseWriter, *http.Request) {
	s := &stream{open: true}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	go s.closeWhenDone()
}

// leakContextAfterFunc registers with the service's context and never calls what would unregister it.
func leakContextAfterFunc(http.ResponseWriter, *http.Request) {
	c := &claims{subject: "guest"}
	context.AfterFunc(serviceContext, func() { fmt.Println(c.subject) })
}

// reservations are held for a day and are not given back when an order is placed.
type reservations struct {
	mu   sync.Mutex
	free int
}

type reservation struct {
	seat  int
	notes [1016]byte
}

var seats reservations

//go:noinline
func (r *reservations) hold(seat int) {
	held := &reservation{seat: seat}
	time.AfterFunc(24*time.Hour, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.free += held.seat
	})
}

// leakTimerOfADay holds a seat that is bought at once.
func leakTimerOfADay(_ http.ResponseWriter, r *http.Request) {
	seats.hold(r.ProtoMajor)
}

// poller sets its timer anew each time that it fires.
type poller struct {
	timer *time.Timer
	state [62]uint64
}

func (p *poller) arm() { p.timer = time.AfterFunc(time.Hour, p.poll) }

func (p *poller) poll() {
	p.state[0]++
	p.timer.Reset(time.Hour)
}

// leakTimerRearmsItself starts a poller which nothing stops.
func leakTimerRearmsItself(http.ResponseWriter, *http.Request) {
	new(poller).arm()
}

// leakTickerNotStopped waits for one of two events and leaves its ticker running.
func leakTickerNotStopped(http.ResponseWriter, *http.Request) {
	ready := make(chan struct{}, 1)
	ready <- struct{}{}
	ticker := time.NewTicker(time.Hour)
	select {
	case <-ready:
	case <-ticker.C:
	}
}

// scheduler keeps its tickers for a Stop that nobody calls.
type scheduler struct {
	mu    sync.Mutex
	first *scheduled
}

type scheduled struct {
	ticker *time.Ticker
	next   *scheduled
}

var jobs scheduler

//go:noinline
func (s *scheduler) every(interval time.Duration) *time.Ticker {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = &scheduled{ticker: time.NewTicker(interval), next: s.first}
	return s.first.ticker
}

// leakTickerKept schedules a job for the time of one request.
func leakTickerKept(http.ResponseWriter, *http.Request) {
	ticker := jobs.every(time.Hour)
	select {
	case <-ticker.C:
	default:
	}
}
