package main

import (
	"context"
	"database/sql"
	"net/http"
)

// What a service leaks as the client of a database.
func init() {
	register(Case{
		Name: "leak/rows-not-closed", Category: "database", Handler: leakRowsNotClosed,
		Truth: Truth{Leaks: true, Bytes: 4505, Objects: 4, Function: "main.firstNumber",
			Also: []string{"main.leakRowsNotClosed", "main.newMemoryConn", "main.memoryDriver.Connect"}, Causes: []string{"GL050"}},
	})
	register(Case{
		Name: "leak/transaction-left-open", Category: "database", Handler: leakTransactionLeftOpen,
		Truth: Truth{Leaks: true, Bytes: 5460, Objects: 11, Goroutines: 1, Function: "main.bookSeat",
			Also:   []string{"main.leakTransactionLeftOpen", "main.newMemoryConn", "main.memoryDriver.Connect", "database/sql.(*Tx).awaitDone"},
			Causes: []string{"GL051"}},
	})
	register(Case{
		Name: "leak/connection-not-returned", Category: "database", Handler: leakConnectionNotReturned,
		Truth: Truth{Leaks: true, Bytes: 4505, Objects: 4, Function: "main.leakConnectionNotReturned",
			Also: []string{"main.newMemoryConn", "main.memoryDriver.Connect"}, Causes: []string{"GL055"}},
	})
	register(Case{
		Name: "leak/statement-not-closed", Category: "database", Handler: leakStatementNotClosed,
		Truth: Truth{Leaks: true, Bytes: 1043, Objects: 6, Function: "main.leakStatementNotClosed",
			Also: []string{"main.(*memoryConn).Prepare"}, Causes: []string{"GL054"}},
	})
	register(Case{
		Name: "leak/database-per-request", Category: "database", Handler: leakDatabasePerRequest,
		Truth: Truth{Leaks: true, Bytes: 6032, Objects: 16, Goroutines: 1, Function: "main.newDatabase",
			Also:   []string{"main.leakDatabasePerRequest", "main.newMemoryConn", "main.memoryDriver.Connect", "database/sql.(*DB).connectionOpener"},
			Causes: []string{"GL052"}},
	})
	register(Case{
		Name: "leak/pool-exhausted", Category: "database", Handler: leakPoolExhausted,
		Truth: Truth{Leaks: true, Bytes: 769, Objects: 5, Goroutines: 1, Function: "main.countVisits",
			Also: []string{"main.leakPoolExhausted"}, Causes: []string{"GL053"}},
	})
}

var (
	shopDatabase    = newDatabase()
	seatDatabase    = newDatabase()
	lockDatabase    = newDatabase()
	reportDatabase  = newPool(1)
	visitorDatabase = newPool(4)
)

func newPool(connections int) *sql.DB {
	db := newDatabase()
	db.SetMaxOpenConns(connections)
	return db
}

// firstNumber looks at the first row of a hundred and leaves the rest, and with it the connection.
//
//go:noinline
func firstNumber(db *sql.DB) (int64, error) {
	rows, err := db.Query("SELECT number FROM numbers")
	if err != nil {
		return 0, err
	}
	var number int64
	if rows.Next() {
		err = rows.Scan(&number)
	}
	return number, err
}

func leakRowsNotClosed(w http.ResponseWriter, _ *http.Request) {
	_, err := firstNumber(shopDatabase)
	answerError(w, err)
}

// bookSeat neither commits nor rolls back when the seat is taken.
//
//go:noinline
func bookSeat(db *sql.DB, taken bool) error {
	tx, err := db.Begin()
	if err != nil || taken {
		return err
	}
	return tx.Commit()
}

// leakTransactionLeftOpen asks for a seat that is always taken.
func leakTransactionLeftOpen(w http.ResponseWriter, r *http.Request) {
	answerError(w, bookSeat(seatDatabase, r.Method == http.MethodGet))
}

// leakConnectionNotReturned takes a connection for a lock, and keeps it.
func leakConnectionNotReturned(w http.ResponseWriter, _ *http.Request) {
	conn, err := lockDatabase.Conn(context.Background())
	if err == nil {
		err = conn.PingContext(context.Background())
	}
	answerError(w, err)
}

// leakStatementNotClosed prepares the same statement for each request.
func leakStatementNotClosed(w http.ResponseWriter, _ *http.Request) {
	statement, err := reportDatabase.Prepare("SELECT number FROM numbers")
	if err == nil {
		var number int64
		err = statement.QueryRow().Scan(&number)
	}
	answerError(w, err)
}

// leakDatabasePerRequest opens a database where it should have asked the one there is.
func leakDatabasePerRequest(w http.ResponseWriter, _ *http.Request) {
	var number int64
	answerError(w, newDatabase().QueryRow("SELECT number FROM numbers").Scan(&number))
}

func countVisits() {
	rows, err := visitorDatabase.Query("SELECT number FROM visits")
	if err == nil {
		rows.Next()
	}
}

// leakPoolExhausted uses up its four connections; whoever comes later waits for one, in the background.
func leakPoolExhausted(http.ResponseWriter, *http.Request) {
	go countVisits()
}
