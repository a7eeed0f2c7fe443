"""Metric rules: what a sink measured fires at once, climbs, ends and fires again; feeds are not thought down by it."""

from typing import Any

import pytest

from handover.analysis.replay import live_all, replay
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.feed_case import forget_measured
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import InvalidRuleBook, build, load
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import show
from tests.handover.histories import Told, at, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
COUNTY, FEED = "990102", "/agencies/PRISON-990100-01"


def judged(subject: str, when: str, *, exceeded: bool, since: str | None = None, **data: Any) -> Told:
    given = {
        "measure": "DEAD_LETTERS",
        "value": 3.0,
        "limit": 0.0,
        "exceeded": exceeded,
        "since": show(at(since or when)),
        **data,
    }
    event = told("system.metric_judged", when, given, source="/pipeline", subject=subject)
    return event, event.time


def lived(*events: Told, until: str) -> list[Alert]:
    return list(replay(events, BOOK, CALENDAR, at(until)))


def seen(alerts: list[Alert]) -> list[tuple[str, str, str, int]]:
    return [(f"{one.changed_at:%m-%d %H:%M}", one.state, one.severity, one.step) for one in alerts]


def test_a_county_below_its_target_is_told_and_the_city_after_a_working_week() -> None:
    first = judged(
        COUNTY, "2026-03-02 00:00", exceeded=True, rule_id="X01", measure="ANSWERED_ON_TIME", value=0.8, limit=0.9, n=40,
        start=show(at("2026-02-23 00:00")),
    )  # fmt: skip
    better = judged(
        COUNTY, "2026-03-09 00:00", exceeded=False, rule_id="X01", measure="ANSWERED_ON_TIME", value=0.95, limit=0.9
    )
    alerts = lived(first, better, until="2026-03-20 00:00")
    assert seen(alerts) == [
        ("03-02 00:00", "firing", "WARN", 0),
        ("03-03 00:00", "firing", "WARN", 1),
        ("03-05 00:00", "firing", "WARN", 2),
        ("03-09 00:00", "resolved", "WARN", 2),
    ]
    one = alerts[0]
    assert (one.subject, one.jurisdiction, one.owner_agency) == (COUNTY, COUNTY, "COUNTY_JUSTICE-990102-01")
    assert (one.handover_kind, one.handover_id, one.anchor_at) == ("SYSTEM", None, at("2026-02-23 00:00"))
    assert one.reason["en"] == (
        "County below target: 80% of 40 duties answered on time, below the target of 90% (since 2026-03-02 00:00)"
    )
    assert one.reason["zh"] == "县按时率低于目标：40 项中按时办理 80%，低于目标 90%（2026-03-02 00:00 起）"
    assert alerts[-1].outcome == "met_late"
    assert alerts[-1].reason["en"].endswith("; 2026-03-09 00:00 back within the limit")
    assert len(alerts[-1].seen) == 2


def test_rejected_messages_are_serious_after_an_hour_and_the_oldest_counts() -> None:
    key = {"rule_id": "X07", "key": "reentry.intake.v1"}
    alerts = lived(
        judged("/pipeline", "2026-03-02 09:00", exceeded=True, since="2026-03-02 08:50", **key),
        judged("/pipeline", "2026-03-02 10:00", exceeded=True, since="2026-03-02 09:40", **key),
        until="2026-03-02 11:00",
    )
    assert seen(alerts) == [
        ("03-02 09:00", "firing", "WARN", 0),
        ("03-02 09:50", "firing", "HIGH", 0),
        ("03-02 10:00", "firing", "WARN", 0),
        ("03-02 10:40", "firing", "HIGH", 0),
    ]
    assert {(one.owner_agency, one.jurisdiction, one.occurrence) for one in alerts} == {
        ("PLATFORM", "", "reentry.intake.v1")
    }


def test_each_officer_topic_or_group_has_an_alert_of_its_own_that_fires_again() -> None:
    events = [
        judged(
            COUNTY, when, exceeded=exceeded, rule_id="X02", measure="OPEN_PER_OFFICER", key=key, value=70.0, limit=60.0
        )
        for when, exceeded, key in (
            ("2026-03-02 00:00", True, "O-1"),
            ("2026-03-02 00:00", True, "O-2"),
            ("2026-03-03 00:00", False, "O-1"),
            ("2026-03-05 00:00", True, "O-1"),
        )
    ]
    alerts = lived(*events, until="2026-03-31 00:00")
    assert [(one.occurrence, one.state, one.revision, one.severity) for one in alerts if one.occurrence == "O-1"] == [
        ("O-1", "firing", 1, "INFO"),
        ("O-1", "resolved", 2, "INFO"),
        ("O-1", "firing", 3, "INFO"),
    ]
    assert [one.state for one in alerts if one.occurrence == "O-2"] == ["firing"]


def test_late_data_is_no_silent_feed() -> None:
    late = judged(FEED, "2026-03-02 09:00", exceeded=True, rule_id="X06", measure="ARRIVAL_LAG", value=30.0, limit=24.0)
    world = SharedState(BOOK, CALENDAR)
    world.take(late[0], late[1])
    assert not world.sources
    alerts = lived(late, until="2026-03-31 00:00")
    assert [(one.rule_id, one.owner_agency, one.jurisdiction) for one in alerts] == [
        ("X06", "PRISON-990100-01", "990100")
    ]


def test_a_case_of_verdicts_stays_small_and_its_copy_lives_on_the_same() -> None:
    world, case = SharedState(BOOK, CALENDAR), Case.empty("/pipeline")
    alerts: list[Alert] = []
    for hour in range(20):
        event, arrival = judged(
            "/pipeline", f"2026-03-02 {hour:02}:00", exceeded=hour % 2 == 0, rule_id="X07", key="reentry.intake.v1"
        )
        case.take(event, arrival)
        alerts += advance(case, world, at(f"2026-03-02 {hour:02}:01"))
        case = decode_case(encode_case(case).value)
    assert len(case.entries.copies) == 2
    assert [one.state for one in alerts] == ["firing", "resolved"] * 10
    forget_measured(case, at("2026-03-02 00:00"))
    assert len(case.entries.copies) == 2


def test_an_operator_acknowledges_and_waives_it_as_any_other() -> None:
    verdict = judged(
        COUNTY, "2026-03-02 00:00", exceeded=True, rule_id="X01", measure="ANSWERED_ON_TIME", value=0.8, limit=0.9, n=40
    )
    fired = lived(verdict, until="2026-03-02 00:00")[0]
    data = {"alert_id": fired.alert_id, "by": "O-1"}
    seen_ = told(
        "action.acknowledged", "2026-03-02 09:00", data, source=f"/agencies/COUNTY_JUSTICE-{COUNTY}-01", subject=COUNTY
    )
    waived = told(
        "action.waived",
        "2026-03-02 10:00",
        {**data, "note": "known"},
        source=f"/agencies/COUNTY_JUSTICE-{COUNTY}-01",
        subject=COUNTY,
    )
    alerts = lived(verdict, *[(one, one.time) for one in (seen_, waived)], until="2026-03-31 00:00")
    assert [(one.state, one.outcome, one.acknowledged_by) for one in alerts] == [
        ("firing", None, None),
        ("firing", None, "O-1"),
        ("resolved", "waived", "O-1"),
    ]


def test_the_rule_in_force_judges_what_it_is_told_and_a_book_may_leave_it_out() -> None:
    verdict = judged(
        COUNTY, "2026-03-02 00:00", exceeded=True, rule_id="X01", measure="ANSWERED_ON_TIME", value=0.8, limit=0.9, n=40
    )
    without = build({**BOOK.raw, "book": "none@1", "rule": [one for one in BOOK.raw["rule"] if one["id"] != "X01"]})
    assert live_all([verdict], without, CALENDAR).alerts == ()


@pytest.mark.parametrize(
    ("rule_id", "change", "said"),
    [
        ("X01", {"every": "1 wd"}, "every: must be one day or more"),
        ("X01", {"metric": "mood"}, "metric: unknown metric; allowed are answered_on_time"),
        ("X02", {"above": "many"}, "above: must be a number"),
        ("X08", {"above_seconds": True}, "above_seconds: must be a number"),
    ],
)
def test_a_threshold_that_means_nothing_is_refused(rule_id: str, change: dict[str, Any], said: str) -> None:
    rules = [{**one, **change} if one["id"] == rule_id else one for one in BOOK.raw["rule"]]
    with pytest.raises(InvalidRuleBook, match=said):
        build({**BOOK.raw, "rule": rules})


def test_a_threshold_that_is_missing_is_named() -> None:
    rules = [{key: value for key, value in one.items() if key != "least_n"} for one in BOOK.raw["rule"]]
    with pytest.raises(InvalidRuleBook, match="least_n: is needed by the metric answered_on_time"):
        build({**BOOK.raw, "rule": rules})


def test_an_event_of_a_metric_is_read_for_places_publishers_and_the_pipeline_alone() -> None:
    from schemas.parse import InvalidEvent, parse

    def read(subject: str) -> Event:
        import orjson

        event, _ = judged(subject, "2026-03-02 00:00", exceeded=True, rule_id="X01")
        return parse(orjson.dumps(event.wire()))

    assert [read(subject).subject for subject in (COUNTY, FEED, "/pipeline")] == [COUNTY, FEED, "/pipeline"]
    with pytest.raises(InvalidEvent):
        read("p1_" + "a" * 26)


def test_a_verdict_that_a_case_forgets_is_not_written_on() -> None:
    case, world = Case.empty(COUNTY), SharedState(BOOK, CALENDAR)
    for day in range(2, 6):
        event, arrival = judged(
            COUNTY, f"2026-03-0{day} 00:00", exceeded=True, rule_id="X01", measure="ANSWERED_ON_TIME"
        )
        case.take(event, arrival)
        advance(case, world, at(f"2026-03-0{day} 01:00"))
        written = decode_case(encode_case(case).value)
        assert written.entries.copies.keys() == case.entries.copies.keys()
    assert len(case.entries.copies) == 2
