package main

import (
	"context"
	"net/http"
	"strings"
)

// leakTransport makes a transport for its one request. The response is read and
// closed as it should be, so the connection goes back to the pool of idle ones:
// that of a transport which nobody will use again, or close.
func (r *rates) leakTransport(context.Context) (string, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = r.upstream.DialContext
	transport.IdleConnTimeout = 0 // no limit, as in a transport made from scratch
	client := &http.Client{Transport: transport}
	response, err := client.Post(ratesURL, jsonType, strings.NewReader(ratesJSON))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return readAll(response)
}

// fixedTransport shares one transport, and thus one pool, among all requests.
func (r *rates) fixedTransport(context.Context) (string, error) {
	return r.fetch()
}

func transportCause(r *rates) cause {
	return cause{
		planted: planted{
			Cause:      "HTTP transport per request",
			Leaky:      "GET /leak/transport",
			Fixed:      "GET /fixed/transport",
			Kind:       goroutineLeak,
			Function:   "main.(*rates).leakTransport",
			File:       "transport.go",
			Goroutines: 3, // persistConn.readLoop and writeLoop, and the upstream's conn.serve
			Bytes:      27_000,
			Objects:    82,
			Why:        "each http.Transport has a pool of its own, whose idle connection nobody closes",
		},
		leak:  r.leakTransport,
		fixed: r.fixedTransport,
	}
}
