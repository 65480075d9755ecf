package main

import (
	"bytes"
	"container/list"
	"context"
	"crypto/rand"
	"sync"
)

// sessionID is fresh in every request, as that of a client without cookies.
type sessionID [16]byte

func newSessionID() (id sessionID) {
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	return id
}

// sessionPage is what a session costs to render, and hence is cached.
var sessionPage = bytes.Repeat([]byte("session "), 20)

// hoard is a cache that only grows.
type hoard struct {
	mu    sync.Mutex
	pages map[sessionID][]byte
}

func (h *hoard) put(id sessionID, page []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages[id] = bytes.Clone(page)
}

// lru is a cache that holds a fixed number of pages; the one that was used
// least recently makes room for a new one.
type lru struct {
	mu       sync.Mutex
	capacity int
	recent   *list.List // of sessionID, the latest in front
	pages    map[sessionID][]byte
}

func (l *lru) put(id sessionID, page []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent.Len() == l.capacity {
		oldest := l.recent.Remove(l.recent.Back()).(sessionID)
		delete(l.pages, oldest)
	}
	l.recent.PushFront(id)
	l.pages[id] = bytes.Clone(page)
}

func cacheCause() cause {
	const capacity = 64
	unbounded := &hoard{pages: make(map[sessionID][]byte)}
	bounded := &lru{capacity: capacity, recent: list.New(), pages: make(map[sessionID][]byte, capacity)}
	return cause{
		planted: planted{
			Cause:    "cache without eviction",
			Leaky:    "GET /leak/cache",
			Fixed:    "GET /fixed/cache",
			Kind:     heapLeak,
			Function: "main.(*hoard).put",
			File:     "cache.go",
			Bytes:    250,
			Objects:  1,
			Why:      "every request adds an entry under a new key, and none is ever evicted",
		},
		leak: func(context.Context) (string, error) {
			unbounded.put(newSessionID(), sessionPage)
			return "cached", nil
		},
		fixed: func(context.Context) (string, error) {
			bounded.put(newSessionID(), sessionPage)
			return "cached", nil
		},
	}
}
