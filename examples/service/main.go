// Command service is a small REST service that leaks on purpose.
//
// For each common cause of a leak it has an endpoint that leaks and a twin
// that does the same work without leaking: compare leakX with fixedX in the
// file of that name. GET /planted lists them all. Profiles are served on the
// port of the API, behind a token: see auth.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// shutdownGrace is how long requests under way may take to end after SIGTERM.
const shutdownGrace = 1500 * time.Millisecond

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	env := flag.String("env", "env.json", "`file` that holds the pprof token, unless PPROF_TOKEN is set")
	planted := flag.Bool("planted", false, "print the planted leaks as JSON, and exit")
	flag.Parse()

	// The first SIGTERM or Ctrl-C ends the context, and with it the service.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := run(ctx, *addr, *env, *planted); err != nil {
		log.Fatal(err)
	}
}

// run does what the flags ask for, until ctx ends.
func run(ctx context.Context, addr, env string, listPlanted bool) error {
	causes, closeCauses := plant(ctx)
	defer closeCauses()
	if listPlanted {
		return writePlanted(os.Stdout, causes)
	}
	token, err := loadToken(env)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	log.Printf("listening on http://%s", listener.Addr())
	return serve(ctx, listener, routes(token, causes))
}

// serve answers requests until ctx ends, then lets those under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		// No WriteTimeout: a CPU profile or a trace takes as long as it is asked to.
	}
	failed := make(chan error, 1) // buffered: see channel.go for why
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	log.Print("shutting down")
	// ctx has ended, so the grace period needs a context of its own.
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // some requests outlived the grace period
	}
	return err
}
