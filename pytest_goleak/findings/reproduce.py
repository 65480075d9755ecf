"""Shell lines that show a leak by hand: profile, load, profile, difference."""

from __future__ import annotations

import re
import shlex

from pytest_goleak.model.auth import Auth
from pytest_goleak.model.plan import ClientMode, Endpoint

__all__ = ["reproduce"]

_PLACEHOLDER = re.compile(r"\{(?:(uuid|n)|(choice|random):([^{}]*))\}")
_HEAP, _GOROUTINE = "heap", "goroutine"
_CURL = "curl -sS -g"
# Not every machine has uuidgen, and bash needs no process for this.
_UUID = "$(printf '%08x-%04x-4000-8000-%012x' $((RANDOM << 15 | RANDOM)) $RANDOM $n)"
_MODE_NOTES = {
    ClientMode.ABORT: "# the leak needs clients that hang up at once: --max-time 0.01 on each request",
    ClientMode.TIMEOUT: "# the leak needs clients that give up waiting: --max-time 0.05 on each request",
    ClientMode.SLOW_READER: "# the leak needs clients that read slowly: --limit-rate 1k on each request",
    ClientMode.HOLD: "# the leak needs clients that stop reading and hang up later: --limit-rate 1 --max-time 2",
}
_MODE_FLAGS = {
    ClientMode.ABORT: ["--max-time", "0.01"],
    ClientMode.TIMEOUT: ["--max-time", "0.05"],
    ClientMode.SLOW_READER: ["--limit-rate", "1k"],
    ClientMode.HOLD: ["--limit-rate", "1", "--max-time", "2"],
}


def reproduce(
    endpoint: Endpoint,
    *,
    item_id: str,
    base_url: str,
    pprof_url: str,
    auth: Auth,
    requests: int,
    socket: str | None = None,
) -> tuple[str, ...]:
    """Return shell lines (bash) that show *endpoint*'s growth with curl, hey and ``go tool pprof``.

    Load that is a Python function is made by its test, on the same service. The token is ``$PPROF_TOKEN``, never the
    token itself. What the request varies is varied with ``printf``, ``shuf`` and a counter; comments start with ``#``.

    Args:
        endpoint: what to request; one without a path is a Python function.
        item_id: node id of the test.
        base_url: origin that the endpoint's path is joined to.
        pprof_url: the pprof index, without a trailing slash.
        auth: how the token is sent, to pprof only.
        requests: how many requests to send, at least one.
        socket: Unix socket that the service listens on.

    """
    load = (
        _load_lines(endpoint, base_url=base_url, requests=max(1, requests), socket=socket)
        if endpoint.path
        else (_test_line(endpoint, item_id, base_url=base_url, socket=socket),)
    )
    fetch = {
        (kind, moment): _fetch_line(pprof_url, kind, f"{kind}_{moment}.pb.gz", auth=auth, socket=socket)
        for kind in (_HEAP, _GOROUTINE)
        for moment in ("before", "after")
    }
    return (
        *_token_lines(auth),
        fetch[_HEAP, "before"],
        fetch[_GOROUTINE, "before"],
        *load,
        "sleep 10  # let finish what goes on after the answers",
        fetch[_HEAP, "after"],
        fetch[_GOROUTINE, "after"],
        "go tool pprof -top -sample_index=inuse_space -base heap_before.pb.gz heap_after.pb.gz",
        "go tool pprof -traces -base goroutine_before.pb.gz goroutine_after.pb.gz",
    )


def _token_lines(auth: Auth) -> tuple[str, ...]:
    if not auth.has_token:
        return ()
    if auth.token_env == "PPROF_TOKEN":  # noqa: S105 - a variable's name
        return ("# PPROF_TOKEN is in the environment, as for the test",)
    if auth.token_env and auth.token_env.isidentifier():
        return (f'export PPROF_TOKEN="${auth.token_env}"',)
    if auth.token_file:
        return (f'export PPROF_TOKEN="$(cat {shlex.quote(auth.token_file)})"',)
    if auth.token_command:
        return (f'export PPROF_TOKEN="$({shlex.join(auth.token_command)})"',)
    return ("export PPROF_TOKEN=…  # the token of the pprof endpoints",)


def _fetch_line(pprof_url: str, kind: str, output: str, *, auth: Auth, socket: str | None) -> str:
    query = "?gc=1" if kind == _HEAP else ""
    words = ["curl", "-fsS", *_socket_words(socket)]
    for option, path in (("--cert", auth.cert), ("--key", auth.key), ("--cacert", auth.ca)):
        words += [option, shlex.quote(path)] if path else []
    words += _token_words(auth)
    words += ["-o", output, shlex.quote(f"{pprof_url}/{kind}{query}")]
    return " ".join(words)


def _token_words(auth: Auth) -> list[str]:
    """Return curl's options that send the token, which the shell puts in place of the variable."""
    if not auth.has_token:
        return []
    if auth.basic:
        return ["-u", f'"{_escaped(auth.basic)}:$PPROF_TOKEN"']
    if auth.query:
        return ["-G", "--data-urlencode", f'"{_escaped(auth.query)}=$PPROF_TOKEN"']
    prefix = f"{auth.header or 'Authorization'}: {auth.scheme + ' ' if auth.scheme else ''}"
    return ["-H", f'"{_escaped(prefix)}$PPROF_TOKEN"']


def _escaped(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)


def _socket_words(socket: str | None) -> list[str]:
    return ["--unix-socket", shlex.quote(socket)] if socket else []


def _test_line(endpoint: Endpoint, item_id: str, *, base_url: str, socket: str | None) -> str:
    where = [] if socket else ["--goleak-url", base_url]
    return shlex.join(["pytest", "--goleak", item_id, "--goleak-seed", str(endpoint.measure.seed), *where])


def _load_lines(endpoint: Endpoint, *, base_url: str, requests: int, socket: str | None) -> tuple[str, ...]:
    url = endpoint.path if "://" in endpoint.path else f"{base_url}/{endpoint.path.lstrip('/')}"
    texts = [endpoint.method, url, endpoint.body or "", *endpoint.headers.values(), *endpoint.headers]
    varies = any(_PLACEHOLDER.search(text) for text in texts)
    if not varies and endpoint.mode is ClientMode.NORMAL and not socket:
        return (_hey_line(endpoint, url, requests),)
    words = [_CURL, "-o", "/dev/null", *_socket_words(socket)]
    words += _MODE_FLAGS.get(endpoint.mode, [])
    words += ["-X", _expanded(endpoint.method)]
    for name, value in endpoint.headers.items():
        words += ["-H", _expanded(f"{name}: {value}")]
    words += ["--data-binary", _expanded(endpoint.body)] if endpoint.body is not None else []
    words.append(_expanded(url))
    note = [_MODE_NOTES[endpoint.mode]] if endpoint.mode in _MODE_NOTES else []
    return (*note, f"for n in $(seq {requests}); do {' '.join(words)}; done")


def _hey_line(endpoint: Endpoint, url: str, requests: int) -> str:
    concurrency = max(1, min(endpoint.load.concurrency, requests))
    words = ["hey", "-n", str(requests), "-c", str(concurrency)]
    words += [] if endpoint.load.keep_alive else ["-disable-keepalive"]
    words += ["-m", endpoint.method]
    for name, value in endpoint.headers.items():
        words += ["-H", f"{name}: {value}"]
    words += ["-d", endpoint.body] if endpoint.body is not None else []
    return shlex.join([*words, url])


def _expanded(text: str) -> str:
    """Return *text* as one shell word, its placeholders replaced by what the shell makes for each request."""
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > end:
            parts.append(shlex.quote(text[end : match.start()]))
        parts.append(f'"{_generator(match)}"')
        end = match.end()
    if end < len(text) or not parts:
        parts.append(shlex.quote(text[end:]))
    return "".join(parts)


def _generator(match: re.Match[str]) -> str:
    plain, call, argument = match.groups()
    if plain == "n":
        return "$n"
    if plain == "uuid":
        return _UUID
    choices = argument.split(",")
    if call == "random":
        return f"$(shuf -n 1 -i {shlex.quote('-'.join(number.strip() for number in choices))})"
    return f"$(shuf -n 1 -e -- {shlex.join(choices)})"
