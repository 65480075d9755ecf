"""Connections that are held open, against a real server on loopback."""

import socket
import time
from contextlib import contextmanager

from pytest_goleak.session.held import HeldConnections, HoldingDriver, WatchedSource, affordable_connections
from pytest_goleak.target.address import Address
from tests.measure.fakes import FakeClock, FakeDriver, FakeSource
from tests.session.test_compare import _job


@contextmanager
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(True)
        server.settimeout(5)
        yield server, Address(host="127.0.0.1", port=server.getsockname()[1])


def until(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_connections_grow_with_the_requests_and_end_with_the_holder():
    with listening() as (server, address), HeldConnections(address) as held:
        driver = HoldingDriver(FakeDriver(FakeClock()), held, per_request=0.5)
        driver.run(_job(requests=5))
        assert len(held) == 2
        driver.run(_job(requests=5))
        assert len(held) == 5
        accepted = [server.accept()[0] for _ in range(5)]
        held.close()
        assert len(held) == 0
        for connection in accepted:
            assert connection.recv(1) == b""
            connection.close()


def test_connections_of_a_unix_socket(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with HeldConnections(Address(host="x", port=80, socket=path)) as held:
            held.grow_to(3)
            assert len(held) == 3


def test_more_than_the_limit_is_not_opened():
    with listening() as (_server, address), HeldConnections(address, limit=2) as held:
        held.grow_to(2)
        assert not held.is_capped
        held.grow_to(3)
        assert (len(held), held.is_capped) == (2, True)


def test_what_the_service_closes_is_replaced_and_counted():
    with listening() as (server, address), HeldConnections(address) as held:
        held.grow_to(2)
        first = server.accept()[0]
        first.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        first.close()
        until(lambda: held.renew() or held.closed_by_service)
        assert (len(held), held.closed_by_service) == (2, 1)
        assert held.renew() == 0


def test_a_greeting_does_not_end_a_connection():
    with listening() as (server, address), HeldConnections(address) as held:
        held.grow_to(1)
        with server.accept()[0] as connection:
            connection.sendall(b"hello")
            time.sleep(0.01)
            assert held.renew() == 0


def test_a_refusal_is_remembered():
    with listening() as (_server, address):
        pass
    with HeldConnections(address) as held:
        held.grow_to(3)
        assert len(held) == 0
        assert "refused" in held.refusal


def test_the_source_counts_what_the_plant_did():
    clock = FakeClock()
    with listening() as (_server, address), HeldConnections(address) as held:
        watched = WatchedSource(FakeSource(clock, [(0, 0, 7), (0, 0, 7), (0, 0, 11)]), held)
        watched.observe()
        held.grow_to(4)
        watched.observe()
        assert watched.planted == (4, 4)
        assert watched.proven_leaks() is None


def test_some_descriptors_are_left_to_others():
    assert 0 <= affordable_connections() <= 4000
