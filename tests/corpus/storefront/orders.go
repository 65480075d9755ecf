package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ---- /orders/status

type auditEntry struct {
	prev   *auditEntry
	order  uint64
	at     int64
	actor  uint32
	action uint32
}

type orderAudit struct {
	seq  *sequence
	mu   sync.Mutex
	last *auditEntry
}

func newOrderAudit() *orderAudit { return &orderAudit{seq: newSequence("ord")} }

// append chains one access record in front of the earlier ones.
func (o *orderAudit) append(order uint64, action uint32) {
	now := time.Now().UnixNano()
	o.mu.Lock()
	o.last = &auditEntry{prev: o.last, order: order, at: now, actor: uint32(order % 97), action: action}
	o.mu.Unlock()
}

func (o *orderAudit) lastActor() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		return 0
	}
	return o.last.actor
}

var orderStates = [...]string{"placed", "paid", "packed", "shipped", "delivered"}

func (o *orderAudit) HandleStatus(w http.ResponseWriter, r *http.Request) {
	n := o.seq.NextN()
	o.append(n, 1)
	writeJSON(w, http.StatusOK, reply{
		"order":  o.seq.format(n),
		"state":  orderStates[n%uint64(len(orderStates))],
		"viewer": o.lastActor(),
	})
}

// ---- /orders/confirm

type mailMessage struct {
	to, subject string
	body        []byte
}

type orderMailer struct {
	seq  *sequence
	sent atomic.Uint64
}

func newOrderMailer() *orderMailer { return &orderMailer{seq: newSequence("cnf")} }

func (m *orderMailer) compose(id string) *mailMessage {
	return &mailMessage{
		to:      id + "@customers.example",
		subject: "Your order " + id,
		body:    []byte(strings.Repeat("<p>thank you for order "+id+"</p>\n", 90)),
	}
}

// deliver retries with back-off until the relay accepts or the time is up.
func (m *orderMailer) deliver(ctx context.Context, msg *mailMessage, attempts int) error {
	for i := 1; ; i++ {
		backoff := time.NewTimer(time.Duration(i) * 400 * time.Millisecond)
		select {
		case <-backoff.C:
		case <-ctx.Done():
			backoff.Stop()
			return fmt.Errorf("mail to %s: %w", msg.to, ctx.Err())
		}
		if i >= attempts {
			m.sent.Add(1)
			return nil
		}
	}
}

func (m *orderMailer) HandleConfirm(w http.ResponseWriter, r *http.Request) {
	n := m.seq.NextN()
	id := m.seq.format(n)
	msg := m.compose(id)
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2800*time.Millisecond)
		defer cancel()
		_ = m.deliver(ctx, msg, 1+int(n%4))
	}()
	writeJSON(w, http.StatusOK, reply{"order": id, "confirmed": true})
}

// ---- /inventory/reserve

type reservation struct {
	id      string
	sku     string
	expires time.Time
	picks   []byte // serialized pick list
}

type stockMovement struct {
	sku   string
	delta int
	at    time.Time
	ref   string
	next  *stockMovement
}

type stockKeeper struct {
	seq       *sequence
	mu        sync.Mutex
	active    map[string]*reservation
	movements map[string]*stockMovement // newest first, per sku
}

func newStockKeeper(ctx context.Context) *stockKeeper {
	s := &stockKeeper{
		seq:       newSequence("rsv"),
		active:    make(map[string]*reservation),
		movements: make(map[string]*stockMovement),
	}
	go s.expireLoop(ctx)
	return s
}

func (s *stockKeeper) expireLoop(ctx context.Context) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			s.mu.Lock()
			for id, r := range s.active {
				if now.After(r.expires) {
					delete(s.active, id)
				}
			}
			s.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (s *stockKeeper) recordMovement(sku, ref string, delta int) {
	s.movements[sku] = &stockMovement{sku: sku, delta: delta, at: time.Now(), ref: ref, next: s.movements[sku]}
}

func (s *stockKeeper) Reserve(n uint64) *reservation {
	r := &reservation{
		id:      s.seq.format(n),
		sku:     skuNames[n%uint64(len(skuNames))],
		expires: time.Now().Add(time.Duration(1000+n%1500) * time.Millisecond),
		picks:   make([]byte, 3000),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active[r.id] = r
	s.recordMovement(r.sku, r.id, -1)
	return r
}

var skuNames = func() []string {
	out := make([]string, 40)
	for i := range out {
		out[i] = fmt.Sprintf("SKU-%04d", i*37)
	}
	return out
}()

func (s *stockKeeper) HandleReserve(w http.ResponseWriter, r *http.Request) {
	res := s.Reserve(s.seq.NextN())
	writeJSON(w, http.StatusOK, reply{"reservation": res.id, "sku": res.sku, "until": res.expires})
}

// ---- /coupons/hold

type couponHold struct {
	code    string
	basket  []int64
	release *time.Timer
}

type couponDesk struct {
	seq   *sequence
	mu    sync.Mutex
	holds map[string]*couponHold
}

func newCouponDesk() *couponDesk {
	return &couponDesk{seq: newSequence("cpn"), holds: make(map[string]*couponHold)}
}

func (c *couponDesk) free(code string) {
	c.mu.Lock()
	delete(c.holds, code)
	c.mu.Unlock()
}

func (c *couponDesk) Hold(code string) *couponHold {
	h := &couponHold{code: code, basket: make([]int64, 64)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds[code] = h
	h.release = time.AfterFunc(3*time.Second, func() { c.free(code) })
	return h
}

func (c *couponDesk) HandleHold(w http.ResponseWriter, r *http.Request) {
	h := c.Hold(c.seq.Next())
	writeJSON(w, http.StatusOK, reply{"coupon": h.code, "lines": len(h.basket)})
}
