package main

import (
	"context"
	"fmt"
	"net/http"
)

// routes returns the whole API: REST and profiles on one port.
func routes(token string, causes []cause) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/healthcheck", healthcheck)
	mux.HandleFunc("GET /api/v1/monitoring/memory", memoryStats)
	mux.Handle("/debug/", requireToken(token, debugRoutes()))
	mux.HandleFunc("GET /planted", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = writePlanted(w, causes) // fails only if the client has gone
	})
	for _, c := range causes {
		mux.Handle(c.Leaky, answer(c.leak))
		mux.Handle(c.Fixed, answer(c.fixed))
	}
	return mux
}

// work is what an endpoint does for one request; ctx ends with the request.
type work func(ctx context.Context) (string, error)

// answer returns a handler that sends the result of do as plain text.
func answer(do work) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := do(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, text)
	})
}
