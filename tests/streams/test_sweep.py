"""When the world changes, a case is written exactly when what it shows has changed, whether or not its next instant has."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.instants import instant, millis
from schemas.topics import CASE, CHECKIN, RELEASE, SYSTEM
from tests.fuzz.loop import Loop
from tests.fuzz.records import STRUCTURED, Draft
from tests.schemas.examples import changed

PERSON, PROVINCE = "p1_" + "a" * 26, "/agencies/PROVINCE_JUSTICE-990000-01"
TERM = {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-01-05", "term_start": "2026-01-05", "term_end": "2026-12-30", "execution_place": "990102", "prohibition_order": False}  # fmt: skip
PLAN = {"items": [{"kind": "CALL", "cadence": "DAILY"}], "class": "STRICT", "from": "2026-01-12"}


def at(text: str) -> int:
    return millis(instant(f"{text}:00+08:00"))


def draft(fact: str, topic: str, when: str, data: Mapping[str, Any], subject: str = PERSON, **more: Any) -> tuple[int, Draft]:  # fmt: skip
    time = f"{when}:00+08:00"
    event = changed(f"reentry.{fact}.v1", None, subject=subject, time=time, recordedtime=time, **more)
    return at(when), Draft(topic, subject.encode(), orjson.dumps({**event, "data": data}), STRUCTURED)


def rules_changed(changes: list[dict[str, Any]]) -> tuple[int, Draft]:
    """A legal change that holds for what is owed already."""
    data = {"book": "cn-default@2", "effective_from": "2026-01-20T10:00:00+08:00", "apply_to_open": True, "changes": changes}  # fmt: skip
    return draft("system.rules_changed", SYSTEM, "2026-01-20T10:00", data, PROVINCE, source=PROVINCE)


def calendar() -> tuple[int, Draft]:
    """The days off of a year in which no duty of the person is due."""
    data = {"year": 2029, "status": "published", "source_document": "x", "holidays": ["2029-01-01"], "workdays": []}
    return draft("system.calendar_published", SYSTEM, "2026-01-20T10:00", data, PROVINCE, source=PROVINCE)


def abolished() -> tuple[int, Draft]:
    data = {"code": "990102", "change": "ABOLISHED", "valid_from": "2026-01-20", "successor_code": "990109"}
    return draft("system.registry_changed", SYSTEM, "2026-01-20T10:00", data, PROVINCE, source=PROVINCE)


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    """A worker that has one person under supervision with a report a day, whose next instant comes long before the term ends."""
    loop = Loop(tmp_path)
    begun = draft("release.decision_effective", RELEASE, "2026-01-05T09:00", TERM, source="/agencies/COURT-990102-01")
    asyncio.run(loop.feed([begun, draft("checkin.plan_set", CHECKIN, "2026-01-10T09:00", PLAN, id="plan")]))
    for minute in range(40, 60):  # a step lives through so much; others are told until all has been lived
        asyncio.run(loop.feed([draft("checkin.plan_set", CHECKIN, f"2026-01-20T09:{minute}", PLAN, "p1_" + "c" * 26)]))
    return loop


def shown(loop: Loop) -> list[dict[str, Any]]:
    """The obligations of the person in the last record of the case."""
    (last,) = [one.value for one in loop.cases if one.key == PERSON.encode()][-1:]
    found: list[dict[str, Any]] = orjson.loads(last or b"{}")["obligations"]
    return found


def written(loop: Loop, *drafts: tuple[int, Draft]) -> int:
    """How often the person's case is written for these records."""
    before = len(loop.cases)
    asyncio.run(loop.feed(drafts))
    return sum(one.key == PERSON.encode() for one in loop.log.kept[CASE][before:])


def test_a_rule_switched_off_leaves_no_duty_behind(loop: Loop) -> None:
    assert "B16" in {one["rule_id"] for one in shown(loop)}
    off = [{"rule_id": "B16", "set": {"off": True}}]
    assert written(loop, rules_changed(off)) == 1
    assert "B16" not in {one["rule_id"] for one in shown(loop)}


def test_a_due_date_that_moves_behind_the_next_instant_is_shown(loop: Loop) -> None:
    before = {one["due_at"] for one in shown(loop) if one["rule_id"] == "B16"}
    written(loop, rules_changed([{"rule_id": "B16", "set": {"within": "30 d"}}]))
    after = {one["due_at"] for one in shown(loop) if one["rule_id"] == "B16"}
    assert (len(before), len(after), before & after) == (1, 1, set())


def test_an_office_that_is_followed_by_another_is_shown(loop: Loop) -> None:
    written(loop, abolished())
    assert {one["owner_agency"] for one in shown(loop) if one["rule_id"] == "B16"} == {"COUNTY_JUSTICE-990109-01"}


@pytest.mark.parametrize("change", [calendar(), rules_changed([{"rule_id": "A10", "set": {"within": "5 d"}}])])
def test_a_change_that_moves_nothing_writes_nothing(loop: Loop, change: tuple[int, Draft]) -> None:
    assert written(loop, change) == 0
