// Command service is what the tests of target/ and fetch/ start: a small service with pprof behind a token,
// and with a flag for every way to misbehave.
package main

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	_ "expvar"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	addr        = flag.String("addr", "", "TCP address to listen on")
	socket      = flag.String("socket", "", "unix socket to listen on instead")
	token       = flag.String("token", "", "token that pprof asks for, in Authotization or ?token=")
	tlsCert     = flag.String("tls-cert", "", "certificate")
	tlsKey      = flag.String("tls-key", "", "key of the certificate")
	clientCA    = flag.String("client-ca", "", "authority whose client certificates are asked for")
	readyAfter  = flag.Duration("ready-after", 0, "answer 503 at /ready until then")
	exitAfter   = flag.Duration("exit-after", 0, "exit with -exit-code then")
	exitCode    = flag.Int("exit-code", 3, "see -exit-after")
	idleTimeout = flag.Duration("idle-timeout", 0, "close connections idle for so long")
	ignoreTerm  = flag.Bool("ignore-term", false, "ignore SIGTERM")
	sayLines    = flag.Int("say", 0, "write so many numbered lines at the start")
	say         = flag.String("say-text", "line", "what these lines begin with")
	child       = flag.Bool("child", false, "start a grandchild that ignores SIGTERM, and print its pid")
	onlySleep   = flag.Bool("only-sleep", false, "be that grandchild")

	connections atomic.Int64
)

func main() {
	flag.Parse()
	if *ignoreTerm || *onlySleep {
		signal.Ignore(syscall.SIGTERM)
	}
	if *onlySleep {
		time.Sleep(10 * time.Minute)
		return
	}
	for i := range make([]struct{}, *sayLines) {
		fmt.Println(*say, i)
	}
	if *child {
		grandchild := exec.Command(os.Args[0], "-only-sleep")
		if err := grandchild.Start(); err != nil {
			log.Fatal(err)
		}
		fmt.Println("grandchild", grandchild.Process.Pid)
	}
	if *exitAfter > 0 {
		time.AfterFunc(*exitAfter, func() { os.Exit(*exitCode) })
	}
	log.Fatal(serve())
}

func serve() error {
	network, address := "tcp", *addr
	if *socket != "" {
		network, address = "unix", *socket
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:     routes(),
		IdleTimeout: *idleTimeout,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
	}
	if *tlsCert == "" {
		return server.Serve(listener)
	}
	if *clientCA != "" {
		pem, err := os.ReadFile(*clientCA)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		server.TLSConfig = &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	return server.ServeTLS(listener, *tlsCert, *tlsKey)
}

func routes() http.Handler {
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)

	mux := http.NewServeMux()
	mux.Handle("/debug/pprof/", guard(profiles))
	mux.Handle("/debug/vars", http.DefaultServeMux)
	started := time.Now()
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(started) < *readyAfter {
			http.Error(w, "starting", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/connections", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, connections.Load()) })
	mux.HandleFunc("/goroutines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, runtime.NumGoroutine()) })
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv(r.FormValue("name"))) })
	mux.HandleFunc("/cwd", func(w http.ResponseWriter, _ *http.Request) {
		directory, _ := os.Getwd()
		fmt.Fprint(w, directory)
	})
	return mux
}

func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Authotization")
		if given == "" {
			given = r.FormValue("token")
		}
		if *token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(*token)) != 1 {
			http.Error(w, fmt.Sprintf("bad token %q", given), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
