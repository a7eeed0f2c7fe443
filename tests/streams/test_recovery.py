"""What a worker knows after a rebalance: nothing of an earlier ownership, and everything that stands in the changelog."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.types import TP

from brokers.connection import KafkaConnection
from streams.app import WorkerConfig, create_app
from streams.engine.recovery import BatchRecovery, Incomplete
from tests.fuzz.loop import Record

CHANGES = TP("reentry.case.v1", 0)


@pytest.fixture
def recovery(tmp_path: Path) -> BatchRecovery:
    """Of a worker that is about to become the owner of one partition."""
    tables = create_app(WorkerConfig(KafkaConnection("127.0.0.1:1"), tmp_path)).tables
    one: BatchRecovery = tables.recovery
    one.add_active(tables["cases"], CHANGES)
    one.active_highwaters[CHANGES] = 2
    return one


def change(offset: int) -> Record:
    return Record(CHANGES.topic, CHANGES.partition, offset, 0, b"p1_%d" % offset, b"{}", (("epoch", b"1"),))


def test_a_recovery_ends_when_the_end_has_been_read(recovery: BatchRecovery) -> None:
    recovery._set_recovery_started()
    assert recovery.take(CHANGES, [change(0), change(1)])
    assert (recovery.in_recovery, recovery.signal_recovery_end.is_set()) == (True, False)
    assert not recovery.take(CHANGES, [change(1)])
    recovery.close_gap(CHANGES, 3)
    assert (recovery.in_recovery, recovery.signal_recovery_end.is_set()) == (False, True)


def test_the_end_of_one_recovery_is_not_the_end_of_the_next(recovery: BatchRecovery) -> None:
    recovery._set_recovery_started()
    recovery.take(CHANGES, [change(2)])
    recovery._set_recovery_started()
    assert not recovery.signal_recovery_end.is_set()


def test_an_earlier_ownership_is_forgotten(recovery: BatchRecovery) -> None:
    recovery.take(CHANGES, [change(2)])
    [table] = recovery.tables.values()
    store: Any = table.data
    # Faust's own numbers stay where another rebalance overtakes this one.
    asyncio.run(store.on_rebalance(set(), {CHANGES}, set()))
    recovery.add_active(table, CHANGES)
    assert recovery.active_offsets[CHANGES] == -1


def test_nobody_goes_on_with_half_a_table(recovery: BatchRecovery) -> None:
    recovery.take(CHANGES, [change(0), change(1)])
    with pytest.raises(Incomplete, match="up to 1 of 2 only"):
        asyncio.run(recovery.on_recovery_completed(recovery.app.consumer_generation_id))


@pytest.fixture
async def begun(tmp_path: Path) -> BatchRecovery:
    """Of a worker in the loop of its test."""
    one: BatchRecovery = create_app(WorkerConfig(KafkaConnection("127.0.0.1:1"), tmp_path)).tables.recovery
    return one


async def test_a_recovery_begins_anew_where_brokers_take_too_long(begun: BatchRecovery) -> None:
    with pytest.raises(RebalanceAgain):
        await begun._wait(asyncio.sleep(60), timeout=0.01)
    assert begun.signal_recovery_start.is_set()


async def test_a_recovery_ends_with_its_worker(begun: BatchRecovery) -> None:
    begun._stopped.set()
    with pytest.raises(ServiceStopped):
        await begun._wait(asyncio.sleep(60), timeout=0.01)
    assert not begun.signal_recovery_start.is_set()


async def test_the_task_of_recoveries_outlives_brokers_that_take_too_long(
    begun: BatchRecovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop of Faust itself: what it waited for too long is asked again, and then it goes on."""
    asked: list[str] = []
    patient = begun.wait_first

    async def impatient(*coros: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109  # as it is
        return await patient(*coros, timeout=None if timeout is None else 0.01)

    async def answers_the_second_time(*_: Any) -> None:
        asked.append("highwaters")
        if len(asked) == 1:
            await asyncio.sleep(60)
        raise Stopped

    monkeypatch.setattr(begun, "wait_first", impatient)
    monkeypatch.setattr(begun.app, "_producer", None)
    monkeypatch.setattr(begun, "_build_highwaters", answers_the_second_time)
    begun.signal_recovery_start.set()
    with pytest.raises(Stopped):
        await asyncio.wait_for(begun._restart_recovery(begun), 5)
    assert asked == ["highwaters"] * 2


class Stopped(Exception):
    """Ends a loop that has shown what it does."""
