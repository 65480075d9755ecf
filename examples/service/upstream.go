package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// upstream is another service, within this process. Its network is memory:
// thousands of leaked connections use no file descriptor and no port, while
// net/http on both ends is the real one.
type upstream struct {
	dialed    chan net.Conn // from DialContext to Accept
	closed    chan struct{}
	closeOnce sync.Once
}

var _ net.Listener = (*upstream)(nil)

// startUpstream returns an upstream that serves handler until it is closed.
func startUpstream(handler http.Handler) *upstream {
	u := &upstream{dialed: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(u) }() // always fails in the end: with net.ErrClosed, from Accept
	return u
}

// DialContext connects to the upstream, whatever the address.
func (u *upstream) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case u.dialed <- server:
		return client, nil
	case <-u.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (u *upstream) Accept() (net.Conn, error) {
	select {
	case conn := <-u.dialed:
		return conn, nil
	case <-u.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; connections stay as they are.
func (u *upstream) Close() error {
	u.closeOnce.Do(func() { close(u.closed) })
	return nil
}

// Addr returns a name for logs.
func (u *upstream) Addr() net.Addr {
	return &net.UnixAddr{Name: "upstream", Net: "memory"}
}
