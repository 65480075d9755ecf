package main

import (
	"context"
	"runtime"
	"sync/atomic"
)

// document and page refer to each other. The garbage collector has no trouble
// with such a cycle; finalizers do.
type document struct {
	first *page
	title [104]byte
}

type page struct {
	parent *document
	text   [104]byte
}

func (d *document) render() string {
	copy(d.first.text[:], "rendered")
	return string(d.first.text[:8])
}

// released counts the documents and pages that are known to be garbage.
var released atomic.Int64

// leakCycle sets finalizers within a cycle. A finalizer may use its object and
// all that it refers to, so Go runs it only once no other finalizer can need
// the object: in a cycle never. What has to be finalized first is not freed.
func leakCycle(context.Context) (string, error) {
	d := &document{}
	d.first = &page{parent: d}
	runtime.SetFinalizer(d, func(*document) { released.Add(1) })
	runtime.SetFinalizer(d.first, func(*page) { released.Add(1) })
	return d.render(), nil
}

// fixedCycle uses clean-ups, which came with Go 1.24. A clean-up does not get
// the object, only a value of its own, so cycles do not stop it.
func fixedCycle(context.Context) (string, error) {
	d := &document{}
	d.first = &page{parent: d}
	runtime.AddCleanup(d, countReleased, 1)
	runtime.AddCleanup(d.first, countReleased, 1)
	return d.render(), nil
}

func countReleased(n int64) {
	released.Add(n)
}

func cycleCause() cause {
	return cause{
		planted: planted{
			Cause:    "circular reference kept by finalizers",
			Leaky:    "GET /leak/cycle",
			Fixed:    "GET /fixed/cycle",
			Kind:     heapLeak,
			Function: "main.leakCycle",
			File:     "cycle.go",
			Bytes:    224,
			Objects:  2,
			Why:      "objects in a cycle that have finalizers are never finalized, and never freed",
		},
		leak:  leakCycle,
		fixed: fixedCycle,
	}
}
