package main

import (
	"context"
	"encoding/json"
	"io"
)

// planted is the truth about one leak, for whoever judges a leak detector.
type planted struct {
	Cause string `json:"cause"`
	Leaky string `json:"leaky"` // method and path
	Fixed string `json:"fixed"`
	Kind  string `json:"kind"` // "goroutine" or "heap"
	// Function is to blame: the first function of this service on the stack of
	// the goroutine or of the allocation, or the one that made the library
	// start a goroutine.
	Function string `json:"function"`
	File     string `json:"file"`
	// Growth per request. Goroutines are exact. Bytes and objects of live heap
	// are those of Go 1.26, and include the runtime's some 490 bytes for each
	// goroutine.
	Goroutines int    `json:"goroutines_per_request"`
	Bytes      int    `json:"bytes_per_request"`
	Objects    int    `json:"objects_per_request"`
	Why        string `json:"why"`
}

// cause is a planted leak with the code behind it.
type cause struct {
	planted
	leak, fixed work
}

const (
	goroutineLeak = "goroutine"
	heapLeak      = "heap"
)

// plant sets up every cause, and returns a function that closes what they
// share. ctx is the context of the service's life.
func plant(ctx context.Context) ([]cause, func()) {
	orders := newOrders(ctx)
	rates := newRates()
	causes := []cause{
		contextCause(),
		channelCause(),
		workerCause(),
		globalCause(),
		cacheCause(),
		rowsCause(orders),
		connectionCause(orders),
		bodyCause(rates),
		cycleCause(),
		tickerCause(),
		transportCause(rates),
	}
	closeAll := func() {
		orders.close()
		rates.close()
	}
	return causes, closeAll
}

// writePlanted writes the truth about causes as a JSON array.
func writePlanted(w io.Writer, causes []cause) error {
	truths := make([]planted, len(causes))
	for i, c := range causes {
		truths[i] = c.planted
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(truths)
}
