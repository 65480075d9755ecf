// A service that measures its requests with OpenTelemetry.
//
// otelhttp 0.43.0 takes method and user agent as they come: every method that a client invents is a time series for
// ever (CVE-2023-45142). 0.44.0 measures those it does not know as one.
package main

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"

	"thirdparty/serve"
)

func main() {
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	measured := otelhttp.NewHandler(http.HandlerFunc(traced), "traced", otelhttp.WithMeterProvider(provider))
	serve.Endpoint("/traced", unnamed{measured})
}

// unnamed hides how a client calls itself: its length would be part of what leaks, and clients differ in it.
type unnamed struct{ next http.Handler }

func (u unnamed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("User-Agent")
	u.next.ServeHTTP(w, r)
}

func traced(w http.ResponseWriter, _ *http.Request) {
	serve.OK(w, nil)
}
