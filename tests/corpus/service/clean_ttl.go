package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Entries that leave by time: they grow with the requests of the last seconds, and are gone some seconds later.

func init() {
	register(Case{Name: "clean/ttl-1s", Category: "drain", Path: "/clean/ttl-1s?key={n}",
		Handler: newTTLCache(time.Second, 512).serve})
	register(Case{Name: "clean/ttl-2s", Category: "drain", Path: "/clean/ttl-2s?key={uuid}",
		Handler: newTTLCache(2*time.Second, 256).serve})
	register(Case{Name: "clean/ttl-5s", Category: "drain", Path: "/clean/ttl-5s?key={random:1,5000}",
		Handler: newTTLCache(5*time.Second, 256).serve})
	register(Case{Name: "clean/sessions-3s", Category: "drain", Method: http.MethodPost, Body: `{"user": "{uuid}"}`,
		Headers: map[string]string{"Content-Type": "application/json", "X-Session": "{uuid}"},
		Handler: (&timedSessions{life: 3 * time.Second}).serve})
	register(Case{Name: "clean/buckets-2s", Category: "drain", Path: "/clean/buckets-2s?key={n}",
		Handler: (&buckets{turn: time.Second}).serve})
	register(Case{Name: "clean/idempotency-keys-4s", Category: "drain", Method: http.MethodPost,
		Headers: map[string]string{"Idempotency-Key": "{uuid}"}, Handler: newIdempotency(4 * time.Second).serve})
}

// ttlCache drops its entries when they are older than life. A sweeper runs for as long as there are any.
type ttlCache struct {
	mutex    sync.Mutex
	life     time.Duration
	size     int
	entries  map[string]ttlEntry
	sweeping bool
}

type ttlEntry struct {
	value   []byte
	expires time.Time
}

// newTTLCache returns a cache that keeps values of size bytes for life, and up to a tenth longer.
func newTTLCache(life time.Duration, size int) *ttlCache { return &ttlCache{life: life, size: size} }

func (c *ttlCache) serve(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, c.put(r.URL.Query().Get("key")))
}

// put makes an entry, or lets it live on, and returns the number of entries.
func (c *ttlCache) put(key string) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.entries == nil {
		c.entries = map[string]ttlEntry{}
	}
	value := c.entries[key].value
	if value == nil {
		value = make([]byte, c.size)
	}
	c.entries[key] = ttlEntry{value: value, expires: time.Now().Add(c.life)}
	if !c.sweeping {
		c.sweeping = true
		go c.sweep()
	}
	return len(c.entries)
}

func (c *ttlCache) sweep() {
	ticker := time.NewTicker(c.life / 10)
	defer ticker.Stop()
	for now := range ticker.C {
		if c.dropExpired(now) {
			return
		}
	}
}

// dropExpired returns whether nothing is left. The map itself is given back then, since maps never shrink.
func (c *ttlCache) dropExpired(now time.Time) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for key, entry := range c.entries {
		if entry.expires.Before(now) {
			delete(c.entries, key)
		}
	}
	if len(c.entries) > 0 {
		return false
	}
	c.entries, c.sweeping = nil, false
	return true
}

// timedSessions has a timer for each of its entries.
type timedSessions struct {
	mutex sync.Mutex
	life  time.Duration
	open  map[string]*sessionState
}

type sessionState struct {
	user  string
	state [200]byte
}

func (s *timedSessions) serve(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Session")
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.open == nil {
		s.open = map[string]*sessionState{}
	}
	if _, known := s.open[id]; !known {
		s.open[id] = &sessionState{user: id}
		time.AfterFunc(s.life, func() { s.close(id) })
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *timedSessions) close(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if delete(s.open, id); len(s.open) == 0 {
		s.open = nil
	}
}

// buckets keeps entries in two maps that are exchanged every turn, so that an entry lives one to two turns.
type buckets struct {
	mutex        sync.Mutex
	turn         time.Duration
	current, old map[string]*[128]byte
	turning      bool
}

func (b *buckets) serve(w http.ResponseWriter, r *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.current == nil {
		b.current = map[string]*[128]byte{}
	}
	b.current[r.URL.Query().Get("key")] = new([128]byte)
	if !b.turning {
		b.turning = true
		time.AfterFunc(b.turn, b.exchange)
	}
	fmt.Fprintln(w, len(b.current))
}

func (b *buckets) exchange() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.old, b.current = b.current, nil
	if b.turning = b.old != nil; b.turning {
		time.AfterFunc(b.turn, b.exchange)
	}
}

// idempotency remembers answers under the client's key, in a queue ordered by time: what is too old leaves in front.
type idempotency struct {
	mutex    sync.Mutex
	life     time.Duration
	answers  map[string]string
	queue    []idempotencyKey
	clearing *time.Timer
}

type idempotencyKey struct {
	key string
	at  time.Time
}

func newIdempotency(life time.Duration) *idempotency {
	return &idempotency{life: life, answers: map[string]string{}}
}

func (i *idempotency) serve(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	i.mutex.Lock()
	defer i.mutex.Unlock()
	now := time.Now()
	i.forget(now)
	answer, repeated := i.answers[key]
	if !repeated {
		answer = "order of " + key
		i.answers[key] = answer
		i.queue = append(i.queue, idempotencyKey{key, now})
		i.clearLater()
	}
	fmt.Fprintln(w, answer)
}

// clearLater makes sure that the last entries leave even if no request comes any more.
func (i *idempotency) clearLater() {
	if i.clearing != nil {
		return
	}
	i.clearing = time.AfterFunc(i.life/4, func() {
		i.mutex.Lock()
		defer i.mutex.Unlock()
		i.clearing = nil
		if i.forget(time.Now()); len(i.queue) > 0 {
			i.clearLater()
		}
	})
}

func (i *idempotency) forget(now time.Time) {
	expired := 0
	for expired < len(i.queue) && now.Sub(i.queue[expired].at) > i.life {
		delete(i.answers, i.queue[expired].key)
		expired++
	}
	if i.queue = i.queue[expired:]; len(i.queue) == 0 {
		i.queue, i.answers = nil, map[string]string{}
	}
}
