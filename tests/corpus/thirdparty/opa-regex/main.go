// A service that asks a policy whether a path matches the pattern of the request.
//
// OPA 0.66.0 keeps every compiled pattern for ever; 0.67.0 keeps a hundred.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/open-policy-agent/opa/rego"

	"thirdparty/serve"
)

const policy = `package shop

allow { regex.match(input.pattern, "/orders/1") }
`

func main() {
	query, err := rego.New(rego.Query("data.shop.allow"), rego.Module("shop.rego", policy)).
		PrepareForEval(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	serve.Endpoint("/allowed", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve.OK(w, allowed(r, query))
	}))
}

func allowed(r *http.Request, query rego.PreparedEvalQuery) error {
	input := map[string]any{"pattern": "^/orders/" + r.URL.Query().Get("id") + "$"}
	_, err := query.Eval(r.Context(), rego.EvalInput(input))
	return err
}
