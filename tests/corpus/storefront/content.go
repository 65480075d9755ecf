package main

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ---- /uploads/scan

type uploadScanner struct {
	seq   *sequence
	mu    sync.Mutex
	magic [][]byte // leading bytes of what we have seen, for duplicate alerts
}

func newUploadScanner() *uploadScanner { return &uploadScanner{seq: newSequence("upl")} }

func (u *uploadScanner) readChunk(n uint64) []byte {
	buf := make([]byte, 32<<10)
	head := strconv.AppendUint(append(buf[:0], "\x89PNG\r\n"...), n, 16)
	for i := len(head); i < len(buf); i += 64 {
		buf[i] = byte(i>>6) ^ byte(n)
	}
	return buf
}

func (u *uploadScanner) remember(magic []byte) {
	u.mu.Lock()
	u.magic = append(u.magic, magic)
	u.mu.Unlock()
}

func (u *uploadScanner) HandleScan(w http.ResponseWriter, r *http.Request) {
	n := u.seq.NextN()
	chunk := u.readChunk(n)
	u.remember(chunk[:16])
	writeJSON(w, http.StatusOK, reply{"upload": u.seq.format(n), "crc": crc32.ChecksumIEEE(chunk), "clean": true})
}

// ---- /payments/authorize

type paymentRecord struct {
	key      string
	status   string
	cents    int64
	created  time.Time
	response []byte
}

type idempotencyStore struct {
	mu      sync.RWMutex
	records map[string]*paymentRecord
}

func (s *idempotencyStore) Find(key string) (*paymentRecord, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rec, ok := s.records[key]
	return rec, ok
}

func (s *idempotencyStore) Save(rec *paymentRecord) {
	s.mu.Lock()
	s.records[rec.key] = rec
	s.mu.Unlock()
}

type paymentGateway struct {
	seq   *sequence
	store *idempotencyStore
}

func newPaymentGateway() *paymentGateway {
	return &paymentGateway{seq: newSequence("pay"), store: &idempotencyStore{records: make(map[string]*paymentRecord)}}
}

func (g *paymentGateway) Authorize(key string) *paymentRecord {
	if rec, ok := g.store.Find(key); ok {
		return rec
	}
	rec := &paymentRecord{key: key, status: "authorized", cents: int64(len(key)) * 499, created: time.Now()}
	rec.response = append(make([]byte, 0, 320), `{"status":"authorized","key":"`+key+`"}`...)
	g.store.Save(rec)
	return rec
}

func (g *paymentGateway) HandleAuthorize(w http.ResponseWriter, r *http.Request) {
	rec := g.Authorize(g.seq.Next())
	writeJSON(w, http.StatusOK, reply{"payment": rec.key, "status": rec.status, "cents": rec.cents})
}

// ---- /reports/render

type reportSection struct {
	title string
	rows  []int64
}

type renderedSection struct {
	title string
	total int64
	html  []byte
}

type reportRenderer struct {
	seq *sequence
}

func newReportRenderer() *reportRenderer { return &reportRenderer{seq: newSequence("rep")} }

func (p *reportRenderer) load(n uint64) []reportSection {
	sections := []reportSection{{title: "sales"}, {title: "returns"}, {title: "chargebacks"}, {title: "stock"}}
	for i := range sections {
		if sections[i].title == "chargebacks" { // rare enough: nothing this month
			continue
		}
		rows := make([]int64, 30000)
		for j := range rows {
			rows[j] = int64(n) + int64(j*i)
		}
		sections[i].rows = rows
	}
	return sections
}

func (p *reportRenderer) section(s reportSection) renderedSection {
	var sb strings.Builder
	total := int64(0)
	for i, v := range s.rows {
		total += v
		if i%200 == 0 {
			sb.WriteString("<td>" + strconv.FormatInt(v, 10) + "</td>")
		}
	}
	return renderedSection{title: s.title, total: total, html: []byte(sb.String())}
}

// Render works on all sections side by side and adds up their totals.
func (p *reportRenderer) Render(n uint64) (total int64, bytes int) {
	sections := p.load(n)
	out := make(chan renderedSection, len(sections))
	cover := make([]byte, 4096)
	var wg sync.WaitGroup
	want := 0
	for _, s := range sections {
		wg.Add(1)
		if len(s.rows) == 0 {
			continue
		}
		want++
		go func() {
			defer wg.Done()
			out <- p.section(s)
		}()
	}
	go func() {
		wg.Wait()
		clear(cover)
		close(out)
	}()
	for i := 0; i < want; i++ {
		s := <-out
		copy(cover, s.title)
		total += s.total
		bytes += len(s.html)
	}
	return total, bytes + len(cover)
}

func (p *reportRenderer) HandleRender(w http.ResponseWriter, r *http.Request) {
	n := p.seq.NextN()
	total, size := p.Render(n)
	writeJSON(w, http.StatusOK, reply{"report": p.seq.format(n), "total": total, "bytes": size})
}

// ---- /reports/ledger

type ledgerExporter struct {
	seq *sequence
}

func newLedgerExporter() *ledgerExporter { return &ledgerExporter{seq: newSequence("ldg")} }

func (l *ledgerExporter) export(n uint64) string {
	lines := make([]string, 0, 8000)
	for i := 0; i < 8000; i++ {
		lines = append(lines, strconv.FormatUint(n*31+uint64(i*7919%8000), 10)+";"+strconv.Itoa(i))
	}
	sort.Strings(lines)
	doc := []byte(strings.Join(lines, "\n"))
	padded := make([]byte, 2<<20)
	copy(padded, doc)
	sum := sha256.Sum256(padded[:len(doc)])
	return hex.EncodeToString(sum[:])
}

func (l *ledgerExporter) HandleExport(w http.ResponseWriter, r *http.Request) {
	n := l.seq.NextN()
	writeJSON(w, http.StatusOK, reply{"ledger": l.seq.format(n), "sha256": l.export(n)})
}

// ---- /catalog/search

type preparedStatement struct {
	sql    string
	fields []string
	hits   int
}

type statementCache struct {
	mu    sync.Mutex
	bySQL map[string]*preparedStatement
}

// Prepare parses each statement once.
func (c *statementCache) Prepare(sql string) *preparedStatement {
	c.mu.Lock()
	defer c.mu.Unlock()
	st, ok := c.bySQL[sql]
	if !ok {
		st = &preparedStatement{sql: sql, fields: strings.Fields(sql)}
		c.bySQL[sql] = st
	}
	st.hits++
	return st
}

type catalogRepository struct {
	statements *statementCache
}

func (r *catalogRepository) query(term string, after uint64) (sql string) {
	return "SELECT id, title, price FROM products WHERE title LIKE '%" + term + "%' AND id > " +
		strconv.FormatUint(after, 10) + " ORDER BY id LIMIT 20"
}

func (r *catalogRepository) FindProducts(term string, after uint64) []string {
	st := r.statements.Prepare(r.query(term, after))
	rows := make([]string, 0, 20)
	for i := 0; i < 20; i++ {
		rows = append(rows, st.fields[i%len(st.fields)])
	}
	return rows
}

type catalogService struct {
	seq  *sequence
	repo *catalogRepository
}

func newCatalogService() *catalogService {
	return &catalogService{
		seq:  newSequence("cat"),
		repo: &catalogRepository{statements: &statementCache{bySQL: make(map[string]*preparedStatement)}},
	}
}

func (s *catalogService) Search(term string, cursor uint64) int {
	return len(s.repo.FindProducts(strings.ToLower(term), cursor))
}

func (s *catalogService) HandleSearch(w http.ResponseWriter, r *http.Request) {
	n := s.seq.NextN()
	writeJSON(w, http.StatusOK, reply{"found": s.Search("Lamp", n*20), "next": (n + 1) * 20})
}

// ---- /pricing/recalculate

const checkpointEvery = 500

type priceCheckpoint struct {
	revision uint64
	at       time.Time
	prices   []int64
}

type priceBook struct {
	mu          sync.Mutex
	revision    uint64
	sinceSave   int
	prices      [60]int64
	checkpoints []*priceCheckpoint
}

func newPriceBook() *priceBook {
	b := &priceBook{}
	for i := range b.prices {
		b.prices[i] = int64(100 + i*13)
	}
	return b
}

func (b *priceBook) checkpoint() {
	cp := &priceCheckpoint{revision: b.revision, at: time.Now(), prices: make([]int64, len(b.prices))}
	copy(cp.prices, b.prices[:])
	b.checkpoints = append(b.checkpoints, cp)
}

// Recalculate applies one revision; the book is saved when enough piled up.
func (b *priceBook) Recalculate() (uint64, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revision++
	b.sinceSave++
	i := b.revision % uint64(len(b.prices))
	b.prices[i] = b.prices[i]*101/100%100000 + 1
	if b.sinceSave > checkpointEvery {
		b.checkpoint()
	}
	return b.revision, b.prices[i]
}

func (b *priceBook) HandleRecalculate(w http.ResponseWriter, r *http.Request) {
	rev, price := b.Recalculate()
	writeJSON(w, http.StatusOK, reply{"revision": rev, "price": price})
}

// ---- /products/detail

type productPage struct {
	id   uint64
	html []byte
}

type productCatalog struct {
	seq   *sequence
	limit int
	mu    sync.Mutex
	order *list.List
	pages map[uint64]*list.Element
}

func newProductCatalog(limit int) *productCatalog {
	return &productCatalog{seq: newSequence("prd"), limit: limit, order: list.New(), pages: make(map[uint64]*list.Element)}
}

func (c *productCatalog) render(id uint64) *productPage {
	p := &productPage{id: id, html: make([]byte, 1200)}
	strconv.AppendUint(p.html[:0], id, 10)
	return p
}

func (c *productCatalog) Page(id uint64) *productPage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.pages[id]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*productPage)
	}
	p := c.render(id)
	c.pages[id] = c.order.PushFront(p)
	for c.order.Len() > c.limit {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.pages, oldest.Value.(*productPage).id)
	}
	return p
}

func (c *productCatalog) HandleDetail(w http.ResponseWriter, r *http.Request) {
	p := c.Page(c.seq.NextN())
	writeJSON(w, http.StatusOK, reply{"product": p.id, "bytes": len(p.html)})
}

// ---- /images/thumbnail

type thumbnailer struct {
	seq  *sequence
	bufs sync.Pool
}

func newThumbnailer() *thumbnailer {
	t := &thumbnailer{seq: newSequence("img")}
	t.bufs.New = func() any { b := make([]byte, 96<<10); return &b }
	return t
}

func (t *thumbnailer) scale(n uint64) uint32 {
	bp := t.bufs.Get().(*[]byte)
	defer t.bufs.Put(bp)
	buf := *bp
	for i := range buf {
		buf[i] = byte(uint64(i) * n >> 3)
	}
	return crc32.ChecksumIEEE(buf)
}

func (t *thumbnailer) HandleThumbnail(w http.ResponseWriter, r *http.Request) {
	n := t.seq.NextN()
	writeJSON(w, http.StatusOK, reply{"image": t.seq.format(n), "crc": t.scale(n)})
}

// ---- /metrics/latency

type latencySample struct {
	route string
	took  time.Duration
	at    time.Time
	tags  []string
}

type latencyWindow struct {
	mu   sync.Mutex
	ring []*latencySample
	next int
	seq  *sequence
}

func newLatencyWindow(size int) *latencyWindow {
	return &latencyWindow{ring: make([]*latencySample, size), seq: newSequence("lat")}
}

func (l *latencyWindow) Observe(s *latencySample) {
	l.mu.Lock()
	l.ring[l.next] = s
	l.next = (l.next + 1) % len(l.ring)
	l.mu.Unlock()
}

func (l *latencyWindow) Max() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var m time.Duration
	for _, s := range l.ring {
		if s != nil && s.took > m {
			m = s.took
		}
	}
	return m
}

func (l *latencyWindow) HandleLatency(w http.ResponseWriter, r *http.Request) {
	id := l.seq.Next()
	l.Observe(&latencySample{route: id, took: time.Duration(len(id)) * time.Millisecond, at: time.Now(), tags: []string{id, r.URL.Path, "edge"}})
	writeJSON(w, http.StatusOK, reply{"max_ms": l.Max().Milliseconds()})
}

// ---- /geo/lookup

type geoRange struct {
	from, to uint32
	country  [2]byte
	lat, lon float32
}

type geoResolver struct {
	once   sync.Once
	ranges []geoRange
	byCode map[[2]byte][]uint32
	n      sequence
}

func (g *geoResolver) load() {
	g.ranges = make([]geoRange, 1<<18)
	g.byCode = make(map[[2]byte][]uint32)
	for i := range g.ranges {
		cc := [2]byte{byte('A' + i%26), byte('A' + i/26%26)}
		g.ranges[i] = geoRange{from: uint32(i) << 14, to: uint32(i)<<14 | 0x3fff, country: cc, lat: float32(i % 90), lon: float32(i % 180)}
		if i%16 == 0 {
			g.byCode[cc] = append(g.byCode[cc], uint32(i))
		}
	}
}

func (g *geoResolver) Country(ip uint32) string {
	g.once.Do(g.load)
	i := sort.Search(len(g.ranges), func(i int) bool { return g.ranges[i].to >= ip })
	return string(g.ranges[i].country[:])
}

func (g *geoResolver) HandleLookup(w http.ResponseWriter, r *http.Request) {
	ip := uint32(g.n.NextN() * 2654435761)
	writeJSON(w, http.StatusOK, reply{"ip": ip, "country": g.Country(ip)})
}
