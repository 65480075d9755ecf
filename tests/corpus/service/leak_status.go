package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Paths that end in an error, where tests seldom go.
func init() {
	register(Case{
		Name: "leak/not-found-remembered", Category: "error path", Path: "/leak/not-found-remembered/{uuid}", Expect: []string{"404"},
		Handler: leakNotFoundRemembered,
		Truth: Truth{Leaks: true, Bytes: 512 + 64 + slot24, Objects: 2, Function: "main.(*missingPages).add",
			Also: []string{"main.leakNotFoundRemembered"}, Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/failed-logins", Category: "error path", Method: http.MethodPost, Expect: []string{"401"}, Handler: leakFailedLogins,
		Truth: Truth{Leaks: true, Bytes: 256, Objects: 1, Function: "main.(*loginGuard).failed", Also: []string{"main.leakFailedLogins"}},
	})
	register(Case{
		Name: "leak/bad-request-kept", Category: "error path", Method: http.MethodPost, Body: `{"name": "{uuid}", }`, Expect: []string{"400"},
		Handler: leakBadRequestKept,
		Truth: Truth{Leaks: true, Bytes: 1024 + 9 + 24 + 64, Objects: 3, Function: "main.newRejection", Also: []string{"main.leakBadRequestKept", "main.decodeUser"},
			Causes: []string{"GL071"}},
	})
	register(Case{
		Name: "leak/panic-skips-release", Category: "error path", Expect: []string{"500"}, Handler: leakPanicSkipsRelease,
		Truth: Truth{Leaks: true, Bytes: 2048, Objects: 1, Function: "main.(*workspaces).acquire", Also: []string{"main.leakPanicSkipsRelease", "main.convert"}},
	})
	register(Case{
		Name: "leak/gateway-timeout", Category: "error path", Expect: []string{"504"}, Handler: leakGatewayTimeout,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + sleepBytes, Objects: 4, Goroutines: 1, Function: "main.askSlowBackend",
			Also: []string{"main.leakGatewayTimeout"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/too-many-requests", Category: "error path", Expect: []string{"429"}, Handler: leakTooManyRequests,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.(*waitingRoom).standInLine",
			Also: []string{"main.leakTooManyRequests"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/tenth-fails-and-leaks", Category: "status", Expect: []string{"200", "500"}, Handler: leakTenthFailsAndLeaks,
		Truth: Truth{Leaks: true, Bytes: (goroutineBytes + waitBytes + 24) / 10.0, Objects: 0.3, Goroutines: 0.1, Function: "main.(*rollback).run",
			Also: []string{"main.leakTenthFailsAndLeaks"}, Causes: []string{"GL012"}},
	})
	register(Case{
		Name: "leak/tenth-fails-all-leak", Category: "status", Expect: []string{"200", "500"}, Handler: leakTenthFailsAllLeak,
		Truth: Truth{Leaks: true, Bytes: 128, Objects: 1, Function: "main.(*accessLog).write", Also: []string{"main.leakTenthFailsAllLeak"}},
	})
	register(Case{
		Name: "leak/tenth-fails-keeps-response", Category: "status", Expect: []string{"200", "500"}, Handler: leakTenthFailsKeepsResponse,
		Truth: Truth{Leaks: true, Bytes: (8192 + 27) / 10.0, Objects: 0.1, Function: "main.renderError", Also: []string{"main.leakTenthFailsKeepsResponse"},
			Causes: []string{"GL071"}},
	})
}

// missingPages saves a look at the disk for pages that were missing before.
type missingPages struct {
	mu    sync.Mutex
	paths map[string]*missingPage
}

type missingPage struct {
	referrers [63]uint64
}

var missing = missingPages{paths: map[string]*missingPage{}}

//go:noinline
func (m *missingPages) add(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paths[strings.Clone(path)] = &missingPage{}
}

// leakNotFoundRemembered has a cache of what does not exist, which is more than what does.
func leakNotFoundRemembered(w http.ResponseWriter, r *http.Request) {
	missing.add(r.URL.Path)
	w.WriteHeader(http.StatusNotFound)
}

// loginGuard counts failures, one record each.
type loginGuard struct {
	mu       sync.Mutex
	attempts *loginAttempt
}

type loginAttempt struct {
	at     time.Time
	before *loginAttempt
	agent  [27]uint64
}

var guard loginGuard

//go:noinline
func (g *loginGuard) failed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.attempts = &loginAttempt{at: time.Now(), before: g.attempts}
}

// leakFailedLogins remembers every wrong password.
func leakFailedLogins(w http.ResponseWriter, _ *http.Request) {
	guard.failed()
	w.WriteHeader(http.StatusUnauthorized)
}

type rejection struct {
	err  error
	body [1000]byte
}

var rejections struct {
	sync.Mutex
	all []*rejection
}

//go:noinline
func newRejection(err error) *rejection { return &rejection{err: err} }

//go:noinline
func decodeUser(r *http.Request) error {
	var user struct{ Name string }
	return json.NewDecoder(r.Body).Decode(&user)
}

// leakBadRequestKept keeps what could not be decoded, for a support case that nobody opens.
func leakBadRequestKept(w http.ResponseWriter, r *http.Request) {
	if err := decodeUser(r); err != nil {
		rejected := newRejection(err)
		rejections.Lock()
		rejections.all = append(rejections.all, rejected)
		rejections.Unlock()
		w.WriteHeader(http.StatusBadRequest)
	}
}

// workspaces are linked while they are in use.
type workspaces struct {
	mu    sync.Mutex
	inUse *workspace
}

type workspace struct {
	next, before *workspace
	data         [253]uint64
}

var conversions workspaces

//go:noinline
func (s *workspaces) acquire() *workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	space := &workspace{next: s.inUse}
	if s.inUse != nil {
		s.inUse.before = space
	}
	s.inUse = space
	return space
}

func (s *workspaces) release(space *workspace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if space.next != nil {
		space.next.before = space.before
	}
	if space.before != nil {
		space.before.next = space.next
	} else {
		s.inUse = space.next
	}
}

// convert gives its workspace back, but not by defer.
func convert(document []byte) byte {
	space := conversions.acquire()
	first := document[0]
	conversions.release(space)
	return first
}

// leakPanicSkipsRelease survives the panic of an empty document, as servers do.
func leakPanicSkipsRelease(w http.ResponseWriter, _ *http.Request) {
	defer func() {
		if recover() != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	_, _ = w.Write([]byte{convert(nil)})
}

func askSlowBackend(answer chan<- string) {
	time.Sleep(250 * time.Millisecond)
	answer <- "late"
}

// leakGatewayTimeout waits 20 ms for a backend that needs 250.
func leakGatewayTimeout(w http.ResponseWriter, _ *http.Request) {
	answer := make(chan string)
	go askSlowBackend(answer)
	select {
	case <-answer:
	case <-time.After(20 * time.Millisecond):
		w.WriteHeader(http.StatusGatewayTimeout)
	}
}

// waitingRoom lets nobody in.
type waitingRoom struct{ next chan struct{} }

func (r *waitingRoom) standInLine() { <-r.next }

// leakTooManyRequests sends the client away and keeps its place in line.
func leakTooManyRequests(w http.ResponseWriter, _ *http.Request) {
	room := &waitingRoom{next: make(chan struct{})}
	go room.standInLine()
	w.WriteHeader(http.StatusTooManyRequests)
}

// rollback waits for steps to be undone, one of which never says so.
type rollback struct {
	turn
	steps sync.WaitGroup
}

func (r *rollback) run() { r.steps.Wait() }

var (
	checkouts turn
	errStock  = errors.New("out of stock")
)

// leakTenthFailsAndLeaks fails for a tenth of its requests and leaks on these only.
func leakTenthFailsAndLeaks(w http.ResponseWriter, _ *http.Request) {
	if !checkouts.every(10) {
		return
	}
	r := &rollback{}
	r.steps.Add(1)
	go r.run()
	answerError(w, errStock)
}

// accessLog is kept in memory until it is flushed, which it is not.
type accessLog struct {
	turn
	mu    sync.Mutex
	lines *accessLine
}

type accessLine struct {
	next   *accessLine
	status int
	fields [14]uint64
}

var accesses accessLog

//go:noinline
func (l *accessLog) write(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = &accessLine{next: l.lines, status: status}
}

// leakTenthFailsAllLeak fails for a tenth of its requests and leaks on all.
func leakTenthFailsAllLeak(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	if accesses.every(10) {
		status = http.StatusInternalServerError
	}
	accesses.write(status)
	w.WriteHeader(status)
}

var errorPages struct {
	turn
	mu  sync.Mutex
	all [][]byte
}

//go:noinline
func renderError() []byte { return make([]byte, 8192) }

// leakTenthFailsKeepsResponse keeps the page that it answers a failure with.
func leakTenthFailsKeepsResponse(w http.ResponseWriter, _ *http.Request) {
	if !errorPages.every(10) {
		return
	}
	page := renderError()
	errorPages.mu.Lock()
	errorPages.all = append(errorPages.all, page)
	errorPages.mu.Unlock()
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(page[:16])
}
