"""The web server's own limits: heads that come slowly, heads that are long, connections that only wait."""

import asyncio
import resource
from collections.abc import Callable
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 5.0  # until the head of a request has come whole
KEEP_SECONDS = 15  # that a connection may wait for its next request
LONGEST_HEAD = 32 * 1024  # bytes
MOST_UNREAD = 200  # connections whose head has not come; the oldest gives way to the next one
MOST_CONNECTIONS = 4_000
_SPARE_FILES = 100


class Guarded(H11Protocol):
    """Ends a connection whose head does not come in time, and the oldest such one where there are too many."""

    unread: ClassVar[dict["Guarded", None]] = {}  # of the process, in the order in which they came

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first head is awaited."""
        super().connection_made(transport)
        self._awaited: asyncio.TimerHandle | None = None
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A piece of a head or a body; a head that begins on a connection that was kept is awaited like the first."""
        super().data_received(data)
        if self._reads_body():
            self._arrived()
        elif self._awaited is None and self.conn.trailing_data[0]:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of a connection."""
        self._arrived()
        super().connection_lost(exc)

    def _reads_body(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _await_head(self) -> None:
        if len(self.unread) >= MOST_UNREAD:
            next(iter(self.unread)).give_up()
        self.unread[self] = None
        self._awaited = self.loop.call_later(HEAD_SECONDS, self.give_up)

    def _arrived(self) -> None:
        self.unread.pop(self, None)
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def give_up(self) -> None:
        """End the connection, whatever has come of its head."""
        self._arrived()
        self.transport.abort()


def serve(app: ASGIApp, host: str, port: int, **more: Any) -> None:
    """Serve until a signal ends it."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Guarded,
        ws="none",
        limit_concurrency=min(MOST_CONNECTIONS, _open_files() - _SPARE_FILES),
        timeout_keep_alive=KEEP_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        log_config=None,  # its lines go where those of the process go
        log_level="warning",
        access_log=False,
        server_header=False,
        **more,
    )


def _open_files(limits: Callable[[int], tuple[int, int]] = resource.getrlimit) -> int:
    """How many files the process may hold open; as many as it may ask for."""
    soft, hard = limits(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _SPARE_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
