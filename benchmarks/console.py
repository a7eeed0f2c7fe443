"""What the console promises of its speed, measured on a console process, a real PostgreSQL with 100,000 open alerts, Kafka and Chromium."""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page
from sqlalchemy import Engine, text

from benchmarks.city import made, some_open
from cli.stack.kafka import Broker
from cli.stack.postgres import Postgres
from console.accounts.demo_users import DEMO_PASSWORD
from schemas.topics import RELEASE
from sinks.readmodel.changes import record_changes
from tests.browser.chromium import chromium
from tests.browser.conftest import Living
from tests.browser.logins import log_in
from tests.browser.serving import console_of
from tests.browser.told import RULE, release
from tests.integration.pipeline import Pipeline, pipeline

_READS, _ACTIONS, _RELEASES, _PAINTS = 60, 60, 30, 5
_PAGES, _CHANGES_PER_SECOND, _SECONDS = 50, 100, 15
_PILL_SAYS = "+(document.querySelector('#pill span').textContent.match(/\\d+/) || [0])[0]"
_FILTERS = ("sev=WARN", "state=open", "kind=B", "wait=town", "sev=CRIT&sev=HIGH", "bucket=over", "bucket=soon")


@dataclass(frozen=True)
class Bench:
    """A console process on the filled read model, beside a worker and a sink."""

    url: str
    port: int
    engine: Engine
    running: Pipeline
    pid: int
    database_pid: int

    def cpu_seconds(self) -> float:
        """What the console's process has used of the processors so far."""
        return _used(self.pid)[1]

    @contextmanager
    def processor(self, times: int) -> Iterator[None]:
        """Print what console and database used of the processors for each of so many requests: on a busy machine the better figure."""
        before = self.cpu_seconds() + _family(self.database_pid)
        yield
        used = self.cpu_seconds() + _family(self.database_pid) - before
        print(f"  {used / times * 1000:.0f} ms of processor time each, console and database", flush=True)


def _used(pid: int) -> tuple[int, float]:
    """A process's parent, and the processor seconds it and its ended children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> float:
    """The same for a process and its living children."""
    found = _used(pid)[1]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent, used = _used(int(folder.name))
            found += used if parent == pid else 0.0
    return found


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Start all of it and fill the read model: a few minutes."""
    with Postgres() as server, Broker(folder / "kafka") as broker:
        began = time.monotonic()
        engine = made(server.url)
        print(f"  filled in {time.monotonic() - began:.0f} s", flush=True)
        with pipeline(broker.bootstrap, "bench.", folder, REENTRY_DATABASE_URL=server.url) as running:
            running.start("sink")
            running.start("worker")
            url, started = console_of(running)
            assert server.process is not None
            yield Bench(url, int(url.rpartition(":")[2]), engine, running, started.pid, server.process.pid)
        engine.dispose()


class Client:
    """A browser's requests without the browser: one connection, cookies, gzip."""

    def __init__(self, port: int, login: str) -> None:
        self._connection, self._cookies = HTTPConnection("127.0.0.1", port, timeout=60), dict[str, str]()
        token = re.search(rb'name="login_token" value="([^"]+)"', self.send("GET", "/login", packed=False)[1])
        assert token is not None
        fields = {"u": login, "p": DEMO_PASSWORD, "login_token": token[1].decode(), "next": "/settings"}
        assert self.send("POST", "/login", fields)[0] == 303

    def send(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *, packed: bool = True
    ) -> tuple[int, bytes, float]:
        """Status, body as it came over the wire, seconds."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers |= {"Accept-Encoding": "gzip"} if packed else {}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        began = time.perf_counter()
        self._connection.request(method, path, urlencode(fields) if fields else None, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - began
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, body, took

    @property
    def cookie(self) -> str:
        """What a browser would send."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def queue_page(of: Bench) -> float:
    """The city's queue of 100,000 and a county's of 5,000, first pages and those after, in turn."""
    took = []
    for login in ("city", "county"):
        client = Client(of.port, login)
        client.send("GET", "/today")  # the process is warm
        path = "/today"
        with of.processor(_READS // 2):
            for _ in range(_READS // 2):
                status, body, seconds = client.send("GET", path, packed=False)
                assert status == 200
                took.append(seconds)
                found = re.search(rb'href="(/today\?after=[^"]+)"', body)
                path = found[1].decode().replace("&amp;", "&") if found else "/today"
    return _p95(took)


def bytes_over_the_wire(of: Bench) -> float:
    """Everything that a browser loads for a queue page with 50 rows and nothing kept: page, style, scripts, mark."""
    client = Client(of.port, "city")
    _, page, _ = client.send("GET", "/today", packed=False)
    assert page.count(b'<tr class="d') == 50
    files = sorted(set(re.findall(rb'(?:src|href)="(/static/[^"]+)"', page)))
    return sum(len(client.send("GET", path)[1]) for path in ("/today", *(one.decode() for one in files))) / 1000


def filter_change(of: Bench) -> float:
    """The city's queue with another filter each time."""
    client = Client(of.port, "city")
    client.send("GET", "/today")
    with of.processor(_READS):
        return _p95([client.send("GET", f"/today?{_FILTERS[number % len(_FILTERS)]}")[2] for number in range(_READS)])


def action(of: Bench) -> float:
    """An acknowledgement of an alert of the county: from the press to the answer."""
    client = Client(of.port, "county")
    took = []
    _, page, _ = client.send("GET", "/settings", packed=False)
    token = re.search(rb'name="csrf" value="([^"]+)"', page)
    assert token is not None
    ids = some_open(of.engine, "990102", _ACTIONS)
    with of.processor(len(ids)):
        for number, alert_id in enumerate(ids):
            fields = {"csrf": token[1].decode(), "key": f"bench-{number}"}
            status, _, seconds = client.send("POST", f"/alerts/{alert_id}/acknowledge", fields)
            assert status == 303
            took.append(seconds)
    return _p95(took)


def live_pages(of: Bench) -> float:
    """Cores that the console's process uses while 50 pages of the city are told of 100 changes a second."""
    cookie, ids = Client(of.port, "city").cookie, some_open(of.engine, "9901", _CHANGES_PER_SECOND * _SECONDS)
    return asyncio.run(_followed(of, cookie, ids))


async def _followed(of: Bench, cookie: str, ids: Sequence[str]) -> float:
    listening = [asyncio.create_task(_listen(of.port, cookie, len(ids))) for _ in range(_PAGES)]
    await asyncio.sleep(2)
    before, began = of.cpu_seconds(), time.monotonic()
    for second in range(_SECONDS):
        await asyncio.to_thread(_change, of.engine, ids[second * _CHANGES_PER_SECOND :][:_CHANGES_PER_SECOND])
        await asyncio.sleep(max(0.0, began + second + 1 - time.monotonic()))
    async with asyncio.timeout(120):
        await asyncio.gather(*listening)
    return (of.cpu_seconds() - before) / _SECONDS


async def _listen(port: int, cookie: str, wanted: int) -> None:
    """Follow an open page's stream until it has been told of so many rows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    while wanted:
        wanted -= (await reader.readline()).startswith(b"event: row")
    writer.close()


def _change(engine: Engine, ids: Sequence[str]) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE alert SET revision = revision + 1 WHERE alert_id = ANY(:ids)"), {"ids": list(ids)}
        )
        record_changes(connection, "alert", ids)


def first_paint(of: Bench) -> float:
    """The city's queue in Chromium with nothing kept: from the request to the first content painted."""
    took = []
    with chromium() as browser:
        kept = browser.new_context()
        log_in(kept.new_page(), of.url, "city")
        state = kept.storage_state()
        for _ in range(_PAINTS):
            context = browser.new_context(storage_state=state)
            page = context.new_page()
            page.goto(f"{of.url}/today")
            took.append(_painted(page))
            context.close()
    return sorted(took)[len(took) // 2]


def _painted(page: Page) -> float:
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")) / 1000


def event_to_page(of: Bench) -> float:
    """A release with an unanswered notice, published to Kafka: until the open page of the county's queue shows its pill."""
    living, seen = Living(of.url, of.running), dict[str, float]()
    with chromium() as browser:
        page = browser.new_page()
        log_in(page, of.url, "county")
        page.goto(f"{of.url}/today?rule={RULE}")
        page.locator("#live:not(.off)").wait_for(state="attached")
        for number in range(_RELEASES):
            person = "p1_" + "".join("abcdefghij"[int(one)] for one in f"{number:02}").ljust(26, "v")
            release(living, person)
            _until_pill_says(page, number + 1)
            seen[person] = time.time()
    stands = {
        record.key.decode(): record.timestamp / 1000 for record in of.running.records(RELEASE)
    }  # the notice is the last
    return _p95([at - stands[person] for person, at in seen.items()])


def _until_pill_says(page: Page, count: int) -> None:
    """Asked from outside: the page's policy forbids to poll in it."""
    end = time.monotonic() + 60
    while int(page.evaluate(_PILL_SAYS)) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"the pill does not say {count} within a minute")
        time.sleep(0.02)


FIGURES: Mapping[str, tuple[Callable[[Bench], float], str, float]] = {
    "console: queue page at 100,000 open alerts, p95": (queue_page, "s", 0.2),
    "console: queue page with 50 rows over the wire, all files": (bytes_over_the_wire, "kB", 100),
    "console: change of a filter at 100,000 open alerts, p95": (filter_change, "s", 0.15),
    "console: acknowledge, to its answer, p95": (action, "s", 0.2),
    "console: 50 live pages at 100 changes a second": (live_pages, "cores", 1.0),
    "console: first paint of the queue in Chromium, median": (first_paint, "s", 1.0),
    "console: event on Kafka to an open page, p95": (event_to_page, "s", 2.0),
}


def measured(folder: Path, wanted: str) -> Iterator[tuple[str, float, str, float]]:
    """Name, figure, unit and what was promised, for the figures whose name holds `wanted`."""
    chosen = {name: one for name, one in FIGURES.items() if wanted in name}
    if chosen:
        with bench(folder) as of:
            for name, (measure, unit, most) in chosen.items():
                yield name, measure(of), unit, most
