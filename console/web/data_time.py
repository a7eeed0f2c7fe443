"""How far alerts are processed, read once for pages, open pages, answers of the API and probes alike."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.metrics import DATA_LATE, PROCESSED_UNTIL
from schemas.instants import show
from sinks.readmodel.data_time import Age, DataTime, data_time_at
from sinks.readmodel.watermarks import Watermark, read_watermark

KEPT_SECONDS = 1.0


class DataTimeCache:
    """The watermark as it was read a second ago at most, seen from now."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], age: Age, limit: timedelta) -> None:
        """`limit`: in wall time, as `age`; longer ago is late."""
        self._engine, self._now, self._age, self._limit = engine, now, age, limit
        self._lock = threading.Lock()
        self._watermark: Watermark | None = None
        self._read_at = float("-inf")  # of the monotonic clock

    def read(self) -> DataTime:
        """Up to when it is. Raise SQLAlchemyError."""
        if time.monotonic() - self._read_at > KEPT_SECONDS:
            with self._engine.connect() as connection:
                return self.refresh(connection)
        return self.last()

    def refresh(self, connection: Connection) -> DataTime:
        """Read it anew. Raise SQLAlchemyError."""
        watermark = read_watermark(connection)
        with self._lock:
            self._watermark, self._read_at = watermark, time.monotonic()
        found = self.last()
        PROCESSED_UNTIL.set(watermark.processed_until.timestamp() if watermark is not None else 0)
        DATA_LATE.set(found.is_late)
        return found

    def last(self) -> DataTime:
        """What was read last, without asking the database: it grows late by itself where nothing new can be read."""
        return data_time_at(self._watermark, self._now(), self._age, self._limit)


class DataTimeHeaders:
    """Says in the headers of every answer of the API up to when alerts are processed, and whether that is too long ago."""

    def __init__(self, app: ASGIApp, processed: DataTimeCache) -> None:
        self._app, self._processed = app, processed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the database is not asked."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found, headers = self._processed.last(), MutableHeaders(scope=message)
                if found.processed_until is not None:
                    headers["X-Data-Time"] = show(found.processed_until)
                headers["X-Data-Late"] = "true" if found.is_late else "false"
            await send(message)

        await self._app(scope, receive, add_headers)
