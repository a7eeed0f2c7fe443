"""Obligations: a pure function of facts, rules and an instant. This module has what all forms share (semantics.md 6)."""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from handover.agencies import Registry, Successors, code_of
from handover.calendar import Calendar, Span, due_day_of, end_of, start_of
from handover.facts.fact import Fact, Grouped, Pattern
from handover.feeds.feed_state import Feed
from handover.feeds.metric_verdict import Measured
from handover.obligations.custody import FREE, Custody
from handover.obligations.handovers import Handover
from handover.obligations.owners import Owners
from handover.rules.rulebook import SEVERITIES, Rule, Severity, Stage

NO_TIME = timedelta()
_WORDS_OF_RECEIVER = frozenset(
    ("intake.acknowledged", "intake.returned", "intake.verification_returned", "intake.assigned")
)
_NONE: list[Fact] = []
NO_CHANGES = Registry()


class Count(NamedTuple):
    """How a limit was counted, for people: from `day0` (or an instant) to the due day."""

    day0: date
    length: Span | None
    last: date
    shift: int = 0


class Draft(NamedTuple):
    """What a form finds: one duty, before owner, stages and ids are added."""

    anchor: Fact
    anchor_at: datetime
    due_at: datetime
    key: str = ""
    met_at: datetime | None = None
    answers: tuple[str, ...] = ()
    provisional: bool = False
    day0: date | None = None
    shift: int = 0
    time_shift: timedelta = NO_TIME
    target: date | None = None
    reminder: bool = False
    superseded: bool = False
    cancelled: bool = False
    paused: bool | None = None  # None: as the person's custody says
    severity: Severity | None = None
    owner: str = ""  # an owner word other than the rule's
    first_step: int = 0
    county: str | None = None
    counted: Count | None = None
    measured: Measured | None = None


class Obligation(NamedTuple):
    """Who must answer what by when. Instants are aware; `due_at` is the first instant that is too late."""

    rule: Rule
    book: str
    scope: str
    subject: str
    occurrence: str
    handover_id: str | None
    handover_kind: str
    owner: str
    answered_by: tuple[str, ...]
    jurisdiction: str
    anchor_at: datetime
    due_at: datetime
    met_at: datetime | None
    answers: tuple[str, ...]
    cancelled: bool
    superseded: bool
    paused: bool
    provisional: bool
    stages: tuple[tuple[datetime, Severity], ...]
    reminder_until: datetime | None
    first_step: int
    anchors: tuple[str, ...]
    counted: Count | None
    measured: Measured | None = None


@dataclass(slots=True)
class Scope:
    """What rules look at: one handover, dispute or source, with all that is known around it at `now`."""

    id: str
    subject: str
    kind: str
    facts: Grouped
    owners: Owners
    calendar: Calendar
    successors: Successors
    now: datetime
    handover_id: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    died: bool = False
    custody: Custody = FREE
    release_date: date | None = None
    dated_by: Fact | None = None
    special: tuple[frozenset[str], float, int] | None = (
        None  # a dispute that names persons: rules, clock factor, severities up
    )
    linked: "Sequence[Linked]" = ()
    handover: Handover | None = None
    registry: Registry = NO_CHANGES
    feed: "Feed | None" = None
    alarms: list[datetime] = field(default_factory=list)  # later instants at which a derivation can change without news
    _fitting: dict[Pattern, list[Fact]] = field(default_factory=dict)  # what has been asked, kept up to date by `renew`

    def renew(self, now: datetime, news: Iterable[Fact]) -> None:
        """Facts have been added to `facts`; it is `now`."""
        self.now = now
        for fact in news:
            for pattern, fitting in self._fitting.items():
                if pattern.matches(fact):
                    insort(fitting, fact, key=_order)

    def of(self, pattern: Pattern) -> list[Fact]:
        """Facts of this scope that fit a pattern, in order. Not to be changed."""
        if not pattern.conditions:
            return self.facts.get(pattern.name, _NONE)
        fitting = self._fitting.get(pattern)
        if fitting is None:
            found = self.facts.get(pattern.name, _NONE)
            fitting = self._fitting[pattern] = [fact for fact in found if pattern.fits(fact)]
        return fitting

    def of_any(self, patterns: Iterable[Pattern]) -> list[Fact]:
        """Facts that fit one of the patterns, in order."""
        lists = [found for one in patterns if (found := self.of(one))]
        if len(lists) <= 1:
            return lists[0] if lists else []
        return sorted({fact[:4]: fact for one in lists for fact in one}.values(), key=_order)

    def length(self, rule: Rule, span: Span) -> Span:
        """A duration of `within` or `extension`, halved where special persons are party (6.9)."""
        if self.special is not None and rule.id in self.special[0]:
            return span.scaled(self.special[1])
        return span

    def is_fresh(self, rule: Rule, fact: Fact) -> bool:
        """Whether a fact was told for about the release date as it is now (6.11); always where none was known then, or is now."""
        if rule.stale_after is None or self.release_date is None or self.handover is None:
            return True
        then = self.handover.release_date_at(fact)
        if then is None:
            return True
        first, last = sorted((then, self.release_date))
        return last <= self.calendar.count(first, rule.stale_after).day

    def alarm(self, at: datetime) -> None:
        """Remember that the derivation can change at `at`."""
        if at > self.now:
            self.alarms.append(at)


class Linked(NamedTuple):
    """A dispute that names the person of a scope: its earliest report and its facts by name, without content."""

    dispute_id: str
    reported: Fact
    facts: Grouped


def _order(fact: Fact) -> tuple[datetime, str, str]:
    return (fact.time, fact.source, fact.id)


class Clock(NamedTuple):
    """Where a count starts: day 0 and the anchor's instant (2.5)."""

    day0: date
    at: datetime


def clock_of(anchor: Fact, fields: Sequence[str] = ()) -> Clock | None:
    """Day 0 of an anchor: the first field present, `time` being the fact's own; without fields that too. None: all are absent."""
    if not fields:
        return Clock(anchor.time.date(), anchor.time)
    for name in fields:
        if name == "time":
            return Clock(anchor.time.date(), anchor.time)
        value = anchor.data.get(name)
        if value:
            if "T" in str(value):
                at = anchor.instant(name)
                return Clock(at.date(), at)
            day = anchor.day(name)
            return Clock(day, start_of(day))
    return None


class Limit(NamedTuple):
    """A counted limit with what custody added."""

    due_at: datetime
    provisional: bool
    shift: int
    time_shift: timedelta
    counted: Count


def limit_of(scope: Scope, rule: Rule, clock: Clock, length: Span) -> Limit:
    """`length` after a clock's start, custody added where the rule is paused by it, then rolled."""
    if length.is_exact:
        added = scope.custody.time_added(clock.at, length.length) if rule.paused_by_custody else NO_TIME
        due_at = clock.at + length.length + added
        return Limit(due_at, False, 0, added, Count(clock.day0, length, due_day_of(due_at)))
    shift = 0
    if rule.paused_by_custody and scope.custody.times:
        shift = scope.custody.days_added(
            clock.day0, lambda days: scope.calendar.count(clock.day0, length, rule.roll, days).day
        )
    last = scope.calendar.count(clock.day0, length, rule.roll, shift)
    return Limit(end_of(last.day), last.provisional, shift, NO_TIME, Count(clock.day0, length, last.day, shift))


class Answer(NamedTuple):
    """When an obligation was met, and by which events."""

    met_at: datetime | None
    ids: tuple[str, ...]


UNANSWERED = Answer(None, ())


class Asked(NamedTuple):
    """What an answer must fit, beside the patterns of its rule."""

    anchor: datetime
    due_at: datetime
    key: str = ""  # the value of `per`
    after: datetime | None = None  # only facts with a greater time
    target: date | None = None
    county: str = ""  # only words of agencies of this county, by its six digits


def answer_of(scope: Scope, rule: Rule, asked: Asked, facts: Grouped | None = None) -> Answer:
    """`met_at`: the earliest over the alternatives; of "a + b" the later part (6.4)."""
    best: Answer = UNANSWERED
    known = scope.facts if facts is None else facts
    for alternative in rule.cleared_by:
        parts = []
        for one in alternative:
            part = _earliest(scope, rule, known, one, asked) if one.name in known else None
            if part is None:
                break
            parts.append(part)
        else:
            met_at = max(part.time for part in parts)
            if best.met_at is None or met_at < best.met_at:
                best = Answer(met_at, tuple(part.id for part in parts))
    return best


def _earliest(scope: Scope, rule: Rule, facts: Grouped, one: Pattern, asked: Asked) -> Fact | None:
    for fact in facts.get(one.name, ()):
        if one.when == "later" and fact.time < asked.anchor:
            continue
        if one.when == "earlier" and fact.time >= asked.due_at:
            return None
        if asked.after is not None and fact.time <= asked.after:
            continue
        if rule.per and not _is_about(scope, rule.per, fact, asked.key):
            continue
        if asked.county and scope.successors.county(code_of(fact.agency)) != asked.county:
            continue
        if one.fits(fact) and (not one.asks_target or one.is_on(fact, asked.target)) and scope.is_fresh(rule, fact):
            return fact
    return None


def _is_about(scope: Scope, per: str, fact: Fact, key: str) -> bool:
    """Whether a fact speaks of one value of `per` (6.3). What the receiver of a notice says counts for its own county alone."""
    successors = scope.successors
    if per == "to_agency" and fact.name in _WORDS_OF_RECEIVER:
        return successors.county(code_of(fact.agency)) == successors.county(code_of(key))
    value = fact.data.get(per)
    return value is None or value == key or successors.agency(str(value)) == successors.agency(key)


def stages_of(scope: Scope, rule: Rule, draft: Draft) -> tuple[tuple[datetime, Severity], ...]:
    """The instants at which severities are reached (6.6), none before the due instant."""
    if draft.severity is not None:
        return ((draft.due_at, draft.severity),)
    raised = scope.special[2] if scope.special is not None and rule.id in scope.special[0] else 0
    reached = []
    for stage in rule.stages:
        at = _stage_at(scope, stage, draft)
        if at is not None:
            severity = SEVERITIES[min(SEVERITIES.index(stage.severity) + raised, len(SEVERITIES) - 1)]
            reached.append((max(at, draft.due_at), severity))
    return tuple(reached)


def _stage_at(scope: Scope, stage: Stage, draft: Draft) -> datetime | None:
    if stage.base == "target" and draft.target is None:
        return None
    if stage.offset is None:
        return end_of(draft.target) if stage.base == "target" and draft.target else draft.due_at
    if stage.offset.is_exact:
        start = {"due": draft.due_at, "anchor": draft.anchor_at + draft.time_shift}.get(stage.base)
        return None if start is None else start + stage.sign * stage.offset.length
    calendar = scope.calendar
    if stage.base == "target" and draft.target is not None:
        if stage.sign < 0:
            return start_of(calendar.count_back(draft.target, stage.offset).day)
        return end_of(calendar.count(draft.target, stage.offset).day)
    if stage.base == "anchor":
        day0 = draft.day0 or draft.anchor_at.date()
        shift = draft.shift if stage.sign > 0 else 0
        return end_of(
            (
                calendar.count(day0, stage.offset, shift=shift)
                if stage.sign > 0
                else calendar.count_back(day0, stage.offset)
            ).day
        )
    due_day = due_day_of(draft.due_at)
    return end_of(
        (calendar.count(due_day, stage.offset) if stage.sign > 0 else calendar.count_back(due_day, stage.offset)).day
    )


def obligation_of(scope: Scope, rule: Rule, book: str, draft: Draft) -> Obligation:
    """A draft with owner, stages and ids."""
    owners, county = scope.owners, draft.county
    owner = owners.agency(draft.owner or rule.owner, draft.anchor, county)
    answered_by = tuple(owners.agency(role, draft.anchor, county) for role in rule.answered_by) or (owner,)
    cancelled = (
        draft.cancelled
        or (scope.closed_at is not None and not rule.outlives_close)
        or scope.died
        or any(_cancels(scope, one, draft) for one in rule.cancelled_by)
    )
    return Obligation(
        rule=rule,
        book=book,
        scope=scope.id,
        subject=scope.subject,
        occurrence=":".join(part for part in (rule.part, draft.key) if part),
        handover_id=scope.handover_id,
        handover_kind=scope.kind,
        owner=owner,
        answered_by=answered_by,
        jurisdiction=owners.jurisdiction(county),
        anchor_at=draft.anchor_at,
        due_at=draft.due_at,
        met_at=draft.met_at,
        answers=draft.answers,
        cancelled=cancelled,
        superseded=draft.superseded,
        paused=(rule.paused_by_custody and scope.custody.detained) if draft.paused is None else draft.paused,
        provisional=draft.provisional,
        stages=stages_of(scope, rule, draft),
        reminder_until=end_of(draft.target) if draft.reminder and draft.target else None,
        first_step=draft.first_step,
        anchors=(draft.anchor.id,),
        counted=draft.counted,
        measured=draft.measured,
    )


def _cancels(scope: Scope, one: Pattern, draft: Draft) -> bool:
    for fact in scope.of(one):
        if (one.when == "later" and fact.time < draft.anchor.time) or (
            one.when == "earlier" and fact.time >= draft.due_at
        ):
            continue
        return True
    return False


Drafts = Iterator[Draft]
