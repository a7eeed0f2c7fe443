"""What the console counts, for Prometheus: by route, never by person or address."""

import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Histogram(
    "reentry_console_request_seconds",
    "Time to an answer by route template, method and status.",
    ("route", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5),
)
PUBLISHED = Counter(
    "reentry_console_actions_published_total", "Actions that Kafka has acknowledged, by action.", ("action",)
)
REDRIVEN = Counter(
    "reentry_console_dead_letters_redriven_total", "Dead letters sent again, by their reason.", ("reason",)
)
PROCESSED_UNTIL = Gauge(
    "reentry_console_processed_until_timestamp_seconds",
    "Alerts before this instant of the judged time are shown; 0: none has been processed yet.",
)
DATA_LATE = Gauge("reentry_console_data_late", "1 while alerts are processed up to an instant too long ago.")


class RequestTimes:
    """Measures every request up to the first byte of its answer."""

    def __init__(self, app: ASGIApp, requests: Histogram) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note how long it took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def measure(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unknown")
                self._requests.labels(route, scope["method"], message["status"]).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, measure)
