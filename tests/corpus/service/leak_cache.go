package main

import (
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Caches and registries without a bound, most of them filled by keys that the client invents.
func init() {
	register(Case{
		Name: "leak/sessions", Category: "distinct key", Headers: map[string]string{"X-Session": "{uuid}"}, Handler: leakSessions,
		Truth: Truth{Leaks: true, Bytes: 2048 + 48 + slot24, Objects: 2, Function: "main.(*sessionStore).open", Also: []string{"main.leakSessions"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/sync-map", Category: "distinct key", Path: "/leak/sync-map?user={uuid}", Handler: leakSyncMap,
		Truth:    Truth{Leaks: true, Bytes: 1204, Objects: 4.42, Function: "main.leakSyncMap", Causes: []string{"GL072"}},
		Versions: ">=1.24", // the map is another one since then
	})
	register(Case{
		Name: "leak/page-cache", Category: "distinct key", Path: "/leak/page-cache/{uuid}", Handler: leakPageCache,
		Truth: Truth{Leaks: true, Bytes: 4096 + 64 + slot40, Objects: 2, Function: "main.renderPage", Also: []string{"main.leakPageCache"},
			Causes: []string{"GL070", "GL077"}},
	})
	register(Case{
		Name: "leak/expiry-not-checked", Category: "distinct key", Path: "/leak/expiry-not-checked?from={random:1,2000000000}", Handler: leakExpiryNotChecked,
		Truth: Truth{Leaks: true, Bytes: 768 + 48 + slot24, Objects: 2, Function: "main.(*expiringCache).get", Also: []string{"main.leakExpiryNotChecked"},
			Causes: []string{"GL070", "GL077"}},
	})
	register(Case{
		Name: "leak/label-cardinality", Category: "distinct key", Path: "/leak/label-cardinality/{uuid}", Handler: leakLabelCardinality,
		Truth: Truth{Leaks: true, Bytes: 576 + 64 + slot24, Objects: 2, Function: "main.(*histogramVec).with", Also: []string{"main.leakLabelCardinality"},
			Causes: []string{"GL070", "GL073"}},
	})
	register(Case{
		Name: "leak/rate-limiters", Category: "distinct key", Headers: map[string]string{"X-Api-Key": "{uuid}"},
		Handler: leakRateLimiters,
		Truth: Truth{Leaks: true, Bytes: 1024 + channelBytes + 48 + slot24, Objects: 3, Function: "main.newLimiter", Also: []string{"main.leakRateLimiters", "main.(*limiters).of"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/nan-keys", Category: "cache", Handler: leakNaNKeys,
		Truth: Truth{Leaks: true, Bytes: 512 + slot16, Objects: 1, Function: "main.leakNaNKeys", Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/pointer-keys", Category: "cache", Handler: leakPointerKeys,
		Truth: Truth{Leaks: true, Bytes: 1024 + slot32, Objects: 1, Function: "main.leakPointerKeys", Also: []string{"main.(*connectionTable).add"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/deleted-by-wrong-key", Category: "cache", Path: "/leak/deleted-by-wrong-key?id={uuid}", Handler: leakDeletedByWrongKey,
		Truth: Truth{Leaks: true, Bytes: 1024 + 48 + slot24, Objects: 2, Function: "main.(*inFlight).begin", Also: []string{"main.leakDeletedByWrongKey"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/free-list-grows", Category: "cache", Handler: leakFreeListGrows,
		Truth: Truth{Leaks: true, Bytes: 1024, Objects: 1, Function: "main.(*freeList).get", Also: []string{"main.leakFreeListGrows"}},
	})
}

// sessionStore opens a session for every id it has not seen.
type sessionStore struct {
	mu       sync.Mutex
	sessions map[string]*session
}

type session struct {
	opened time.Time
	data   [2000]byte
}

var store = sessionStore{sessions: map[string]*session{}}

//go:noinline
func (s *sessionStore) open(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sessions[id]
	if known == nil {
		known = &session{opened: time.Now()}
		s.sessions[strings.Clone(id)] = known
	}
	return known
}

// leakSessions never closes a session.
func leakSessions(_ http.ResponseWriter, r *http.Request) {
	store.open(r.Header.Get("X-Session"))
}

var profiles sync.Map

type profile struct {
	seen time.Time
	data [976]byte
}

// leakSyncMap loads a user's profile once, and keeps it.
func leakSyncMap(_ http.ResponseWriter, r *http.Request) {
	user := strings.Clone(r.URL.Query().Get("user"))
	if _, known := profiles.Load(user); !known {
		profiles.Store(user, &profile{seen: time.Now()})
	}
}

var pages = struct {
	sync.RWMutex
	byPath map[string][]byte
}{byPath: map[string][]byte{}}

//go:noinline
func renderPage(path string) []byte {
	body := make([]byte, 4096)
	copy(body, path)
	return body
}

// leakPageCache caches each page by its path; the paths never end.
func leakPageCache(w http.ResponseWriter, r *http.Request) {
	pages.RLock()
	body, cached := pages.byPath[r.URL.Path]
	pages.RUnlock()
	if !cached {
		body = renderPage(r.URL.Path)
		pages.Lock()
		pages.byPath[strings.Clone(r.URL.Path)] = body
		pages.Unlock()
	}
	_, _ = w.Write(body)
}

// expiringCache replaces what has expired when it is asked for again, and looks at nothing else.
type expiringCache struct {
	mu      sync.Mutex
	results map[string]*searchResult
}

type searchResult struct {
	expires time.Time
	hits    [736]byte
}

var searches = expiringCache{results: map[string]*searchResult{}}

//go:noinline
func (c *expiringCache) get(query string) *searchResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	result := c.results[query]
	if result == nil || time.Now().After(result.expires) {
		result = &searchResult{expires: time.Now().Add(50 * time.Millisecond)}
		c.results[strings.Clone(query)] = result
	}
	return result
}

// leakExpiryNotChecked has a cache with a time to live which only looks as if it had a bound.
func leakExpiryNotChecked(_ http.ResponseWriter, r *http.Request) {
	searches.get(r.RequestURI)
}

// histogramVec is what metrics libraries have: one series for every value of a label.
type histogramVec struct {
	mu     sync.Mutex
	series map[string]*histogram
}

type histogram struct {
	count, sum uint64
	buckets    [68]uint64
}

var latencies = histogramVec{series: map[string]*histogram{}}

//go:noinline
func (v *histogramVec) with(label string) *histogram {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.series[label]
	if h == nil {
		h = &histogram{}
		v.series[strings.Clone(label)] = h
	}
	return h
}

// leakLabelCardinality uses the raw path as a label, with the id in it.
func leakLabelCardinality(_ http.ResponseWriter, r *http.Request) {
	latencies.with(r.URL.Path).count++
}

// limiters has a token bucket for each client's key.
type limiters struct {
	mu    sync.Mutex
	byKey map[string]*limiter
}

type limiter struct {
	tokens  chan struct{}
	recent  [120]int64
	refill  time.Duration
	started time.Time
}

var perClient = limiters{byKey: map[string]*limiter{}}

//go:noinline
func newLimiter() *limiter {
	return &limiter{tokens: make(chan struct{}, 10), refill: time.Second, started: time.Now()}
}

//go:noinline
func (l *limiters) of(key string) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.byKey[key]
	if known == nil {
		known = newLimiter()
		l.byKey[strings.Clone(key)] = known
	}
	return known
}

// leakRateLimiters makes a limiter before it looks whether the key is a known one.
func leakRateLimiters(_ http.ResponseWriter, r *http.Request) {
	perClient.of(r.Header.Get("X-Api-Key"))
}

var byTemperature = struct {
	sync.Mutex
	readings map[float64]*[64]uint64
}{readings: map[float64]*[64]uint64{}}

// leakNaNKeys files a broken sensor's readings under NaN, which equals nothing, not even itself.
func leakNaNKeys(http.ResponseWriter, *http.Request) {
	temperature := math.NaN()
	byTemperature.Lock()
	defer byTemperature.Unlock()
	if byTemperature.readings[temperature] == nil {
		byTemperature.readings[temperature] = new([64]uint64)
	}
}

// connectionTable knows its members by their pointer.
type connectionTable struct {
	mu      sync.Mutex
	members map[*member]time.Time
}

type member struct {
	name string
	data [992]byte
}

var lobby = connectionTable{members: map[*member]time.Time{}}

func (t *connectionTable) add(m *member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.members[m] = time.Time{}
}

// leakPointerKeys makes a new member per request, so that no key comes twice.
func leakPointerKeys(http.ResponseWriter, *http.Request) {
	lobby.add(&member{name: "guest"})
}

// inFlight counts what is being done, by id.
type inFlight struct {
	mu    sync.Mutex
	tasks map[string]*task
}

type task struct {
	started time.Time
	state   [984]byte
}

var running = inFlight{tasks: map[string]*task{}}

//go:noinline
func (f *inFlight) begin(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tasks[strings.Clone(id)] = &task{started: time.Now()}
}

func (f *inFlight) end(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tasks, id)
}

// leakDeletedByWrongKey does delete, but what it deletes was entered under another spelling.
func leakDeletedByWrongKey(_ http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	running.begin(strings.ToUpper(id))
	defer running.end(id)
}

// freeList is a pool of one's own. Unlike a sync.Pool no collection empties it.
type freeList struct {
	mu   sync.Mutex
	free *scratch
}

type scratch struct {
	next *scratch
	data [1008]byte
}

var scratches freeList

//go:noinline
func (l *freeList) get() *scratch {
	return &scratch{} // the list should have been asked first
}

func (l *freeList) put(s *scratch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.next, l.free = l.free, s
}

// leakFreeListGrows gives back to its pool and never takes from it.
func leakFreeListGrows(_ http.ResponseWriter, r *http.Request) {
	s := scratches.get()
	defer scratches.put(s)
	copy(s.data[:], r.URL.Path)
}
