"""What a benchmark publishes are events: a refused one costs next to nothing and would flatter the figure."""

from collections import Counter

import orjson

from benchmarks.measures import now
from benchmarks.open_cases import a_day, opened
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
