// Command storefront is the edge API of the shop: orders, quotes, sessions,
// uploads, webhooks, reports and the small services around them.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// sequence hands out monotonically growing ids, one per service.
type sequence struct {
	prefix string
	n      atomic.Uint64
}

func newSequence(prefix string) *sequence { return &sequence{prefix: prefix} }

func (s *sequence) NextN() uint64 { return s.n.Add(1) }

func (s *sequence) Next() string { return s.format(s.n.Add(1)) }

func (s *sequence) format(n uint64) string {
	b := make([]byte, 0, 32)
	b = append(b, s.prefix...)
	b = append(b, '-')
	return string(strconv.AppendUint(b, n, 36))
}

type reply map[string]any

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Printf("encode: %v", err)
	}
}

// runtimeConfig is refreshed in the background and read by everybody.
type runtimeConfig struct {
	Version   int64
	LoadedAt  time.Time
	Flags     map[string]bool
	HeapBytes uint64
	Routines  int
}

type configWatcher struct {
	current atomic.Pointer[runtimeConfig]
	version int64
}

func (c *configWatcher) load() *runtimeConfig {
	c.version++
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	cfg := &runtimeConfig{
		Version:   c.version,
		LoadedAt:  time.Now(),
		Flags:     make(map[string]bool, 16),
		HeapBytes: ms.HeapAlloc,
		Routines:  runtime.NumGoroutine(),
	}
	for i := 0; i < 16; i++ {
		cfg.Flags["feature."+strconv.Itoa(i)] = (c.version+int64(i))%3 == 0
	}
	return cfg
}

func (c *configWatcher) Run(ctx context.Context) {
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		c.current.Store(c.load())
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg := &configWatcher{}
	go cfg.Run(ctx)

	mux := http.DefaultServeMux // pprof lives here as well
	app := newApplication(ctx, cfg)
	app.Routes(mux)

	srv := &http.Server{
		Addr:              net.JoinHostPort("127.0.0.1", port),
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
	}
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	log.Printf("storefront listening on %s", srv.Addr)
	if err := srv.ListenAndServe(); err != nil && err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
