package main

import (
	"context"
	"time"
)

// heartbeat is how often a lease tells that it is still held.
const heartbeat = time.Minute

// lease is a lock that must be renewed for as long as it is held.
type lease struct {
	ticker *time.Ticker
	done   chan struct{}
}

func acquireLease() *lease {
	return &lease{ticker: time.NewTicker(heartbeat), done: make(chan struct{})}
}

func (l *lease) renew() {}

// renewForever renews at every tick. Since Go 1.23 a ticker that nobody refers
// to is collected even if it was not stopped; this goroutine refers to it.
func (l *lease) renewForever() {
	for range l.ticker.C {
		l.renew()
	}
}

// renewUntilDone renews at every tick until done is closed. Stopping the ticker
// would not be enough: Stop does not close its channel, so a loop over it waits
// on.
func (l *lease) renewUntilDone() {
	defer l.ticker.Stop()
	for {
		select {
		case <-l.ticker.C:
			l.renew()
		case <-l.done:
			return
		}
	}
}

// leakTicker holds a lease during the request; its heartbeat goes on after it.
func leakTicker(context.Context) (string, error) {
	l := acquireLease()
	go l.renewForever()
	return "leased", nil
}

// fixedTicker ends the heartbeat with the request.
func fixedTicker(context.Context) (string, error) {
	l := acquireLease()
	defer close(l.done)
	go l.renewUntilDone()
	return "leased", nil
}

func tickerCause() cause {
	return cause{
		planted: planted{
			Cause:      "ticker never stopped",
			Leaky:      "GET /leak/ticker",
			Fixed:      "GET /fixed/ticker",
			Kind:       goroutineLeak,
			Function:   "main.(*lease).renewForever",
			File:       "ticker.go",
			Goroutines: 1,
			Bytes:      870,
			Objects:    5,
			Why:        "the goroutine ranges over a ticker that never ends, and keeps it alive",
		},
		leak:  leakTicker,
		fixed: fixedTicker,
	}
}
