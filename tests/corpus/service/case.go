package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
)

// Case is one endpoint whose truth is known.
type Case struct {
	// Name is unique and begins with "leak/" or "clean/".
	Name string `json:"name"`
	// Category is a few words, one row of the scoreboard: "goroutine", "heap", "late" and so on.
	Category string `json:"category"`
	// Environment names the background the case is judged under; the default is "plain".
	Environment string `json:"environment"`
	// Method is the HTTP method, GET by default.
	Method string `json:"method"`
	// Path is "/" + Name by default and may hold templates of goleak.toml: {n} {uuid} {random:1,5000} {choice:a,b}.
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Expect lists the statuses that are part of the case, as in goleak.toml; the default is 2xx and 3xx.
	Expect []string `json:"expect,omitempty"`
	// Mode says how the client behaves: normal, abort, slow_reader, hold or timeout.
	Mode string `json:"mode,omitempty"`
	// Versions restricts the case to some Go versions, for example ">=1.24".
	Versions string           `json:"versions,omitempty"`
	Truth    Truth            `json:"truth"`
	Handler  http.HandlerFunc `json:"-"`
}

// Truth is what one request leaves behind for good; the zero value says: nothing.
type Truth struct {
	Leaks bool `json:"leaks"`
	// Bytes is live heap per request, size classes included, as a mean over many requests.
	Bytes float64 `json:"bytes"`
	// Objects is the number of live heap objects per request, in the same sense.
	Objects    float64 `json:"objects"`
	Goroutines float64 `json:"goroutines"`
	// Function is to blame, named as a profile names it: "main.leakChanSend.func1".
	Function string `json:"function,omitempty"`
	// Also lists names that are as right: the caller that made the goroutine, for example.
	Also []string `json:"also,omitempty"`
	// Causes lists the rule ids of docs/reference/rules.md that would be right hints.
	Causes []string `json:"causes,omitempty"`
}

// cases holds every registered case by name. It is written by init functions only.
var cases = map[string]Case{}

// register adds c, with the defaults filled in. Two cases of one name are a mistake in the corpus.
func register(c Case) {
	if _, taken := cases[c.Name]; taken {
		panic(fmt.Sprintf("corpus: the name %q is registered twice", c.Name))
	}
	if c.Handler == nil {
		panic(fmt.Sprintf("corpus: the case %q has no handler", c.Name))
	}
	if c.Environment == "" {
		c.Environment = "plain"
	}
	if c.Method == "" {
		c.Method = http.MethodGet
	}
	if c.Path == "" {
		c.Path = "/" + c.Name
	}
	cases[c.Name] = c
}

// sortedCases returns all cases in the order of their names.
func sortedCases() []Case {
	all := make([]Case, 0, len(cases))
	for _, c := range cases {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// writeCases writes all cases to w as one JSON list, in the order of their names.
func writeCases(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sortedCases())
}
