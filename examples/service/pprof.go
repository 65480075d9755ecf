package main

import (
	"expvar"
	"net/http"
	"net/http/pprof"
)

// debugRoutes returns the handlers that importing net/http/pprof and expvar
// would put on http.DefaultServeMux, on a mux of our own: there they can be
// wrapped in authentication.
func debugRoutes() http.Handler {
	mux := http.NewServeMux()
	// Index serves the list and every profile that the runtime has: heap,
	// goroutine, allocs …, and goroutineleak from Go 1.27 on.
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/vars", expvar.Handler())
	return mux
}
