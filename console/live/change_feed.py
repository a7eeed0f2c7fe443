"""What changed, as it changes: one reader of the change sequence for all open pages, each told only what it may see."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import orjson
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from console.auth.permissions import Scope
from console.auth.users import User
from console.db.reading import columns_of, read_all
from console.queue.filters import KINDS, WAITS, QueueFilters
from console.web.config import real_time
from schemas.instants import in_china
from sinks.readmodel.sealing import is_sealed
from sinks.readmodel.tables import alert, change

log = logging.getLogger(__name__)

BUFFER = 5_000  # changes that a page may have missed; more, and it is told to load again
_OVERLAP, _SEEN = 200, 2_000  # on PostgreSQL a lower number may be committed after a higher one
_QUEUE, _KEYS = 1_000, 500
BEAT_SECONDS = 5.0
_STOP_SECONDS = 15.0
_KIND_OF = {code: name for name, codes in KINDS.items() for code in codes}


class ChangedColumns(TypedDict):
    """What says which open pages an alert concerns, and what they are told of it."""

    alert_id: str
    revision: int
    state: str
    severity: str
    rule_id: str
    owner_agency: str
    jurisdiction: str
    step: int
    handover_kind: str
    acknowledged_by: str | None
    assigned_to: str | None
    held: bool
    contest: str | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class ChangedAlert:
    """An alert that changed, with the number of its change."""

    number: int
    row: ChangedColumns
    sealed: bool = False  # the file of its person


@dataclass(eq=False, slots=True)
class OpenPage:
    """An open page: what it may see, what it shows."""

    scope: Scope
    staff: str
    filters: QueueFilters
    queue: asyncio.Queue[ChangedAlert | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    new: int = 0  # new rows that it has been told of
    token: str = ""  # of the session that opened it
    dated: Callable[[], Mapping[str, Any]] = dict  # how far alerts are processed, in its language
    beats_only: bool = False  # it lists nothing: it is told how far alerts are processed, and nothing else

    def end(self) -> None:
        """Tell it nothing more; its browser connects again and is told what it may know."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


FindLiving = Callable[
    [Collection[str]], Mapping[str, User]
]  # of tokens: the users whose session lives, as they are now


class ChangeFeed:
    """Reads changes and hands them to open pages, as long as their sessions live and their users see what they saw."""

    def __init__(self, engine: Engine, poll_seconds: float, living: FindLiving) -> None:
        self._engine, self._poll, self._living = engine, poll_seconds, living
        self._pages: set[OpenPage] = set()
        self._seen: deque[int] = deque(maxlen=_SEEN)
        self._last: int | None = None  # not known while the database is away
        self._away = ""  # since when the database does not answer, as people read it
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with what comes from now on."""
        with contextlib.suppress(SQLAlchemyError):  # the reader finds out by itself when the database is there
            self._last = await run_in_threadpool(self._find_newest)
        self._task = asyncio.create_task(self._run())

    def is_alive(self) -> bool:
        """Whether changes are read."""
        return self._task is not None and not self._task.done()

    async def stop(self) -> None:
        """End once a reading that is under way has given its connection back, and end all open pages."""
        self._ending.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, _STOP_SECONDS)
        for page in self._pages:
            _send(page, None)

    async def follow(self, page: OpenPage, since: int | None) -> AsyncIterator[bytes]:
        """The stream of one page, as server-sent events; from `since` on, or `reset` where that is too long ago."""
        self._pages.add(page)
        try:
            yield b"retry: 3000\n\n"
            told = await self._read_missed(since)
            if None in told:
                yield encode_event("reset", {}, self._last or 0)
                told = []
            beat_at = time.monotonic() + BEAT_SECONDS
            while True:
                if parts := self._encode(page, told):
                    yield parts
                try:
                    told = await asyncio.wait_for(_take_all(page.queue), max(0.0, beat_at - time.monotonic()))
                except TimeoutError:
                    told, beat_at = [], time.monotonic() + BEAT_SECONDS
                    yield self._beat(page)
                if None in told:
                    return
        finally:
            self._pages.discard(page)

    def _beat(self, page: OpenPage) -> bytes:
        """What a page is told every few seconds, whether anything changes or not."""
        return encode_event("beat", {"away": self._away, "data": page.dated()}, self._last or 0)

    def _encode(self, page: OpenPage, told: Sequence[ChangedAlert | None]) -> bytes:
        """All that a page may know of some changes, as one piece: fifty open pages cost little."""
        parts = []
        for one in told:
            if one is not None and page.scope.is_sealed_from(one.row, sealed=one.sealed):
                continue
            if one is None or page.beats_only or not page.scope.sees(one.row):
                continue
            row = one.row
            told_of = {
                "alert_id": row["alert_id"],
                "revision": row["revision"],
                "state": row["state"],
                "severity": row["severity"],
            }
            parts.append(encode_event("row", told_of, one.number))
            if row["state"] == "firing" and row["revision"] == 1 and matches(page.filters, page.staff, page.scope, row):
                page.new += 1
                parts.append(encode_event("new", {"n": page.new, "severity": row["severity"]}, one.number))
        return b"".join(parts)

    async def _read_missed(self, since: int | None) -> Sequence[ChangedAlert | None]:
        if since is None or self._last is None or since >= self._last:
            return []
        if since < self._last - BUFFER:
            return [None]
        return await run_in_threadpool(self._read, since, self._last)

    async def _run(self) -> None:
        while not await self._rest():
            try:
                await self._end_revoked()
                found = await run_in_threadpool(self._read_on)
                self._away = ""
            except SQLAlchemyError as error:
                if not self._away:
                    log.warning("live pages wait: %s", type(error).__name__)
                    self._away = f"{in_china(real_time()):%H:%M}"
                continue
            for one in found:
                for page in list(self._pages):
                    _send(page, one)

    async def _end_revoked(self) -> None:
        """End pages whose session has ended, or whose user sees something else by now: before each reading, so no row reaches them."""
        pages = list(self._pages)
        if not pages:
            return
        users = await run_in_threadpool(self._living, {page.token for page in pages})
        for page in pages:
            user = users.get(page.token)
            same = user is not None and replace(user.scope, audience=page.scope.audience) == page.scope
            if user is None or not same or user.staff != page.staff:
                page.end()

    async def _rest(self) -> bool:
        """Rest between two readings, or as long as it takes to be told to end."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._ending.wait(), self._poll)
        return False

    def _find_newest(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.max(change.c.number))).scalar() or 0)

    def _read_on(self) -> Sequence[ChangedAlert]:
        if self._last is None:
            self._last = self._find_newest()
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(change.c.number, change.c.kind, change.c.key)
                .where(change.c.number > self._last - (_OVERLAP if self._seen else 0))
                .order_by(change.c.number)
            )
            known = set(self._seen)
            fresh = [row for row in rows if row.number not in known]
            for row in fresh:
                self._seen.append(row.number)
                self._last = max(self._last, row.number)
            return list(_read_alerts(connection, [(row.number, row.key) for row in fresh if row.kind == "alert"]))

    def _read(self, since: int, until: int) -> Sequence[ChangedAlert]:
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(change.c.number, change.c.key)
                .where(change.c.number > since, change.c.number <= until, change.c.kind == "alert")
                .order_by(change.c.number)
            )
            return list(_read_alerts(connection, [(row.number, row.key) for row in rows]))


def _read_alerts(connection: Connection, changes: Sequence[tuple[int, str]]) -> Iterable[ChangedAlert]:
    """Each alert once, with its newest number."""
    numbers = {key: number for number, key in changes}
    keys = list(numbers)
    for start in range(0, len(keys), _KEYS):
        of_keys = alert.c.alert_id.in_(keys[start : start + _KEYS])
        wanted = select(*columns_of(alert, ChangedColumns)).where(of_keys)
        sealed = set(connection.execute(select(alert.c.alert_id).where(of_keys, is_sealed(alert.c.subject))).scalars())
        for row in read_all(connection, wanted, ChangedColumns):
            yield ChangedAlert(numbers[row["alert_id"]], row, sealed=row["alert_id"] in sealed)


async def _take_all(queue: asyncio.Queue[ChangedAlert | None]) -> list[ChangedAlert | None]:
    """What waits in a queue; where nothing does, the next."""
    found = [await queue.get()]
    while not queue.empty():
        found.append(queue.get_nowait())
    return found


def _send(page: OpenPage, one: ChangedAlert | None) -> None:
    """A page that does not read any more is ended; its browser connects again and is told what it missed."""
    try:
        page.queue.put_nowait(one)
    except asyncio.QueueFull:
        page.end()


def encode_event(kind: str, data: Mapping[str, Any], number: int) -> bytes:
    """One server-sent event."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (kind.encode(), number, orjson.dumps(data))


_WAIT_OF = {kind: name for name, kinds in WAITS.items() for kind in kinds}


def matches(filters: QueueFilters, staff: str, scope: Scope, row: ChangedColumns) -> bool:
    """Whether a firing alert belongs on a page with these filters."""
    if filters.view == "snoozed" or filters.bucket not in ("", "over", "first"):
        return False
    if filters.view == "mine" and staff not in (row["assigned_to"], row["acknowledged_by"]):
        return False
    chosen = (
        (filters.sev, row["severity"]),
        (filters.kind, _KIND_OF.get(row["handover_kind"], "")),
        (filters.wait, _WAIT_OF.get(row["owner_agency"].partition("-")[0], "other")),
        (filters.rule, row["rule_id"]),
    )
    if any(wanted and value not in wanted for wanted, value in chosen):
        return False
    return not filters.town or any(row["jurisdiction"].startswith(code) for code in filters.town)
