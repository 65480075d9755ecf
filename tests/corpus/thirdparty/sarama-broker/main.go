// A service that opens and closes its connection to a Kafka broker for every request.
//
// sarama 1.26.1 adds the names of the broker's metrics to a list when it opens, and does not clear it when it closes.
package main

import (
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/Shopify/sarama"

	"thirdparty/serve"
)

func main() {
	configuration := sarama.NewConfig()
	configuration.Net.Proxy.Enable = true
	configuration.Net.Proxy.Dialer = silent{}
	var cluster sarama.MetadataResponse
	cluster.AddBroker("127.0.0.1:9092", 1)
	shared := &connection{broker: cluster.Brokers[0], configuration: configuration}
	serve.Endpoint("/ping", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		serve.OK(w, shared.ping())
	}))
}

// silent is a network of one broker that reads what it is sent and says nothing.
type silent struct{}

func (silent) Dial(_, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		_, _ = io.Copy(io.Discard, server)
	}()
	return client, nil
}

type connection struct {
	mu            sync.Mutex
	broker        *sarama.Broker
	configuration *sarama.Config
}

func (c *connection) ping() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.broker.Open(c.configuration); err != nil {
		return err
	}
	if _, err := c.broker.Connected(); err != nil {
		return err
	}
	return c.broker.Close()
}
