package main

import "context"

// priceFeed follows a price in the background until it is closed.
type priceFeed struct {
	price  chan string
	cancel context.CancelFunc
}

func openPriceFeed() *priceFeed {
	ctx, cancel := context.WithCancel(context.Background())
	feed := &priceFeed{price: make(chan string, 1), cancel: cancel}
	go feed.follow(ctx)
	return feed
}

// follow publishes the price, then has nothing to do until it is told to end.
func (f *priceFeed) follow(ctx context.Context) {
	f.price <- "42.00"
	<-ctx.Done()
}

func (f *priceFeed) close() {
	f.cancel()
}

// leakContext reads a price and forgets the feed: nothing will ever cancel its
// context, so follow waits for ever.
func leakContext(context.Context) (string, error) {
	feed := openPriceFeed()
	return <-feed.price, nil
}

// fixedContext closes what it has opened.
func fixedContext(context.Context) (string, error) {
	feed := openPriceFeed()
	defer feed.close()
	return <-feed.price, nil
}

func contextCause() cause {
	return cause{
		planted: planted{
			Cause:      "missing context cancellation",
			Leaky:      "GET /leak/context",
			Fixed:      "GET /fixed/context",
			Kind:       goroutineLeak,
			Function:   "main.(*priceFeed).follow",
			File:       "context.go",
			Goroutines: 1,
			Bytes:      715,
			Objects:    3,
			Why:        "the goroutine waits for a context that nobody cancels",
		},
		leak:  leakContext,
		fixed: fixedContext,
	}
}
