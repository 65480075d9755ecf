// A service that makes a pool of workers for every request, finds that it has no work for them, and releases it.
//
// ants 2.7.0 keeps the goroutine that tells the pool the time when the pool is released.
package main

import (
	"net/http"
	"time"

	"github.com/panjf2000/ants/v2"

	"thirdparty/serve"
)

func main() {
	serve.Endpoint("/batch", http.HandlerFunc(batch))
}

func batch(w http.ResponseWriter, _ *http.Request) {
	serve.OK(w, work())
}

func work() error {
	pool, err := ants.NewPool(4, ants.WithDisablePurge(true))
	if err != nil {
		return err
	}
	return pool.ReleaseTimeout(5 * time.Second)
}
