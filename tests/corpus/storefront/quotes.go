package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// ---- /quotes/compare

type vendorQuote struct {
	Vendor string `json:"vendor"`
	Cents  int64  `json:"cents"`
}

type vendor struct {
	name  string
	delay time.Duration
}

func (v vendor) Ask(item uint64) vendorQuote {
	time.Sleep(v.delay)
	return vendorQuote{Vendor: v.name, Cents: 1000 + int64(item%700)}
}

type quoteBroker struct {
	seq     *sequence
	vendors []vendor
}

func newQuoteBroker() *quoteBroker {
	return &quoteBroker{
		seq: newSequence("quo"),
		vendors: []vendor{
			{"acme", 2 * time.Millisecond},
			{"globex", 4 * time.Millisecond},
			{"initech", 7 * time.Millisecond},
		},
	}
}

// Fastest asks every vendor and takes the first answer.
func (b *quoteBroker) Fastest(item uint64) vendorQuote {
	answers := make(chan vendorQuote)
	for _, v := range b.vendors {
		go func() {
			answers <- v.Ask(item)
		}()
	}
	return <-answers
}

func (b *quoteBroker) HandleCompare(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, b.Fastest(b.seq.NextN()))
}

// ---- /carriers/quotes

type carrierQuote struct {
	Carrier string `json:"carrier"`
	Cents   int64  `json:"cents"`
	label   []byte
}

type carrierDesk struct {
	seq      *sequence
	carriers []string
}

func newCarrierDesk() *carrierDesk {
	return &carrierDesk{seq: newSequence("car"), carriers: []string{"parcelpost", "skyfreight", "roadrunner"}}
}

func (d *carrierDesk) ask(ctx context.Context, i int, n uint64) carrierQuote {
	wait := 40 * time.Millisecond
	if i > 0 {
		wait = time.Duration(600+(n*uint64(i)*131)%1900) * time.Millisecond
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	return carrierQuote{Carrier: d.carriers[i], Cents: int64(400 + n%90), label: make([]byte, 512)}
}

// Collect gives the carriers 150 ms; late answers land in the buffer.
func (d *carrierDesk) Collect(n uint64) []carrierQuote {
	answers := make(chan carrierQuote, len(d.carriers))
	for i := range d.carriers {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			answers <- d.ask(ctx, i, n)
		}()
	}
	deadline := time.NewTimer(150 * time.Millisecond)
	defer deadline.Stop()
	var out []carrierQuote
	for {
		select {
		case q := <-answers:
			out = append(out, q)
			if len(out) == len(d.carriers) {
				return out
			}
		case <-deadline.C:
			return out
		}
	}
}

func (d *carrierDesk) HandleQuotes(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, reply{"quotes": d.Collect(d.seq.NextN())})
}

// ---- /partners/rates

// pipeListener serves the in-process rates backend without a real socket.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "rates.internal" }

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

func (l *pipeListener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, net.ErrClosed
	}
}

type partnerRates struct {
	client *http.Client
	mu     sync.Mutex
	etag   string
	table  []byte
}

func serveRates(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"rates-2024-11"`)
	w.Header().Set("Content-Type", "text/csv")
	io.WriteString(w, "EUR,USD,1.08\nEUR,GBP,0.86\nEUR,CHF,0.97\nEUR,JPY,162.4\n")
}

func newPartnerRates(ctx context.Context) *partnerRates {
	l := newPipeListener()
	backend := &http.Server{Handler: http.HandlerFunc(serveRates)}
	go backend.Serve(l)
	context.AfterFunc(ctx, func() { backend.Close() })
	return &partnerRates{client: &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableCompression: true}}}
}

// Refresh returns the partner's table, reusing ours when it did not change.
func (p *partnerRates) Refresh() ([]byte, error) {
	resp, err := p.client.Get("http://rates.internal/v1/table")
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, errors.New("partner: " + resp.Status)
	}
	tag := resp.Header.Get("ETag")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.table != nil && tag == p.etag {
		return p.table, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	p.etag, p.table = tag, body
	return body, nil
}

func (p *partnerRates) HandleRates(w http.ResponseWriter, r *http.Request) {
	table, err := p.Refresh()
	if err != nil {
		writeJSON(w, http.StatusBadGateway, reply{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, reply{"table": string(table)})
}

// ---- /exchange/rate

type rateCall struct {
	done chan struct{}
	rate float64
}

type exchangeDesk struct {
	seq     *sequence
	mu      sync.Mutex
	flights map[string]*rateCall
}

func newExchangeDesk() *exchangeDesk {
	return &exchangeDesk{seq: newSequence("fx"), flights: make(map[string]*rateCall)}
}

var currencyPairs = []string{"EURUSD", "EURGBP", "EURCHF", "USDJPY", "USDCAD", "AUDNZD", "GBPUSD", "USDSEK"}

func (e *exchangeDesk) fetch(pair string) float64 {
	scratch := make([]byte, 16<<10)
	copy(scratch, pair)
	time.Sleep(15 * time.Millisecond)
	return 1 + float64(scratch[0]+scratch[3])/1000
}

// Rate lets concurrent callers of the same pair share one upstream call.
func (e *exchangeDesk) Rate(ctx context.Context, pair string) (float64, error) {
	e.mu.Lock()
	c, ok := e.flights[pair]
	if !ok {
		c = &rateCall{done: make(chan struct{})}
		e.flights[pair] = c
		go func() {
			c.rate = e.fetch(pair)
			e.mu.Lock()
			delete(e.flights, pair)
			e.mu.Unlock()
			close(c.done)
		}()
	}
	e.mu.Unlock()
	select {
	case <-c.done:
		return c.rate, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (e *exchangeDesk) HandleRate(w http.ResponseWriter, r *http.Request) {
	pair := currencyPairs[e.seq.NextN()%uint64(len(currencyPairs))]
	rate, err := e.Rate(r.Context(), pair)
	if err != nil {
		return
	}
	writeJSON(w, http.StatusOK, reply{"pair": pair, "rate": rate})
}
