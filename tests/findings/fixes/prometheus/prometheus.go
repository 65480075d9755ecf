// Package prometheus has what an example uses of github.com/prometheus/client_golang.
package prometheus

// CounterVec is a vector.
type CounterVec struct{}

// Counter is one of its elements.
type Counter struct{}

// WithLabelValues gives an element.
func (*CounterVec) WithLabelValues(...string) Counter { return Counter{} }

// Inc counts.
func (Counter) Inc() {}
