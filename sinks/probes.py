"""What a sink process says of itself over HTTP: /live, /ready, /metrics. Answered from memory, whatever the database does."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sinks.health import Health

JSON = "application/json"
SILENT_SECONDS = 5  # a client that says nothing is let go


def serve(health: Health, host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread of its own until `shutdown`. Raise OSError where the port is taken."""

    class Answer(BaseHTTPRequestHandler):
        timeout = SILENT_SECONDS

        def do_GET(self) -> None:
            status, kind, body = _answer(health, self.path.partition("?")[0])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # as the class names it
            """Say nothing: probes come every few seconds."""

    server = ThreadingHTTPServer((host, port), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
    return server


def _answer(health: Health, path: str) -> tuple[HTTPStatus, str, bytes]:
    if path == "/metrics":
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/live":
        live = health.is_live()
        return _status_of(live), JSON, orjson.dumps({"live": live})
    if path == "/ready":
        lacks = health.lacks()
        return _status_of(not lacks), JSON, orjson.dumps({"ready": not lacks, "lacks": lacks})
    return HTTPStatus.NOT_FOUND, JSON, orjson.dumps({"paths": ["/live", "/ready", "/metrics"]})


def _status_of(is_good: bool) -> HTTPStatus:
    return HTTPStatus.OK if is_good else HTTPStatus.SERVICE_UNAVAILABLE
