"""What a request may be before anybody is known: how large and how slow."""

import asyncio
import time
from collections.abc import Callable, Mapping

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIB = 1024
FORM, JSON, FILE = 64 * KIB, 256 * KIB, 1024 * KIB  # bytes of a body, by what the address takes
FILES = ("/whatif", "/api/v1/whatif")
PIECE_SECONDS, BODY_SECONDS = 10.0, 30.0  # until the next piece of a body has come, and all of it
_LINGER_SECONDS, _LINGER_BYTES = 1.0, 4 * KIB * KIB  # read on so long, so that the refusal reaches who is still sending

Answer = Callable[[Request, int, str], Response]


def limit_body(path: str) -> int:
    """How many bytes the body of a request to this path may have."""
    if path in FILES:
        return FILE
    return JSON if path.startswith("/api/") else FORM


class LimitedBodies:
    """Refuses what is too large or too slow, before the application reads it; nothing more is kept of it."""

    def __init__(self, app: ASGIApp, answer: Answer, limit: Callable[[str], int] = limit_body) -> None:
        self._app, self._answer, self._limit = app, answer, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limit(scope["path"]))
        status = _check_head(scope, body.most)
        if status:
            await self._refuse(scope, body, send, status)
            return
        began = False

        async def forward(message: Message) -> None:
            nonlocal began
            if body.status and not began:
                return  # what the application makes of half a body is not told
            began = True
            await send(message)

        try:
            await self._app(scope, body.receive, forward)
        except Exception:
            if not body.status or began:
                raise
        if body.status and not began:
            await self._refuse(scope, body, send, body.status)

    async def _refuse(self, scope: Scope, body: "_Body", send: Send, status: int) -> None:
        answer = self._answer(Request(scope), status, str(status))
        headers = [*answer.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
        await body.drain()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Body:
    """A body as it comes: counted, and given up where it grows too large or comes too slowly (`status` says which)."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self.most = receive, most
        self._read, self._ends = 0, time.monotonic() + BODY_SECONDS
        self._complete = False
        self.status = 0

    async def receive(self) -> Message:
        """The next piece; `http.disconnect` once it was given up."""
        if self._complete:
            return await self._receive()  # waits for the browser to go
        if self.status:
            return {"type": "http.disconnect"}
        try:
            message = await asyncio.wait_for(self._receive(), min(PIECE_SECONDS, self._ends - time.monotonic()))
        except TimeoutError:
            self.status = 408
            return {"type": "http.disconnect"}
        self._read += len(message.get("body", b""))
        if self._read > self.most:
            self.status = 413
            return {"type": "http.disconnect"}
        self._complete = not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read on for a moment and keep nothing."""
        ends, left = time.monotonic() + _LINGER_SECONDS, _LINGER_BYTES
        while not self._complete and self.status != 408 and left > 0 and (wait := ends - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(self._receive(), wait)
            except TimeoutError:
                return
            left -= len(message.get("body", b""))
            self._complete = not message.get("more_body", False)


def _check_head(scope: Scope, most: int) -> int:
    """The status of what can be refused by its head alone; 0 for what may be read."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        return 400
    return 413 if len(length) > 12 or int(length) > most else 0
