// Package store leaks memory; the module has no dot in its path on purpose.
package store

import (
	"container/list"
	"fmt"
	"sync"
)

// Cache never evicts.
type Cache struct {
	mu      sync.Mutex
	entries map[string][]byte
}

// New returns an empty cache.
func New() *Cache { return &Cache{entries: map[string][]byte{}} }

// Put keeps size bytes for ever.
func (c *Cache) Put(key string, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = make([]byte, size)
}

// Ring is generic, so that its functions are named with [...].
type Ring[T any] struct{ items []*T }

// Push appends for ever.
func (r *Ring[T]) Push(item T) { r.items = append(r.items, &item) }

// Set is a sync.Map that only grows.
var Set sync.Map

// Remember stores in Set.
func Remember(n int) { Set.Store(fmt.Sprint("key", n), n) }

// Recent is a list that only grows.
var Recent = list.New()

// Touch adds to Recent.
func Touch(n int) { Recent.PushFront(n) }

// Keep stores what was made elsewhere, for ever.
//
//go:noinline
func (c *Cache) Keep(key string, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = value
}
