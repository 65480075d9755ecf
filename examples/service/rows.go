package main

import (
	"context"
	"database/sql"
	"fmt"
)

// orders reads a table of orders.
type orders struct {
	db *sql.DB
	// ctx ends with the service, as that of jobs which outlive a request.
	// Queries under the context of a request are closed with it.
	ctx context.Context
}

func newOrders(ctx context.Context) *orders {
	db := sql.OpenDB(memoryDB{})
	db.SetMaxIdleConns(16) // as many as are busy at once; more are closed after use
	return &orders{db: db, ctx: ctx}
}

func (o *orders) close() {
	_ = o.db.Close() // an in-memory connection has no way to fail
}

// leakRows reads the first row and returns. Rows that were neither read to the
// end nor closed keep their connection, and a goroutine that waits for ctx.
func (o *orders) leakRows(context.Context) (string, error) {
	rows, err := o.db.QueryContext(o.ctx, "SELECT id FROM orders")
	if err != nil {
		return "", err
	}
	return firstOrder(rows)
}

// fixedRows closes the rows, whatever happens while it reads them.
func (o *orders) fixedRows(context.Context) (string, error) {
	rows, err := o.db.QueryContext(o.ctx, "SELECT id FROM orders")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	return firstOrder(rows)
}

func firstOrder(rows *sql.Rows) (string, error) {
	var id int64
	if !rows.Next() {
		return "no order", rows.Err()
	}
	if err := rows.Scan(&id); err != nil {
		return "", err
	}
	return fmt.Sprintf("order %d", id), nil
}

func rowsCause(o *orders) cause {
	return cause{
		planted: planted{
			Cause:      "database rows not closed",
			Leaky:      "GET /leak/rows",
			Fixed:      "GET /fixed/rows",
			Kind:       goroutineLeak,
			Function:   "main.(*orders).leakRows",
			File:       "rows.go",
			Goroutines: 1, // database/sql.(*Rows).awaitDone
			Bytes:      1620,
			Objects:    13,
			Why:        "sql.Rows that are not closed keep their connection and a goroutine",
		},
		leak:  o.leakRows,
		fixed: o.fixedRows,
	}
}
