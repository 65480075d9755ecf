"""Connections and streams of ``google.golang.org/grpc``."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_GRPC = "google.golang.org/grpc"
_DIAL = tuple(f"{_GRPC}.{name}" for name in ("NewClient", "Dial", "DialContext"))
_STREAM = f"{_GRPC}.newClientStream"
_CLIENT_LOOPS = (
    f"{_GRPC}/internal/transport.(*http2Client).reader",
    f"{_GRPC}/internal/transport.(*http2Client).keepalive",
    f"{_GRPC}.(*addrConn).resetTransport",
    f"{_GRPC}.(*ccBalancerWrapper).watcher",
    f"{_GRPC}/internal/grpcsync.(*CallbackSerializer).run",
)


def _stream_not_finished(facts: Facts) -> bool:
    return facts.kind == "goroutine" and facts.user is None and facts.has_prefix(_STREAM)


def _connection_per_request(facts: Facts) -> bool:
    if facts.kind == "heap":
        return facts.calls(*_DIAL)
    return facts.user is None and any(facts.has_prefix(loop) for loop in _CLIENT_LOOPS)


RULES = (
    Rule(
        id="GL061",
        title="gRPC stream that is never finished",
        why=(
            "Each request leaves a client stream open. A stream ends when it is received from until an error (io.EOF "
            "included), or when its context is cancelled."
        ),
        look_for="a streaming call that stops receiving early, with a context that nobody cancels.",
        fix="ctx, cancel := context.WithCancel(ctx)\ndefer cancel() // ends the stream\n"
        "stream, err := stub.Watch(ctx, req)",
        link="https://pkg.go.dev/google.golang.org/grpc#ClientConn.NewStream",
        matches=_stream_not_finished,
    ),
    Rule(
        id="GL060",
        title="gRPC client connection that is not closed",
        why=(
            "Client connections of gRPC grow in number. A ClientConn is a whole pool with goroutines of its own; it is "
            "meant to be shared by all requests, and lives until Close is called."
        ),
        look_for="grpc.NewClient or grpc.Dial in a request's path.",
        fix="conn, err := grpc.NewClient(target, options...) // once, at start\ndefer conn.Close()",
        link="https://pkg.go.dev/google.golang.org/grpc#ClientConn.Close",
        matches=_connection_per_request,
    ),
)
"""gRPC connections and streams that are left open."""
