package main

import (
	"context"
	"database/sql/driver"
	"errors"
)

var errNoRows = errors.New("this database has no rows")

// database is the smallest one that prepares statements; whoever executes one loses the connection.
type database struct{}

func (d database) Connect(context.Context) (driver.Conn, error) { return connection{}, nil }
func (d database) Driver() driver.Driver                        { return d }
func (d database) Open(string) (driver.Conn, error)             { return connection{}, nil }

type connection struct{}

func (connection) Prepare(string) (driver.Stmt, error) { return statement{}, nil }
func (connection) Close() error                        { return nil }
func (connection) Begin() (driver.Tx, error)           { return transaction{}, nil }

type statement struct{}

func (statement) Close() error                               { return nil }
func (statement) NumInput() int                              { return -1 }
func (statement) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrBadConn }
func (statement) Query([]driver.Value) (driver.Rows, error)  { return nil, errNoRows }

type transaction struct{}

func (transaction) Commit() error   { return nil }
func (transaction) Rollback() error { return nil }
