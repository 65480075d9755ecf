// A service that counts with a statsd client of its own for every request, and closes it.
//
// datadog-go 3.2.0 sends one value to a channel that two goroutines wait for: closing a client ends one of them.
package main

import (
	"log"
	"net"
	"net/http"
	"time"

	"github.com/DataDog/datadog-go/statsd"

	"thirdparty/serve"
)

func main() {
	agent, err := net.ListenPacket("udp", "127.0.0.1:0") // packets that nobody reads are dropped by the system
	if err != nil {
		log.Fatal(err)
	}
	serve.Endpoint("/count", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		serve.OK(w, count(agent.LocalAddr().String()))
	}))
}

func count(agent string) error {
	client, err := statsd.New(
		agent,
		statsd.WithBufferPoolSize(2), // default: 2048 buffers, 3 MB for a client
		statsd.WithSenderQueueSize(2),
		statsd.WithBufferFlushInterval(time.Hour), // Close of 3.3.0 can wait for ever for a flush that waits for it
	)
	if err != nil {
		return err
	}
	if err := client.Incr("requests", nil, 1); err != nil {
		return err
	}
	return client.Close()
}
