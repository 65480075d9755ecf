package main

import (
	"bytes"
	"container/list"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"text/template"
)

// Caches that grow with every new key until they are full, and never again.

func init() {
	register(Case{Name: "clean/lru-500", Category: "cache", Path: "/clean/lru-500?key={n}",
		Handler: newLRU(500, 2048).serve})
	register(Case{Name: "clean/lru-2000-random", Category: "cache", Path: "/clean/lru-2000-random?key={random:1,50000}",
		Handler: newLRU(2000, 512).serve})
	register(Case{Name: "clean/lru-5000-uuid", Category: "cache", Path: "/clean/lru-5000-uuid?key={uuid}",
		Handler: newLRU(5000, 256).serve})
	register(Case{Name: "clean/users-1000", Category: "cache", Path: "/clean/users-1000/{n}",
		Handler: newUserRecords(1000, 1024).serve})
	register(Case{Name: "clean/users-5000", Category: "cache", Path: "/clean/users-5000/{n}",
		Handler: newUserRecords(5000, 256).serve})
	register(Case{Name: "clean/users-5000-random", Category: "cache", Path: "/clean/users-5000-random/{random:1,5000}",
		Handler: newUserRecords(5000, 512).serve})
	register(Case{Name: "clean/intern-1000", Category: "cache", Path: "/clean/intern-1000?word=word-{random:1,1000}",
		Handler: serveInterned})
	register(Case{Name: "clean/types-500", Category: "cache", Path: "/clean/types-500?length={random:1,500}",
		Handler: serveTypes})
	register(Case{Name: "clean/regexp-500", Category: "cache", Path: "/clean/regexp-500?id={n}", Handler: serveRegexp})
	register(Case{Name: "clean/templates-200", Category: "cache", Path: "/clean/templates-200?id={random:1,200}",
		Handler: serveTemplate})
	register(Case{Name: "clean/sync-map-2000", Category: "cache", Path: "/clean/sync-map-2000?key={random:1,2000}",
		Handler: newSharedRecords(2000).serve})
	register(Case{Name: "clean/generations-1000", Category: "cache", Path: "/clean/generations-1000?key={uuid}",
		Handler: (&generations{bound: 1000}).serve})
	register(Case{Name: "clean/dedupe-window-1000", Category: "cache", Headers: map[string]string{"X-Request-Id": "{uuid}"},
		Handler: newDedupeWindow(1000).serve})
	register(Case{Name: "clean/rate-limit-500", Category: "cache", Headers: map[string]string{"X-Client": "client-{random:1,500}"},
		Handler: newClientBuckets().serve})
	register(Case{Name: "clean/not-found-2000", Category: "error path", Path: "/clean/not-found-2000?key={random:1,2000}",
		Expect: []string{"404"}, Handler: newNegativeCache(2000).serve})
}

// lru keeps the values used last, up to a bound.
type lru struct {
	mutex   sync.Mutex
	bound   int
	size    int
	order   *list.List // of *lruEntry, the one used last in front
	entries map[string]*list.Element
}

type lruEntry struct {
	key   string
	value []byte
}

// newLRU returns a cache of at most bound values of size bytes.
func newLRU(bound, size int) *lru {
	return &lru{bound: bound, size: size, order: list.New(), entries: map[string]*list.Element{}}
}

func (c *lru) serve(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, len(c.get(r.URL.Query().Get("key"))))
}

func (c *lru) get(key string) []byte {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if element, found := c.entries[key]; found {
		c.order.MoveToFront(element)
		return element.Value.(*lruEntry).value
	}
	entry := &lruEntry{key: key, value: make([]byte, c.size)}
	c.entries[key] = c.order.PushFront(entry)
	if c.order.Len() > c.bound {
		oldest := c.order.Remove(c.order.Back()).(*lruEntry)
		delete(c.entries, oldest.key)
	}
	return entry.value
}

// userRecords keeps one record for each of a fixed number of users; the last part of the path is the user's number.
type userRecords struct {
	mutex   sync.Mutex
	users   int
	size    int
	records map[int]*userRecord
}

type userRecord struct {
	visits  int
	history []byte
}

func newUserRecords(users, size int) *userRecords {
	return &userRecords{users: users, size: size, records: map[int]*userRecord{}}
}

func (u *userRecords) serve(w http.ResponseWriter, r *http.Request) {
	user := numberAtEnd(r.URL.Path) % u.users
	u.mutex.Lock()
	defer u.mutex.Unlock()
	record, known := u.records[user]
	if !known {
		record = &userRecord{history: make([]byte, u.size)}
		u.records[user] = record
	}
	record.visits++
	fmt.Fprintln(w, record.visits)
}

// numberAtEnd returns the number that text ends with, 0 if it ends with none.
func numberAtEnd(text string) int {
	start := len(text)
	for start > 0 && text[start-1] >= '0' && text[start-1] <= '9' {
		start--
	}
	number, err := strconv.Atoi(text[start:])
	if err != nil {
		return 0
	}
	return number
}

// interned holds one copy of each word, as parsers and metric libraries do.
var interned sync.Map

func serveInterned(w http.ResponseWriter, r *http.Request) {
	word := r.URL.Query().Get("word")
	kept, _ := interned.LoadOrStore(word, word)
	fmt.Fprintln(w, kept)
}

// typeNames is filled by the types that pass, like the caches of encoders; the runtime keeps types it made for ever.
var typeNames sync.Map

func serveTypes(w http.ResponseWriter, r *http.Request) {
	made := reflect.ArrayOf(numberAtEnd(r.URL.RawQuery), reflect.TypeOf(byte(0)))
	name, found := typeNames.Load(made)
	if !found {
		name, _ = typeNames.LoadOrStore(made, made.String())
	}
	fmt.Fprintln(w, name)
}

// compiledPatterns holds compiled expressions, some 5 KB each.
var compiledPatterns sync.Map

func serveRegexp(w http.ResponseWriter, r *http.Request) {
	source := fmt.Sprintf(`^item-%d-[a-z]+(\d{2,4})?$`, numberAtEnd(r.URL.RawQuery)%500)
	pattern, found := compiledPatterns.Load(source)
	if !found {
		pattern, _ = compiledPatterns.LoadOrStore(source, regexp.MustCompile(source))
	}
	fmt.Fprintln(w, pattern.(*regexp.Regexp).MatchString("item-7-abc12"))
}

// pageTemplates is a parsed template for each page.
var pageTemplates = struct {
	sync.Mutex
	byPage map[string]*template.Template
}{byPage: map[string]*template.Template{}}

func serveTemplate(w http.ResponseWriter, r *http.Request) {
	page := r.URL.Query().Get("id")
	pageTemplates.Lock()
	parsed, found := pageTemplates.byPage[page]
	if !found {
		parsed = template.Must(template.New(page).Parse("page " + page + ": {{range .}}{{.}} {{end}}\n"))
		pageTemplates.byPage[page] = parsed
	}
	pageTemplates.Unlock()
	if err := parsed.Execute(w, []int{1, 2, 3}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// sharedRecords is a sync.Map with a bounded set of keys.
type sharedRecords struct {
	bound   int
	records sync.Map
}

func newSharedRecords(bound int) *sharedRecords { return &sharedRecords{bound: bound} }

func (s *sharedRecords) serve(w http.ResponseWriter, r *http.Request) {
	key := numberAtEnd(r.URL.RawQuery) % s.bound
	record, found := s.records.Load(key)
	if !found {
		record, _ = s.records.LoadOrStore(key, &[256]byte{})
	}
	fmt.Fprintln(w, len(record.(*[256]byte)))
}

// generations is a cache of two maps: when the young one is full it becomes the old one, whose entries are forgotten.
type generations struct {
	mutex      sync.Mutex
	bound      int
	young, old map[string][]byte
}

func (g *generations) serve(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	g.mutex.Lock()
	defer g.mutex.Unlock()
	value, found := g.young[key]
	if !found {
		if value, found = g.old[key]; !found {
			value = make([]byte, 300)
		}
		if g.young == nil || len(g.young) >= g.bound {
			g.old, g.young = g.young, make(map[string][]byte)
		}
		g.young[key] = value
	}
	fmt.Fprintln(w, len(value))
}

// dedupeWindow remembers the ids of the last requests: every request brings a new one, and the oldest leaves.
type dedupeWindow struct {
	mutex sync.Mutex
	seen  map[string]struct{}
	ids   []string
	next  int
}

func newDedupeWindow(bound int) *dedupeWindow {
	return &dedupeWindow{seen: map[string]struct{}{}, ids: make([]string, bound)}
}

func (d *dedupeWindow) serve(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Request-Id")
	d.mutex.Lock()
	defer d.mutex.Unlock()
	_, repeated := d.seen[id]
	if !repeated {
		delete(d.seen, d.ids[d.next])
		d.seen[id] = struct{}{}
		d.ids[d.next] = id
		d.next = (d.next + 1) % len(d.ids)
	}
	fmt.Fprintln(w, repeated)
}

// clientBuckets has a counter for each client, of which there are 500.
type clientBuckets struct {
	mutex    sync.Mutex
	byClient map[string]*clientBucket
}

type clientBucket struct {
	tokens atomic.Int64
	name   string
	_      [64]byte
}

func newClientBuckets() *clientBuckets { return &clientBuckets{byClient: map[string]*clientBucket{}} }

func (l *clientBuckets) serve(w http.ResponseWriter, r *http.Request) {
	client := r.Header.Get("X-Client")
	l.mutex.Lock()
	entry, known := l.byClient[client]
	if !known {
		entry = &clientBucket{name: client}
		l.byClient[client] = entry
	}
	l.mutex.Unlock()
	fmt.Fprintln(w, entry.tokens.Add(1))
}

// negativeCache remembers what does not exist: its answer is always 404.
type negativeCache struct {
	mutex   sync.Mutex
	bound   int
	missing map[string]*bytes.Buffer
}

func newNegativeCache(bound int) *negativeCache {
	return &negativeCache{bound: bound, missing: map[string]*bytes.Buffer{}}
}

func (n *negativeCache) serve(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	n.mutex.Lock()
	defer n.mutex.Unlock()
	page, known := n.missing[key]
	if !known {
		page = bytes.NewBufferString("there is no " + key + "\n")
		if len(n.missing) < n.bound {
			n.missing[key] = page
		}
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(page.Bytes())
}
