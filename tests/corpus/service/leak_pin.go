package main

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// Small things that keep large ones: sub-slices, sub-strings, closures, finalizers of cycles.
func init() {
	register(Case{
		Name: "leak/sub-slice", Category: "pinned", Handler: leakSubSlice,
		Truth: Truth{Leaks: true, Bytes: 4096 + 27, Objects: 1, Function: "main.readFrame", Also: []string{"main.leakSubSlice"},
			Causes: []string{"GL071", "GL075", "GL076"}},
	})
	register(Case{
		Name: "leak/sub-string", Category: "pinned", Path: "/leak/sub-string?id={uuid}", Handler: leakSubString,
		Truth: Truth{Leaks: true, Bytes: 1024 + slot24, Objects: 1, Function: "main.logRecord", Also: []string{"main.leakSubString"},
			Causes: []string{"GL070", "GL075"}},
	})
	register(Case{
		Name: "leak/regexp-match", Category: "pinned", Handler: leakRegexpMatch,
		Truth: Truth{Leaks: true, Bytes: 2048 + 18, Objects: 1, Function: "main.leakRegexpMatch", Also: []string{"main.mailBody"},
			Causes: []string{"GL071", "GL075"}},
	})
	register(Case{
		Name: "leak/closure-keeps-request-data", Category: "pinned", Handler: leakClosureKeepsRequestData,
		Truth: Truth{Leaks: true, Bytes: 8192 + 32 + 16, Objects: 3, Function: "main.loadReport", Also: []string{"main.leakClosureKeepsRequestData"}},
	})
	register(Case{
		Name: "leak/finalizer-cycle", Category: "finalizer", Handler: leakFinalizerCycle,
		Truth: Truth{Leaks: true, Bytes: 512 + 64, Objects: 2, Function: "main.openHandle", Also: []string{"main.leakFinalizerCycle"},
			Causes: []string{"GL074"}},
	})
	register(Case{
		Name: "leak/finalizer-refers-to-itself", Category: "finalizer", Handler: leakFinalizerRefersToItself,
		Truth: Truth{Leaks: true, Bytes: 256 + 16, Objects: 2, Function: "main.newTexture", Also: []string{"main.leakFinalizerRefersToItself"},
			Causes: []string{"GL074"}},
	})
}

var checksums struct {
	sync.Mutex
	headers [][]byte
}

//go:noinline
func readFrame(kind byte) []byte {
	frame := make([]byte, 4096)
	frame[0] = kind
	return frame
}

// leakSubSlice remembers the first eight bytes of a frame, and with them the frame.
func leakSubSlice(_ http.ResponseWriter, r *http.Request) {
	frame := readFrame(byte(r.ProtoMajor))
	checksums.Lock()
	defer checksums.Unlock()
	checksums.headers = append(checksums.headers, frame[:8])
}

var seenIDs = struct {
	sync.Mutex
	ids map[string]bool
}{ids: map[string]bool{}}

//go:noinline
func logRecord(id string) string {
	var record strings.Builder
	record.Grow(1024)
	record.WriteString(id)
	for record.Len() < 1024 {
		record.WriteByte(' ')
	}
	return record.String()
}

// leakSubString remembers an id of 36 bytes which is cut from a record of 1,024.
func leakSubString(_ http.ResponseWriter, r *http.Request) {
	record := logRecord(r.URL.Query().Get("id"))
	id := record[:36]
	seenIDs.Lock()
	defer seenIDs.Unlock()
	seenIDs.ids[id] = true
}

var (
	ticketNumber = regexp.MustCompile(`#[0-9]+`)
	tickets      struct {
		sync.Mutex
		numbers []string
	}
)

//go:noinline
func mailBody() string {
	return strings.Repeat("See ticket #1234", 128)
}

// leakRegexpMatch remembers what a regular expression found, which is a part of the text it was found in.
func leakRegexpMatch(http.ResponseWriter, *http.Request) {
	number := ticketNumber.FindString(mailBody())
	tickets.Lock()
	defer tickets.Unlock()
	tickets.numbers = append(tickets.numbers, number)
}

// laterStep is run at the end of the day.
type laterStep struct {
	run  func()
	next *laterStep
}

var (
	laterMu    sync.Mutex
	laterSteps *laterStep
)

//go:noinline
func loadReport() []byte { return bytes.Repeat([]byte("row\n"), 2048) }

// leakClosureKeepsRequestData needs a report's length later, and keeps the report.
func leakClosureKeepsRequestData(http.ResponseWriter, *http.Request) {
	report := loadReport()
	laterMu.Lock()
	defer laterMu.Unlock()
	laterSteps = &laterStep{run: func() { fmt.Println(len(report)) }, next: laterSteps}
}

// handle and its owner refer to each other.
type handle struct {
	owner *handleOwner
	state [56]byte
}

type handleOwner struct {
	handle *handle
	buffer [504]byte
}

//go:noinline
func openHandle() *handle {
	h := &handle{}
	h.owner = &handleOwner{handle: h}
	runtime.SetFinalizer(h, func(h *handle) { h.state[0] = 0 })
	return h
}

// leakFinalizerCycle relies on a finalizer, which an object in a cycle never gets.
func leakFinalizerCycle(http.ResponseWriter, *http.Request) {
	openHandle().state[0] = 1
}

type texture struct {
	pixels [248]byte
	free   func()
}

//go:noinline
func newTexture() *texture {
	t := &texture{}
	t.free = func() { t.pixels[0] = 0 }
	runtime.SetFinalizer(t, func(t *texture) { t.free() })
	return t
}

// leakFinalizerRefersToItself has an object whose own field leads back to it.
func leakFinalizerRefersToItself(http.ResponseWriter, *http.Request) {
	newTexture().pixels[0] = 1
}
