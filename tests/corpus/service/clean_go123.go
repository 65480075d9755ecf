//go:build go1.23

package main

import (
	"fmt"
	"net/http"
	"unique"
)

func init() {
	register(Case{Name: "clean/unique-handles", Category: "pool", Versions: ">=1.23",
		Path: "/clean/unique-handles?key={uuid}", Handler: serveUnique})
}

// serveUnique makes a canonical copy of a text that nobody else holds: the runtime's table forgets it at a collection.
func serveUnique(w http.ResponseWriter, r *http.Request) {
	key := unique.Make(r.URL.Query().Get("key"))
	fmt.Fprintln(w, len(key.Value()))
}
