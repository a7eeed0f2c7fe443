"""Metrics measured in SQL, on both databases: what crosses a threshold is told once, when it begins and when it ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, update

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import RuleBook, build, load
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import from_millis, millis
from schemas.parse import parse
from sinks.consumer import Record
from sinks.monitors.metrics.lag import Lag
from sinks.monitors.metrics.verdicts import judge, keep_verdicts, world_of
from sinks.readmodel import cases, dead_letters, position, tables
from sinks.readmodel import events as event_table
from tests.handover.histories import COUNTY, PERSON, acknowledged, at, notice, scheduled, told
from tests.sinks.test_tables import _duty

CALENDAR = load_calendar()


def only(rule_id: str, **keys: Any) -> RuleBook:
    """The default book with one metric rule, some of its keys changed."""
    raw = load("cn-default").raw
    kept = [{**one, **keys} if one["id"] == rule_id else one for one in raw["rule"]]
    return build(
        {**raw, "book": "test@1", "rule": [one for one in kept if one["id"] == rule_id or one["form"] != "metric"]}
    )


def heard(engine: Engine, *events: tuple[Event, datetime]) -> None:
    with engine.begin() as connection:
        event_table.write(
            connection,
            [
                Record(event.topic, 0, offset, None, orjson.dumps(event.wire()), (), millis(arrival), arrival)
                for offset, (event, arrival) in enumerate(events)
            ],
        )


def measured(engine: Engine, book: RuleBook, until: str, lags: Sequence[Lag] = ()) -> list[Event]:
    """What is told at an instant; it can be read by everybody, and is remembered."""
    with engine.begin() as connection:
        found = judge(connection, world_of(connection, book, CALENDAR), at(until), lags, from_millis)
        keep_verdicts(connection, found)
    events = [verdict.event for one in found for verdict in one.verdicts]
    return [parse(orjson.dumps(event.wire()), (), at(until)) for event in events]


def brief(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    return [(one.subject, one.data.get("key"), one.data["exceeded"], one.data["value"]) for one in events]


def raised(events: Sequence[Event], until: str) -> list[Alert]:
    """What the worker makes of it."""
    return list(replay([(one, one.time) for one in events], load("cn-default"), CALENDAR, at(until)))


def person(number: int) -> str:
    return f"p1_{'a' * 24}{chr(97 + number // 26)}{chr(97 + number % 26)}"


def handover_of(engine: Engine, subjects: Iterable[str]) -> None:
    now = at("2026-03-01 15:00")
    with engine.begin() as connection:
        for subject in subjects:
            connection.execute(
                tables.handover.insert().values(
                    handover_id=f"h-{subject}", subject=subject, revision=1, kind="A", state="NOTIFIED", jurisdiction="990102",
                    county="COUNTY_JUSTICE-990102-01", town="COUNTY_JUSTICE-990102-01", sending="PRISON-990100-01",
                    key_person=False, opened_at=now,
                )
            )  # fmt: skip


def announced(engine: Engine, many: int, answered: int) -> None:
    """Notices of Sunday 1 March, due at the end of Wednesday; some of them answered on Tuesday."""
    events = []
    for number in range(many):
        subject = person(number)
        events += [scheduled(date="2026-06-30", subject=subject), notice("2026-03-01 15:00", subject=subject)]
        if number < answered:
            events.append(acknowledged("2026-03-03 09:00", subject=subject))
    heard(engine, *((one, one.time) for one in events))
    handover_of(engine, map(person, range(many)))


def verified(engine: Engine, many: int) -> None:
    data = {"result": "VERIFIED", "checked_on": "2026-03-10", "family_contacted": True}
    events = [
        told("intake.verification_returned", "2026-03-10 09:00", data, COUNTY, person(one)) for one in range(many)
    ]
    heard(engine, *((one, one.time) for one in events))


@pytest.mark.parametrize(("answered", "told_"), [(17, True), (18, False)], ids=["85 %", "90 %"])
def test_a_county_is_judged_once_a_week_by_what_fell_due_in_it(engine: Engine, answered: int, *, told_: bool) -> None:
    announced(engine, 20, answered)
    book = only("X01")
    assert measured(engine, book, "2026-03-08 23:59") == []  # the week before: nothing was due
    found = measured(engine, book, "2026-03-09 00:00")
    assert brief(found) == ([("990102", None, True, 0.85)] if told_ else [])
    if told_:
        assert (found[0].data["n"], found[0].data["limit"], found[0].time) == (20, 0.9, at("2026-03-09 00:00"))
        assert raised(found, "2026-03-09 00:00")[0].owner_agency == "COUNTY_JUSTICE-990102-01"
    verified(engine, 20)  # before the Thursday on which the verification falls due
    assert measured(engine, book, "2026-03-15 12:00") == []
    again = measured(engine, book, "2026-03-16 00:00")
    assert brief(again) == ([("990102", None, False, 1.0)] if told_ else [])


def test_too_few_duties_say_nothing_of_a_county(engine: Engine) -> None:
    announced(engine, 19, 0)
    assert measured(engine, only("X01"), "2026-03-09 00:00") == []


def duties(engine: Engine, states: Sequence[str]) -> None:
    rows = [
        {**_duty(), "obligation_id": f"o{number}", "owner_agency": "TOWN_JUSTICE-990102004-01", "state": state}
        for number, state in enumerate(states)
    ]
    value = {"format": 1, "subject": PERSON, "kind": "PERSON", "revision": len(states), "changed_at": None, "handovers": [],
             "dispute": None, "obligations": rows}  # fmt: skip
    now = at("2026-03-01 12:00")
    with engine.begin() as connection:
        cases.write(connection, [Record("c", 0, 0, PERSON.encode(), orjson.dumps(value), (), millis(now), now)])


def test_an_officer_with_too_much_is_told_each_day_and_ends_when_it_is_done(engine: Engine) -> None:
    assigned = told(
        "intake.assigned",
        "2026-03-01 10:00",
        {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-7"},
        COUNTY,
    )
    heard(engine, (acknowledged("2026-03-01 09:00"), at("2026-03-01 09:00")), (assigned, assigned.time))
    book = only("X02", above=3, overdue_above=1)
    duties(engine, ["open"] * 4)
    assert brief(measured(engine, book, "2026-03-02 00:00")) == [("990102", "O-7", True, 4.0)]
    duties(engine, ["open"] * 3 + ["overdue"] * 2)
    assert measured(engine, book, "2026-03-02 18:00") == []  # once a day
    assert measured(engine, book, "2026-03-03 00:00") == []  # still too much: told already
    duties(engine, ["overdue"] + ["open"] * 5)
    duties(engine, ["open"] * 6)
    assert measured(engine, book, "2026-03-04 00:00") == []
    with engine.begin() as connection:
        connection.execute(tables.obligation.delete())
    ended = measured(engine, book, "2026-03-05 00:00")
    assert brief(ended) == [("990102", "O-7", False, 0.0)]


def test_data_that_came_late_is_told_at_once_and_a_day_without_ends_it(engine: Engine) -> None:
    book = only("X06")
    in_time, late = notice("2026-03-01 10:00"), notice("2026-03-01 10:00")
    heard(engine, (in_time, at("2026-03-02 10:00")))
    assert measured(engine, book, "2026-03-02 10:01") == []
    heard(engine, (late, at("2026-03-02 10:01")))
    found = measured(engine, book, "2026-03-02 10:02")
    assert [(one.subject, one.data["exceeded"], round(one.data["value"], 2)) for one in found] == [
        ("/agencies/PRISON-990100-01", True, 24.02)
    ]
    assert raised(found, "2026-03-02 10:02")[0].due_at == at("2026-03-02 10:01")
    assert measured(engine, book, "2026-03-03 10:00") == []
    assert brief(measured(engine, book, "2026-03-03 10:02")) == [("/agencies/PRISON-990100-01", None, False, 0.0)]


def letter(engine: Engine, offset: int, received: str, reason: str = "SCHEMA", value: bytes = b"{") -> None:
    headers = [("__streams.errors.topic", b"t1.reentry.intake.v1"), ("reentry.reason", reason.encode())]
    now = at(received)
    record = Record("reentry.dlq.v1", 0, offset, b"k", value, headers, millis(now), now)
    with engine.begin() as connection:
        dead_letters.write(connection, [record])


def decided(engine: Engine, offset: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(tables.dead_letter).where(tables.dead_letter.c.offset == offset).values(state="dropped")
        )


def test_rejected_messages_are_told_with_the_oldest_and_end_with_the_last(engine: Engine) -> None:
    book = only("X07")
    assert measured(engine, book, "2026-03-02 09:00") == []
    letter(engine, 1, "2026-03-02 09:10")
    letter(engine, 2, "2026-03-02 09:20")
    first = measured(engine, book, "2026-03-02 09:30")
    assert brief(first) == [("/pipeline", "reentry.intake.v1", True, 2.0)]
    assert measured(engine, book, "2026-03-02 09:31") == []
    decided(engine, 1)
    moved = measured(engine, book, "2026-03-02 09:40")
    assert brief(moved) == [("/pipeline", "reentry.intake.v1", True, 1.0)]
    decided(engine, 2)
    ended = measured(engine, book, "2026-03-02 09:50")
    assert brief(ended) == [("/pipeline", "reentry.intake.v1", False, 0.0)]
    alerts = raised([*first, *moved, *ended], "2026-03-02 12:00")
    assert [(one.state, one.severity, one.due_at) for one in alerts] == [
        ("firing", "WARN", at("2026-03-02 09:10")),
        ("firing", "WARN", at("2026-03-02 09:20")),
        ("resolved", "WARN", at("2026-03-02 09:20")),
    ]


def test_a_group_that_lags_and_a_message_from_the_future_are_told_apart(engine: Engine) -> None:
    book, waits = only("X08"), millis(at("2026-03-02 09:00"))
    lagging = [Lag("reentry-worker", 75.0, waits), Lag("reentry-sink-alerts", 60.0, waits)]
    found = measured(engine, book, "2026-03-02 09:01", lagging)
    assert brief(found) == [("/pipeline", "reentry-worker", True, 75.0)]
    ahead = told("intake.acknowledged", "2026-03-02 09:12", {"accepted": True, "officer_ref": "O-1"}, COUNTY)
    letter(engine, 5, "2026-03-02 09:02", "CLOCK_AHEAD", orjson.dumps(ahead.wire()))
    letter(engine, 6, "2026-03-02 09:02", "CLOCK_AHEAD", b"binary")
    found = measured(engine, book, "2026-03-02 09:03", [Lag("reentry-worker", 0.0, None)])
    assert sorted(brief(found)) == [("/pipeline", "clock", True, 600.0), ("/pipeline", "reentry-worker", False, 0.0)]


def test_a_gap_between_log_and_rows_is_told_until_it_is_closed(engine: Engine) -> None:
    book, topic = only("X10"), "reentry.alert.v1"
    assert measured(engine, book, "2026-03-02 09:00") == []
    gap = {"first_offset": 0, "next_offset": 5, "cluster_id": "c", "topic_id": "t"}
    with engine.begin() as connection:
        for number in range(2):
            row = {
                "topic": topic,
                "partition": number,
                "kind": "OTHER_TOPIC",
                "found_at": at("2026-03-02 09:00"),
                **gap,
            }
            connection.execute(tables.log_gap.insert().values(row))
    assert brief(measured(engine, book, "2026-03-02 09:01")) == [("/pipeline", topic, True, 2.0)]
    with engine.begin() as connection:
        position.close_gaps(connection, [topic])
    assert brief(measured(engine, book, "2026-03-02 09:02")) == [("/pipeline", topic, False, 0.0)]


def calendar_published(year: int, status: str = "published") -> Event:
    data = {"year": year, "status": status, "holidays": [f"{year}-01-01"], "workdays": []}
    province = "/agencies/PROVINCE_JUSTICE-990000-01"
    return told("system.calendar_published", f"{year - 1}-11-10 09:00", data, province, province)


def test_a_calendar_that_is_missing_is_told_sixty_days_before_its_year(engine: Engine) -> None:
    book = only("X11")
    assert 2027 not in CALENDAR.years
    assert measured(engine, book, "2026-11-01 23:59") == []
    begun = measured(engine, book, "2026-11-02 00:00")
    assert brief(begun) == [("/pipeline", "2027", True, 60.0)]
    (alert,) = raised(begun, "2026-11-02 00:01")
    assert (alert.rule_id, alert.severity, alert.owner_agency) == ("X11", "WARN", "PLATFORM")
    assert measured(engine, book, "2026-12-31 23:59") == [], "told once"
    heard(engine, (calendar_published(2027), at("2026-12-31 23:59")))
    ended = measured(engine, book, "2027-01-01 00:01")
    assert brief(ended) == [("/pipeline", "2027", False, 0.0)]
    states = [(one.state, one.severity) for one in raised([*begun, *ended], "2027-01-02 00:00")]
    assert states[-1][0] == "resolved"
    assert ("firing", "HIGH") in states


def test_a_calendar_that_is_only_a_draft_is_missing_still_when_its_year_runs(engine: Engine) -> None:
    heard(engine, (calendar_published(2027, "draft"), at("2026-11-10 09:00")))
    found = measured(engine, only("X11"), "2027-03-01 09:00")
    assert brief(found) == [("/pipeline", "2027", True, 0.0)]


def test_a_threshold_that_was_changed_by_an_event_holds_from_its_instant(engine: Engine) -> None:
    change = told(
        "system.rules_changed",
        "2026-03-01 10:00",
        {"book": "test@2", "effective_from": "2026-03-03T00:00:00+08:00", "apply_to_open": False,
         "changes": [{"rule_id": "X07", "set": {"above": 5}}]},
        "/agencies/PROVINCE_JUSTICE-990000-01",
        subject="/agencies/PROVINCE_JUSTICE-990000-01",
    )  # fmt: skip
    heard(engine, (change, change.time))
    letter(engine, 1, "2026-03-02 09:10")
    assert len(measured(engine, only("X07"), "2026-03-02 09:30")) == 1
    assert [one.data["exceeded"] for one in measured(engine, only("X07"), "2026-03-03 00:00")] == [False]


def test_reading_the_same_records_again_changes_no_lag(engine: Engine) -> None:
    late = notice("2026-03-01 10:00")
    for _ in range(2):
        heard(engine, (late, at("2026-03-02 10:01") + timedelta(seconds=1)))
    with engine.connect() as connection:
        rows = connection.execute(tables.arrival_lag.select()).mappings().all()
    assert [(row["hour"], row["longest_seconds"]) for row in rows] == [(at("2026-03-02 10:00"), 24 * 3600 + 61)]
