// Package fixes gives the names that the examples of the rules use, so that these can be compiled as they are printed.
package fixes

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"fixes/grpc"
	"fixes/prometheus"
	"fixes/semaphore"
)

type (
	result  struct{}
	job     struct{}
	event   struct{}
	session struct{}
	entry   struct{}
	caches  struct {
		entries map[string]session
		limit   int
	}
	lists struct{}
	buses struct{}
)

var (
	ctx, parent                    context.Context
	name, network, address, target string
	url, query, driver, dsn, route string
	status, limit, descriptor      int
	id, key                        string
	interval, delay, pause         time.Duration
	client                         *http.Client
	req                            *http.Request
	mux                            *http.ServeMux
	conn                           net.Conn
	db                             *sql.DB
	mu                             sync.Mutex
	wg                             sync.WaitGroup
	cond                           *sync.Cond
	ready                          bool
	err                            error
	values                         chan int
	slots                          chan struct{}
	sem                            *semaphore.Weighted
	stub                           streams
	options                        []grpc.DialOption
	requests                       *prometheus.CounterVec
	sessions                       sync.Map
	byID                           map[string]session
	value                          session
	cache                          caches
	recent                         lists
	bus                            buses
	history                        []entry
	latest                         entry
	document                       []byte
	handle                         *session
)

type streams struct{}

func (streams) Watch(context.Context, *http.Request) (io.Reader, error) { return nil, nil }
func (*caches) evictOldest()                                            {}
func (lists) Len() int                                                  { return 0 }
func (lists) Back() int                                                 { return 0 }
func (lists) Remove(int)                                                {}
func (buses) Subscribe() (chan event, func())                           { return nil, func() {} }
func work() result                                                      { return result{} }
func use(int)                                                           {}
func poll()                                                             {}
func expire()                                                           {}
func try(context.Context) error                                         { return nil }
func produce(io.Writer) error                                           { return nil }
func closeDescriptor(int)                                               {}
func must[T any](value T, _ error) T                                    { return value }
