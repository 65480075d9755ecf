package main

import (
	"context"
	"sync"
	"time"
)

// auditEntry is some 200 bytes in one object.
type auditEntry struct {
	at     time.Time
	action string
	detail [160]byte
}

// auditLog grows for as long as the process lives.
var (
	auditLogMu sync.Mutex
	auditLog   []*auditEntry
)

// leakGlobal appends to a global that nobody ever shortens.
func leakGlobal(context.Context) (string, error) {
	auditLogMu.Lock()
	defer auditLogMu.Unlock()
	auditLog = append(auditLog, &auditEntry{at: time.Now(), action: "read"})
	return "noted", nil
}

// recentAudits keeps the last entries only: a new one takes the place of the
// oldest.
var (
	recentAuditsMu sync.Mutex
	recentAudits   [64]*auditEntry
	nextAudit      int
)

// fixedGlobal writes into a ring of fixed size.
func fixedGlobal(context.Context) (string, error) {
	recentAuditsMu.Lock()
	defer recentAuditsMu.Unlock()
	recentAudits[nextAudit] = &auditEntry{at: time.Now(), action: "read"}
	nextAudit = (nextAudit + 1) % len(recentAudits)
	return "noted", nil
}

func globalCause() cause {
	return cause{
		planted: planted{
			Cause:    "growing global",
			Leaky:    "GET /leak/global",
			Fixed:    "GET /fixed/global",
			Kind:     heapLeak,
			Function: "main.leakGlobal",
			File:     "global.go",
			Bytes:    220,
			Objects:  1,
			Why:      "a package-level slice keeps an entry of every request",
		},
		leak:  leakGlobal,
		fixed: fixedGlobal,
	}
}
