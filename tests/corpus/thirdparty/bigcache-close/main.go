// A service that makes a cache for every request, and closes it where it can be closed.
//
// bigcache 1.1.0 has no Close: the goroutine that cleans a cache never ends, and holds the cache.
package main

import (
	"io"
	"net/http"
	"time"

	"github.com/allegro/bigcache"

	"thirdparty/serve"
)

func main() {
	serve.Endpoint("/cache", http.HandlerFunc(cached))
}

func cached(w http.ResponseWriter, _ *http.Request) {
	serve.OK(w, remember())
}

func remember() error {
	cache, err := bigcache.NewBigCache(bigcache.Config{
		Shards:             2,
		LifeWindow:         time.Minute,
		CleanWindow:        time.Minute,
		MaxEntriesInWindow: 8,
		MaxEntrySize:       64,
	})
	if err != nil {
		return err
	}
	if closer, ok := any(cache).(io.Closer); ok {
		defer closer.Close()
	}
	return cache.Set("answer", []byte("42"))
}
