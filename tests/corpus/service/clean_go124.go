//go:build go1.24

package main

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

func init() {
	register(Case{Name: "clean/cleanup", Category: "pool", Versions: ">=1.24", Handler: serveCleanup})
	register(Case{Name: "clean/cleanup-stops-goroutine", Category: "pool", Versions: ">=1.24",
		Handler: serveCleanupWorker})
	register(Case{Name: "clean/weak-cache", Category: "pool", Versions: ">=1.24",
		Path: "/clean/weak-cache?key={random:1,5000}", Handler: (&weakCache{}).serve})
}

// cleaned counts the cleanups that ran.
var cleaned atomic.Int64

// serveCleanup drops an object with a cleanup.
func serveCleanup(w http.ResponseWriter, _ *http.Request) {
	dropped := new([kibibyte]byte)
	runtime.AddCleanup(dropped, func(count int64) { cleaned.Add(count) }, 1)
	w.WriteHeader(http.StatusNoContent)
}

// serveCleanupWorker drops the owner of a goroutine, whose cleanup stops it.
func serveCleanupWorker(w http.ResponseWriter, _ *http.Request) {
	stop := make(chan struct{})
	owner := &struct{ stop chan struct{} }{stop}
	go awaitStop(stop)
	runtime.AddCleanup(owner, func(stop chan struct{}) { close(stop) }, stop)
	w.WriteHeader(http.StatusNoContent)
}

// weakCache holds values only for as long as somebody uses them; a cleanup removes the entry.
type weakCache struct{ entries sync.Map }

func (c *weakCache) serve(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	fmt.Fprintln(w, len(c.get(key)))
}

func (c *weakCache) get(key string) *[2 * kibibyte]byte {
	if found, ok := c.entries.Load(key); ok {
		if value := found.(weak.Pointer[[2 * kibibyte]byte]).Value(); value != nil {
			return value
		}
	}
	value := new([2 * kibibyte]byte)
	pointer := weak.Make(value)
	c.entries.Store(key, pointer)
	runtime.AddCleanup(value, func(key string) { c.entries.CompareAndDelete(key, pointer) }, key)
	return value
}
