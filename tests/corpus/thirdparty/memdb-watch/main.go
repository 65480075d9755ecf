// A service that waits for a change of any of many records, as a blocking query does.
//
// go-memdb 1.3.3 starts a goroutine for every 32 channels it watches, and ends only the one that saw the change: the
// others wait for the context, which here is that of the service's subscription, not of the request.
package main

import (
	"context"
	"net/http"

	"github.com/hashicorp/go-memdb"

	"thirdparty/serve"
)

// records is three times what one goroutine watches.
const records = 96

func main() {
	subscription := context.Background()
	serve.Endpoint("/watch", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		serve.OK(w, watch(subscription))
	}))
}

func watch(ctx context.Context) error {
	changed := make(chan struct{})
	watched := memdb.NewWatchSet()
	watched.Add(changed)
	for range records - 1 {
		watched.Add(make(chan struct{}))
	}
	close(changed)
	return watched.WatchCtx(ctx)
}
