"""What a benchmark publishes are events: a refused one costs next to nothing and would flatter the figure."""

from collections import Counter

import orjson

from benchmarks.measures import now
from benchmarks.open_cases import a_day, checks, opened
from schemas.parse import parse


def test_every_event_is_one_and_a_day_is_nearly_all_location_checks() -> None:
    at = now()
    for event in opened(30):
        parse(orjson.dumps(event), (), at)
    told = Counter(parse(orjson.dumps(event), (), at).fact for event in a_day(30, 0, 2_000))
    assert told["checkin.location_checked"] > 0.85 * 2_000
    assert set(told) == {
        "checkin.location_checked",
        "intake.visit_done",
        "intake.acknowledged",
        "release.notice_sent",
    }


def test_the_cases_that_are_not_ready_are_told_one_event_each_and_are_supervised() -> None:
    supervised = {event["subject"] for event in opened(300) if event["type"] == "reentry.checkin.plan_set.v1"}
    told = [parse(orjson.dumps(event), (), now()).subject for event in checks(300, 0, 100)]
    assert set(told) == supervised
    assert len(told) == len(set(told))
