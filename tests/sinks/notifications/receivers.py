"""Receivers on loopback that are real: a mail server and a web server that note what they were given, and refuse when told to."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from cli.stack.ports import free_ports


@dataclass
class Mailbox:
    """What the mail server has taken. `answers`: what it says to recipients instead of 250; `hold`: asked before each answer to DATA."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        if self.hold is not None:
            await server.loop.run_in_executor(None, self.hold.wait)
        return "250 OK"

    def ids(self) -> list[str]:
        """Message-IDs in the order of arrival."""
        return [str(one["Message-ID"]) for one in self.mails]

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [one for one in self.mails if one["To"] == address]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """A part of a mail."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


class _Controller(Controller):
    def factory(self) -> Any:
        return SMTP(self.handler, hostname="mail.example.org", enable_SMTPUTF8=True)


@contextmanager
def serve_mail(port: int = 0) -> Iterator[Mailbox]:
    """A mail server; on the given port, so that it can come back."""
    box = Mailbox(port or free_ports(1)[0])
    controller = _Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        if box.hold is not None:
            box.hold.set()
        controller.stop()


@dataclass
class Posted:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Hook:
    """What the web server was given. `answers`: statuses that it gives next, 204 after them."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def serve_hook() -> Iterator[Hook]:
    """A web server that takes posts."""
    hook = Hook()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append(Posted(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(hook.answers.pop(0) if hook.answers else 204)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/notices"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
