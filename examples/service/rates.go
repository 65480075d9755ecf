package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// rates is a client of an upstream that converts currencies.
type rates struct {
	upstream *upstream
	client   *http.Client
}

const (
	ratesURL  = "http://rates.internal/convert"
	jsonType  = "application/json"
	ratesJSON = `{"from": "EUR", "to": "USD", "amount": 1}`
)

func newRates() *rates {
	up := startUpstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprintln(w, `{"amount": 1.1}`)
	}))
	transport := &http.Transport{
		DialContext:         up.DialContext,
		MaxIdleConnsPerHost: 16, // as many as are busy at once; more are closed after use
	}
	return &rates{upstream: up, client: &http.Client{Transport: transport}}
}

func (r *rates) close() {
	r.client.CloseIdleConnections()
	_ = r.upstream.Close() // never fails
}

// fetch does with the shared client what every caller should do: it reads the
// body to its end, which frees the connection for the next request, and closes
// it whatever happens.
func (r *rates) fetch() (string, error) {
	response, err := r.client.Post(ratesURL, jsonType, strings.NewReader(ratesJSON))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return readAll(response)
}

func readAll(response *http.Response) (string, error) {
	body, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(body)), err
}
