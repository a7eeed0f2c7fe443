"""The heap of next instants does not grow with the years."""

import asyncio
from pathlib import Path

import orjson
import pytest

from schemas.topics import CHECKIN, RELEASE, partition_of
from streams import worker_state
from tests.fuzz.loop import Loop
from tests.fuzz.records import PARTITIONS, STRUCTURED, Draft
from tests.schemas.examples import changed

NOW, HOUR_MS = 1_772_380_800_000, 3_600_000
PERSON = "p1_" + "a" * 26
PARTITION = partition_of(PERSON.encode(), PARTITIONS)
SPARE, TOLD = 20, 100


def told(fact: str, topic: str, number: int) -> Draft:
    event = changed(f"reentry.{fact}.v1", None, subject=PERSON, id=f"e{number}", time="2026-03-01T10:00:00+08:00")
    return Draft(topic, PERSON.encode(), orjson.dumps(event), STRUCTURED)


def test_entries_that_are_stale_for_years_are_dropped_and_the_next_instant_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_state, "STALE_ENTRIES", SPARE)

    async def fed() -> tuple[list[int], Loop]:
        loop, sizes = Loop(tmp_path), []
        await loop.feed([(NOW, told("release.scheduled", RELEASE, 0))])
        for number in range(1, TOLD):
            await loop.feed([(NOW + number * HOUR_MS // 10, told("checkin.location_checked", CHECKIN, number))])
            sizes.append(len(loop.engine.state.timers[PARTITION]))
        return sizes, loop

    sizes, loop = asyncio.run(fed())
    assert SPARE < max(sizes) <= SPARE + 2 + 1
    state = loop.engine.state
    (due,) = state.timers[PARTITION].due(2**62, lambda key: state.cases.next_of(PARTITION, key), TOLD)
    assert due == PERSON.encode()
