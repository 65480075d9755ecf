package main

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections that are closed, or idle up to a bound.

func init() {
	register(Case{Name: "clean/http-client-shared", Category: "connection", Handler: callNeighbour(&http.Client{})})
	register(Case{Name: "clean/http-client-100-idle", Category: "connection", Handler: callNeighbour(&http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 90 * time.Second}})})
	register(Case{Name: "clean/http-client-idle-2s", Category: "connection", Handler: callNeighbour(&http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 2 * time.Second}})})
	register(Case{Name: "clean/http-client-no-keep-alive", Category: "connection", Handler: callNeighbour(&http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}})})
	register(Case{Name: "clean/fixed-transport-closed", Category: "connection", Handler: serveOwnTransport})
	register(Case{Name: "clean/fixed-body-closed-unread", Category: "connection", Handler: serveUnreadBody})
	register(Case{Name: "clean/dial-and-close", Category: "connection", Handler: serveDial})
	register(Case{Name: "clean/connection-close", Category: "connection",
		Handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			fmt.Fprintln(w, "one request per connection")
		}})
	register(Case{Name: "clean/hijacked-and-closed", Category: "connection", Handler: serveHijacked})
	register(Case{Name: "clean/fixed-rows-closed", Category: "connection", Handler: serveRows(false)})
	register(Case{Name: "clean/fixed-transaction-rolled-back", Category: "connection", Handler: serveRows(true)})
}

// neighbourURL is the address of another service that this one calls, in the same process so that its side of each
// connection counts, too. It is started by the first call.
var neighbourURL = sync.OnceValue(func() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("corpus: no port for the neighbour: %v", err))
	}
	page := make([]byte, 4*kibibyte)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	go func() { _ = http.Serve(listener, handler) }()
	return "http://" + listener.Addr().String()
})

// callNeighbour returns a handler that reads and closes the body of an answer to client.
func callNeighbour(client *http.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, neighbourURL(), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		response, err := client.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		_, _ = io.Copy(w, response.Body)
	}
}

// serveOwnTransport makes a transport per request, as it should not, but closes its connections.
func serveOwnTransport(w http.ResponseWriter, r *http.Request) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	callNeighbour(&http.Client{Transport: transport})(w, r)
}

// serveUnreadBody closes the body of an answer that it did not read, which costs the connection and no more.
func serveUnreadBody(w http.ResponseWriter, _ *http.Request) {
	response, err := http.Get(neighbourURL())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_ = response.Body.Close()
	fmt.Fprintln(w, response.StatusCode)
}

// serveDial opens a connection of its own, without a request on it, and closes it.
func serveDial(w http.ResponseWriter, r *http.Request) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(r.Context(), "tcp", neighbourURL()[len("http://"):])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer connection.Close()
	fmt.Fprintln(w, connection.RemoteAddr())
}

// serveHijacked takes the connection over, as WebSocket libraries do, and closes it after its answer.
func serveHijacked(w http.ResponseWriter, _ *http.Request) {
	connection, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer connection.Close()
	answerRaw(buffered, "taken over\n")
}

func answerRaw(to *bufio.ReadWriter, text string) {
	fmt.Fprintf(to, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	_ = to.Flush()
}

// tidyDatabase is a database whose driver needs no server, with at most eight connections.
var tidyDatabase = sync.OnceValue(func() *sql.DB {
	database := sql.OpenDB(tidyDriver{})
	database.SetMaxOpenConns(8)
	database.SetMaxIdleConns(4)
	return database
})

// serveRows returns a handler that reads one of two rows and closes them; in a transaction, which it rolls back, if told so.
func serveRows(inTransaction bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := tidyDatabase().QueryContext
		if inTransaction {
			transaction, err := tidyDatabase().BeginTx(r.Context(), nil)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			defer func() { _ = transaction.Rollback() }()
			query = transaction.QueryContext
		}
		rows, err := query(r.Context(), "SELECT number FROM numbers")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		fmt.Fprintln(w, rows.Next(), rows.Err())
	}
}

// tidyDriver is connector, driver, connection, statement and transaction at once: none of them has a state.
type tidyDriver struct{}

func (d tidyDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d tidyDriver) Driver() driver.Driver                        { return d }
func (d tidyDriver) Open(string) (driver.Conn, error)             { return d, nil }
func (d tidyDriver) Prepare(string) (driver.Stmt, error)          { return d, nil }
func (d tidyDriver) Begin() (driver.Tx, error)                    { return d, nil }
func (tidyDriver) Close() error                                   { return nil }
func (tidyDriver) Commit() error                                  { return nil }
func (tidyDriver) Rollback() error                                { return nil }
func (tidyDriver) NumInput() int                                  { return 0 }
func (tidyDriver) Exec([]driver.Value) (driver.Result, error)     { return driver.RowsAffected(0), nil }
func (tidyDriver) Query([]driver.Value) (driver.Rows, error)      { return &twoRows{}, nil }

type twoRows struct{ read int }

func (*twoRows) Columns() []string { return []string{"number"} }
func (*twoRows) Close() error      { return nil }

func (t *twoRows) Next(row []driver.Value) error {
	if t.read == 2 {
		return io.EOF
	}
	t.read++
	row[0] = int64(t.read)
	return nil
}
