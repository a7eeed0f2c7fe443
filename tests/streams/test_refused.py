"""The worker's step writes one dead letter for an action without authority, and decides as replay does."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from handover.analysis.replay import Lived, live_all
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.dead_letter import REASON, DeadLetter, Refusal, understood
from schemas.envelope import Event
from schemas.instants import from_millis, millis
from schemas.topics import ACTION, RELEASE
from tests.fuzz.loop import Loop
from tests.fuzz.records import PARTITIONS, Draft
from tests.handover.histories import COUNTY, PERSON, at, scheduled, told

STRANGER = "/agencies/COUNTY_JUSTICE-980201-01"
BOOK, DAYS = load("cn-default"), load_calendar()
PLAN = scheduled()


def _replayed(*events: Event) -> Lived:
    return live_all([(one, one.time) for one in events], BOOK, DAYS, at("2026-04-01 00:00"))


ALERT = next(one.alert_id for one in _replayed(PLAN).alerts if one.rule_id == "A01")


def _waived(source: str, when: str, subject: str = PERSON) -> Event:
    return told("action.waived", when, {"alert_id": ALERT, "by": "O-1", "note": "n"}, source, subject)


def _draft(event: Event, **more: Any) -> tuple[int, Draft]:
    topic = RELEASE if event.fact.startswith("release.") else ACTION
    return millis(event.time), Draft(topic, event.subject.encode(), orjson.dumps(event.wire()), **more)


def _run(folder: Path, *drafts: tuple[int, Draft]) -> Loop:
    loop = Loop(folder)
    asyncio.run(loop.feed(drafts))
    return loop


@pytest.mark.parametrize("when", ["2026-01-20 10:00", "2026-03-05 10:00"])
@pytest.mark.parametrize("partition", [None, *range(PARTITIONS)])
def test_a_strangers_action_is_one_dead_letter_and_changes_nothing(
    tmp_path: Path, when: str, partition: int | None
) -> None:
    stranger = _waived(STRANGER, when)
    later = _draft(_waived(COUNTY, "2026-03-20 10:00", "p1_" + "z" * 26))  # time goes on
    loop = _run(tmp_path, _draft(PLAN), _draft(stranger, partition=partition), _draft(stranger), later)
    assert [dict(one.headers)[REASON] for one in loop.dead_letters] == [b"NOT_ALLOWED"]
    assert loop.uncounted() == {}
    counted = loop.counted()
    assert sum(outcomes["invalid"] for outcomes in counted.values()) == 1
    assert sum(outcomes["duplicate"] for outcomes in counted.values()) == 1
    alerts = [orjson.loads(one.value or b"")["data"] for one in loop.alerts]
    assert {one["state"] for one in alerts if one["alert_id"] == ALERT} == {"firing"}
    assert [one.id for one in _replayed(PLAN, stranger).refused] == [stranger.id]


def test_a_refused_action_is_not_sent_again(tmp_path: Path) -> None:
    stranger = _waived(STRANGER, "2026-03-05 10:00")
    later = _draft(_waived(COUNTY, "2026-03-20 10:00", "p1_" + "z" * 26))
    letter = _run(tmp_path, _draft(PLAN), _draft(stranger), later).dead_letters[0]
    told_ = DeadLetter(0, 0, from_millis(0), letter.key, letter.value, tuple(letter.headers))
    found = understood(told_, at("2026-03-06 10:00"), "")
    assert isinstance(found, Refusal)
    assert found.reason == "NOT_ALLOWED"


def test_what_the_owner_and_the_county_that_waits_decide_is_heard(tmp_path: Path) -> None:
    later = _draft(_waived(COUNTY, "2026-03-20 10:00", "p1_" + "z" * 26))
    loop = _run(tmp_path, _draft(PLAN), _draft(_waived(f"{COUNTY}/console", "2026-03-05 10:00")), later)
    outcomes = [orjson.loads(one.value or b"")["data"]["outcome"] for one in loop.alerts if one.key == ALERT.encode()]
    assert (outcomes[-1], loop.dead_letters) == ("waived", [])
