"""Goroutines and memory that belong to files, sockets, processes, signals and logs."""

from __future__ import annotations

from collections.abc import Callable

from pytest_goleak.findings.hints.flow import Container
from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_OPEN_FILE = ("os.Open", "os.OpenFile", "os.Create", "os.CreateTemp")
_WAIT_PROCESS = ("os/exec.(*Cmd).Wait", "os/exec.(*Cmd).Run", "os.(*Process).Wait")
_LUMBERJACK = "gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun"
_LOGGERS = (
    "gopkg.in/natefinch/lumberjack.v2.(*Logger).",
    "go.uber.org/zap.Open",
    "go.uber.org/zap.open",
    "log/syslog.",
)
_PIPE = ("io.(*pipe).read", "io.(*pipe).write")
_IN_MEMORY = ("net.(*pipe).read", "net.(*pipe).write")
_ACCEPT = ("net.(*TCPListener).Accept", "net.(*TCPListener).AcceptTCP", "net.(*UnixListener).Accept")


def _waits_for_io(*functions: str, callees: tuple[str, ...]) -> Callable[[Facts], bool]:
    """Return a predicate: the user's call of *callees* waits for the network or a file in one of *functions*."""

    def matches(facts: Facts) -> bool:
        return (
            facts.kind == "goroutine"
            and facts.user is not None
            and (facts.state == "IO wait" or facts.has(*_IN_MEMORY))
            and facts.callees[:1] != ()
            and facts.callees[0].startswith(callees)
            and facts.has(*functions)
        )

    return matches


def _makes_log_writer(facts: Facts) -> bool:
    names = [
        function.replace("%2e", ".") for function in (facts.functions if facts.kind == "goroutine" else facts.callees)
    ]
    if facts.kind == "goroutine":
        return _LUMBERJACK in names
    return any(name.startswith(_LOGGERS) for name in names)


def _subscribes_to_signals(facts: Facts) -> bool:
    if facts.kind != "heap":
        return False
    kept = facts.store is not None and facts.store.container is Container.SIGNAL
    return kept or facts.calls("os/signal.Notify", "os/signal.NotifyContext")


RULES = (
    Rule(
        id="GL020",
        title="goroutine waits for a peer that sends nothing",
        why=(
            "Each request leaves a goroutine that reads from a network connection. Without a deadline such a read "
            "lasts for as long as the peer is silent and the connection open."
        ),
        look_for="a connection that is read without SetReadDeadline and closed by nobody.",
        fix="conn.SetReadDeadline(time.Now().Add(10 * time.Second))\ndefer conn.Close()",
        link="https://pkg.go.dev/net#Conn",
        matches=_waits_for_io("net.(*conn).Read", "net.(*pipe).Read", callees=("net.", "bufio.", "io.")),
    ),
    Rule(
        id="GL026",
        refines=("GL003",),
        title="goroutine blocked on an io.Pipe",
        why=(
            "Each request leaves a goroutine at one end of an io.Pipe. A pipe has no buffer: a write waits until all "
            "is read, a read until something is written, and both until the other end is closed."
        ),
        look_for="the other end: on every path it must be closed, with CloseWithError where it fails.",
        fix="reader, writer := io.Pipe()\ndefer reader.Close() // ends the writer, too\n"
        "go func() { writer.CloseWithError(produce(writer)) }()",
        link="https://pkg.go.dev/io#Pipe",
        matches=lambda facts: (
            facts.kind == "goroutine" and facts.user is not None and facts.state == "select" and facts.has(*_PIPE)
        ),
    ),
    Rule(
        id="GL027",
        title="listener that is never closed",
        why=(
            "Each request leaves a goroutine that accepts connections. Each holds a listener of its own, with a port "
            "and a descriptor, until that is closed."
        ),
        look_for="a Listen or Serve in a request's path, without a deferred Close or Shutdown.",
        fix='listener, err := net.Listen("tcp", address)\nif err != nil {\n\treturn err\n}\ndefer listener.Close()',
        link="https://pkg.go.dev/net#Listener",
        matches=_waits_for_io(*_ACCEPT, callees=("net.", "net/http.")),
    ),
    Rule(
        id="GL028",
        title="goroutine waits for a peer that reads nothing",
        why=(
            "Each request leaves a goroutine that writes to a network connection whose other end does not read. "
            "Without a deadline such a write lasts for as long as the connection is open."
        ),
        look_for="a connection that is written to without SetWriteDeadline, and a server without WriteTimeout.",
        fix="conn.SetWriteDeadline(time.Now().Add(10 * time.Second))\ndefer conn.Close()",
        link="https://pkg.go.dev/net#Conn",
        matches=_waits_for_io("net.(*conn).Write", "net.(*pipe).Write", callees=("net.", "bufio.", "io.", "fmt.")),
    ),
    Rule(
        id="GL029",
        refines=("GL020",),
        title="goroutine waits for a pipe or device",
        why=(
            "Each request leaves a goroutine that reads from or writes to a pipe, FIFO or terminal. That lasts until "
            "the other end is used or closed."
        ),
        look_for="an os.Pipe, StdoutPipe or FIFO whose ends are not all closed.",
        fix="reader, writer, err := os.Pipe()\nif err != nil {\n\treturn err\n}\n"
        "defer reader.Close()\ndefer writer.Close()",
        link="https://pkg.go.dev/os#Pipe",
        matches=_waits_for_io("os.(*File).Read", "os.(*File).Write", callees=("os.", "bufio.", "io.", "fmt.")),
    ),
    Rule(
        id="GL021",
        title="goroutine waits for a process that does not end",
        why="Each request starts a process and leaves a goroutine that waits for its end.",
        look_for="a command without a context or time-out.",
        fix="ctx, cancel := context.WithTimeout(ctx, time.Minute)\ndefer cancel()\n"
        "err := exec.CommandContext(ctx, name).Run()",
        link="https://pkg.go.dev/os/exec#CommandContext",
        matches=lambda facts: facts.kind == "goroutine" and facts.calls(*_WAIT_PROCESS),
    ),
    Rule(
        id="GL022",
        title="file not closed",
        why="Each request opens a file that stays open and referred to; descriptors run out before memory does.",
        look_for="an Open or Create without a deferred Close.",
        fix="file, err := os.Open(name)\nif err != nil {\n\treturn err\n}\ndefer file.Close()",
        link="https://pkg.go.dev/os#File.Close",
        matches=lambda facts: facts.kind == "heap" and facts.has("os.newFile") and facts.calls(*_OPEN_FILE),
    ),
    Rule(
        id="GL023",
        title="network connection not closed",
        why="Each request dials a connection that stays open and referred to.",
        look_for="a Dial without a deferred Close.",
        fix="conn, err := net.Dial(network, address)\nif err != nil {\n\treturn err\n}\ndefer conn.Close()",
        link="https://pkg.go.dev/net#Conn",
        matches=lambda facts: (
            facts.kind == "heap" and facts.has("net.newFD") and facts.calls("net.Dial", "net.DialTimeout")
        ),
    ),
    Rule(
        id="GL024",
        title="signal subscription that is never stopped",
        why="Each request subscribes a channel to signals. Package os/signal refers to it until signal.Stop.",
        look_for="signal.Notify or NotifyContext without a deferred Stop.",
        fix="signals := make(chan os.Signal, 1)\nsignal.Notify(signals, os.Interrupt)\ndefer signal.Stop(signals)",
        link="https://pkg.go.dev/os/signal#Stop",
        matches=_subscribes_to_signals,
    ),
    Rule(
        id="GL025",
        title="log writer made per request",
        why=(
            "Each request makes a log writer of its own, with a file or connection and often a goroutine. One that "
            "rotates files (lumberjack) has a goroutine without an end, which even Close leaves running."
        ),
        look_for="a logger or lumberjack.Logger that is made per request; share one, and derive from it what differs.",
        fix="var logFile = &lumberjack.Logger{Filename: name} // one for the whole program",
        link="https://pkg.go.dev/gopkg.in/natefinch/lumberjack.v2",
        matches=_makes_log_writer,
    ),
)
"""What the operating system lends, and does not get back."""
