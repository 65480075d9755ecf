package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand"
	"runtime"
	"sort"
	"strings"
	"time"
)

const (
	kibibyte = 1 << 10
	mebibyte = 1 << 20
)

// environments holds what runs beside the requests, by name. A function returns once its background is in place; what
// moves, moves in goroutines that live as long as the process.
var environments = map[string]func(){
	"plain":     func() {},
	"sawtooth":  func() { go runSawtooth() },
	"breathing": func() { go runBreathing() },
	"busy":      runBusy,
	"bigheap":   func() { bigHeap = growBigHeap() },
	"drift":     func() { go runDrift() },
	"flush":     func() { go runFlush() },
}

// startEnvironment starts the background with this name. It fails if there is none.
func startEnvironment(name string) error {
	start, known := environments[name]
	if !known {
		names := make([]string, 0, len(environments))
		for other := range environments {
			names = append(names, other)
		}
		sort.Strings(names)
		return fmt.Errorf("there is no environment %q; expected one of %s", name, strings.Join(names, ", "))
	}
	start()
	return nil
}

// runSawtooth lets live memory swing by 8 MiB around its mean: 1 MiB more every 44 ms, and after 16 of them all is
// dropped at once.
func runSawtooth() {
	var held [][]byte
	for range time.Tick(44 * time.Millisecond) {
		if len(held) >= 256 {
			held = nil
		}
		for i := 0; i < 16; i++ {
			held = append(held, make([]byte, 64*kibibyte))
		}
	}
}

// runBreathing keeps a pool of goroutines whose size walks from one random target between 0 and 100 to the next, so
// that no fixed interval of looks is in step with it.
func runBreathing() {
	var stops []chan struct{}
	target := rand.Intn(101)
	for range time.Tick(5 * time.Millisecond) {
		switch {
		case len(stops) < target:
			stop := make(chan struct{})
			stops = append(stops, stop)
			go awaitStop(stop)
		case len(stops) > target:
			last := len(stops) - 1
			close(stops[last])
			stops = stops[:last]
		default:
			target = rand.Intn(101)
		}
	}
}

func awaitStop(stop <-chan struct{}) { <-stop }

// runBusy burns every CPU that the runtime may use, in slices of some 100 µs as request handlers would: a goroutine
// that never yields would keep the network from being polled for 10 ms at a time, which no busy service does.
func runBusy() {
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		go func() {
			var block [64 * kibibyte]byte
			for {
				sum := sha256.Sum256(block[:])
				copy(block[:], sum[:])
				runtime.Gosched()
			}
		}()
	}
}

// treeNode is 64 bytes of which two words are pointers: much for the collector to follow.
type treeNode struct {
	left, right *treeNode
	payload     [48]byte
}

// bigHeap keeps the environment's memory alive.
var bigHeap *treeNode

// growBigHeap returns a binary tree of 1 GiB: 2^24 nodes of 64 bytes. It grows level by level: recursion would give
// every branch a call stack of its own, and the heap profile a megabyte of text for each few thousand of them.
func growBigHeap() *treeNode {
	const levels = 24
	root := &treeNode{}
	lowest := []*treeNode{root}
	for level := 1; level < levels; level++ {
		next := make([]*treeNode, 0, 2*len(lowest))
		for _, node := range lowest {
			node.left, node.right = &treeNode{}, &treeNode{}
			next = append(next, node.left, node.right)
		}
		lowest = next
	}
	return root
}

// runDrift leaks 64 KiB/s without any request: 16 objects of 1 KiB every 250 ms. The list is chained rather than a
// slice, so that the drift is steady and not in steps.
func runDrift() {
	type link struct {
		next    *link
		payload [kibibyte - 8]byte
	}
	var head *link
	for range time.Tick(250 * time.Millisecond) {
		for i := 0; i < 16; i++ {
			head = &link{next: head}
		}
	}
}

// runFlush fills eight buffers from nothing to 512 KiB each, as append grows them, and frees them every 2 s.
func runFlush() {
	var buffers [8][]byte
	var line [2 * kibibyte]byte
	ticks := 0
	for range time.Tick(8 * time.Millisecond) {
		if ticks++; ticks > 250 {
			buffers, ticks = [8][]byte{}, 0
		}
		for i := range buffers {
			buffers[i] = append(buffers[i], line[:]...)
		}
	}
}
