package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
)

func healthcheck(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"status":"ok"}`)
}

// memoryReport is coarse on purpose: it is for a person who watches, or for a
// dashboard. The exact figures are in the profiles.
type memoryReport struct {
	AllocMB      uint64 `json:"alloc_mb"`
	TotalAllocMB uint64 `json:"total_alloc_mb"`
	SysMB        uint64 `json:"sys_mb"`
	NumGC        uint32 `json:"num_gc"`
	Goroutines   int    `json:"goroutines"`
}

func memoryStats(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(memoryReport{ // fails only if the client has gone
		AllocMB:      m.Alloc >> 20,
		TotalAllocMB: m.TotalAlloc >> 20,
		SysMB:        m.Sys >> 20,
		NumGC:        m.NumGC,
		Goroutines:   runtime.NumGoroutine(),
	})
}
