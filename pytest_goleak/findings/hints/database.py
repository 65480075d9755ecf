"""What ``database/sql`` hands out and wants back."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Facts, Rule

__all__ = ["RULES"]


def _methods(*names: str) -> tuple[str, ...]:
    return tuple(f"database/sql.{name}" for name in names)


_QUERY = _methods(
    "(*DB).Query",
    "(*DB).QueryContext",
    "(*Tx).Query",
    "(*Tx).QueryContext",
    "(*Conn).QueryContext",
    "(*Stmt).Query",
    "(*Stmt).QueryContext",
    "(*DB).QueryRow",
    "(*DB).QueryRowContext",
)
_BEGIN = _methods("(*DB).Begin", "(*DB).BeginTx", "(*Conn).BeginTx")
_PREPARE = _methods("(*DB).Prepare", "(*DB).PrepareContext", "(*Conn).PrepareContext")
_OPEN = _methods("Open", "OpenDB")
_CONN = "database/sql.(*DB).conn"


def _waits_for_connection(facts: Facts) -> bool:
    return facts.kind == "goroutine" and facts.state == "select" and facts.has(_CONN)


def _heap_calls(facts: Facts, functions: tuple[str, ...]) -> bool:
    return facts.kind == "heap" and facts.calls(*functions)


def _opens_database(facts: Facts) -> bool:
    if facts.kind == "goroutine":
        return facts.user is None and facts.has("database/sql.(*DB).connectionOpener")
    return facts.calls(*_OPEN)


RULES = (
    Rule(
        id="GL053",
        title="goroutine waits for a database connection",
        why=(
            "Each request leaves a goroutine that waits for a connection of a sql.DB: all that SetMaxOpenConns allows "
            "are taken, and none comes back. This is the consequence; the cause is whoever does not give them back."
        ),
        look_for="Rows, Tx, Stmt or Conn that are not closed elsewhere, and queries without a context that ends.",
        fix="rows, err := db.QueryContext(ctx, query)\nif err != nil {\n\treturn err\n}\ndefer rows.Close()",
        link="https://go.dev/doc/database/manage-connections",
        matches=_waits_for_connection,
    ),
    Rule(
        id="GL050",
        title="database rows not closed",
        why=(
            "Each request leaves a result set open. Rows hold their connection until they are read to the end or "
            "closed; a Row from QueryRow until Scan is called. Every next query then opens a new connection."
        ),
        look_for="a Query whose Rows are not closed on every path (break, return, error), or QueryRow without Scan.",
        fix="rows, err := db.QueryContext(ctx, query)\nif err != nil {\n\treturn err\n}\ndefer rows.Close()",
        link="https://pkg.go.dev/database/sql#Rows.Close",
        matches=lambda facts: (
            (facts.kind == "goroutine" and facts.user is None and facts.has("database/sql.(*Rows).awaitDone"))
            or _heap_calls(facts, _QUERY)
        ),
    ),
    Rule(
        id="GL051",
        title="database transaction neither committed nor rolled back",
        why="Each request leaves a transaction open, and with it a connection of the pool.",
        look_for="a Begin after which a path returns without Commit or Rollback.",
        fix="tx, err := db.BeginTx(ctx, nil)\nif err != nil {\n\treturn err\n}\n"
        "defer tx.Rollback() // does nothing after Commit",
        link="https://go.dev/doc/database/execute-transactions",
        matches=lambda facts: (
            (facts.kind == "goroutine" and facts.user is None and facts.has("database/sql.(*Tx).awaitDone"))
            or _heap_calls(facts, _BEGIN)
        ),
    ),
    Rule(
        id="GL054",
        title="prepared statement not closed",
        why="Each request prepares a statement and leaves it open, here and in the database server.",
        look_for="a Prepare in a request's path: prepare once and share it, or close it.",
        fix="stmt, err := db.PrepareContext(ctx, query)\nif err != nil {\n\treturn err\n}\ndefer stmt.Close()",
        link="https://go.dev/doc/database/prepared-statements",
        matches=lambda facts: _heap_calls(facts, _PREPARE),
    ),
    Rule(
        id="GL055",
        title="database connection not returned",
        why="Each request takes a sql.Conn out of the pool and does not give it back.",
        look_for="a call of DB.Conn without a deferred Close.",
        fix="conn, err := db.Conn(ctx)\nif err != nil {\n\treturn err\n}\ndefer conn.Close()",
        link="https://pkg.go.dev/database/sql#Conn",
        matches=lambda facts: _heap_calls(facts, _methods("(*DB).Conn")),
    ),
    Rule(
        id="GL052",
        title="sql.DB opened per request",
        why=(
            "Each request opens a sql.DB, which is a pool of connections with a goroutine of its own, meant to live "
            "as long as the program."
        ),
        look_for="sql.Open or sql.OpenDB in a request's path.",
        fix="var db = must(sql.Open(driver, dsn)) // once, at start",
        link="https://pkg.go.dev/database/sql#Open",
        matches=_opens_database,
    ),
)
"""Result sets, transactions, statements, connections and pools that are not given back."""
