package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Twins of common leaks, as they are after the fix.

func init() {
	register(Case{Name: "clean/fixed-channel-buffered", Category: "fixed", Handler: serveFirstOfTwo})
	register(Case{Name: "clean/fixed-cancel-called", Category: "fixed", Handler: serveCancelled})
	register(Case{Name: "clean/fixed-worker-stopped", Category: "fixed", Handler: serveStoppedWorker})
	register(Case{Name: "clean/fixed-ticker-stopped", Category: "fixed", Handler: serveStoppedTicker})
	register(Case{Name: "clean/fixed-unsubscribed", Category: "fixed", Handler: (&broadcaster{}).serveVisit})
	register(Case{Name: "clean/fixed-range-closed", Category: "fixed", Handler: servePipeline})
	register(Case{Name: "clean/fixed-waitgroup-done", Category: "fixed", Handler: fanOut(8, -1)})
	register(Case{Name: "clean/fixed-fan-out-fails", Category: "fixed", Expect: []string{"502"}, Handler: fanOut(8, 3)})
	register(Case{Name: "clean/fixed-semaphore-released", Category: "fixed",
		Handler: (&semaphore{places: make(chan struct{}, 4)}).serve})
	register(Case{Name: "clean/fixed-cond-broadcast", Category: "fixed", Handler: newTurnstile().serve})
	register(Case{Name: "clean/fixed-pipe-closed", Category: "fixed", Handler: servePipe})
	register(Case{Name: "clean/fixed-file-closed", Category: "fixed", Handler: serveFile})
	register(Case{Name: "clean/fixed-map-entry-deleted", Category: "fixed", Path: "/clean/fixed-map-entry-deleted?id={uuid}",
		Handler: (&openRequests{requests: map[string]*http.Request{}}).serve})
	register(Case{Name: "clean/fixed-substring-cloned", Category: "fixed", Handler: newPrefixes(100).serve})
	register(Case{Name: "clean/fixed-subslice-copied", Category: "fixed", Handler: (&heads{}).serve})
	register(Case{Name: "clean/singleflight", Category: "fixed", Path: "/clean/singleflight?key={random:1,5}",
		Handler: (&flights{running: map[string]*flight{}}).serve})
	register(Case{Name: "clean/logger-per-request", Category: "fixed", Handler: serveOwnLogger})
}

// serveFirstOfTwo takes the faster of two answers; the slower one has a place in the buffer.
func serveFirstOfTwo(w http.ResponseWriter, _ *http.Request) {
	answers := make(chan int, 2)
	for i := 0; i < 2; i++ {
		i := i
		go func() { answers <- i }()
	}
	fmt.Fprintln(w, <-answers)
}

// serveCancelled ends a worker by the context that it waits for.
func serveCancelled(w http.ResponseWriter, _ *http.Request) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	child, cancelChild := context.WithTimeout(ctx, time.Hour)
	defer cancelChild()
	go func() { <-child.Done() }()
	fmt.Fprintln(w, child.Err())
}

func serveStoppedWorker(w http.ResponseWriter, _ *http.Request) {
	jobs, done := make(chan int), make(chan struct{})
	go func() {
		defer close(done)
		for range jobs {
		}
	}()
	jobs <- 1
	close(jobs)
	<-done
	w.WriteHeader(http.StatusNoContent)
}

func serveStoppedTicker(w http.ResponseWriter, _ *http.Request) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w.WriteHeader(http.StatusNoContent)
}

// broadcaster has a channel for each subscriber that is present.
type broadcaster struct {
	mutex       sync.Mutex
	subscribers map[chan string]struct{}
}

func (b *broadcaster) subscribe() (messages chan string, leave func()) {
	messages = make(chan string, 16)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.subscribers == nil {
		b.subscribers = map[chan string]struct{}{}
	}
	b.subscribers[messages] = struct{}{}
	return messages, func() {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		delete(b.subscribers, messages)
	}
}

// serveVisit subscribes for the time of the request.
func (b *broadcaster) serveVisit(w http.ResponseWriter, _ *http.Request) {
	messages, leave := b.subscribe()
	defer leave()
	messages <- "hello"
	fmt.Fprintln(w, <-messages)
}

// serveSubscription waits for a message that never comes, until the client hangs up.
func (b *broadcaster) serveSubscription(w http.ResponseWriter, r *http.Request) {
	messages, leave := b.subscribe()
	defer leave()
	select {
	case message := <-messages:
		fmt.Fprintln(w, message)
	case <-r.Context().Done():
	}
}

// servePipeline has three stages, each of which closes its output.
func servePipeline(w http.ResponseWriter, _ *http.Request) {
	numbers, squares := make(chan int), make(chan int)
	go func() {
		defer close(numbers)
		for i := 0; i < 10; i++ {
			numbers <- i
		}
	}()
	go func() {
		defer close(squares)
		for number := range numbers {
			squares <- number * number
		}
	}()
	sum := 0
	for square := range squares {
		sum += square
	}
	fmt.Fprintln(w, sum)
}

var errPart = errors.New("a part failed")

// fanOut returns a handler that asks for several parts at once and gives up at the first error, like errgroup; the part
// with the number failing fails.
func fanOut(parts, failing int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		var group sync.WaitGroup
		for part := 0; part < parts; part++ {
			part := part
			group.Add(1)
			go func() {
				defer group.Done()
				if part == failing {
					cancel(errPart)
				}
			}()
		}
		group.Wait()
		if err := context.Cause(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, parts)
	}
}

// semaphore lets few requests work at a time, and gives the place back on every way out.
type semaphore struct {
	places chan struct{}
	served atomic.Int64
}

func (s *semaphore) serve(w http.ResponseWriter, r *http.Request) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
		fmt.Fprintln(w, s.served.Add(1))
	case <-r.Context().Done():
	}
}

// turnstile lets goroutines wait for a condition, and wakes all of them.
type turnstile struct {
	mutex sync.Mutex
	cond  *sync.Cond
	round int
}

func newTurnstile() *turnstile {
	made := &turnstile{}
	made.cond = sync.NewCond(&made.mutex)
	return made
}

func (t *turnstile) serve(w http.ResponseWriter, _ *http.Request) {
	t.mutex.Lock()
	round := t.round
	t.mutex.Unlock()
	go func() {
		t.mutex.Lock()
		defer t.mutex.Unlock()
		for t.round == round {
			t.cond.Wait()
		}
	}()
	t.mutex.Lock()
	t.round++
	t.cond.Broadcast()
	t.mutex.Unlock()
	fmt.Fprintln(w, round)
}

// servePipe reads one line of a pipe whose writer has more to say, and closes it so that the writer ends.
func servePipe(w http.ResponseWriter, _ *http.Request) {
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() {
		for {
			if _, err := io.WriteString(writer, "a line\n"); err != nil {
				return
			}
		}
	}()
	line, _ := bufio.NewReader(reader).ReadString('\n')
	fmt.Fprint(w, line)
}

func serveFile(w http.ResponseWriter, _ *http.Request) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	_, _ = io.Copy(w, file)
}

// openRequests knows the requests that are being served.
type openRequests struct {
	mutex    sync.Mutex
	requests map[string]*http.Request
}

func (f *openRequests) serve(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	f.mutex.Lock()
	f.requests[id] = r
	count := len(f.requests)
	f.mutex.Unlock()
	defer func() {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		delete(f.requests, id)
	}()
	fmt.Fprintln(w, count)
}

// prefixes keeps the first bytes of the last texts, and not the texts that they were part of.
type prefixes struct {
	mutex sync.Mutex
	kept  []string
	next  int
}

func newPrefixes(count int) *prefixes { return &prefixes{kept: make([]string, count)} }

func (p *prefixes) serve(w http.ResponseWriter, r *http.Request) {
	document := strings.Repeat(r.RemoteAddr, 1000)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.kept[p.next] = strings.Clone(document[:10])
	p.next = (p.next + 1) % len(p.kept)
	fmt.Fprintln(w, len(document))
}

// heads keeps a copy of the head of the largest message so far.
type heads struct {
	mutex sync.Mutex
	head  []byte
}

func (h *heads) serve(w http.ResponseWriter, r *http.Request) {
	message := []byte(strings.Repeat(r.UserAgent()+r.RemoteAddr, 500))
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.head = append([]byte(nil), message[:min(16, len(message))]...)
	fmt.Fprintln(w, len(message))
}

// flights lets requests for the same key share one answer.
type flights struct {
	mutex   sync.Mutex
	running map[string]*flight
}

type flight struct {
	landed chan struct{}
	answer string
}

func (f *flights) serve(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	f.mutex.Lock()
	shared, running := f.running[key]
	if !running {
		shared = &flight{landed: make(chan struct{})}
		f.running[key] = shared
		go f.fly(key, shared)
	}
	f.mutex.Unlock()
	select {
	case <-shared.landed:
		fmt.Fprintln(w, shared.answer)
	case <-r.Context().Done():
	}
}

func (f *flights) fly(key string, shared *flight) {
	time.Sleep(2 * time.Millisecond)
	shared.answer = "answer for " + key
	f.mutex.Lock()
	defer f.mutex.Unlock()
	delete(f.running, key)
	close(shared.landed)
}

// serveOwnLogger makes a logger for one request, which owns nothing that must be closed.
func serveOwnLogger(w http.ResponseWriter, r *http.Request) {
	log.New(w, "["+r.RemoteAddr+"] ", log.LstdFlags).Print("served")
}
