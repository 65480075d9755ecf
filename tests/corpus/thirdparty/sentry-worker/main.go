// A service that reports with a Sentry client of its own for every request.
//
// sentry-go 0.30.0 has no way to end the goroutine that sends the events; 0.31.0 has Close.
package main

import (
	"net/http"

	"github.com/getsentry/sentry-go"

	"thirdparty/serve"
)

func main() {
	serve.Endpoint("/report", http.HandlerFunc(report))
}

func report(w http.ResponseWriter, _ *http.Request) {
	serve.OK(w, withClient())
}

func withClient() error {
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn:        "http://key@127.0.0.1:9/1", // nothing is sent: no event is captured
		SampleRate: 1,
	})
	if err != nil {
		return err
	}
	if closer, ok := any(client).(interface{ Close() }); ok {
		closer.Close()
	}
	return nil
}
