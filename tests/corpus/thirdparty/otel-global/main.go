// A service that makes the same instrument in every request, with no meter provider set.
//
// The global meter of otel 1.29.0 keeps every instrument for the provider that may be set later; 1.30.0 keeps one of
// each.
package main

import (
	"net/http"

	"go.opentelemetry.io/otel"

	"thirdparty/serve"
)

func main() {
	serve.Endpoint("/measure", http.HandlerFunc(measure))
}

func measure(w http.ResponseWriter, r *http.Request) {
	counter, err := otel.Meter("shop").Int64Counter("orders")
	if err == nil {
		counter.Add(r.Context(), 1)
	}
	serve.OK(w, err)
}
