package main

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// ---- /sessions/login

type sessionKey struct{}

type userSession struct {
	id     string
	ctx    context.Context
	cancel context.CancelFunc
	opened time.Time
}

// Close ends everything which was started on behalf of the session.
func (s *userSession) Close() { s.cancel() }

type sessionService struct {
	seq  *sequence
	base context.Context
}

func newSessionService(base context.Context) *sessionService {
	ctx, cancel := context.WithCancel(base)
	context.AfterFunc(base, cancel)
	return &sessionService{seq: newSequence("ses"), base: ctx}
}

func (s *sessionService) Open(id string) *userSession {
	ctx, cancel := context.WithCancel(s.base)
	sess := &userSession{id: id, cancel: cancel, opened: time.Now()}
	sess.ctx = context.WithValue(ctx, sessionKey{}, id)
	return sess
}

func (s *sessionService) greet(ctx context.Context) string {
	id, _ := ctx.Value(sessionKey{}).(string)
	if ctx.Err() != nil {
		return "gone"
	}
	return "welcome " + id
}

func (s *sessionService) HandleLogin(w http.ResponseWriter, r *http.Request) {
	sess := s.Open(s.seq.Next())
	writeJSON(w, http.StatusOK, reply{"session": sess.id, "message": s.greet(sess.ctx)})
}

// ---- /sessions/touch

type tokenSession struct {
	token    string
	lastSeen time.Time
	attrs    map[string]string
}

type tokenSessions struct {
	seq *sequence
	ttl time.Duration
	mu  sync.RWMutex
	all map[string]*tokenSession
}

func newTokenSessions(ctx context.Context) *tokenSessions {
	t := &tokenSessions{seq: newSequence("tok"), ttl: 4 * time.Second, all: make(map[string]*tokenSession)}
	go t.janitor(ctx)
	return t
}

func (t *tokenSessions) janitor(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			t.sweep(now)
		}
	}
}

func (t *tokenSessions) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, s := range t.all {
		if now.Sub(s.lastSeen) > t.ttl {
			delete(t.all, k)
		}
	}
}

func (t *tokenSessions) Touch(token string) *tokenSession {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.all[token]
	if !ok {
		s = &tokenSession{token: token, attrs: map[string]string{"locale": "en", "csrf": token + token, "theme": "dark"}}
		t.all[token] = s
	}
	s.lastSeen = time.Now()
	return s
}

func (t *tokenSessions) HandleTouch(w http.ResponseWriter, r *http.Request) {
	s := t.Touch(t.seq.Next())
	writeJSON(w, http.StatusOK, reply{"token": s.token, "ttl_seconds": t.ttl.Seconds()})
}

// ---- /chat/presence

type roomMember struct {
	name   string
	status string
	beats  int
	last   time.Time
	leave  chan struct{}
}

type presenceHub struct {
	seq *sequence
}

func newPresenceHub() *presenceHub { return &presenceHub{seq: newSequence("usr")} }

// Join marks the member as online and keeps the mark fresh until it leaves.
func (h *presenceHub) Join(name string) *roomMember {
	m := &roomMember{name: name, status: "online", last: time.Now(), leave: make(chan struct{})}
	go h.heartbeat(m)
	return m
}

func (h *presenceHub) heartbeat(m *roomMember) {
	t := time.NewTicker(4 * time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			m.beats++
			m.last = now
		case <-m.leave:
			return
		}
	}
}

func (h *presenceHub) HandlePresence(w http.ResponseWriter, r *http.Request) {
	m := h.Join(h.seq.Next())
	writeJSON(w, http.StatusOK, reply{"member": m.name, "status": m.status})
}

// ---- /notifications/unread

type notification struct {
	topic string
	at    time.Time
}

type notificationBus struct {
	seq       *sequence
	mu        sync.RWMutex
	nextID    uint64
	listeners map[uint64]func(notification)
}

func newNotificationBus(ctx context.Context) *notificationBus {
	b := &notificationBus{seq: newSequence("ntf"), listeners: make(map[uint64]func(notification))}
	go b.pump(ctx)
	return b
}

func (b *notificationBus) pump(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			b.publish(notification{topic: "digest", at: now})
		case <-ctx.Done():
			return
		}
	}
}

func (b *notificationBus) publish(n notification) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, fn := range b.listeners {
		fn(n)
	}
}

// Listen registers fn and returns the function which takes it off again.
func (b *notificationBus) Listen(fn func(notification)) (remove func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nextID++
	id := b.nextID
	b.listeners[id] = fn
	return func() {
		b.mu.Lock()
		delete(b.listeners, id)
		b.mu.Unlock()
	}
}

func (b *notificationBus) inbox() <-chan notification {
	box := make(chan notification, 8)
	b.Listen(func(n notification) {
		select {
		case box <- n:
		default:
		}
	})
	return box
}

func (b *notificationBus) HandleUnread(w http.ResponseWriter, r *http.Request) {
	box := b.inbox()
	timer := time.NewTimer(3 * time.Millisecond)
	defer timer.Stop()
	unread := 0
	for done := false; !done; {
		select {
		case <-box:
			unread++
		case <-timer.C:
			done = true
		}
	}
	writeJSON(w, http.StatusOK, reply{"request": b.seq.Next(), "unread": unread})
}

// ---- /account/limits

type tokenBucket struct {
	tokens float64
	filled time.Time
	used   time.Time
	hits   [32]int32
}

func (t *tokenBucket) take(now time.Time, rate, burst float64) bool {
	t.tokens = min(burst, t.tokens+now.Sub(t.filled).Seconds()*rate)
	t.filled, t.used = now, now
	t.hits[now.Second()%len(t.hits)]++
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}

type clientLimiter struct {
	seq     *sequence
	clients uint64
	mu      sync.Mutex
	buckets map[string]*tokenBucket
}

func newClientLimiter(ctx context.Context, clients uint64) *clientLimiter {
	l := &clientLimiter{seq: newSequence("client"), clients: clients, buckets: make(map[string]*tokenBucket)}
	go l.expire(ctx, 3*time.Second)
	return l
}

func (l *clientLimiter) expire(ctx context.Context, idle time.Duration) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			l.mu.Lock()
			for k, b := range l.buckets {
				if now.Sub(b.used) > idle {
					delete(l.buckets, k)
				}
			}
			l.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

func (l *clientLimiter) Allow(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b, ok := l.buckets[client]
	if !ok {
		b = &tokenBucket{tokens: 20, filled: now}
		l.buckets[client] = b
	}
	return b.take(now, 10, 20)
}

func (l *clientLimiter) HandleLimits(w http.ResponseWriter, r *http.Request) {
	client := l.seq.format(l.seq.NextN() * 7919 % l.clients)
	writeJSON(w, http.StatusOK, reply{"client": client, "allowed": l.Allow(client)})
}
