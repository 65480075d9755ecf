package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"recorder/internal/store"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var (
	kept    []any
	cache   = store.New()
	ring    store.Ring[[4]int64]
	never   = make(chan int)
	mutex   sync.Mutex
	rw      sync.RWMutex
	group   sync.WaitGroup
	cond    = sync.NewCond(&sync.Mutex{})
	sem     = semaphore.NewWeighted(1)
	counter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hits"}, []string{"user"})
	root, _ = context.WithCancel(context.Background())
	history []string
)

type node struct {
	peer *node
	data [64]byte
}

type listener struct{ events chan string }

var listeners []*listener

func cacheGrows(n int)   { cache.Put(fmt.Sprint(n), 256) }
func genericGrows(n int) { ring.Push([4]int64{int64(n)}) }
func syncMapGrows(n int) { store.Remember(n) }
func listGrows(n int)    { store.Touch(n) }
func sliceGrows(n int)   { history = append(history, strings.Repeat("x", 100)) }
func labelsGrow(n int)   { counter.WithLabelValues(fmt.Sprint("user", n)).Inc() }
func chanSend(n int)     { results := make(chan int); go func() { results <- n }() }
func chanReceive(int)    { go func() { <-never }() }
func rangeChannel(int) {
	jobs := make(chan int)
	go func() {
		for range jobs {
		}
	}()
}
func nilChannel(int) { var gone chan int; go func() { <-gone }() }
func selectForever(int) {
	quit := make(chan bool)
	go func() {
		select {
		case <-quit:
		case <-never:
		}
	}()
}
func emptySelect(int)   { go func() { select {} }() }
func mutexHeld(int)     { go func() { mutex.Lock(); defer mutex.Unlock() }() }
func rwMutexHeld(int)   { go func() { rw.RLock(); defer rw.RUnlock() }() }
func waitGroup(int)     { go func() { group.Wait() }() }
func condWait(int)      { go func() { cond.L.Lock(); cond.Wait() }() }
func semaphoreWait(int) { go func() { _ = sem.Acquire(context.Background(), 1) }() }
func sleepLoop(int) {
	go func() {
		for {
			time.Sleep(time.Hour)
		}
	}()
}
func tickerLoop(int) {
	t := time.NewTicker(time.Hour)
	kept = append(kept, t)
	go func() {
		for range t.C {
		}
	}()
}
func tickerKept(int)  { kept = append(kept, time.NewTicker(time.Hour)) }
func afterFunc(int)   { time.AfterFunc(time.Hour, func() {}) }
func timeAfter(int)   { go func() { <-time.After(time.Hour) }() }
func withCancel(int)  { ctx, _ := context.WithCancel(root); _ = ctx }
func withTimeout(int) { ctx, _ := context.WithTimeout(root, time.Hour); _ = ctx }
func contextDone(int) { ctx, _ := context.WithCancel(root); go func() { <-ctx.Done() }() }
func errgroupWait(int) {
	g, _ := errgroup.WithContext(context.Background())
	g.Go(func() error { <-never; return nil })
}
func subscribe(int) { listeners = append(listeners, &listener{events: make(chan string, 4)}) }
func notify(int)    { c := make(chan os.Signal, 1); signal.Notify(c, os.Interrupt) }
func subprocess(int) {
	cmd := exec.Command("sleep", "3")
	_ = cmd.Start()
	go func() { _ = cmd.Wait() }()
}
func openFile(int) { f, _ := os.Open(os.Args[0]); kept = append(kept, f) }
func readAll(int) {
	b, _ := io.ReadAll(strings.NewReader(strings.Repeat("y", 3000)))
	history = append(history, string(b[:3]))
	kept = append(kept, b[:3])
}
func bufferPerRequest(int) { kept = append(kept, bufio.NewWriter(io.Discard)) }
func loggerPerRequest(int) { kept = append(kept, log.New(io.Discard, "x", 0)) }

func finalizerCycle(int) {
	a, b := &node{}, &node{}
	a.peer, b.peer = b, a
	runtime.SetFinalizer(a, func(*node) {})
}

func (l *listener) wait() { <-l.events }

func method(int) { l := &listener{events: make(chan string)}; go l.wait() }

func bodyNotClosed(int) {
	resp, err := http.Get(backend)
	if err == nil {
		_ = resp.StatusCode
	}
}

func transportPerRequest(int) {
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Get(backend)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

func connRead(int) {
	conn, err := net.Dial("tcp", silent)
	if err == nil {
		go func() { b := make([]byte, 1); _, _ = conn.Read(b) }()
	}
}

func grpcClient(int) {
	conn, _ := grpc.NewClient(silent, grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn.Connect()
}

var slots = make(chan struct{}, 1)

func channelSemaphore(int) {
	go func() {
		slots <- struct{}{}
		if len(history) >= 0 {
			return // the slot is not given back
		}
		<-slots
	}()
}

func retryForever(int) {
	go func() {
		for {
			if err := connect(); err == nil {
				return
			}
			time.Sleep(time.Hour)
		}
	}()
}

func connect() error { return io.EOF }

func ioPipe(int) {
	reader, writer := io.Pipe()
	kept = append(kept, reader)
	go func() { _, _ = writer.Write([]byte("x")) }()
}

func osPipe(int) {
	reader, writer, _ := os.Pipe()
	kept = append(kept, writer)
	go func() { _, _ = io.ReadAll(reader) }()
}

func listen(int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		go func() { _, _ = l.Accept() }()
	}
}

func connWrite(int) {
	conn, err := net.Dial("tcp", silent)
	if err == nil {
		go func() {
			for {
				if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}()
	}
}

func selectTicker(int) {
	t := time.NewTicker(time.Hour)
	go func() {
		for {
			select {
			case <-t.C:
			}
		}
	}()
}

var heads = map[string][]byte{}

func subSlice(n int) {
	body := make([]byte, 4096)
	key := fmt.Sprint("head", n)
	heads[key] = body[:16]
}

var first *node

func linkedList(int) {
	n := &node{}
	n.peer = first
	first = n
}

func handedOn(n int) {
	value := make([]byte, 512)
	cache.Keep(fmt.Sprint("v", n), value)
}

func connKept(int) {
	conn, _ := pool.Conn(context.Background())
	kept = append(kept, conn)
}
