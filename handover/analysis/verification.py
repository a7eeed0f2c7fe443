"""Judging what stands against what the log says: pure comparisons of alerts, cases and rows, each difference counted and named."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from handover.cases.case import Case
from handover.cases.codec import encode_case
from schemas.alert import Alert
from schemas.case import CaseSnapshot, read
from schemas.instants import show
from schemas.topics import ALERT, CASE

Kind = Literal["lost", "false", "doubled", "missing revision", "differing"]
KINDS: tuple[Kind, ...] = ("lost", "false", "doubled", "missing revision", "differing")
Row = Mapping[str, Any]  # plain JSON values

# What makes a new revision (semantics.md 7.6): the same values twice in a row are one snapshot.
_VISIBLE = (
    *("state", "severity", "outcome", "stage", "step", "due_at", "held", "provisional", "owner_agency"),
    *("acknowledged_by", "assigned_to", "snoozed_until", "contest"),
)
_UNJUDGED = ("revision",)  # records of one instant may come singly when live (semantics.md 10.4)
CASE_FIELDS = ("kind", "handovers", "dispute", "obligations")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be, in one topic or table."""

    kind: Kind
    place: str
    key: str  # alert_id, alert_id:revision or subject
    at: datetime | None
    expected: Row | None
    found: Row | None

    def fields(self) -> list[str]:
        """Return the names of the fields that differ."""
        if self.expected is None or self.found is None:
            return []
        names = {**self.expected, **self.found}
        return [name for name in names if self.expected.get(name) != self.found.get(name)]

    @property
    def rule_id(self) -> str:
        """Return the rule of an alert, empty for a case."""
        return str((self.expected or self.found or {}).get("rule_id", ""))

    def wire(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "kind": self.kind,
            "place": self.place,
            "key": self.key,
            "at": show(self.at) if self.at else None,
            "rule_id": self.rule_id,
            "fields": self.fields(),
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(slots=True)
class Judgement:
    """How much was compared, and what was found."""

    compared: Counter[str] = field(default_factory=Counter)  # by place: alerts, snapshots, cases, rows
    moving: Counter[str] = field(default_factory=Counter)  # by place: changed too recently to be judged
    log_begins: datetime | None = None  # the log has forgotten what arrived before; None: nothing
    older: int = 0  # cases that began before that: nobody can say what should stand
    findings: list[Finding] = field(default_factory=list)

    def counts(self) -> dict[Kind, int]:
        """Return the number of findings of each kind, zeros too."""
        found = Counter(one.kind for one in self.findings)
        return {kind: found[kind] for kind in KINDS}

    def add(self, other: "Judgement") -> None:
        """Take another judgement in."""
        self.compared += other.compared
        self.moving += other.moving
        self.findings += other.findings


# --- alerts on the topic


def judge_alerts(
    expected: Iterable[Alert],
    held: Iterable[Alert],
    until: datetime | None = None,
    compacted: Callable[[str], bool] = lambda alert_id: False,
) -> Judgement:
    """Compare alerts at every instant up to `until`, by their last snapshot of the instant (semantics.md 10.4).

    `compacted`: whether the topic may have dropped older snapshots of an alert; then those are not missed. What fired and
    ended in one instant, because the records of that instant came singly, is no alert.
    """
    result = Judgement()
    wanted, found = _by_alert(expected), _by_alert(held)
    for alert_id in sorted(wanted.keys() | found.keys()):
        whole = not compacted(alert_id)
        _judge_numbers(result, alert_id, found.get(alert_id, ()), whole=whole)
        must, has = _instants(wanted.get(alert_id, ())), _instants(found.get(alert_id, ()))
        instants = [at for at in sorted(must.keys() | has.keys()) if until is None or at <= until]
        if not whole and has:
            instants = [at for at in instants if at >= min(has)]
        result.compared["alerts"] += 1
        result.compared["snapshots"] += len(instants)
        known = alert_id in found
        for at in instants:
            _judge_instant(result, must.get(at), has.get(at), known=known)
    return result


def _judge_instant(result: Judgement, must: Alert | None, has: Alert | None, *, known: bool) -> None:
    one = must or has
    if one is None:
        return
    expected = None if must is None else as_judged(must)
    found = None if has is None else as_judged(has)
    if expected == found:
        return
    kind: Kind = "differing"
    if has is None:
        kind = "missing revision" if known else "lost"
    elif must is None:
        kind = "false"
    result.findings.append(Finding(kind, ALERT, one.alert_id, one.changed_at, expected, found))


def _judge_numbers(result: Judgement, alert_id: str, held: Sequence[Alert], *, whole: bool) -> None:
    """The same revision told twice must be the same; none may be left out."""
    contents: dict[int, Alert] = {}
    for alert in held:
        first = contents.setdefault(alert.revision, alert)
        if first != alert:
            key = f"{alert_id}:{alert.revision}"
            finding = Finding("doubled", ALERT, key, alert.changed_at, first.wire(), alert.wire())
            result.findings.append(finding)
    if not whole:
        return
    first_told = min(contents, default=1)  # an alert told again after a loss goes on from the greatest number known
    for number in sorted(set(range(first_told, max(contents, default=0) + 1)) - contents.keys()):
        after = contents[min(other for other in contents if other > number)]
        finding = Finding("missing revision", ALERT, f"{alert_id}:{number}", after.changed_at, None, after.wire())
        result.findings.append(finding)


def as_judged(alert: Alert) -> dict[str, Any]:
    """Return what of a snapshot is compared: all but its number."""
    wire = alert.wire()
    return {name: value for name, value in wire.items() if name not in _UNJUDGED}


def _by_alert(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.alert_id].append(alert)
    return found


def _instants(alerts: Sequence[Alert]) -> dict[datetime, Alert]:
    """Return the last snapshot of each instant, without flickers and without what repeats what was so before."""
    last = {alert.changed_at: alert for alert in sorted(alerts, key=lambda one: one.revision)}
    kept: dict[datetime, Alert] = {}
    before: Alert | None = None
    for at in sorted(last):
        alert = last[at]
        flickers = alert.state != "firing" and alert.raised_at == at and (before is None or before.state != "firing")
        if not flickers and (before is None or _visible(alert) != _visible(before)):
            kept[at] = before = alert
    return kept


def is_shown_alike(one: Alert, other: Alert) -> bool:
    """Say whether the one, told after the other, would be no new revision."""
    return _visible(one) == _visible(other)


def _visible(alert: Alert) -> tuple[Any, ...]:
    return tuple(getattr(alert, name) for name in _VISIBLE)


# --- cases on the topic


def judge_cases(
    expected: Mapping[str, Case], held: Mapping[str, CaseSnapshot | None], until: datetime | None = None
) -> Judgement:
    """Compare the newest snapshot of each case with the case at the end of the replay. None: a tombstone.

    A tombstone is right where nobody owes anything any more. A snapshot later than `until` is moving, and not judged.
    """
    result = Judgement()
    for subject in sorted(expected.keys() | held.keys()):
        has, case = held.get(subject), expected.get(subject)
        if has is not None and until is not None and has.changed_at is not None and has.changed_at > until:
            result.moving[CASE] += 1
            continue
        must = _lived(case)
        if subject in held and has is None and (must is None or not must["obligations"]):
            continue
        if has is not None and must is not None:
            must["handovers"] = [one for one in must["handovers"] if not _is_forgotten(one, has)]
        result.compared["cases"] += 1
        found = None if has is None else case_view(has)
        at = has.changed_at if has is not None else case.lived if case is not None else None
        result.findings += _compared(CASE, subject, at, must, found)
    return result


def _is_forgotten(handover: Mapping[str, Any], has: CaseSnapshot) -> bool:
    """Whether it is right that a snapshot keeps no more of a handover than its id: it was closed (semantics.md 11.2)."""
    return handover["closed_at"] is not None and handover["handover_id"] in has.forgotten


def _lived(case: Case | None) -> dict[str, Any] | None:
    """Return the public part of a case; None for one that nothing has happened to yet."""
    if case is None or case.derived is None:
        return None
    return case_view(read(encode_case(case).value))


def case_view(snapshot: CaseSnapshot) -> dict[str, Any]:
    """Return what is compared of a case: what is not an order of derivation, a count of writes, or the instant of the last one."""
    return view_of(snapshot.model_dump(mode="json", include=set(CASE_FIELDS)))


def view_of(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of plain JSON with CASE_FIELDS, its lists in one order."""
    handovers = [
        {**one, "milestones": sorted(one["milestones"], key=lambda fact: str(fact["fact"]))}
        for one in plain["handovers"]
    ]
    return {
        "kind": plain["kind"],
        "handovers": sorted(handovers, key=lambda one: str(one["handover_id"])),
        "dispute": plain["dispute"],
        "obligations": sorted(plain["obligations"], key=lambda one: str(one["obligation_id"])),
    }


# --- rows of the read model


def judge_rows(
    place: str, expected: Mapping[str, Row], held: Mapping[str, Row], moving: Collection[str] = ()
) -> Judgement:
    """Compare the rows of a table with what the topic says they must be, by key. `moving`: keys that may still be on their way."""
    result = Judgement()
    for key in sorted(expected.keys() | held.keys()):
        found = _compared(place, key, None, expected.get(key), held.get(key))
        if found and key in moving:
            result.moving[place] += 1
            continue
        result.compared[place] += 1
        result.findings += found
    return result


def _compared(place: str, key: str, at: datetime | None, must: Row | None, has: Row | None) -> list[Finding]:
    if must == has:
        return []
    kind: Kind = "lost" if has is None else "false" if must is None else "differing"
    return [Finding(kind, place, key, at, must, has)]
