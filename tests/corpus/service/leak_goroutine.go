package main

import (
	"errors"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Goroutines that wait for a channel: the receiver left early, the sender never comes, nobody closes.
func init() {
	register(Case{
		Name: "leak/first-answer-wins", Category: "goroutine", Handler: leakFirstAnswerWins,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1,
			Function: "main.askReplica", Also: []string{"main.leakFirstAnswerWins"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/jobs-never-closed", Category: "goroutine", Handler: leakJobsNeverClosed,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes, Objects: 3, Goroutines: 1,
			Function: "main.leakJobsNeverClosed.func1", Also: []string{"main.leakJobsNeverClosed"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/select-without-end", Category: "goroutine", Handler: leakSelectWithoutEnd,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + 2*waitBytes + 2*channelBytes + 16, Objects: 6, Goroutines: 1,
			Function: "main.(*feed).pump", Also: []string{"main.leakSelectWithoutEnd"}, Causes: []string{"GL003"}},
	})
	register(Case{
		Name: "leak/nil-channel-receive", Category: "goroutine", Handler: leakNilChannelReceive,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + 32, Objects: 2, Goroutines: 1,
			Function: "main.(*agent).awaitStop", Also: []string{"main.leakNilChannelReceive"}, Causes: []string{"GL004"}},
	})
	register(Case{
		Name: "leak/nil-channel-send", Category: "goroutine", Handler: leakNilChannelSend,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes, Objects: 1, Goroutines: 1,
			Function: "main.leakNilChannelSend.func1", Also: []string{"main.leakNilChannelSend"}, Causes: []string{"GL004"}},
	})
	register(Case{
		Name: "leak/empty-select", Category: "goroutine", Handler: leakEmptySelect,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes, Objects: 1, Goroutines: 1,
			Function: "main.keepAlive", Also: []string{"main.leakEmptySelect"}, Causes: []string{"GL005"}},
	})
	register(Case{
		Name: "leak/second-error-blocks", Category: "goroutine", Handler: leakSecondErrorBlocks,
		Truth: Truth{Leaks: true, Bytes: 2*(goroutineBytes+waitBytes+32) + channelBytes + 16, Objects: 8, Goroutines: 2,
			Function: "main.leakSecondErrorBlocks.func1", Also: []string{"main.leakSecondErrorBlocks"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/fan-out-of-four", Category: "goroutine", Handler: leakFanOutOfFour,
		Truth: Truth{Leaks: true, Bytes: 3*(goroutineBytes+waitBytes) + channelBytes, Objects: 7, Goroutines: 3,
			Function: "main.askShard", Also: []string{"main.leakFanOutOfFour"}, Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/pipeline-abandoned", Category: "goroutine", Handler: leakPipelineAbandoned,
		Truth: Truth{Leaks: true, Bytes: 2 * (goroutineBytes + waitBytes + channelBytes), Objects: 6, Goroutines: 2,
			Function: "main.squares.func1", Also: []string{"main.numbers.func1", "main.numbers", "main.squares", "main.leakPipelineAbandoned"},
			Causes: []string{"GL001"}},
	})
	register(Case{
		Name: "leak/hub-keeps-subscriber", Category: "goroutine", Handler: leakHubKeepsSubscriber,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + 16, Objects: 4, Goroutines: 1,
			Function: "main.(*subscriber).forward", Also: []string{"main.leakHubKeepsSubscriber", "main.(*hub).join"}, Causes: []string{"GL002"}},
	})
	register(Case{
		Name: "leak/signal-listener", Category: "goroutine", Handler: leakSignalListener,
		Truth: Truth{Leaks: true, Bytes: goroutineBytes + waitBytes + channelBytes + 16 + 16 + slot16, Objects: 5, Goroutines: 1,
			Function: "main.(*configuration).reloadOnHangup", Also: []string{"main.leakSignalListener"}, Causes: []string{"GL002", "GL024"}},
	})
}

// askReplica sends its answer to whoever asked, and waits for ever when that one has left.
func askReplica(answers chan<- int, replica int) {
	answers <- replica
}

// leakFirstAnswerWins asks two replicas and takes the first answer; the loser's send finds no receiver.
func leakFirstAnswerWins(w http.ResponseWriter, _ *http.Request) {
	answers := make(chan int)
	go askReplica(answers, 1)
	go askReplica(answers, 2)
	<-answers
}

// leakJobsNeverClosed returns on an error before the close that would end its worker.
func leakJobsNeverClosed(w http.ResponseWriter, r *http.Request) {
	jobs := make(chan string)
	go func() {
		for job := range jobs {
			_ = job
		}
	}()
	jobs <- r.URL.Path
	if err := errors.New("quota exceeded"); err != nil {
		return // the close below is skipped
	}
	close(jobs)
}

// feed merges two sources that, in this service, never deliver.
type feed struct {
	prices chan int
	trades chan int
}

func (f *feed) pump() {
	for {
		select {
		case <-f.prices:
		case <-f.trades:
		}
	}
}

// leakSelectWithoutEnd starts a pump that has no case to end it.
func leakSelectWithoutEnd(http.ResponseWriter, *http.Request) {
	f := &feed{prices: make(chan int), trades: make(chan int)}
	go f.pump()
}

// agent has a stop channel that nobody made.
type agent struct {
	name  string
	ready bool
	stop  chan struct{}
}

func (a *agent) awaitStop() {
	<-a.stop
	a.ready = false
}

// leakNilChannelReceive waits for a field that is declared and never made.
func leakNilChannelReceive(_ http.ResponseWriter, r *http.Request) {
	a := &agent{name: "agent", ready: r.ProtoMajor == 1}
	go a.awaitStop()
}

// metricsSink is where events go once metrics are configured, which they are not.
var metricsSink struct {
	sync.Mutex
	events chan int64
}

// leakNilChannelSend reports its event from a goroutine so that the answer need not wait.
func leakNilChannelSend(_ http.ResponseWriter, r *http.Request) {
	metricsSink.Lock()
	events := metricsSink.events
	metricsSink.Unlock()
	size := r.ContentLength
	go func() { events <- size }()
}

func keepAlive() { select {} }

// leakEmptySelect starts a goroutine as somebody would to keep a main function from returning.
func leakEmptySelect(http.ResponseWriter, *http.Request) {
	go keepAlive()
}

// leakSecondErrorBlocks has room for one error, and three workers that all fail.
func leakSecondErrorBlocks(w http.ResponseWriter, _ *http.Request) {
	failures := make(chan error)
	broken := errors.New("disk is full")
	for worker := 0; worker < 3; worker++ {
		go func() { failures <- broken }()
	}
	if err := <-failures; err != nil {
		return
	}
}

// askShard answers with its shard's number.
func askShard(shard int, found chan<- int) { found <- shard }

// leakFanOutOfFour searches four shards and leaves with the first hit.
func leakFanOutOfFour(http.ResponseWriter, *http.Request) {
	found := make(chan int)
	for shard := 0; shard < 4; shard++ {
		go askShard(shard, found)
	}
	<-found
}

// numbers and squares are the pipeline of the Go blog, without its done channel.
//
//go:noinline
func numbers() <-chan int {
	out := make(chan int)
	go func() {
		for n := 0; n < 1000; n++ {
			out <- n
		}
		close(out)
	}()
	return out
}

//go:noinline
func squares(in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		for n := range in {
			out <- n * n
		}
		close(out)
	}()
	return out
}

// leakPipelineAbandoned reads two of a thousand values: both stages stay in their sends.
func leakPipelineAbandoned(http.ResponseWriter, *http.Request) {
	out := squares(numbers())
	<-out
	<-out
}

// hub knows all its subscribers, so that their goroutines stay reachable.
type hub struct {
	mu   sync.Mutex
	head *subscriber
}

type subscriber struct {
	messages chan string
	next     *subscriber
}

var announcements hub

func (h *hub) join() *subscriber {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &subscriber{messages: make(chan string), next: h.head}
	h.head = s
	return s
}

func (s *subscriber) forward() {
	for message := range s.messages {
		_ = message
	}
}

// leakHubKeepsSubscriber joins and never leaves: no proof by reachability finds this goroutine.
func leakHubKeepsSubscriber(http.ResponseWriter, *http.Request) {
	s := announcements.join()
	go s.forward()
}

// configuration is read again at SIGHUP.
type configuration struct {
	hangup chan os.Signal
}

func (c *configuration) reloadOnHangup() {
	for range c.hangup {
	}
}

// leakSignalListener makes a configuration per request, each with its own subscription to SIGHUP.
func leakSignalListener(http.ResponseWriter, *http.Request) {
	c := &configuration{hangup: make(chan os.Signal, 1)}
	signal.Notify(c.hangup, syscall.SIGHUP)
	go c.reloadOnHangup()
}
