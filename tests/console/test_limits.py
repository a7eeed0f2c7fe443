"""What may be sent before anybody is known: a real console process under bodies, heads and connections without end."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from console.web.limits import FILE, FORM, JSON, limit_body
from console.web.server import HEAD_SECONDS, LONGEST_HEAD
from tests.conditions import until
from tests.console.served import Served, serving

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console on SQLite, reached over TCP."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


def head(path: str, more: str) -> bytes:
    """The head of a request that brings a body."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n\r\n".encode()


def pour(connection: socket.socket, piece: bytes, most: int) -> int:
    """Send until the other side has had enough; how many bytes that took."""
    sent = 0
    with suppress(OSError):
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize("path", ["/api/v1/alerts/x/acknowledge", "/login", "/api/v1/whatif", "/nothing"])
def test_a_body_of_400_megabytes_is_refused_by_its_head(served: Served, path: str) -> None:
    before = served.rss()
    with served.connect() as connection:
        connection.sendall(head(path, f"Content-Length: {400 * MIB}"))
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
        assert pour(connection, b" " * MIB, 400 * MIB) < 40 * MIB
    assert served.rss() - before < 30


@pytest.mark.parametrize("path", ["/api/v1/alerts/x/acknowledge", "/api/v1/whatif"])
def test_a_body_without_a_length_is_refused_as_it_grows(served: Served, path: str) -> None:
    before = served.rss()
    with served.connect() as connection:
        connection.sendall(head(path, "Transfer-Encoding: chunked"))
        sent = pour(connection, b"10000\r\n" + b" " * 0x10000 + b"\r\n", 2 * MIB)
        with suppress(OSError):
            assert connection.recv(100).startswith(b"HTTP/1.1 413")
        sent += pour(connection, b"10000\r\n" + b" " * 0x10000 + b"\r\n", 400 * MIB)
    assert sent < 40 * MIB
    assert served.rss() - before < 30


def test_a_deeply_nested_body_is_no_bug(served: Served) -> None:
    body = b"[" * 100_000 + b"]" * 100_000
    with served.connect() as connection:
        connection.sendall(head("/api/v1/alerts/x/acknowledge", f"Content-Length: {len(body)}") + body)
        status = int(connection.recv(100).split()[1])
    assert 400 <= status < 500


def test_half_open_requests_lock_nobody_out_and_are_dropped_in_seconds(served: Served) -> None:
    with ExitStack() as stack:
        half = []
        for _ in range(600):
            connection = stack.enter_context(served.connect())
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            half.append(connection)
        began = time.monotonic()
        assert served.get("/live") == 200
        assert served.get("/login") == 200
        assert time.monotonic() - began < 2

        def are_ended() -> bool:
            return not any(map(is_open, half))

        until(are_ended, seconds=HEAD_SECONDS + 5)


def test_a_head_that_comes_letter_by_letter_on_a_kept_connection_is_cut_off(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        with suppress(OSError):
            while is_open(connection) and time.monotonic() - began < 2 * HEAD_SECONDS:
                connection.sendall(b"G")
                time.sleep(0.2)
        assert time.monotonic() - began < HEAD_SECONDS + 3


def is_open(connection: socket.socket) -> bool:
    """Whether the other side still holds a connection on which it has nothing to say."""
    connection.setblocking(False)
    try:
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection.setblocking(True)


def test_a_head_without_end_is_refused(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nX: ")
        pour(connection, b"x" * 8192, 4 * LONGEST_HEAD)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")


def test_what_an_address_may_take() -> None:
    assert limit_body("/login") == FORM
    assert limit_body("/api/v1/alerts/x/acknowledge") == JSON
    assert limit_body("/whatif") == limit_body("/api/v1/whatif") == FILE
