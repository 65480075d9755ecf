package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Paths that only clients take who hang up, lose patience, stop reading or read slowly.
func init() {
	register(Case{
		Name: "leak/abort-answer-unsent", Category: "client abort", Mode: "abort", Handler: leakAbortAnswerUnsent,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + sleepBytes, Objects: 4, Goroutines: 1, Function: "main.searchArchive",
			Also: []string{"main.leakAbortAnswerUnsent"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/abort-waiter-stays", Category: "client abort", Mode: "abort", Handler: leakAbortWaiterStays,
		Truth: Truth{Leaks: true, Bytes: 1024 + slot16, Objects: 1, Function: "main.(*longPoll).wait", Also: []string{"main.leakAbortWaiterStays"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/abort-undo-blocks", Category: "client abort", Mode: "abort", Handler: leakAbortUndoBlocks,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + 32, Objects: 3, Goroutines: 1, Function: "main.(*payment).undo",
			Also: []string{"main.leakAbortUndoBlocks"}, Causes: []string{"GL010"}},
	})
	register(Case{
		Name: "leak/timeout-backend-unheard", Category: "client timeout", Mode: "timeout", Handler: leakTimeoutBackendUnheard,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + sleepBytes, Objects: 4, Goroutines: 1,
			Function: "main.leakTimeoutBackendUnheard.func1", Also: []string{"main.leakTimeoutBackendUnheard"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/timeout-progress-kept", Category: "client timeout", Mode: "timeout", Handler: leakTimeoutProgressKept,
		Truth: Truth{Leaks: true, Bytes: 2048 + slot16, Objects: 1, Function: "main.(*progress).begin", Also: []string{"main.leakTimeoutProgressKept"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/hold-event-stream", Category: "client hold", Mode: "hold", Handler: leakHoldEventStream,
		Truth: Truth{Leaks: true, Bytes: 1024 + channelBytes, Objects: 2, Function: "main.(*eventHub).join", Also: []string{"main.leakHoldEventStream"}},
	})
	register(Case{
		Name: "leak/hold-producer-left", Category: "client hold", Mode: "hold", Handler: leakHoldProducerLeft,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.produceRows",
			Also: []string{"main.leakHoldProducerLeft"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/slow-reader-write-deadline", Category: "slow reader", Mode: "slow_reader", Handler: leakSlowReaderWriteDeadline,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.readVideo",
			Also: []string{"main.leakSlowReaderWriteDeadline"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/slow-reader-noted", Category: "slow reader", Mode: "slow_reader", Handler: leakSlowReaderNoted,
		Truth: Truth{Leaks: true, Bytes: 4096, Objects: 1, Function: "main.(*slowClients).note", Also: []string{"main.leakSlowReaderNoted"}},
	})
}

// searchArchive takes longer than its asker waits.
func searchArchive(found chan<- string) {
	time.Sleep(500 * time.Millisecond)
	found <- "nothing"
}

// leakAbortAnswerUnsent returns when its client leaves, before the search does.
func leakAbortAnswerUnsent(w http.ResponseWriter, r *http.Request) {
	found := make(chan string)
	go searchArchive(found)
	select {
	case answer := <-found:
		_, _ = io.WriteString(w, answer)
	case <-r.Context().Done():
	}
}

// longPoll has a waiter for each request that is open.
type longPoll struct {
	mu      sync.Mutex
	waiters map[*waiter]bool
}

type waiter struct {
	news    [120]uint64
	updates func()
}

var polls = longPoll{waiters: map[*waiter]bool{}}

//go:noinline
func (p *longPoll) wait() *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &waiter{updates: func() {}}
	p.waiters[w] = true
	return w
}

func (p *longPoll) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiters, w)
}

// leakAbortWaiterStays takes its waiter out when there is no news, and not when the client leaves.
func leakAbortWaiterStays(w http.ResponseWriter, r *http.Request) {
	waiting := polls.wait()
	if pause(r.Context(), 2*time.Second) != nil {
		return
	}
	polls.leave(waiting)
	w.WriteHeader(http.StatusNoContent)
}

// payment is undone when its client leaves, by a goroutine that wants the lock its starter keeps.
type payment struct {
	mu     sync.Mutex
	amount int
	paid   bool
	undone bool
}

func (p *payment) undo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.undone = true
}

// leakAbortUndoBlocks unlocks on the good path only.
func leakAbortUndoBlocks(_ http.ResponseWriter, r *http.Request) {
	p := &payment{amount: 10}
	p.mu.Lock()
	if pause(r.Context(), 2*time.Second) != nil {
		go p.undo()
		return
	}
	p.paid = true
	p.mu.Unlock()
}

// leakTimeoutBackendUnheard gives up with its client; the backend's answer then finds nobody.
func leakTimeoutBackendUnheard(w http.ResponseWriter, r *http.Request) {
	answers := make(chan error)
	go func() {
		time.Sleep(500 * time.Millisecond)
		answers <- nil
	}()
	select {
	case err := <-answers:
		answerError(w, err)
	case <-r.Context().Done():
	}
}

// progress shows what is being worked on.
type progress struct {
	mu    sync.Mutex
	tasks map[*progressTask]struct{}
}

type progressTask struct {
	state [255]uint64
}

var exportsInProgress = progress{tasks: map[*progressTask]struct{}{}}

//go:noinline
func (p *progress) begin() *progressTask {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &progressTask{}
	p.tasks[t] = struct{}{}
	return t
}

func (p *progress) end(t *progressTask) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tasks, t)
}

// leakTimeoutProgressKept ends its task when it is done, and forgets it when its client loses patience.
func leakTimeoutProgressKept(_ http.ResponseWriter, r *http.Request) {
	t := exportsInProgress.begin()
	if err := pause(r.Context(), 500*time.Millisecond); err != nil {
		return
	}
	exportsInProgress.end(t)
}

// pause waits, or returns early with the context's error.
func pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eventHub has a mailbox for every listener, in a linked list.
type eventHub struct {
	mu    sync.Mutex
	first *mailbox
}

type mailbox struct {
	events chan struct{}
	next   *mailbox
	unread [125]uint64
}

var eventStream eventHub

//go:noinline
func (h *eventHub) join() *mailbox {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first = &mailbox{events: make(chan struct{}), next: h.first}
	return h.first
}

// leakHoldEventStream sends events until its client leaves, and keeps the mailbox.
func leakHoldEventStream(w http.ResponseWriter, r *http.Request) {
	events := eventStream.join().events
	_, _ = io.WriteString(w, "data: hello\n\n")
	w.(http.Flusher).Flush()
	select {
	case <-events:
	case <-r.Context().Done():
	}
}

func produceRows(rows chan<- string) {
	for n := 0; n < 1000; n++ {
		rows <- "row\n"
	}
	close(rows)
}

// leakHoldProducerLeft sends a row every 50 ms until its client leaves, and then the producer waits.
func leakHoldProducerLeft(w http.ResponseWriter, r *http.Request) {
	rows := make(chan string)
	go produceRows(rows)
	for row := range rows {
		_, _ = io.WriteString(w, row)
		w.(http.Flusher).Flush()
		if pause(r.Context(), 50*time.Millisecond) != nil {
			return
		}
	}
}

// videoPart is sent again and again: what is streamed costs no memory.
var videoPart = []byte(strings.Repeat("0123456789abcdef", 4096))

func readVideo(parts chan<- []byte) {
	for n := 0; n < 48; n++ {
		parts <- videoPart
	}
	close(parts)
}

// takeOver takes the connection from the server, with small buffers, and sends the head of an answer that ends with it.
func takeOver(w http.ResponseWriter) (net.Conn, error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(32 << 10)
	}
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: video/mp4\r\n\r\n")
	return conn, err
}

// leakSlowReaderWriteDeadline gives its client 300 ms for 3 MiB, and leaves the reader of the file when that fails.
func leakSlowReaderWriteDeadline(w http.ResponseWriter, _ *http.Request) {
	conn, err := takeOver(w)
	if err != nil {
		answerError(w, err)
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	parts := make(chan []byte)
	go readVideo(parts)
	for part := range parts {
		if _, err := conn.Write(part); err != nil {
			return
		}
	}
}

// slowClients is a list for operators.
type slowClients struct {
	mu   sync.Mutex
	last *slowClient
}

type slowClient struct {
	before *slowClient
	took   time.Duration
	trace  [509]uint64
}

var slow slowClients

//go:noinline
func (s *slowClients) note(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = &slowClient{before: s.last, took: took}
}

// leakSlowReaderNoted notes each client that takes longer than 200 ms for 3 MiB.
func leakSlowReaderNoted(w http.ResponseWriter, _ *http.Request) {
	conn, err := takeOver(w)
	if err != nil {
		answerError(w, err)
		return
	}
	defer conn.Close()
	begin := time.Now()
	_ = conn.SetWriteDeadline(begin.Add(10 * time.Second))
	for n := 0; n < 48; n++ {
		if _, err := conn.Write(videoPart); err != nil {
			break
		}
	}
	if took := time.Since(begin); took > 200*time.Millisecond {
		slow.note(took)
	}
}
