// A service that connects to PostgreSQL for every request, and closes the connection.
//
// pgx 5.4.1 leaves a timer of 292 years behind, which holds the closed connection; 5.4.2 stops it.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"thirdparty/serve"
)

func main() {
	database, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go acceptAll(database)
	configuration, err := pgconn.ParseConfig(fmt.Sprintf("postgres://user@%s/shop?sslmode=disable", database.Addr()))
	if err != nil {
		log.Fatal(err)
	}
	serve.Endpoint("/connect", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve.OK(w, connect(r.Context(), configuration))
	}))
}

func connect(ctx context.Context, configuration *pgconn.Config) error {
	connection, err := pgconn.ConnectConfig(ctx, configuration)
	if err != nil {
		return err
	}
	return connection.Close(ctx)
}
