"""Goroutines and memory that belong to files, sockets, processes, signals and logs."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]

_OPEN_FILE = ("os.Open", "os.OpenFile", "os.Create", "os.CreateTemp")
_WAIT_PROCESS = ("os/exec.(*Cmd).Wait", "os/exec.(*Cmd).Run", "os.(*Process).Wait")
_LUMBERJACK = "gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun"


def _waits_for_network(facts: Facts) -> bool:
    return (
        facts.kind == "goroutine"
        and facts.user is not None
        and facts.state == "IO wait"
        and facts.callees[:1] != ()
        and facts.callees[0].startswith(("net.", "bufio.", "io."))
        and facts.has("net.(*conn).Read")
    )


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
        matches=_waits_for_network,
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
        matches=lambda facts: facts.kind == "heap" and facts.calls("os/signal.Notify", "os/signal.NotifyContext"),
    ),
    Rule(
        id="GL025",
        title="log writer made per request",
        why=(
            "Each request makes a lumberjack.Logger. Its first write starts a goroutine that rotates files, and that "
            "goroutine has no end, not even by Close."
        ),
        look_for="a lumberjack.Logger that is not shared by the whole program.",
        fix="var logFile = &lumberjack.Logger{Filename: name} // one for the whole program",
        link="https://pkg.go.dev/gopkg.in/natefinch/lumberjack.v2",
        matches=lambda facts: (
            facts.kind == "goroutine" and any(f.replace("%2e", ".") == _LUMBERJACK for f in facts.functions)
        ),
    ),
)
"""What the operating system lends, and does not get back."""
