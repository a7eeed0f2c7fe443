"""Where a worker goes on after a restart: at the first record that was read and not yet lived through, whatever the order."""

import random
from dataclasses import replace

import orjson
import pytest
from faust.types import TP

from schemas.topics import INTAKE, RELEASE, ROUTED
from streams.clock import Clock
from streams.input_buffer import FEW, LONGEST, ROOM, InputBuffer, UnprocessedOffsets
from tests.fuzz.loop import Record
from tests.fuzz.records import STRUCTURED
from tests.schemas.examples import changed

PLACE, IDLE, MARKS = TP(RELEASE, 0), TP(INTAKE, 0), TP(ROUTED, 0)
NOW = 1_772_380_800_000


def told(offset: int) -> Record:
    """A fact that arrived so many milliseconds after the first as its offset says."""
    event = changed(
        "reentry.release.scheduled.v1", None, subject="p1_" + "a" * 26, id=str(offset), time="2026-03-01T10:00:00+08:00"
    )
    return Record(RELEASE, 0, offset, NOW + offset, event["subject"].encode(), orjson.dumps(event), tuple(STRUCTURED))


@pytest.mark.parametrize("seed", range(20))
def test_the_first_one_left_is_found_in_any_order(seed: int) -> None:
    dice, unlived, left, offset = random.Random(seed), UnprocessedOffsets(), set[int](), 0
    for _ in range(300):
        if left and dice.random() < 0.55:
            gone = dice.choice(sorted(left))
            left.remove(gone)
            unlived.lived(gone)
        else:
            offset += dice.choice((1, 1, 1, 7))  # between them: dead letters, markers
            left.add(offset)
            unlived.read.append(offset)
        assert len(unlived) == len(left)
        assert (unlived.read[0] if unlived.read else None) == min(left, default=None)
    assert len(unlived.gone) <= len(unlived.read)


@pytest.mark.parametrize("went_through", [True, False])
def test_a_step_that_a_rebalance_has_overtaken_moves_no_offset(went_through: bool) -> None:
    inbox = InputBuffer("", 1, Clock())
    records = [told(offset) for offset in range(3)]
    inbox.take(PLACE, records)
    overtaken = list(inbox.waiting[0].until(NOW + 3, 10))
    inbox.clear()
    if went_through:
        inbox.applied(overtaken)
    else:
        inbox.put_back(overtaken)
    inbox.take(PLACE, records)
    assert inbox.offsets() == {PLACE: 0}
    for following, one in enumerate(inbox.waiting[0].until(NOW + 3, 10), 1):
        inbox.applied([one])
        assert inbox.offsets() == {PLACE: following}
    assert not inbox.waiting[0].facts


def routed_on(offset: int) -> Record:
    """The same fact, told by the case of another partition."""
    event = told(0)
    headers = [("reentry.subject", event.key), ("reentry.arrival", b"%d" % (NOW + offset))]
    return Record(ROUTED, 0, offset, NOW + offset, event.key, event.value, tuple(headers))


def test_what_is_far_ahead_waits_in_kafka_but_the_marks_of_others_are_read() -> None:
    inbox, event = InputBuffer("", 1, Clock()), told(0)
    for offset in range(LONGEST):
        inbox.take(PLACE, [replace(event, offset=offset, timestamp=NOW + offset)])
    assert inbox.wanted({PLACE, MARKS}) == {MARKS}
    inbox.take(MARKS, [routed_on(offset) for offset in range(LONGEST)])
    assert len(inbox.waiting[0].facts) == 2 * LONGEST
    assert inbox.wanted({PLACE, MARKS}) == {MARKS}


def test_with_much_in_hand_only_partitions_go_on_that_others_may_wait_for() -> None:
    inbox, event = InputBuffer("", 1, Clock()), told(0)
    inbox.take(PLACE, [replace(event, offset=offset, timestamp=NOW + offset) for offset in range(FEW)])
    inbox.take(MARKS, [routed_on(offset) for offset in range(ROOM - FEW - 1)])
    assert inbox.wanted({PLACE, MARKS}) == {PLACE, MARKS}
    inbox.take(MARKS, [routed_on(ROOM - FEW - 1)])
    assert inbox.wanted({PLACE, MARKS, IDLE}) == {MARKS, IDLE}
    inbox.applied([inbox.waiting[0].facts[0]])
    assert inbox.wanted({PLACE, MARKS, IDLE}) == {PLACE, MARKS, IDLE}


def test_where_a_batch_of_one_instant_ends_is_read_on_for_whatever_is_in_hand() -> None:
    inbox, event = InputBuffer("", 1, Clock()), told(0)
    inbox.take(PLACE, [replace(event, offset=offset) for offset in range(ROOM)])
    assert inbox.wanted({PLACE}) == {PLACE}
