"""Connections of ``net/http``, client and server."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_READ_LOOP = "net/http.(*persistConn).readLoop"
_WRITE_LOOP = "net/http.(*persistConn).writeLoop"
_HTTP2_LOOPS = ("net/http.(*http2ClientConn).readLoop", "golang.org/x/net/http2.(*ClientConn).readLoop")
_SERVE = ("net/http.(*conn).serve", "net/http.(*http2serverConn).serve", "golang.org/x/net/http2.(*serverConn).serve")


def _is_client(facts: Facts) -> bool:
    return facts.kind == "goroutine" and facts.user is None and facts.has(_READ_LOOP, _WRITE_LOOP)


def _body_not_closed(facts: Facts) -> bool:
    # A read loop in `select` has handed out a response and waits for its body; an idle one waits for the network.
    return _is_client(facts) and facts.has(_READ_LOOP) and not facts.has("net/http.(*persistConn).Read")


def _idle_connections(facts: Facts) -> bool:
    return _is_client(facts) and facts.has(_READ_LOOP) and facts.has("net/http.(*persistConn).Read")


def _waits_for_response(facts: Facts) -> bool:
    return (
        facts.kind == "goroutine"
        and facts.user is not None
        and facts.state == "select"
        and facts.has("net/http.(*persistConn).roundTrip")
        and facts.calls("net/http.(*Client).do", "net/http.(*Client).Do")
    )


RULES = (
    Rule(
        id="GL040",
        title="HTTP response body not closed",
        why=(
            "Each request makes an HTTP call of its own and does not read the answer to its end or close it. The "
            "connection can then neither be reused nor closed: it stays, with two goroutines and its buffers."
        ),
        look_for="a call through an http.Client whose resp.Body is not closed on every path, also when its status is "
        "an error.",
        fix="resp, err := client.Do(req)\nif err != nil {\n\treturn err\n}\ndefer resp.Body.Close()",
        link="https://pkg.go.dev/net/http#Client.Do",
        matches=_body_not_closed,
    ),
    Rule(
        id="GL044",
        title="goroutine waits for an HTTP response",
        why=(
            "Each request leaves a goroutine that has sent an HTTP request and waits for its answer. Without a "
            "time-out or a context that ends, it waits for as long as the other server is silent."
        ),
        look_for="http.Get or an http.Client without Timeout, and requests made without the caller's context.",
        fix="req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)",
        link="https://pkg.go.dev/net/http#NewRequestWithContext",
        matches=_waits_for_response,
    ),
    Rule(
        id="GL041",
        title="idle HTTP connections pile up",
        why=(
            "Each request leaves an HTTP client connection that is idle. A shared http.Transport keeps few of them and "
            "reuses them; one that is made per request keeps its own until they time out, if ever."
        ),
        look_for="an http.Transport (or http.Client with one) that is made per request, and MaxIdleConnsPerHost or "
        "IdleConnTimeout without a bound.",
        fix="var client = &http.Client{Timeout: 10 * time.Second} // one for the whole program",
        link="https://pkg.go.dev/net/http#Transport",
        matches=_idle_connections,
    ),
    Rule(
        id="GL042",
        title="HTTP/2 client connections pile up",
        why=(
            "Each request leaves an HTTP/2 client connection. One connection serves many requests: a new one for each "
            "means that the transport is made per request, or that streams on it never end."
        ),
        look_for="an http.Transport or http2.Transport that is made per request, and bodies that are not closed.",
        fix="var client = &http.Client{Timeout: 10 * time.Second} // one for the whole program",
        link="https://pkg.go.dev/net/http#Transport",
        matches=lambda facts: facts.kind == "goroutine" and facts.user is None and facts.has(*_HTTP2_LOOPS),
    ),
    Rule(
        id="GL043",
        title="server connections stay open",
        why=(
            "Connections to an HTTP server in this program grow in number: their clients neither close them nor send "
            "anything. If the program calls itself, it is the other end of a client connection that leaks."
        ),
        look_for="a client that never closes its connections, and a server without IdleTimeout and ReadHeaderTimeout.",
        fix="server := &http.Server{\n\tHandler:           mux,\n"
        "\tReadHeaderTimeout: 5 * time.Second,\n\tIdleTimeout:       time.Minute,\n}",
        link="https://pkg.go.dev/net/http#Server",
        matches=lambda facts: facts.kind == "goroutine" and facts.user is None and facts.has(*_SERVE),
    ),
)
"""HTTP connections that are neither reused nor closed."""
