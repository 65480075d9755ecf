package main

import (
	"bufio"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

// Files and loggers that stay open.
func init() {
	register(Case{
		Name: "leak/files-kept-open", Category: "file", Handler: leakFilesKeptOpen,
		Truth: Truth{Leaks: true, Bytes: 13, Objects: 0.3, Function: "main.(*openLogs).open", Also: []string{"main.leakFilesKeptOpen"},
			Causes: []string{"GL022"}},
	})
	register(Case{
		Name: "leak/logger-per-tenant", Category: "file", Headers: map[string]string{"X-Tenant": "{uuid}"}, Handler: leakLoggerPerTenant,
		Truth: Truth{Leaks: true, Bytes: 4300, Objects: 5, Function: "main.(*tenantLogs).of", Also: []string{"main.leakLoggerPerTenant"},
			Causes: []string{"GL070"}},
	})
	register(Case{
		Name: "leak/rotating-log-per-request", Category: "file", Handler: leakRotatingLogPerRequest,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1, Function: "main.(*rotatingLog).rotate",
			Also: []string{"main.newRotatingLog", "main.leakRotatingLogPerRequest"}, Causes: []string{"GL002"}},
	})
}

// openLogs remembers every file that it opened: no finalizer closes what is still referred to.
type openLogs struct {
	turn
	mu   sync.Mutex
	last *openLog
}

type openLog struct {
	file   *os.File
	before *openLog
}

var requestLogs openLogs

//go:noinline
func (l *openLogs) open() error {
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = &openLog{file: file, before: l.last}
	return nil
}

// leakFilesKeptOpen opens a file for one request in ten.
func leakFilesKeptOpen(w http.ResponseWriter, _ *http.Request) {
	if requestLogs.every(10) {
		answerError(w, requestLogs.open())
	}
}

// tenantLogs has a buffered logger for each tenant that ever came.
type tenantLogs struct {
	mu      sync.Mutex
	loggers map[string]*log.Logger
}

var tenants = tenantLogs{loggers: map[string]*log.Logger{}}

//go:noinline
func (t *tenantLogs) of(tenant string) *log.Logger {
	t.mu.Lock()
	defer t.mu.Unlock()
	logger := t.loggers[tenant]
	if logger == nil {
		tenant = strings.Clone(tenant)
		logger = log.New(bufio.NewWriter(io.Discard), tenant, 0)
		t.loggers[tenant] = logger
	}
	return logger
}

// leakLoggerPerTenant logs one line.
func leakLoggerPerTenant(_ http.ResponseWriter, r *http.Request) {
	tenants.of(r.Header.Get("X-Tenant")).Println("seen")
}

// rotatingLog starts a goroutine that rotates its file on demand, as such writers do.
type rotatingLog struct {
	io.Writer
	demand chan struct{}
}

//go:noinline
func newRotatingLog() *rotatingLog {
	l := &rotatingLog{Writer: io.Discard, demand: make(chan struct{}, 1)}
	go l.rotate()
	return l
}

func (l *rotatingLog) rotate() {
	for range l.demand {
	}
}

// leakRotatingLogPerRequest makes a writer per request.
func leakRotatingLogPerRequest(w http.ResponseWriter, _ *http.Request) {
	_, err := newRotatingLog().Write([]byte("request\n"))
	answerError(w, err)
}
