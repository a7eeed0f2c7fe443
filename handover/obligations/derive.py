"""From the facts known of one subject to its obligations at an instant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handover.agencies import code_of
from handover.calendar import start_of
from handover.facts.fact import Fact, Grouped, agency_of
from handover.facts.fact_log import business_facts, settled
from handover.feeds.feed_state import HEARTBEAT, Feed, heard
from handover.feeds.metric_verdict import METRIC_JUDGED
from handover.obligations.context import EvaluationContext
from handover.obligations.custody import Custody, custody_of, detentions_of
from handover.obligations.forms.registry import FORMS
from handover.obligations.handovers import PICKUP, Closed, Handover, walk
from handover.obligations.obligation import Draft, Linked, Obligation, Scope, obligation_of
from handover.obligations.owners import DisputeOwners, HandoverOwners, OfficeOwners, PlaceOwners, SourceOwners
from handover.obligations.rule_index import LIGHT, Ruleset
from handover.rules.rulebook import Rule
from schemas.catalogue import SAME_WHEN

Slot = tuple[str, str, str]  # (scope, rule id, occurrence): what names an obligation
Remembered = Callable[[Slot], bool]


@dataclass(slots=True)
class _Part:
    """What one rule asks of one scope."""

    slots: list[Slot] = field(default_factory=list)
    alarm: datetime | None = None  # when it can change without news


@dataclass(slots=True)
class _Asked:
    """One scope and what its rules ask: the parts of those that found anything."""

    scope: Scope
    rules: Ruleset
    parts: dict[int, _Part] = field(default_factory=dict)

    def concerned(self, news: Iterable[Fact], now: datetime, *, all_readers: bool) -> set[int]:
        """The rules that news can move, and those whose instant has come."""
        found = {number for number, part in self.parts.items() if part.alarm is not None and part.alarm <= now}
        for fact in news:
            found.update(self.rules.concerned(fact, self.parts, all_readers=all_readers))
        return found


@dataclass(slots=True)
class Derived:
    """The obligations that matter at an instant. A fact that cannot move the rest renews only the rules that read it."""

    frame: EvaluationContext
    remembered: Remembered
    duties: dict[Slot, Obligation] = field(default_factory=dict)
    alarms: list[datetime] = field(default_factory=list)  # when all must be derived anew without news
    handovers: list[Handover] = field(default_factory=list)
    actions: dict[str, list[Fact]] = field(default_factory=dict)  # by alert id
    changed: set[Slot] | None = None  # the slots renewed last; None: all
    alarm: datetime | None = None  # the next instant at which it can change without news
    keeps_answered: bool = False  # whatever was raised or not
    quiet: bool = False  # the last instant has moved no obligation
    _asked: list[_Asked] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """The instant for which it holds."""
        return self.frame.now

    @property
    def scopes(self) -> list[Scope]:
        """The handovers, the dispute or the source that was looked at."""
        return [asked.scope for asked in self._asked]

    def add(self, scope: Scope) -> None:
        """Ask every rule of the scope's kind whose clock may run."""
        asked = _Asked(scope, self.frame.versions.rules_of(scope.kind))
        self._asked.append(asked)
        for number in asked.rules.startable(scope.facts):
            self._ask(asked, number)

    def renew(self, frame: EvaluationContext, news: Sequence[Fact]) -> None:
        """Add facts that only some rules read to the one handover or source, and ask those rules again, and those whose instant has come."""
        joined = next((handover for handover in self.handovers if handover.takes_all), None)
        if joined is not None:
            for fact in news:
                joined.insert(fact)
        self.frame, self.changed, moved = frame, set(), False
        for asked in self._asked:
            asked.scope.renew(frame.now, news if asked.scope.handover is joined else ())
            if asked.scope.feed is not None:
                asked.scope.feed = heard(asked.scope.feed, news)
            own = news if asked.scope.handover is joined else ()
            for number in sorted(asked.concerned(own, frame.now, all_readers=self.keeps_answered)):
                moved = True
                if (known := asked.parts.pop(number, None)) is not None:
                    self._forget(known)
                self.changed.update(self._ask(asked, number).slots)
        self.quiet = not moved
        if moved:
            self.set_alarm()

    def still(self, frame: EvaluationContext) -> None:
        """Nothing has changed up to a later instant."""
        self.frame, self.changed, self.quiet = frame, set(), True

    def emptied(self) -> "Derived":
        """What is left when all handovers are forgotten: nothing is owed."""
        return Derived(self.frame, self.remembered, keeps_answered=self.keeps_answered)

    def set_alarm(self) -> None:
        """After asking: when the next change without news can come."""
        alarms = [part.alarm for asked in self._asked for part in asked.parts.values() if part.alarm is not None]
        self.alarm = min((at for at in (*alarms, *self.alarms) if at > self.at), default=None)

    def _forget(self, part: _Part) -> None:
        assert self.changed is not None
        for slot in part.slots:
            self.duties.pop(slot, None)
            self.changed.add(slot)

    def _ask(self, asked: _Asked, number: int) -> _Part:
        """What is answered and was never raised leaves no trace (7.7)."""
        scope, rule, part = asked.scope, asked.rules.rules[number], _Part()
        for draft in FORMS[rule.form](scope, rule):
            book = self.frame.book_for(rule, draft.anchor_at, scope.closed_at)
            if book is not None:
                self._keep(scope, rule, part, book, draft)
        if scope.alarms:
            part.alarm = min(scope.alarms)
            scope.alarms.clear()
        if part.slots or part.alarm is not None:
            asked.parts[number] = part
        return part

    def _keep(self, scope: Scope, rule: Rule, part: _Part, book: str, draft: Draft) -> None:
        slot = (scope.id, rule.id, ":".join(text for text in (rule.part, draft.key) if text))
        if draft.met_at is not None and not self.remembered(slot):
            self.duties.pop(slot, None)
            return
        part.slots.append(slot)
        self.duties[slot] = obligation_of(scope, rule, book, draft)


def renewable(derived: Derived, facts: Sequence[Fact]) -> bool:
    """Whether facts can be added to what was derived: heartbeats, or one open handover which they join, and none told twice."""
    if any(scope.feed is not None for scope in derived.scopes):
        return all(fact.name == HEARTBEAT for fact in facts)
    handover = _joined_by_all(derived.handovers)
    if handover is None or not all(_joins(handover, fact) for fact in facts):
        return False
    earlier = [one.closed_at for one in derived.handovers if one.closed_at is not None and one.survey_id is None]
    if earlier and any(fact.time <= max(earlier) for fact in facts):
        return False
    once = [fact for fact in facts if SAME_WHEN[fact.name] is not None]
    return len({(fact.name, fact.time.date()) for fact in once}) == len(once) and all(
        known.time.date() != fact.time.date() for fact in once for known in handover.of(fact.name)
    )


def _joined_by_all(handovers: Sequence[Handover]) -> Handover | None:
    """The only open handover, as far as facts without an id have a choice."""
    still_open = [one for one in handovers if one.takes_all]
    return still_open[0] if len(still_open) == 1 else None


def _joins(handover: Handover, fact: Fact) -> bool:
    """Whether a later fact joins the only open handover, and moves no other."""
    return (
        fact.subject == handover.subject
        and fact.name in LIGHT
        and fact.time > handover.opened_at
        and (fact.handoverid is None or fact.handoverid in handover.names)
        and not (handover.transferred is not None and fact.name == PICKUP)
    )


def derive_person(
    into: Derived,
    ref: str,
    facts: Sequence[Fact],
    disputes: Sequence[Linked],
    frame: EvaluationContext,
    settle: timedelta,
    closed: Sequence[Closed] = (),
) -> None:
    """All handovers of one person that are not forgotten, from the standing facts of the person (in order)."""
    inside, settles_at = settled(facts, frame.now, settle)
    known = business_facts(inside)
    handovers = walk(ref, known, closed)
    notices = [fact for fact in known if fact.name == "intake.custody_notified"]
    released = {one.time: handover.began_at for handover in handovers for one in handover.of("release.occurred")}
    detentions, since = detentions_of(notices, released, frame.now)
    into.alarms.extend(at for at in (settles_at, since) if at is not None)
    into.handovers.extend(handovers)
    linked = _linked(disputes, handovers, frame)
    for handover in handovers:
        custody = custody_of(detentions, handover.began_at)
        into.add(_scope(handover, frame, custody, linked.get(handover.handover_id, ())))


def _scope(handover: Handover, frame: EvaluationContext, custody: Custody, linked: Sequence[Linked]) -> Scope:
    return Scope(
        id=handover.handover_id,
        subject=handover.subject,
        kind=handover.kind,
        facts=handover.by_name,
        owners=HandoverOwners(handover, frame.successors),
        calendar=frame.calendar,
        successors=frame.successors,
        now=frame.now,
        handover_id=handover.handover_id,
        opened_at=handover.opened_at,
        closed_at=handover.closed_at,
        died=handover.died,
        custody=custody,
        release_date=handover.release_date,
        dated_by=handover.dated_by,
        linked=linked,
        handover=handover,
        registry=frame.registry,
    )


def _linked(
    disputes: Sequence[Linked], handovers: Sequence[Handover], frame: EvaluationContext
) -> Mapping[str, Sequence[Linked]]:
    """Each dispute belongs to the latest opened handover of the rule's kinds that was not closed before it was reported (6.5)."""
    if not disputes:
        return {}
    kinds = {
        kind
        for version in frame.versions.books
        for rule in version.book.rules
        if rule.form == "linked_dispute"
        for kind in rule.kinds
    }
    found: dict[str, list[Linked]] = {}
    for dispute in disputes:
        fits = [
            h for h in handovers if h.kind in kinds and (h.closed_at is None or h.closed_at >= dispute.reported.time)
        ]
        if fits:
            found.setdefault(max(fits, key=lambda handover: handover.number).handover_id, []).append(dispute)
    return found


def grouped(facts: Iterable[Fact]) -> Grouped:
    """Facts by name, keeping their order."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.name, []).append(fact)
    return found


def _of_dispute(facts: Sequence[Fact]) -> tuple[Grouped, Fact | None]:
    """A dispute's facts by name; `reported` is its earliest one, everywhere."""
    by_name = dict(grouped(business_facts(facts)))
    told = by_name.get("dispute.reported")
    if told is None:
        return by_name, None
    by_name["dispute.reported"] = told[:1]
    return by_name, told[0]


def derive_dispute(into: Derived, dispute_id: str, facts: Sequence[Fact], frame: EvaluationContext) -> None:
    """The duties of a dispute's committee, from its standing facts (in order)."""
    by_name, reported = _of_dispute(facts)
    book = frame.versions.first
    special = (
        (book.special_rules, book.clock_factor, book.raise_severity)
        if reported and reported.data["person_refs"]
        else None
    )
    owners = DisputeOwners(by_name, reported, frame.successors)
    scope = Scope(
        dispute_id, dispute_id, "DISPUTE", by_name, owners, frame.calendar, frame.successors, frame.now, special=special
    )
    into.add(scope)


def derive_office(into: Derived, agency: str, facts: Sequence[Fact], frame: EvaluationContext) -> None:
    """The work that an office owes, until its code ends."""
    ended = [start_of(change.day("valid_from")) for change in frame.registry.changes if _ends(change, agency)]
    into.add(
        Scope(
            agency,
            agency,
            "WORK",
            grouped(business_facts(facts)),
            OfficeOwners(agency, frame.successors),
            frame.calendar,
            frame.successors,
            frame.now,
            closed_at=min((at for at in ended if at <= frame.now), default=None),
        )
    )


def _ends(change: Fact, agency: str) -> bool:
    return bool(change.data["change"] == "ABOLISHED" and change.data["code"] == code_of(agency))


def derive_source(into: Derived, source: str, facts: Sequence[Fact], feed: Feed, frame: EvaluationContext) -> None:
    """The duties of a publisher of data, and what sinks have measured of it, of a jurisdiction or of the pipeline."""
    is_place = source.isdecimal()
    owners = PlaceOwners(source, frame.successors) if is_place else SourceOwners(agency_of(source), frame.successors)
    measured = grouped(fact for fact in facts if fact.name == METRIC_JUDGED)
    scope = Scope(source, source, "SYSTEM", measured, owners, frame.calendar, frame.successors, frame.now, feed=feed)
    into.add(scope)


def linked_dispute_of(dispute_id: str, facts: Sequence[Fact]) -> Linked | None:
    """What a person's offices may know of a dispute: its earliest report and which facts have come."""
    by_name, reported = _of_dispute(facts)
    return Linked(dispute_id, reported, by_name) if reported else None
