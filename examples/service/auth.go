package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// tokenHeader carries the token. The spelling is that of the services this one
// stands for: a misspelling that clients rely on is part of the interface.
const tokenHeader = "Authotization"

// tokenQuery carries the token for clients that cannot send headers, such as
// go tool pprof.
const tokenQuery = "token"

// loadToken returns the token from PPROF_TOKEN, else from the JSON file at path.
//
// No token is an error, not an open door.
func loadToken(path string) (string, error) {
	if token := os.Getenv("PPROF_TOKEN"); token != "" {
		return token, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("no token for pprof: set PPROF_TOKEN or write %s: %w", path, err)
	}
	var env struct {
		Pprof struct {
			StaticToken string `json:"static_token"`
		} `json:"pprof"`
	}
	if err := json.Unmarshal(data, &env); err != nil {
		return "", fmt.Errorf("%s is not the JSON it should be: %w", path, err)
	}
	if env.Pprof.StaticToken == "" {
		return "", errors.New(path + ` has no token for pprof: expected {"pprof": {"static_token": "…"}}`)
	}
	return env.Pprof.StaticToken, nil
}

// requireToken lets requests through to next that carry token in the header or
// in the query.
func requireToken(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sameToken(r.Header.Get(tokenHeader), token) && !sameToken(r.URL.Query().Get(tokenQuery), token) {
			http.Error(w, "send the static token in the header "+tokenHeader, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameToken compares in constant time, so that response times tell nothing
// about the token. Hashing first hides its length too.
func sameToken(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1
}
