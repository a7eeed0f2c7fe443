"""Open pages: each is told what it may see, goes on where it stopped, and ends with its session."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event, func, select

from console.auth.permissions import Scope
from console.auth.users import User
from console.live import change_feed
from console.live.change_feed import ChangeFeed, OpenPage, matches
from console.queue.filters import QueueFilters
from sinks.readmodel.changes import record_changes
from sinks.readmodel.tables import alert, change
from tests.console.conftest import firing

COUNTY = Scope("county", "COUNTY_JUSTICE-990102-01", "990102")
OFFICER = User("u", "nobody", COUNTY.role, COUNTY.agency, COUNTY.prefix, "nobody", None, keys=True)
OTHER = Scope("county", "COUNTY_JUSTICE-990103-01", "990103")


@pytest.fixture
async def hub(engine: Engine) -> AsyncIterator[ChangeFeed]:
    one = ChangeFeed(engine, 0.05, lambda tokens: dict.fromkeys(tokens, OFFICER))
    await one.start()
    yield one
    await one.stop()


def told(part: bytes) -> tuple[str, int, Any]:
    """The kind, number and data of one event."""
    lines = dict(line.split(": ", 1) for line in part.decode().strip().splitlines())
    return lines["event"], int(lines["id"]), orjson.loads(lines["data"])


async def listen(
    hub: ChangeFeed, scope: Scope, since: int | None = None, filters: QueueFilters | None = None
) -> AsyncIterator[tuple[str, int, Any]]:
    """The events of an open page, without heartbeats."""
    async for piece in hub.follow(OpenPage(scope, "nobody", filters or QueueFilters()), since):
        for part in piece.split(b"\n\n"):
            if part.startswith(b"event") and not part.startswith(b"event: beat"):
                yield told(part)


def touch(engine: Engine, *alert_ids: str, revision: int | None = None) -> None:
    """The sink has written these alerts."""
    with engine.begin() as connection:
        if revision is not None:
            connection.execute(alert.update().where(alert.c.alert_id.in_(alert_ids)).values(revision=revision))
        record_changes(connection, "alert", alert_ids)


def newest(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.max(change.c.number))).scalar_one())


async def test_a_change_reaches_the_page_that_may_see_it(hub: ChangeFeed, engine: Engine) -> None:
    ours, theirs = firing(engine, "990102"), firing(engine, "990103", rule="B04")
    page = listen(hub, COUNTY)
    task = asyncio.ensure_future(anext(page))
    await asyncio.sleep(0.1)
    touch(engine, theirs, ours)
    kind, number, data = await asyncio.wait_for(task, 5)
    assert (kind, data["alert_id"], number) == ("row", ours, newest(engine))
    assert set(data) == {"alert_id", "revision", "state", "severity"}


async def test_a_new_alert_is_counted_behind_the_pill(hub: ChangeFeed, engine: Engine) -> None:
    ours = firing(engine, "990102", severity="WARN")
    page, filtered = listen(hub, COUNTY), listen(hub, COUNTY, filters=QueueFilters(sev=frozenset({"CRIT"})))
    tasks = [asyncio.ensure_future(anext(one)) for one in (page, filtered)]
    await asyncio.sleep(0.1)
    touch(engine, ours, revision=1)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert (await asyncio.wait_for(anext(page), 5))[::2] == ("new", {"n": 1, "severity": "WARN"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(filtered), 0.3)


async def test_a_page_goes_on_where_it_stopped(hub: ChangeFeed, engine: Engine) -> None:
    before, ours = newest(engine), firing(engine, "990102")
    touch(engine, ours)
    await asyncio.sleep(0.3)
    kind, _, data = await asyncio.wait_for(anext(listen(hub, COUNTY, since=before)), 5)
    assert (kind, data["alert_id"]) == ("row", ours)


async def test_a_page_that_was_away_too_long_loads_again(
    hub: ChangeFeed, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = newest(engine)
    touch(engine, *[firing(engine, "990102")] * 20)
    await asyncio.sleep(0.3)
    monkeypatch.setattr(change_feed, "BUFFER", 10)
    kind, _, _ = await asyncio.wait_for(anext(listen(hub, COUNTY, since=before)), 5)
    assert kind == "reset"


async def test_a_lower_number_that_comes_later_is_not_missed(hub: ChangeFeed, engine: Engine) -> None:
    """On PostgreSQL two sinks take numbers side by side and may commit them the other way round."""
    first, second = firing(engine, "990102", rule="B04"), firing(engine, "990102", rule="B08")
    gap = newest(engine)
    page = listen(hub, COUNTY)
    task = asyncio.ensure_future(anext(page))
    await asyncio.sleep(0.1)
    with engine.begin() as connection:
        connection.execute(change.insert().values(number=gap + 2, kind="alert", key=first))
    assert (await asyncio.wait_for(task, 5))[2]["alert_id"] == first
    with engine.begin() as connection:
        connection.execute(change.insert().values(number=gap + 1, kind="alert", key=second))
    assert (await asyncio.wait_for(anext(page), 5))[2]["alert_id"] == second


async def test_a_page_that_does_not_read_is_ended_and_the_others_go_on(hub: ChangeFeed, engine: Engine) -> None:
    ours = firing(engine, "990102")
    slow = OpenPage(COUNTY, "nobody", QueueFilters(), asyncio.Queue(3))
    stream = hub.follow(slow, None)
    await anext(stream)
    page = listen(hub, COUNTY)
    task = asyncio.ensure_future(anext(page))
    for _ in range(6):
        touch(engine, ours)
        await asyncio.sleep(0.12)
    assert (await asyncio.wait_for(task, 5))[0] == "row"
    assert slow.queue.get_nowait() is None


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        (QueueFilters(), True),
        (QueueFilters(bucket="over"), True),
        (QueueFilters(bucket="soon"), False),
        (QueueFilters(view="mine"), False),
        (QueueFilters(view="snoozed"), False),
        (QueueFilters(town=frozenset({"990102"})), True),
        (QueueFilters(town=frozenset({"990103001"})), False),
        (QueueFilters(rule=frozenset({"A01"})), False),
        (QueueFilters(wait=frozenset({"county"})), True),
        (QueueFilters(kind=frozenset({"D"})), False),
    ],
)
def test_a_new_row_counts_only_where_the_filters_let_it_in(engine: Engine, filters: QueueFilters, fits: bool) -> None:
    with engine.connect() as connection:
        row: Any = dict(
            connection.execute(select(alert).where(alert.c.alert_id == firing(engine, "990102", rule="B04")))
            .mappings()
            .one()
        )
    assert matches(filters, "nobody", COUNTY, row) == fits
    assert not OTHER.sees(row)


async def test_a_reading_under_way_gives_its_connection_back_before_the_end(engine: Engine) -> None:
    taken, may_go_on = threading.Event(), threading.Event()

    def held(*_: object) -> None:
        taken.set()
        assert may_go_on.wait(10)

    hub = ChangeFeed(engine, 0.01, lambda tokens: dict.fromkeys(tokens, OFFICER))
    await hub.start()
    event.listen(engine, "checkout", held)
    assert await asyncio.to_thread(taken.wait, 5)
    ending = asyncio.ensure_future(hub.stop())
    assert not (await asyncio.wait({ending}, timeout=0.1))[0]
    may_go_on.set()
    await asyncio.wait_for(ending, 5)
    assert "Current Checked out connections: 0" in engine.pool.status()
