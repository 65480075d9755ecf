package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Work that goes on after the answer and ends by itself, within 8 s of the last request.

func init() {
	register(Case{Name: "clean/async-job-1s", Category: "drain",
		Handler: (&asyncJobs{bound: 4000, duration: time.Second}).serve})
	register(Case{Name: "clean/async-job-3s", Category: "drain",
		Handler: (&asyncJobs{bound: 2000, duration: 3 * time.Second}).serve})
	register(Case{Name: "clean/async-job-6s", Category: "drain",
		Handler: (&asyncJobs{bound: 1000, duration: 6 * time.Second}).serve})
	register(Case{Name: "clean/goroutine-after-answer-50ms", Category: "drain",
		Handler: (&asyncJobs{bound: 100_000, duration: 50 * time.Millisecond}).serve})
	register(Case{Name: "clean/timer-1s", Category: "drain", Handler: afterwards(time.Second, 512)})
	register(Case{Name: "clean/timer-4s", Category: "drain", Handler: afterwards(4*time.Second, 128)})
	register(Case{Name: "clean/timer-7s", Category: "drain", Handler: afterwards(7*time.Second, 64)})
	register(Case{Name: "clean/context-timeout-1s", Category: "drain", Handler: timeOut(time.Second)})
	register(Case{Name: "clean/context-timeout-2s", Category: "drain", Handler: timeOut(2 * time.Second)})
	register(Case{Name: "clean/context-timeout-4s", Category: "drain", Handler: timeOut(4 * time.Second)})
	register(Case{Name: "clean/context-timeout-7500ms", Category: "drain", Handler: timeOut(7500 * time.Millisecond)})
	register(Case{Name: "clean/context-waiter-2s", Category: "drain",
		Handler: (&contextWaiters{life: 2 * time.Second, bound: 3000}).serve})
	register(Case{Name: "clean/idle-workers-1s", Category: "drain", Handler: newElasticPool(64, time.Second).serve})
	register(Case{Name: "clean/idle-workers-3s", Category: "drain", Handler: newElasticPool(100, 3*time.Second).serve})
	register(Case{Name: "clean/idle-workers-7s", Category: "drain", Handler: newElasticPool(48, 7*time.Second).serve})
	register(Case{Name: "clean/queue-4000", Category: "drain", Handler: newBoundedQueue(4000, 4, time.Millisecond).serve})
	register(Case{Name: "clean/retry-2s", Category: "drain",
		Handler: (&boundedRetries{bound: 2000, pause: 500 * time.Millisecond, attempts: 4}).serve})
	register(Case{Name: "clean/batch-1s", Category: "drain",
		Handler: (&timedBatch{limit: 5000, delay: time.Second}).serve})
}

// asyncJobs runs a job in a goroutine of its own after each answer, at most bound at a time: what comes beyond is shed,
// as a service protects itself.
type asyncJobs struct {
	bound    int64
	duration time.Duration
	running  atomic.Int64
}

func (a *asyncJobs) serve(w http.ResponseWriter, _ *http.Request) {
	if a.running.Add(1) > a.bound {
		a.running.Add(-1)
		fmt.Fprintln(w, "shed")
		return
	}
	go a.run(make([]byte, kibibyte))
	w.WriteHeader(http.StatusAccepted)
}

func (a *asyncJobs) run(input []byte) {
	defer a.running.Add(-1)
	time.Sleep(a.duration)
	input[0]++
}

// afterwards returns a handler that starts a timer which holds size bytes until it fires.
func afterwards(delay time.Duration, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		held := make([]byte, size)
		time.AfterFunc(delay, func() { held[0]++ })
		w.WriteHeader(http.StatusAccepted)
	}
}

// timeOut returns a handler whose context is never cancelled, but ends when its time is over: untidy, and no leak.
func timeOut(timeout time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		_ = cancel
		deadline, _ := ctx.Deadline()
		fmt.Fprintln(w, deadline.UnixNano())
	}
}

// contextWaiters has a goroutine waiting for the end of each request's time.
type contextWaiters struct {
	life    time.Duration
	bound   int64
	waiting atomic.Int64
}

func (c *contextWaiters) serve(w http.ResponseWriter, _ *http.Request) {
	if c.waiting.Add(1) > c.bound {
		c.waiting.Add(-1)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.life)
	go func() {
		defer c.waiting.Add(-1)
		defer cancel()
		<-ctx.Done()
	}()
	w.WriteHeader(http.StatusAccepted)
}

// elasticPool starts workers on demand; they end after they had nothing to do for a while.
type elasticPool struct {
	work     chan chan<- int
	bound    int64
	patience time.Duration
	workers  atomic.Int64
}

func newElasticPool(bound int64, patience time.Duration) *elasticPool {
	return &elasticPool{work: make(chan chan<- int), bound: bound, patience: patience}
}

func (p *elasticPool) serve(w http.ResponseWriter, _ *http.Request) {
	answer := make(chan int, 1)
	select {
	case p.work <- answer:
	default:
		if p.workers.Add(1) <= p.bound {
			go p.runWorker(answer)
		} else {
			p.workers.Add(-1)
			p.work <- answer
		}
	}
	fmt.Fprintln(w, <-answer)
}

func (p *elasticPool) runWorker(answer chan<- int) {
	defer p.workers.Add(-1)
	scratch := make([]byte, 8*kibibyte)
	for {
		time.Sleep(time.Millisecond)
		answer <- len(scratch)
		patience := time.NewTimer(p.patience)
		select {
		case answer = <-p.work:
			patience.Stop()
		case <-patience.C:
			return
		}
	}
}

// boundedQueue has a few workers for a bounded backlog; requests wait when it is full.
type boundedQueue struct {
	start   sync.Once
	jobs    chan []byte
	workers int
	pause   time.Duration
}

func newBoundedQueue(bound, workers int, pause time.Duration) *boundedQueue {
	return &boundedQueue{jobs: make(chan []byte, bound), workers: workers, pause: pause}
}

func (q *boundedQueue) serve(w http.ResponseWriter, _ *http.Request) {
	q.start.Do(func() {
		for i := 0; i < q.workers; i++ {
			go q.runWorker()
		}
	})
	q.jobs <- make([]byte, kibibyte)
	w.WriteHeader(http.StatusAccepted)
}

func (q *boundedQueue) runWorker() {
	for job := range q.jobs {
		time.Sleep(q.pause)
		job[0]++
	}
}

// boundedRetries tries again what fails, and gives up in the end.
type boundedRetries struct {
	bound    int64
	pause    time.Duration
	attempts int
	running  atomic.Int64
}

func (t *boundedRetries) serve(w http.ResponseWriter, _ *http.Request) {
	if t.running.Add(1) > t.bound {
		t.running.Add(-1)
		return
	}
	go t.run()
	w.WriteHeader(http.StatusAccepted)
}

func (t *boundedRetries) run() {
	defer t.running.Add(-1)
	ticker := time.NewTicker(t.pause)
	defer ticker.Stop()
	for attempt := 0; attempt < t.attempts; attempt++ {
		<-ticker.C
	}
}

// timedBatch collects records and drops them when there are limit of them, or delay after the first.
type timedBatch struct {
	mutex   sync.Mutex
	limit   int
	delay   time.Duration
	records [][]byte
	pending *time.Timer
}

func (b *timedBatch) serve(w http.ResponseWriter, _ *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.records = append(b.records, make([]byte, 200))
	if b.pending == nil {
		b.pending = time.AfterFunc(b.delay, b.flush)
	}
	if len(b.records) >= b.limit {
		b.records = nil
	}
	w.WriteHeader(http.StatusAccepted)
}

func (b *timedBatch) flush() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.records, b.pending = nil, nil
}
