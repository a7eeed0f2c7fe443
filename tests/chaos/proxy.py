"""A wire between a worker and a broker that can be cut: what is on its way then waits, as on a network that drops packets."""

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from cli.stack.ports import free_ports

CHUNK = 65_536


class Wire:
    """Forwards one port of loopback to another."""

    def __init__(self) -> None:
        """Choose both ports; nothing listens yet."""
        self.entrance, self.exit = free_ports(2)
        self._whole = asyncio.Event()
        self._whole.set()
        self._conversations: set[asyncio.Task[None]] = set()

    async def open(self) -> asyncio.Server:
        return await asyncio.start_server(self._converse, "127.0.0.1", self.entrance)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def hang_up(self) -> None:
        for task in self._conversations:
            task.cancel()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            await self._whole.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.exit)
            ways = [asyncio.ensure_future(self._carry(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                far_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # the broker is down, or we stop: the client sees its connection close
        finally:
            self._conversations.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._whole.wait()
                writer.write(chunk)
                await writer.drain()


class Wires:
    """All wires, in a thread with a loop of its own."""

    def __init__(self, wires: Iterable[Wire]) -> None:
        self._wires = list(wires)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._servers: list[asyncio.Server] = []

    def cut(self, wires: Iterable[Wire]) -> None:
        for wire in wires:
            self._loop.call_soon_threadsafe(wire.cut)

    def mend(self, wires: Iterable[Wire]) -> None:
        for wire in wires:
            self._loop.call_soon_threadsafe(wire.mend)

    async def _open(self) -> None:
        self._servers = [await wire.open() for wire in self._wires]

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for wire in self._wires:
            wire.mend()
            wire.hang_up()
        await asyncio.sleep(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
