"""What is counted in SQL alone: answered on time, duties per officer, late data, dead letters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import orjson
from sqlalchemy import Connection, func, or_, select

from handover.agencies import code_of, type_of
from handover.analysis.on_time import Answered, answered
from handover.analysis.replay import Cases, Told
from schemas.parse import trusted
from schemas.payload import PIPELINE
from sinks.monitors.metrics.reading import Around, Reading
from sinks.readmodel.tables import arrival_lag, dead_letter, event, handover, obligation

SUBJECTS_AT_ONCE = 500
_OFFICER_FACTS = ("reentry.intake.acknowledged.v1", "reentry.intake.assigned.v1")
_MERGED = "reentry.release.person_merged.v1"
_OF_COUNTY = frozenset(("COUNTY_JUSTICE", "TOWN_JUSTICE"))
HOUR = timedelta(hours=1)


def answered_on_time(around: Around) -> Iterator[Reading]:
    """The share of duties that fell due in the period and were answered before, by county; too few of them say nothing."""
    limits = around.rule.thresholds
    for county, found in sorted(_count_answered(around).items()):
        yield Reading(
            subject=county,
            measure="ANSWERED_ON_TIME",
            exceeded=found.due >= limits["least_n"] and found.share < limits["below"],
            value=found.share,
            limit=limits["below"],
            since=around.until,
            n=found.due,
            start=around.start,
        )


def _count_answered(around: Around) -> Mapping[str, Answered]:
    connection, total = around.connection, defaultdict[str, Answered](Answered)
    lives = select(handover.c.subject).where(or_(handover.c.closed_at.is_(None), handover.c.closed_at >= around.start))
    subjects = connection.execute(lives.distinct().order_by(handover.c.subject)).scalars().all()
    merged = _read_merges(connection)
    for first in range(0, len(subjects), SUBJECTS_AT_ONCE):
        chunk = subjects[first : first + SUBJECTS_AT_ONCE]
        told = _read_events(connection, _add_merged(chunk, merged), around)
        cases = Cases(told)
        for one, arrival in told:
            cases.take(one, arrival)
        mine = [cases.by_subject[subject] for subject in chunk if subject in cases.by_subject]
        for county, found in answered(mine, around.world, around.start, around.until).items():
            total[county].due += found.due
            total[county].on_time += found.on_time
    return total


def _read_events(connection: Connection, subjects: Sequence[str], around: Around) -> list[Told]:
    wanted = select(event.c.body, event.c.arrival).where(event.c.subject.in_(subjects), event.c.arrival <= around.until)
    found = [(trusted(orjson.dumps(body)), arrival) for body, arrival in connection.execute(wanted)]
    return sorted(found, key=lambda one: one[1])


def _read_merges(connection: Connection) -> Mapping[str, list[str]]:
    """The refs that were merged into another, by the survivor."""
    into: dict[str, list[str]] = defaultdict(list)
    for subject, body in connection.execute(select(event.c.subject, event.c.body).where(event.c.type == _MERGED)):
        into[subject].append(body["data"]["removed_ref"])
    return into


def _add_merged(subjects: Iterable[str], merged: Mapping[str, list[str]]) -> list[str]:
    found: dict[str, None] = {}
    waiting = list(subjects)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            waiting += merged.get(one, ())
    return list(found)


def open_per_officer(around: Around) -> Iterator[Reading]:
    """Duties of a county's bureau and townships that nobody has answered yet, by the officer who took the person over."""
    limits, officers = around.rule.thresholds, _officers(around.connection)
    owed: Counter[tuple[str, str]] = Counter()
    late: Counter[tuple[str, str]] = Counter()
    wanted = select(obligation.c.subject, obligation.c.owner_agency, obligation.c.state)
    for subject, owner, state in around.connection.execute(wanted.where(obligation.c.state.in_(("open", "overdue")))):
        officer = officers.get(subject)
        if officer is not None and type_of(owner) in _OF_COUNTY:
            place = (code_of(owner)[:6], officer)
            owed[place] += 1
            late[place] += state == "overdue"
    for county, officer in sorted(owed):
        many, overdue = owed[county, officer], late[county, officer]
        is_late = overdue > limits["overdue_above"]
        yield Reading(
            subject=county,
            measure="OVERDUE_PER_OFFICER" if is_late else "OPEN_PER_OFFICER",
            exceeded=is_late or many > limits["above"],
            value=overdue if is_late else many,
            limit=limits["overdue_above"] if is_late else limits["above"],
            since=around.until,
            key=officer,
            n=many,
        )


def _officers(connection: Connection) -> Mapping[str, str]:
    """Who took each person over last."""
    wanted = select(event.c.subject, event.c.body).where(event.c.type.in_(_OFFICER_FACTS))
    rows = connection.execute(wanted.order_by(event.c.time, event.c.source, event.c.id))
    return {subject: body["data"]["officer_ref"] for subject, body in rows}


def late_data(around: Around) -> Iterator[Reading]:
    """A publisher's event of the last 24 hours came too long after its fact. A day without one ends it."""
    hours = around.rule.thresholds["above_hours"]
    longest = func.max(arrival_lag.c.longest_seconds)
    wanted = (
        select(arrival_lag.c.source, longest, func.min(arrival_lag.c.longest_at))
        .where(
            arrival_lag.c.longest_at > around.until - 24 * HOUR,
            arrival_lag.c.longest_at <= around.until,
            arrival_lag.c.longest_seconds > hours * HOUR.total_seconds(),
        )
        .group_by(arrival_lag.c.source)
        .order_by(arrival_lag.c.source)
    )
    for source, seconds, first in around.connection.execute(wanted):
        yield Reading(source, "ARRIVAL_LAG", True, seconds / HOUR.total_seconds(), hours, first)


def dead_letters(around: Around) -> Iterator[Reading]:
    """Messages that were rejected and that nobody has redriven or dropped, by the topic they came from."""
    limit = around.rule.thresholds["above"]
    wanted = (
        select(dead_letter.c.original_topic, func.count(), func.min(dead_letter.c.received_at))
        .where(dead_letter.c.state == "pending")
        .group_by(dead_letter.c.original_topic)
        .order_by(dead_letter.c.original_topic)
    )
    for topic, count, oldest in around.connection.execute(wanted):
        key = topic[topic.find("reentry.") :] if "reentry." in topic else topic
        yield Reading(PIPELINE, "DEAD_LETTERS", count > limit, count, limit, oldest, key=key, moves=True)
