// Golden leaks memory and goroutines in known numbers and writes the profiles that a service serves.
//
//	go build -trimpath -ldflags=-buildid= -o golden . && GODEBUG=memprofilerate=4096 ./golden DIR
//
// The rate is set from outside, because one set in main comes too late for the first samples.
//
// Every profile comes over HTTP from net/http/pprof, so that our own request is in it, as in real life.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"example.com/golden/store"
)

func main() {
	log.SetFlags(0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(listener, nil)) }()
	base := "http://" + listener.Addr().String() + "/debug/pprof/"

	cache := store.New[int]()
	fill(cache, 0, 400)
	save(base+"heap?gc=1", "heap_before.pb.gz")
	fill(cache, 400, 1200)
	cache.Drop(100)
	tree := recurse(12)
	save(base+"heap?gc=1", "heap_after.pb.gz")
	save(base+"heap?gc=1&debug=1", "heap.txt")

	save(base+"goroutine", "goroutine_before.pb.gz")
	block()
	deep(130, make(chan int))
	awaitBlocked()
	save(base+"goroutine", "goroutine_after.pb.gz")
	save(base+"goroutine?debug=1", "goroutine.txt")
	save(base+"goroutine?debug=2", "goroutine_dump.txt")
	if pprof.Lookup("goroutineleak") != nil {
		save(base+"goroutineleak", "goroutineleak.pb.gz")
		save(base+"goroutineleak?debug=1", "goroutineleak.txt")
		save(base+"goroutine?debug=2", "goroutineleak_dump.txt")
	}
	runtime.KeepAlive(cache)
	runtime.KeepAlive(tree)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func save(url, name string) {
	response, err := http.Get(url)
	check(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		log.Fatalf("%s: %s", url, response.Status)
	}
	file, err := os.Create(filepath.Join(os.Args[1], name))
	check(err)
	_, err = io.Copy(file, response.Body)
	check(err)
	check(file.Close())
}

func fill(cache *store.Cache[int], from, to int) {
	for key := from; key < to; key++ {
		cache.Put(key, 512)
	}
}

type node struct {
	children []*node
	payload  [256]byte
}

// recurse has itself in its stack several times.
func recurse(depth int) *node {
	n := &node{}
	if depth > 0 {
		for len(n.children) < 2 && (len(n.children) == 0 || depth%3 == 0) {
			n.children = append(n.children, recurse(depth-1))
		}
	}
	return n
}

// block starts goroutines that wait for each of the things that goroutines wait for.
func block() {
	for i := 0; i < 7; i++ {
		go sender(make(chan int))
	}
	for i := 0; i < 5; i++ {
		go receiver(make(chan int))
	}
	for user := 0; user < 2; user++ {
		labels := pprof.Labels("user", fmt.Sprint(user), "route", `/a "quoted" path`)
		pprof.Do(context.Background(), labels, func(context.Context) { go receiver(make(chan int)) })
	}
	go selector(make(chan int), make(chan int))
	go store.New[string]().Watch(make(chan string))
	go func() { select {} }()
	go sender(nil)
	go receiver(nil)
	go func() {
		var values chan int
		for range values {
		}
	}()
	go sleeper()
	go locked()
	var mutex sync.Mutex
	mutex.Lock()
	go lockMutex(&mutex)
	var readWrite sync.RWMutex
	readWrite.Lock()
	go readLock(&readWrite)
	var busy sync.RWMutex
	busy.RLock()
	go writeLock(&busy)
	var group sync.WaitGroup
	group.Add(1)
	go waitGroup(&group)
	cond := sync.NewCond(&sync.Mutex{})
	go waitCond(cond)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go accept(listener)
	var pipe [2]int
	check(syscall.Pipe(pipe[:]))
	go read(pipe[0])
}

//go:noinline
func sender(c chan int) { c <- 1 }

//go:noinline
func receiver(c chan int) { <-c }

func selector(a, b chan int) {
	select {
	case <-a:
	case b <- 1:
	}
}

func sleeper() { time.Sleep(time.Hour) }

func locked() {
	runtime.LockOSThread()
	receiver(make(chan int))
}

func lockMutex(m *sync.Mutex) { m.Lock() }

func readLock(m *sync.RWMutex) { m.RLock() }

func writeLock(m *sync.RWMutex) { m.Lock() }

func waitGroup(g *sync.WaitGroup) { g.Wait() }

func waitCond(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
}

func accept(l net.Listener) { _, _ = l.Accept() }

func read(fd int) { _, _ = syscall.Read(fd, make([]byte, 1)) }

// deep starts a goroutine whose stack is too deep for a dump, which then leaves out its middle.
func deep(depth int, c chan int) { go descend(depth, c) }

//go:noinline
func descend(depth int, c chan int) int {
	if depth == 0 {
		return <-c
	}
	return descend(depth-1, c) + 1
}

// awaitBlocked returns once no goroutine but ours and the server's is about to run.
func awaitBlocked() {
	profile := pprof.Lookup("goroutine")
	for last, same := -1, 0; same < 20; {
		if count := profile.Count(); count == last {
			same++
		} else {
			last, same = count, 0
		}
		time.Sleep(5 * time.Millisecond)
	}
}
