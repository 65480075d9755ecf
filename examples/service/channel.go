package main

import "context"

// replicas answer the same question; whichever is first will do.
var replicas = []string{"replica A", "replica B"}

// leakChannel asks all replicas and takes the first answer. The channel has no
// buffer, so the sender that comes second waits for a receiver that has gone.
func leakChannel(context.Context) (string, error) {
	answers := make(chan string)
	for _, replica := range replicas {
		go func() { answers <- "answer of " + replica }()
	}
	return <-answers, nil
}

// fixedChannel has room for every answer: no sender ever waits.
func fixedChannel(context.Context) (string, error) {
	answers := make(chan string, len(replicas))
	for _, replica := range replicas {
		go func() { answers <- "answer of " + replica }()
	}
	return <-answers, nil
}

func channelCause() cause {
	return cause{
		planted: planted{
			Cause:      "channel never received",
			Leaky:      "GET /leak/channel",
			Fixed:      "GET /fixed/channel",
			Kind:       goroutineLeak,
			Function:   "main.leakChannel.func1",
			File:       "channel.go",
			Goroutines: len(replicas) - 1,
			Bytes:      740,
			Objects:    4,
			Why:        "the goroutine sends on a channel whose only receiver has returned",
		},
		leak:  leakChannel,
		fixed: fixedChannel,
	}
}
