package main

import (
	"context"
	"database/sql"
	"fmt"
)

// leakConnection takes a connection for itself, and never gives it back: the
// pool has to open another one for the next request.
func (o *orders) leakConnection(ctx context.Context) (string, error) {
	conn, err := o.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	return lastOrder(ctx, conn)
}

// fixedConnection gives the connection back to the pool: Close does not close it.
func (o *orders) fixedConnection(ctx context.Context) (string, error) {
	conn, err := o.db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return lastOrder(ctx, conn)
}

func lastOrder(ctx context.Context, conn *sql.Conn) (string, error) {
	var id int64
	// QueryRowContext needs no Close: Scan closes the row.
	if err := conn.QueryRowContext(ctx, "SELECT id FROM orders").Scan(&id); err != nil {
		return "", err
	}
	return fmt.Sprintf("order %d", id), nil
}

func connectionCause(o *orders) cause {
	return cause{
		planted: planted{
			Cause:    "database connection not closed",
			Leaky:    "GET /leak/connection",
			Fixed:    "GET /fixed/connection",
			Kind:     heapLeak,
			Function: "main.(*orders).leakConnection",
			File:     "connection.go",
			Bytes:    440,
			Objects:  3,
			Why:      "a sql.Conn that is not closed never returns to the pool, which opens a new one",
		},
		leak:  o.leakConnection,
		fixed: o.fixedConnection,
	}
}
