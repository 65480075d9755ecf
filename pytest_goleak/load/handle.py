"""Easy handles of libcurl: how one is set up for a job, and what a request changes on it."""

from __future__ import annotations

import os

import pycurl

from pytest_goleak.load.request import Request
from pytest_goleak.model.plan import ClientMode
from pytest_goleak.model.protocols import LoadJob

__all__ = ["Slot", "describe_error", "has_answer_begun", "is_connect_error", "is_request_sent"]

# Headers that libcurl would send unasked; a user's own header of the same name wins.
_UNASKED_HEADERS = (b"accept", b"content-type", b"expect")

# Methods for which "no body" is said with `Content-Length: 0` (RFC 9110, section 8.6).
_METHODS_WITH_CONTENT = {b"POST", b"PUT", b"PATCH"}

# Bytes per read of a client that stops or dawdles: libcurl's least, so that it can stop early in the body.
_SMALL_BUFFER_BYTES = 1024

_CONNECT_ERRORS = {
    pycurl.E_COULDNT_CONNECT: "connection failed",
    pycurl.E_COULDNT_RESOLVE_HOST: "host name not found",
}
_TRANSFER_ERRORS = {
    pycurl.E_GOT_NOTHING: "connection closed without an answer",
    pycurl.E_PARTIAL_FILE: "answer cut short",
    pycurl.E_RECV_ERROR: "connection lost while receiving",
    pycurl.E_SEND_ERROR: "connection lost while sending",
    pycurl.E_SSL_CONNECT_ERROR: "TLS handshake failed",
    pycurl.E_PEER_FAILED_VERIFICATION: "TLS certificate not trusted",
    pycurl.E_URL_MALFORMAT: "malformed URL",
}


class Slot:
    """One client: an easy handle that sends request after request, on one connection at a time."""

    __slots__ = ("_suppressed", "handle", "hang_up_at_s", "request", "resume_at_s", "started_s")

    def __init__(self, job: LoadJob, *, ca: str | None, cert: str | None, key: str | None) -> None:
        self.request: Request | None = None
        """What the handle is set up to send."""
        self.started_s = 0.0
        """When the request under way was handed to libcurl; kept for the modes other than normal."""
        self.hang_up_at_s: float | None = None
        """When the client's patience ends, once it counts."""
        self.resume_at_s: float | None = None
        """When a paused client reads on."""
        self._suppressed: list[bytes] = []
        self.handle = pycurl.Curl()
        self._set_up(job, ca=ca, cert=cert, key=key)

    def _set_up(self, job: LoadJob, *, ca: str | None, cert: str | None, key: str | None) -> None:
        load, mode = job.endpoint.load, job.endpoint.mode
        set_option = self.handle.setopt
        # `len` is the cheapest way to discard a body: C code that answers "all of it taken", where a file object
        # costs a write per chunk. As no Python code runs, no KeyboardInterrupt can be lost in the callback.
        set_option(pycurl.WRITEFUNCTION, len)
        set_option(pycurl.NOSIGNAL, 1)
        set_option(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        set_option(pycurl.PATH_AS_IS, 1)
        set_option(pycurl.PROXY, "")
        set_option(pycurl.NOPROXY, "*")
        set_option(pycurl.TIMEOUT_MS, max(1, round(load.timeout_s * 1000)))
        if job.socket is not None:
            set_option(pycurl.UNIX_SOCKET_PATH, job.socket)
        if not load.keep_alive:
            set_option(pycurl.FRESH_CONNECT, 1)
        if not load.keep_alive or mode is not ClientMode.NORMAL:
            set_option(pycurl.FORBID_REUSE, 1)
        if mode in {ClientMode.HOLD, ClientMode.SLOW_READER}:
            set_option(pycurl.BUFFERSIZE, _SMALL_BUFFER_BYTES)
        for option, value in ((pycurl.CAINFO, ca), (pycurl.SSLCERT, cert), (pycurl.SSLKEY, key)):
            if value is not None:
                set_option(option, value)

    def prepare(self, request: Request) -> None:
        """Set what differs from the request before; equal parts are the same objects, so this compares identities."""
        before, self.request = self.request, request
        set_option = self.handle.setopt
        if before is None or request.method is not before.method or request.body is not before.body:
            self._set_method(request.method, request.body)
        if before is None or request.url is not before.url:
            set_option(pycurl.URL, request.url)
        if before is None or request.headers is not before.headers:
            if before is None:  # the names are the same in all requests of a job
                given = {line.partition(b":")[0].rstrip(b";").lower() for line in request.headers}
                self._suppressed = [name + b":" for name in _UNASKED_HEADERS if name not in given]
            set_option(pycurl.HTTPHEADER, [*self._suppressed, *request.headers])

    def _set_method(self, method: bytes, body: bytes | None) -> None:
        set_option = self.handle.setopt
        set_option(pycurl.HTTPGET, 1)  # forgets the body and NOBODY of the request before
        if method == b"HEAD":
            set_option(pycurl.NOBODY, 1)
        elif body is not None or method in _METHODS_WITH_CONTENT:
            set_option(pycurl.POSTFIELDS, body or b"")
        set_option(pycurl.CUSTOMREQUEST, method)

    def forget_waiting(self) -> None:
        """Begin anew with the client's patience, for the next request."""
        self.hang_up_at_s = self.resume_at_s = None


def is_request_sent(slot: Slot) -> bool:
    """Return whether headers and body of the request under way were handed to the kernel."""
    body = slot.request.body if slot.request else None
    handle = slot.handle
    return bool(handle.getinfo(pycurl.REQUEST_SIZE)) and handle.getinfo(pycurl.SIZE_UPLOAD_T) >= len(body or b"")


def has_answer_begun(slot: Slot) -> bool:
    """Return whether the status line of the final answer arrived."""
    return bool(slot.handle.getinfo(pycurl.RESPONSE_CODE) >= 200)


def is_connect_error(code: int) -> bool:
    """Return whether libcurl's *code* says that there was nobody to send the request to."""
    return code in _CONNECT_ERRORS


def describe_error(handle: pycurl.Curl, code: int, message: str, *, timeout_s: float) -> str:
    """Return libcurl's error without what differs from request to request: ports, durations, byte counts."""
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return f"time-out: no complete answer in {timeout_s:g} s"
    text = _CONNECT_ERRORS.get(code) or _TRANSFER_ERRORS.get(code) or f"libcurl error {code}, {message}"
    os_error = handle.getinfo(pycurl.OS_ERRNO)
    return f"{text}: {os.strerror(os_error)}" if os_error else text
