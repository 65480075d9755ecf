package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
)

type fakeDriver struct{}
type fakeConn struct{}
type fakeStmt struct{}
type fakeTx struct{}
type fakeRows struct{ n int }

func openFake() *sql.DB {
	if len(sql.Drivers()) == 0 {
		sql.Register("fake", fakeDriver{})
	}
	db, _ := sql.Open("fake", "")
	return db
}

func (fakeDriver) Open(string) (driver.Conn, error)          { return &fakeConn{}, nil }
func (*fakeConn) Prepare(string) (driver.Stmt, error)        { return &fakeStmt{}, nil }
func (*fakeConn) Close() error                               { return nil }
func (*fakeConn) Begin() (driver.Tx, error)                  { return fakeTx{}, nil }
func (fakeTx) Commit() error                                 { return nil }
func (fakeTx) Rollback() error                               { return nil }
func (*fakeStmt) Close() error                               { return nil }
func (*fakeStmt) NumInput() int                              { return 0 }
func (*fakeStmt) Exec([]driver.Value) (driver.Result, error) { return driver.ResultNoRows, nil }
func (*fakeStmt) Query([]driver.Value) (driver.Rows, error)  { return &fakeRows{n: 3}, nil }
func (*fakeRows) Columns() []string                          { return []string{"id"} }
func (*fakeRows) Close() error                               { return nil }
func (r *fakeRows) Next(dest []driver.Value) error {
	if r.n == 0 {
		return io.EOF
	}
	r.n--
	dest[0] = int64(r.n)
	return nil
}

var pool = openFake()
var full = func() *sql.DB { db := openFake(); db.SetMaxOpenConns(1); return db }()

// foreverCtx can be cancelled and never is, so that database/sql watches it.
var foreverCtx, stopForever = context.WithCancel(context.Background())

func rowsNotClosed(int) {
	rows, _ := pool.QueryContext(foreverCtx, "select id")
	rows.Next()
}

func rowsNotClosedNoContext(int) {
	rows, _ := pool.Query("select id")
	rows.Next()
}

func txNotFinished(int) {
	tx, _ := pool.BeginTx(foreverCtx, nil)
	_, _ = tx.Exec("update")
}

func stmtNotClosed(int) {
	stmt, _ := pool.Prepare("select id")
	kept = append(kept, stmt)
}

func openPerRequest(int) {
	db, _ := sql.Open("fake", "")
	_ = db.Ping()
}

func poolExhausted(int) {
	_, _ = full.Query("select id")
}
