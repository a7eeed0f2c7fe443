"""What a worker compares before it starts: what was reported, and what the topics hold now."""

import pytest
from kafka import TopicPartition

from brokers.holdings import Holding
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import instant
from schemas.progress import Progress, Setup, Wrote, read
from schemas.topics import ALERT, CASE
from streams.admission import describe
from streams.clock import Clock
from streams.loss_check import losses


def setup(*publishers: str) -> Setup:
    return describe(load("cn-default"), load_calendar(), Clock.load(None), 1, publishers or None)


KNOWN = Wrote(topic_id="one", first=0)
REPORT = Progress(
    partition=0,
    processed_until=instant("2026-03-05T12:00:00+08:00"),
    alerts_end=5,
    cases_end=7,
    alerts=KNOWN,
    cases=KNOWN,
    worker="w",
    setup=setup(),
)
WHOLE = Holding("one", 0, 7)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (WHOLE, None),
        (Holding("one", 0, 9), None),  # written after the report
        (Holding("two", 0, 7), "was made anew"),
        (Holding("one", 0, 6), "ends at 6, though workers wrote up to 7"),
        (Holding("one", 3, 7), "begins at 3, no longer at 0"),
        (None, "is not there"),
    ],
)
def test_what_was_reported_and_is_not_there_is_told(held: Holding | None, why: str | None) -> None:
    topics = {TopicPartition(f"p.{ALERT}", 0): WHOLE} | ({TopicPartition(f"p.{CASE}", 0): held} if held else {})
    found = losses({0: REPORT}, topics, "p.")
    assert len(found) == (why is not None)
    assert all(f"p.{CASE}[0]" in line and str(why) in line for line in found)


def test_reports_of_an_earlier_release_tell_only_where_they_ended() -> None:
    old = REPORT.model_copy(update={"alerts": None, "cases": None})
    places = [TopicPartition(topic, 0) for topic in (ALERT, CASE)]
    assert losses({0: old}, dict.fromkeys(places, Holding("two", 3, 7)), "") == []
    assert len(losses({0: old}, dict.fromkeys(places, Holding("two", 0, 4)), "")) == 2
    assert read(REPORT.encode()) == REPORT


def test_a_worker_with_another_register_differs() -> None:
    [line] = setup().differences(setup("/agencies/PRISON-990001-01"))
    assert line.startswith("publishers_digest ")
    older = setup().model_copy(update={"publishers_digest": None})
    assert older.differences(setup("/agencies/PRISON-990001-01")) == []
