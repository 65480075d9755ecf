//go:build go1.24

package main

import (
	"net/http"
	"runtime"
)

func init() {
	register(Case{
		Name: "leak/cleanup-refers-to-object", Category: "finalizer", Handler: leakCleanupRefersToObject, Versions: ">=1.24",
		Truth: Truth{Leaks: true, Bytes: 1024 + 16 + 24, Objects: 4, Function: "main.newTempTable", Also: []string{"main.leakCleanupRefersToObject"},
			Causes: []string{"GL074"}},
	})
}

// tempTable is dropped through its database, which knows all its tables.
type tempTable struct {
	name string
	rows [1000]byte
}

type tempDatabase struct {
	tables [2]*tempTable
}

//go:noinline
func newTempTable(name string) *tempTable {
	t := &tempTable{name: name}
	runtime.AddCleanup(t, dropTables, &tempDatabase{tables: [2]*tempTable{t}})
	return t
}

func dropTables(db *tempDatabase) { db.tables[0].rows[0] = 0 }

// leakCleanupRefersToObject has a clean-up whose argument holds what it should clean up.
func leakCleanupRefersToObject(http.ResponseWriter, *http.Request) {
	newTempTable("orders").rows[0] = 1
}
