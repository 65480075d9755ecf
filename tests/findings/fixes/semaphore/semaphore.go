// Package semaphore has what an example uses of golang.org/x/sync/semaphore.
package semaphore

import "context"

// Weighted is a semaphore.
type Weighted struct{}

// Acquire takes n.
func (*Weighted) Acquire(context.Context, int64) error { return nil }

// Release gives n back.
func (*Weighted) Release(int64) {}
