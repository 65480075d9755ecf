// Package grpc has what an example uses of google.golang.org/grpc.
package grpc

// DialOption is an option.
type DialOption interface{}

// ClientConn is a connection.
type ClientConn struct{}

// Close closes it.
func (*ClientConn) Close() error { return nil }

// NewClient makes one.
func NewClient(string, ...DialOption) (*ClientConn, error) { return nil, nil }
