// Package store has a cache without eviction.
package store

// Cache keeps what it is given.
type Cache[K comparable] struct{ entries map[K][]byte }

// New returns an empty cache.
func New[K comparable]() *Cache[K] { return &Cache[K]{entries: map[K][]byte{}} }

// Put keeps size bytes under key.
func (c *Cache[K]) Put(key K, size int) { c.entries[key] = entry(size) }

// Drop forgets up to count entries.
func (c *Cache[K]) Drop(count int) {
	for key := range c.entries {
		if count--; count < 0 {
			return
		}
		delete(c.entries, key)
	}
}

// entry is small enough to be inlined.
func entry(size int) []byte { return make([]byte, size) }

// Watch waits for a key that nobody announces.
func (c *Cache[K]) Watch(announced chan K) { <-announced }
