package main

import (
	"context"
	"strings"
)

// leakBody is interested in the status only, and leaves the body unread and
// open. The connection can't be used again, and its goroutines wait for the
// body to end.
func (r *rates) leakBody(context.Context) (string, error) {
	response, err := r.client.Post(ratesURL, jsonType, strings.NewReader(ratesJSON))
	if err != nil {
		return "", err
	}
	return response.Status, nil
}

// fixedBody reads the body, and closes it.
func (r *rates) fixedBody(context.Context) (string, error) {
	return r.fetch()
}

func bodyCause(r *rates) cause {
	return cause{
		planted: planted{
			Cause:      "HTTP response body not closed",
			Leaky:      "GET /leak/body",
			Fixed:      "GET /fixed/body",
			Kind:       goroutineLeak,
			Function:   "main.(*rates).leakBody",
			File:       "body.go",
			Goroutines: 3, // persistConn.readLoop and writeLoop, and the upstream's conn.serve
			Bytes:      25_000,
			Objects:    74,
			Why:        "a response body that is not closed keeps its connection and two goroutines",
		},
		leak:  r.leakBody,
		fixed: r.fixedBody,
	}
}
