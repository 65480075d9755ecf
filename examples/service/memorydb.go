package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// memoryDB is the smallest database that database/sql accepts: one read-only
// table of order numbers. Everything above it is the real thing: pool,
// connections, rows, and their goroutines.
type memoryDB struct{}

var _ driver.Connector = memoryDB{}

var errReadOnly = errors.New("memorydb: only QueryContext is supported")

func (memoryDB) Connect(context.Context) (driver.Conn, error) { return memoryConn{}, nil }
func (db memoryDB) Driver() driver.Driver                     { return db }
func (memoryDB) Open(string) (driver.Conn, error)             { return memoryConn{}, nil }

// memoryConn has no state, so that a leaked one costs what database/sql makes
// of it and nothing else.
type memoryConn struct{}

var _ driver.QueryerContext = memoryConn{}

func (memoryConn) Prepare(string) (driver.Stmt, error) { return nil, errReadOnly }
func (memoryConn) Begin() (driver.Tx, error)           { return nil, errReadOnly }
func (memoryConn) Close() error                        { return nil }

// QueryContext answers every query with the whole table.
func (memoryConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &memoryRows{left: 3}, nil
}

type memoryRows struct{ left int64 }

func (*memoryRows) Columns() []string { return []string{"id"} }
func (*memoryRows) Close() error      { return nil }

func (r *memoryRows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	dest[0] = r.left
	r.left--
	return nil
}
