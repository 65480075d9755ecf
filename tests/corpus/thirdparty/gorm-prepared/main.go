// A service whose database drops the connection when it inserts, and that has its statements prepared by gorm.
//
// gorm 1.25.11 forgets a statement whose connection is gone, but not its text: the list of texts grows with every error.
package main

import (
	"database/sql"
	"log"
	"net/http"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/utils/tests"

	"thirdparty/serve"
)

func main() {
	db, err := gorm.Open(tests.DummyDialector{}, &gorm.Config{
		ConnPool:             sql.OpenDB(database{}),
		PrepareStmt:          true,
		DisableAutomaticPing: true,
		Logger:               logger.Discard,
	})
	if err != nil {
		log.Fatal(err)
	}
	serve.Endpoint("/orders", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := insert(db); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
}

func insert(db *gorm.DB) error {
	return db.Exec("INSERT INTO orders (id, name) VALUES (?, ?)", 1, "first").Error
}
