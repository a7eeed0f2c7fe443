"""From readings to what the workers are told: only what begins or ceases to be exceeded, or whose instant moves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid5

import orjson
from sqlalchemy import Connection, select

from handover.calendar import Calendar, start_of
from handover.cases.shared_state import SHARED_TYPES, SharedState
from handover.ids import NS, instant_key
from handover.rules.rulebook import Rule, RuleBook
from schemas.envelope import Event
from schemas.instants import in_china, show
from schemas.parse import trusted
from schemas.payload import PIPELINE
from sinks.monitors.metrics import MEASURES
from sinks.monitors.metrics.lag import Arrival, Lag
from sinks.monitors.metrics.reading import Around, Reading
from sinks.readmodel.dialect import upsert
from sinks.readmodel.tables import event, metric, metric_period

TYPE = "reentry.system.metric_judged.v1"
_NEVER = start_of(date(1970, 1, 1))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One place judged: the row to remember, and the event that tells the workers."""

    row: Mapping[str, Any]
    event: Event


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule judged once. `period`: up to when, where the rule has periods."""

    rule: Rule
    verdicts: Sequence[Verdict]
    period: datetime | None


def world_of(connection: Connection, book: RuleBook, calendar: Calendar) -> SharedState:
    """Rule versions, registry and calendars as the events in SQL tell them."""
    world = SharedState(book, calendar)
    wanted = select(event.c.body, event.c.arrival).where(event.c.type.in_(SHARED_TYPES)).order_by(event.c.arrival)
    for body, arrival in connection.execute(wanted):
        world.take(trusted(orjson.dumps(body)), arrival)
    return world


ABOUT_US = frozenset(("read_model_gaps",))  # metrics that need no event


def judge(
    connection: Connection,
    world: SharedState,
    until: datetime,
    lags: Sequence[Lag],
    arrival: Arrival,
    metrics: Collection[str] = MEASURES.keys(),
) -> list[Judged]:
    """Judge every rule of form metric whose time has come. `until`: everything that arrived before is in SQL."""
    book = world.frame(until).version_at(until, None)
    found = []
    for rule in book.rules:
        if rule.form != "metric" or rule.thresholds["metric"] not in metrics:
            continue
        start, end = _period(rule, until)
        if start is not None and _read_judged_until(connection, rule) >= end:
            continue
        around = Around(connection, rule, world, end, start or end, lags, arrival)
        readings = list(MEASURES[rule.thresholds["metric"]](around))
        verdicts = _verdicts(connection, rule, readings, end)
        if verdicts or start is not None:
            found.append(Judged(rule, verdicts, None if start is None else end))
    return found


def _period(rule: Rule, until: datetime) -> tuple[datetime | None, datetime]:
    """The last whole period before an instant (weeks begin on Monday); None and the instant itself where the rule has none."""
    days = rule.thresholds.get("every")
    if days is None:
        return None, until
    number = (in_china(until).date().toordinal() - 1) // days  # day 1 of the calendar is a Monday
    first = 1 + (number - 1) * days
    return start_of(date.fromordinal(first)), start_of(date.fromordinal(first + days))


def _read_judged_until(connection: Connection, rule: Rule) -> datetime:
    wanted = select(metric_period.c.until).where(metric_period.c.rule_id == rule.id, metric_period.c.part == rule.part)
    return connection.execute(wanted).scalar() or _NEVER


def _verdicts(connection: Connection, rule: Rule, readings: Iterable[Reading], at: datetime) -> list[Verdict]:
    wanted = select(metric).where(metric.c.rule_id == rule.id, metric.c.part == rule.part)
    known = {(row["subject"], row["key"]): row for row in connection.execute(wanted).mappings()}
    found = []
    for reading in (*readings, *_end_gone(known, readings, at)):
        before = known.get((reading.subject, reading.key))
        was = before is not None and before["exceeded"]
        since = reading.since
        if not reading.exceeded:
            since = at
        elif before is not None and was and not reading.moves:
            since = before["since"]
        if reading.exceeded != was or (before is not None and was and since != before["since"]):
            found.append(_verdict(rule, reading._replace(since=since), at))
    return found


def _end_gone(
    known: Mapping[tuple[str, str], Mapping[Any, Any]], readings: Iterable[Reading], at: datetime
) -> Iterable[Reading]:
    """Places that were exceeded and are not read any more: nothing is left there."""
    read = {(reading.subject, reading.key) for reading in readings}
    for (subject, key), row in known.items():
        if row["exceeded"] and (subject, key) not in read:
            yield Reading(subject, row["measure"], False, 0.0, row["limit"], at, key=key)


def _verdict(rule: Rule, reading: Reading, at: datetime) -> Verdict:
    row = {
        "rule_id": rule.id,
        "part": rule.part,
        "subject": reading.subject,
        "key": reading.key,
        "exceeded": reading.exceeded,
        "measure": reading.measure,
        "value": float(reading.value),
        "limit": float(reading.limit),
        "n": reading.n,
        "since": reading.since,
        "judged_at": at,
    }
    data = {name: row[name] for name in ("rule_id", "measure", "exceeded", "value", "limit")}
    data |= {name: row[name] for name in ("part", "key", "n") if row[name] not in ("", None)}
    data |= {"since": show(reading.since)} | ({"start": show(reading.start)} if reading.start else {})
    named = f"metric|{rule.id}|{rule.part}|{reading.subject}|{reading.key}|{instant_key(at)}|{reading.exceeded}"
    told = Event(id=str(uuid5(NS, named)), source=PIPELINE, type=TYPE, subject=reading.subject, time=at, data=data)
    return Verdict(row, told)


def keep_verdicts(connection: Connection, judged: Iterable[Judged]) -> None:
    """Remember what the workers have been told."""
    for one in judged:
        upsert(connection, metric, [dict(verdict.row) for verdict in one.verdicts], None)
        if one.period is not None:
            row = {"rule_id": one.rule.id, "part": one.rule.part, "until": one.period}
            upsert(connection, metric_period, [row], None)
