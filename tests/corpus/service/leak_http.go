package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// What a service leaks as an HTTP client. The partner it calls runs in this process too, but is written so that it keeps
// nothing itself.
func init() {
	register(Case{
		Name: "leak/body-not-closed", Category: "connection", Handler: leakBodyNotClosed,
		Truth: Truth{Leaks: true, Bytes: 1292, Objects: 4.3, Goroutines: 0.2, Function: "main.leakBodyNotClosed",
			Also: []string{"main.fetchRates", "net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"}, Causes: []string{"GL040"}},
	})
	register(Case{
		Name: "leak/body-not-closed-on-error", Category: "connection", Handler: leakBodyNotClosedOnError,
		Truth: Truth{Leaks: true, Bytes: 646, Objects: 2.15, Goroutines: 0.1, Function: "main.fetchInvoice",
			Also:   []string{"main.leakBodyNotClosedOnError", "net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"},
			Causes: []string{"GL040"}},
	})
	register(Case{
		Name: "leak/transport-per-request", Category: "connection", Handler: leakTransportPerRequest,
		Truth: Truth{Leaks: true, Bytes: 1265, Objects: 3.7, Goroutines: 0.15, Function: "main.newTenantClient",
			Also: []string{"main.leakTransportPerRequest", "main.askTenant", "net/http.(*persistConn).readLoop",
				"net/http.(*persistConn).writeLoop", "net/http.(*conn).serve"},
			Causes: []string{"GL041", "GL043"}},
	})
	register(Case{
		Name: "leak/partner-never-answers", Category: "connection", Handler: leakPartnerNeverAnswers,
		Truth: Truth{Leaks: true, Bytes: 704, Objects: 2.8, Goroutines: 0.15, Function: "main.notifyPartner",
			Also:   []string{"main.leakPartnerNeverAnswers", "net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"},
			Causes: []string{"GL044"}},
	})
	register(Case{
		Name: "leak/dialled-and-forgotten", Category: "connection", Handler: leakDialledAndForgotten,
		Truth: Truth{Leaks: true, Bytes: 2043, Objects: 16, Goroutines: 1, Function: "main.(*backendConn).listen",
			Also: []string{"main.leakDialledAndForgotten", "main.dialBackend"}, Causes: []string{"GL020", "GL003"}},
	})
}

// partner is a server on loopback that starts with its first caller.
type partner struct {
	start   sync.Once
	closing bool
	address string
	err     error
}

var (
	closingPartner = &partner{closing: true} // closes the connection after each answer
	keepingPartner = &partner{}
	turnRates      turn
	turnInvoices   turn
	turnTenants    turn
	turnNotices    turn
)

// url returns where the partner listens.
func (p *partner) url() (string, error) {
	p.start.Do(func() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.err = err
			return
		}
		p.address = "http://" + listener.Addr().String()
		server := &http.Server{Handler: http.HandlerFunc(servePartner), ReadHeaderTimeout: time.Minute}
		server.SetKeepAlivesEnabled(!p.closing)
		go func() { _ = server.Serve(listener) }()
	})
	return p.address, p.err
}

func servePartner(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/missing" {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, `{"rate": 1.07, "note": "as of today"}`)
}

// fetchRates reads the status and leaves the body as it is.
//
//go:noinline
func fetchRates(url string) (int, error) {
	response, err := http.Get(url + "/rates")
	if err != nil {
		return 0, err
	}
	return response.StatusCode, nil
}

// leakBodyNotClosed asks for new rates with one request in ten: two goroutines and a descriptor each time.
func leakBodyNotClosed(w http.ResponseWriter, _ *http.Request) {
	if !turnRates.every(10) {
		return
	}
	url, err := closingPartner.url()
	if err == nil {
		_, err = fetchRates(url)
	}
	answerError(w, err)
}

// fetchInvoice closes the body of a good answer only.
//
//go:noinline
func fetchInvoice(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, nil // no invoice yet
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// leakBodyNotClosedOnError asks in one request of ten, and every second invoice does not exist.
func leakBodyNotClosedOnError(w http.ResponseWriter, _ *http.Request) {
	asked := turnInvoices.served.Add(1)
	if asked%10 != 0 {
		return
	}
	url, err := closingPartner.url()
	if err == nil {
		path := "/invoice"
		if asked%20 == 0 {
			path = "/missing"
		}
		_, err = fetchInvoice(url + path)
	}
	answerError(w, err)
}

// newTenantClient makes a client with a pool of its own, without a limit in time.
//
//go:noinline
func newTenantClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 10}}
}

func askTenant(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// leakTransportPerRequest makes a client for one request in twenty: its idle connection stays, at both ends.
func leakTransportPerRequest(w http.ResponseWriter, _ *http.Request) {
	if !turnTenants.every(20) {
		return
	}
	url, err := keepingPartner.url()
	if err == nil {
		err = askTenant(newTenantClient(), url)
	}
	answerError(w, err)
}

// notifyPartner has no time-out, and its partner accepts and says nothing.
func notifyPartner(url string) {
	response, err := http.Get(url)
	if err == nil {
		response.Body.Close()
	}
}

// silentPartner accepts connections and leaves them alone.
var silentPartner struct {
	start   sync.Once
	address string
	err     error
}

func startSilentPartner() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		silentPartner.err = err
		return
	}
	silentPartner.address = "http://" + listener.Addr().String()
	go func() {
		var last *silentConn
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			last = &silentConn{conn: conn, before: last}
		}
	}()
}

type silentConn struct {
	conn   net.Conn
	before *silentConn
}

// leakPartnerNeverAnswers notifies its partner of one request in twenty, in the background.
func leakPartnerNeverAnswers(w http.ResponseWriter, _ *http.Request) {
	if !turnNotices.every(20) {
		return
	}
	silentPartner.start.Do(startSilentPartner)
	if silentPartner.err == nil {
		go notifyPartner(silentPartner.address)
	}
	answerError(w, silentPartner.err)
}

// backendConn is the connection to a backend, with a listener for what the backend pushes.
type backendConn struct {
	conn net.Conn
}

// dialBackend connects within the process: no descriptors, but the goroutine is the same.
//
//go:noinline
func dialBackend(context.Context) (*backendConn, net.Conn) {
	near, far := net.Pipe()
	return &backendConn{conn: near}, far
}

func (b *backendConn) listen() {
	message := make([]byte, 64)
	for {
		if _, err := b.conn.Read(message); err != nil {
			return
		}
	}
}

// leakDialledAndForgotten closes neither end.
func leakDialledAndForgotten(w http.ResponseWriter, r *http.Request) {
	backend, far := dialBackend(r.Context())
	go backend.listen()
	_, err := far.Write([]byte("hello"))
	answerError(w, err)
}

// answerError answers 500 if there is an error.
func answerError(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
