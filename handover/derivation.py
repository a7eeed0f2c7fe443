"""From the facts known of one subject to its obligations at an instant."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handover.custody import Custody, custody_of
from handover.facts import Fact, Grouped, agency_of
from handover.factset import business_facts, settled
from handover.forms import FORMS
from handover.frame import Frame
from handover.handovers import Handover, walk
from handover.measured import METRIC_JUDGED
from handover.obligations import Draft, Feed, Linked, Obligation, Scope, obligation_of
from handover.owners import DisputeOwners, HandoverOwners, PlaceOwners, SourceOwners
from handover.rulebook import Rule
from schemas.catalogue import SAME_WHEN

Slot = tuple[str, str, str]  # (scope, rule id, occurrence): what names an obligation
Remembered = Callable[[Slot], bool]


@dataclass(slots=True)
class _Part:
    """What one rule asks of one scope."""

    scope: Scope
    rule: Rule
    book_of: Callable[[datetime], str | None]
    slots: list[Slot] = field(default_factory=list)
    alarm: datetime | None = None  # when it can change without news


@dataclass(slots=True)
class Derived:
    """The obligations that matter at an instant. A fact that cannot move the rest renews only the rules that read it."""

    at: datetime
    remembered: Remembered
    duties: dict[Slot, Obligation] = field(default_factory=dict)
    alarms: list[datetime] = field(default_factory=list)  # when all must be derived anew without news
    handovers: list[Handover] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    actions: dict[str, list[Fact]] = field(default_factory=dict)  # by alert id
    changed: set[Slot] | None = None  # the slots renewed last; None: all
    _parts: list[_Part] = field(default_factory=list)

    def add(self, scope: Scope, frame: Frame) -> None:
        """Ask every rule of the scope's kind."""
        self.scopes.append(scope)
        for rule, book_of in _rules(frame, scope.kind):
            part = _Part(scope, rule, book_of)
            self._parts.append(part)
            self._ask(part)

    def renew(self, now: datetime, news: Sequence[Fact]) -> None:
        """Add facts that only some rules read to the one handover, and ask those rules again, and those whose instant has come."""
        names = {fact.name for fact in news}
        for fact in news:
            self.handovers[0].insert(fact)
        self.at, self.changed = now, set()
        for scope in self.scopes:
            scope.now = now
        for part in self._parts:
            if (part.alarm is not None and part.alarm <= now) or not names.isdisjoint(reads(part.rule)):
                self.changed.update(part.slots)
                self._ask(part)
                self.changed.update(part.slots)

    def next_alarm(self) -> datetime | None:
        """The next instant at which a derivation can change without news."""
        found = [part.alarm for part in self._parts if part.alarm is not None and part.alarm > self.at]
        return min([*found, *(at for at in self.alarms if at > self.at)], default=None)

    def _ask(self, part: _Part) -> None:
        """What is answered and was never raised leaves no trace (7.7)."""
        scope, rule = part.scope, part.rule
        for slot in part.slots:
            self.duties.pop(slot, None)
        part.slots, part.alarm = [], None
        if (
            rule.anchor
            and rule.form not in _LOOK_ELSEWHERE
            and not any(name in scope.facts for name in rule.anchor_names)
        ):
            return
        for draft in FORMS[rule.form](scope, rule):
            book = part.book_of(draft.anchor_at)
            if book is not None:
                self._keep(part, book, draft)
        part.alarm = min(scope.alarms, default=None)
        scope.alarms.clear()

    def _keep(self, part: _Part, book: str, draft: Draft) -> None:
        scope, rule = part.scope, part.rule
        slot = (scope.id, rule.id, ":".join(text for text in (rule.part, draft.key) if text))
        if draft.met_at is not None and not self.remembered(slot):
            self.duties.pop(slot, None)
            return
        part.slots.append(slot)
        self.duties[slot] = obligation_of(scope, rule, book, draft)


_LOOK_ELSEWHERE = frozenset(("linked_dispute", "abolished_code", "feed_silent", "manifest_gap"))

# Facts that move no handover, owner, date, kind or custody: only the rules that name them can notice.
LIGHT = frozenset(
    ("checkin.completed", "checkin.location_checked", "checkin.excused", "checkin.leave_approved", "checkin.leave_returned",
     "checkin.plan_set", "checkin.em_started", "checkin.em_extended", "checkin.em_ended", "intake.visit_done", "intake.help_answered",
     "intake.documents_received", "intake.documents_receipted", "intake.search_opened", "intake.search_closed", "intake.person_reported",
     "intake.registered", "intake.pickup_planned", "intake.pickup_completed", "release.education_completed")
)  # fmt: skip
_ALSO_READ = {"lost_contact": frozenset(("checkin.plan_set",))}


def reads(rule: Rule) -> frozenset[str]:
    """The names of the facts that a rule looks at."""
    return rule.reads | _ALSO_READ.get(rule.form, frozenset()) if rule.form != "orphan" else LIGHT


def renewable(derived: Derived, facts: Sequence[Fact]) -> bool:
    """Whether facts can be added to what was derived: one open handover which they join, and none told twice."""
    if len(derived.handovers) != 1:
        return False
    handover = derived.handovers[0]
    if not handover.is_open or not all(
        fact.name in LIGHT and fact.time >= handover.opened_at and fact.handoverid in (None, handover.explicit_id)
        for fact in facts
    ):
        return False
    once = [fact for fact in facts if SAME_WHEN[fact.name] is not None]
    return len({(fact.name, fact.time.date()) for fact in once}) == len(once) and all(
        known.time.date() != fact.time.date() for fact in once for known in handover.of(fact.name)
    )


def _rules(frame: Frame, kind: str) -> Iterable[tuple[Rule, Callable[[datetime], str | None]]]:
    """The rules for a kind, each with a test that names the book in force for an anchor, or None where another version is."""
    if len(frame.versions) == 1:
        book = frame.versions[0].book
        for rule in book.rules_of(kind):
            yield rule, lambda _: book.book
        return
    seen: set[int] = set()
    for version in frame.versions:
        for rule in version.book.rules_of(kind):
            if id(rule) not in seen:
                seen.add(id(rule))
                yield rule, _chosen(frame, rule)


def _chosen(frame: Frame, rule: Rule) -> Callable[[datetime], str | None]:
    def book_of(anchor_at: datetime) -> str | None:
        book = frame.version_at(anchor_at)
        return book.book if book.by_key.get(rule.key) is rule else None

    return book_of


def derive_person(
    into: Derived, ref: str, facts: Sequence[Fact], disputes: Sequence[Linked], frame: Frame, settle: timedelta
) -> None:
    """All handovers of one person, from the standing facts of the person (in order)."""
    inside, settles_at = settled(facts, frame.now, settle)
    known = business_facts(inside)
    handovers = walk(ref, known)
    custody, since = custody_of((fact for fact in known if fact.name == "intake.custody_notified"), frame.now)
    into.alarms.extend(at for at in (settles_at, since) if at is not None)
    into.handovers.extend(handovers)
    linked = _linked(disputes, handovers, frame)
    for handover in handovers:
        into.add(_scope(handover, frame, custody, linked.get(handover.handover_id, ())), frame)


def _scope(handover: Handover, frame: Frame, custody: Custody, linked: Sequence[Linked]) -> Scope:
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
        custody=custody,
        release_date=handover.release_date,
        dated_by=handover.dated_by,
        linked=linked,
        handover=handover,
        registry=frame.registry,
    )


def _linked(disputes: Sequence[Linked], handovers: Sequence[Handover], frame: Frame) -> Mapping[str, Sequence[Linked]]:
    """Each dispute belongs to the latest opened handover of the rule's kinds that was not closed before it was reported (D06)."""
    if not disputes:
        return {}
    kinds = {
        kind
        for version in frame.versions
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


def derive_dispute(into: Derived, dispute_id: str, facts: Sequence[Fact], frame: Frame) -> None:
    """The duties of a dispute's committee, from its standing facts (in order)."""
    by_name, reported = _of_dispute(facts)
    book = frame.versions[0].book
    special = (
        (book.special_rules, book.clock_factor, book.raise_severity)
        if reported and reported.data["person_refs"]
        else None
    )
    owners = DisputeOwners(by_name, reported, frame.successors)
    scope = Scope(
        dispute_id, dispute_id, "DISPUTE", by_name, owners, frame.calendar, frame.successors, frame.now, special=special
    )
    into.add(scope, frame)


def derive_source(into: Derived, source: str, facts: Sequence[Fact], feed: Feed, frame: Frame) -> None:
    """The duties of a publisher of data (X03, X04), and what sinks have measured of it, of a jurisdiction or of the pipeline."""
    is_place = source.isdecimal()
    owners = PlaceOwners(source, frame.successors) if is_place else SourceOwners(agency_of(source), frame.successors)
    measured = grouped(fact for fact in facts if fact.name == METRIC_JUDGED)
    scope = Scope(source, source, "SYSTEM", measured, owners, frame.calendar, frame.successors, frame.now, feed=feed)
    into.add(scope, frame)


def linked_dispute_of(dispute_id: str, facts: Sequence[Fact]) -> Linked | None:
    """What a person's offices may know of a dispute: its earliest report and which facts have come."""
    by_name, reported = _of_dispute(facts)
    return Linked(dispute_id, reported, by_name) if reported else None
