// A service that counts its requests by method and status.
//
// client_golang 1.11.0 takes the method as it comes: every method that a client invents is a time series for ever
// (CVE-2022-21698). 1.11.1 counts those it does not know as "unknown".
package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"thirdparty/serve"
)

func main() {
	requests := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "requests_total", Help: "Requests by method and status."},
		[]string{"method", "code"},
	)
	prometheus.MustRegister(requests)
	serve.Endpoint("/counted", promhttp.InstrumentHandlerCounter(requests, http.HandlerFunc(counted)))
}

func counted(w http.ResponseWriter, _ *http.Request) {
	serve.OK(w, nil)
}
