package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ---- /webhooks/dispatch

var errNoReceipt = errors.New("webhook: endpoint sent no receipt")

type webhookDelivery struct {
	mu       sync.Mutex
	id       string
	n        uint64
	attempts int
	state    string
}

type webhookDispatcher struct {
	seq     *sequence
	retried atomic.Uint64
}

func newWebhookDispatcher() *webhookDispatcher { return &webhookDispatcher{seq: newSequence("whk")} }

func (d *webhookDispatcher) post(del *webhookDelivery) error {
	if del.n%20 == 0 && del.attempts == 1 {
		return errNoReceipt
	}
	return nil
}

// attempt sends the delivery once; a missing receipt is tried again later.
func (d *webhookDispatcher) attempt(del *webhookDelivery) string {
	del.mu.Lock()
	del.attempts++
	if err := d.post(del); err != nil {
		del.state = "retrying"
		d.scheduleRetry(del)
		return del.state
	}
	del.state = "delivered"
	del.mu.Unlock()
	return del.state
}

func (d *webhookDispatcher) scheduleRetry(del *webhookDelivery) {
	go func() {
		time.Sleep(100 * time.Millisecond)
		d.attempt(del)
		d.retried.Add(1)
	}()
}

func (d *webhookDispatcher) HandleDispatch(w http.ResponseWriter, r *http.Request) {
	n := d.seq.NextN()
	del := &webhookDelivery{id: d.seq.format(n), n: n}
	state := d.attempt(del)
	writeJSON(w, http.StatusOK, reply{"delivery": del.id, "state": state})
}

// ---- /shipping/track

type trackedShipment struct {
	number   string
	position int
	updated  time.Time
	poll     *time.Timer
	route    [8]int32
}

type shipmentTracker struct {
	seq *sequence
}

func newShipmentTracker() *shipmentTracker { return &shipmentTracker{seq: newSequence("shp")} }

// Watch polls the carrier for the shipment's position every 20 s.
func (t *shipmentTracker) Watch(number string) (s *trackedShipment, stop func() bool) {
	s = &trackedShipment{number: number, updated: time.Now()}
	s.poll = time.AfterFunc(20*time.Second, func() {
		t.advance(s)
		s.poll.Reset(20 * time.Second)
	})
	return s, s.poll.Stop
}

func (t *shipmentTracker) advance(s *trackedShipment) {
	s.position++
	s.route[s.position%len(s.route)]++
}

func (t *shipmentTracker) HandleTrack(w http.ResponseWriter, r *http.Request) {
	s, _ := t.Watch(t.seq.Next())
	writeJSON(w, http.StatusOK, reply{"shipment": s.number, "updated": s.updated})
}

// ---- /jobs/enqueue

type job struct {
	id      string
	payload []byte
}

type jobPool struct {
	seq   *sequence
	queue chan *job
	done  atomic.Uint64
}

func newJobPool(ctx context.Context, workers, backlog int) *jobPool {
	p := &jobPool{seq: newSequence("job"), queue: make(chan *job, backlog)}
	for i := 0; i < workers; i++ {
		go p.worker(ctx)
	}
	return p
}

func (p *jobPool) worker(ctx context.Context) {
	for {
		select {
		case j := <-p.queue:
			p.process(j)
		case <-ctx.Done():
			return
		}
	}
}

func (p *jobPool) process(j *job) {
	time.Sleep(12 * time.Millisecond)
	sum := byte(0)
	for _, b := range j.payload {
		sum += b
	}
	p.done.Add(1 + uint64(sum)*0)
}

func (p *jobPool) HandleEnqueue(w http.ResponseWriter, r *http.Request) {
	j := &job{id: p.seq.Next(), payload: make([]byte, 2048)}
	select {
	case p.queue <- j:
		writeJSON(w, http.StatusOK, reply{"job": j.id, "queued": true})
	default:
		writeJSON(w, http.StatusOK, reply{"job": j.id, "queued": false, "retry_after_ms": 500})
	}
}

// ---- /events/track

type trackedEvent struct {
	id    string
	name  string
	at    time.Time
	props map[string]string
}

type eventCollector struct {
	seq     *sequence
	mu      sync.Mutex
	batch   []*trackedEvent
	dropped uint64
	flushed uint64
}

const maxEventBatch = 20000

func newEventCollector(ctx context.Context) *eventCollector {
	c := &eventCollector{seq: newSequence("evt")}
	go c.flushLoop(ctx)
	return c
}

func (c *eventCollector) flushLoop(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.flush()
		case <-ctx.Done():
			return
		}
	}
}

func (c *eventCollector) flush() {
	c.mu.Lock()
	batch := c.batch
	c.batch = nil
	c.mu.Unlock()
	size := 0
	for _, e := range batch {
		size += len(e.id) + len(e.name)
	}
	c.mu.Lock()
	c.flushed += uint64(size)
	c.mu.Unlock()
}

func (c *eventCollector) Add(e *trackedEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.batch) >= maxEventBatch {
		c.dropped++
		return
	}
	c.batch = append(c.batch, e)
}

func (c *eventCollector) HandleTrack(w http.ResponseWriter, r *http.Request) {
	id := c.seq.Next()
	c.Add(&trackedEvent{id: id, name: "page_view", at: time.Now(), props: map[string]string{"path": r.URL.Path, "ref": id}})
	writeJSON(w, http.StatusOK, reply{"event": id})
}

// ---- /feed/stream

type feedItem struct {
	seq  int
	text []byte
}

type activityFeed struct {
	seq *sequence
}

func newActivityFeed() *activityFeed { return &activityFeed{seq: newSequence("feed")} }

func (f *activityFeed) produce(ctx context.Context, id string) <-chan feedItem {
	items := make(chan feedItem)
	go func() {
		defer close(items)
		for i := 0; ; i++ {
			item := feedItem{seq: i, text: append(make([]byte, 0, 1024), id...)}
			select {
			case items <- item:
			case <-ctx.Done():
				return
			}
		}
	}()
	return items
}

func (f *activityFeed) HandleStream(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	w.Header().Set("Content-Type", "text/plain")
	rc := http.NewResponseController(w)
	for item := range f.produce(ctx, f.seq.Next()) {
		w.Write(append(item.text, '\n'))
		if rc.Flush() != nil || item.seq == 5 {
			return
		}
		time.Sleep(8 * time.Millisecond)
	}
}
