"""What redriving dead letters would change: the concerned subjects' recorded events, replayed with and without them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Select, select

from console.db.alert_rows import OwedColumns
from console.db.reading import columns_of, read_all
from console.web.site import Site
from handover.analysis.replay import Told, replay
from handover.facts.forwarding import routes
from handover.rules.rulebook import RuleBook
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.parse import trusted
from schemas.topics import DISPUTE, SYSTEM
from sinks.monitors.manifests import find_met
from sinks.readmodel.tables import alert, event

ChangeKind = Literal["ends", "appears", "changes"]
_SIGNS = (
    "reentry.system.publisher_heartbeat.v1",
    "reentry.system.publisher_manifest.v1",
    "reentry.system.manifest_judged.v1",
)  # of feeds: whether a manifest is met is judged below, from the counts that only SQL has
_LINKS = ("reentry.release.person_merged.v1", "reentry.release.person_split.v1")
_REPORTED = "reentry.dispute.reported.v1"
_PART = 500  # bound values of one query


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert that would end, appear or change. Persons are not named: whoever redrives sees none."""

    kind: ChangeKind
    alert_id: str
    rule_id: str
    occurrence: str
    severity: str
    outcome: str | None
    owner_agency: str
    jurisdiction: str
    due_at: str
    what: str = ""  # changes: the field

    def wire(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RedriveEffect:
    """What would change, and what was replayed to know it."""

    changes: Sequence[AlertChange]
    subjects: int
    events: int


def compute_effect(connection: Connection, site: Site, more: Sequence[Event], now: datetime) -> RedriveEffect:
    """What alerts would do if these events arrived now; up to the end of the time that a release takes to settle."""
    arriving = [(one, now) for one in more]
    subjects, recorded = _collect_history(connection, more)
    until = now + site.book.settle
    before, after = (
        _keep_last(replay(told, site.book, site.calendar, until)) for told in (recorded, [*recorded, *arriving])
    )
    changes = [*_find_differences(before, after), *_find_met_manifests(connection, site.book, arriving)]
    return RedriveEffect(sorted(changes, key=_sort_key), len(subjects), len(recorded))


def _sort_key(change: AlertChange) -> tuple[str, str, str, str]:
    return (change.kind, change.rule_id, change.due_at, change.alert_id)


def _keep_last(alerts: Iterable[Alert]) -> dict[str, Alert]:
    return {one.alert_id: one for one in alerts}


def _find_differences(before: Mapping[str, Alert], after: Mapping[str, Alert]) -> Iterable[AlertChange]:
    for alert_id in before.keys() | after.keys():
        old, new = before.get(alert_id), after.get(alert_id)
        fires, fired = new is not None and new.state == "firing", old is not None and old.state == "firing"
        if fired and not fires:
            assert old is not None
            yield _make_change("ends", new or old)
        elif fires and not fired:
            assert new is not None
            yield _make_change("appears", new)
        elif old is not None and new is not None:
            name = next(
                (
                    one
                    for one in ("outcome", "due_at", "severity", "owner_agency")
                    if getattr(old, one) != getattr(new, one)
                ),
                "",
            )
            if name:
                yield _make_change("changes", new, name)


def _make_change(kind: ChangeKind, of: Alert, what: str = "") -> AlertChange:
    return AlertChange(
        kind, of.alert_id, of.rule_id, of.occurrence, of.severity, of.outcome, of.owner_agency, of.jurisdiction,
        of.due_at.isoformat(), what,
    )  # fmt: skip


def _find_met_manifests(connection: Connection, book: RuleBook, arriving: Sequence[Told]) -> Iterable[AlertChange]:
    """Alerts about manifests that would end: counted over all of a publisher's events."""
    of_manifests = alert.c.rule_id.in_(book.policies.list_signalling("manifest_gap"))
    for source, day in find_met(connection, arriving):
        firing = select(*columns_of(alert, OwedColumns)).where(
            alert.c.subject == source, of_manifests, alert.c.occurrence == day, alert.c.state == "firing"
        )
        for row in read_all(connection, firing, OwedColumns):
            yield AlertChange(
                "ends", row["alert_id"], row["rule_id"], day, row["severity"], "met_late", row["owner_agency"], row["jurisdiction"],
                row["due_at"].isoformat(),
            )  # fmt: skip


def _collect_history(connection: Connection, more: Sequence[Event]) -> tuple[set[str], list[Told]]:
    """The subjects whose cases may change, and every recorded event that their cases are made of."""
    wanted = {subject for one in more for subject in (one.subject, *routes(one), *_list_named(one))}
    wanted |= _find_corrected(connection, more)
    seen: dict[tuple[str, str], Told] = {}
    fresh = wanted
    while fresh:
        found = [told for part in _split(fresh) for told in _read(connection, _select_of(part))]
        found += _read_linked(connection, fresh)
        seen |= {(one.source, one.id): (one, at) for one, at in found}
        fresh = {subject for one, _ in found for subject in (one.subject, *routes(one))} - wanted
        wanted = wanted | fresh
    shared = select(event.c.body, event.c.arrival).where(event.c.topic == SYSTEM, event.c.type.not_in(_SIGNS))
    seen |= {(one.source, one.id): (one, at) for one, at in _read(connection, shared)}
    return wanted, list(seen.values())


def _list_named(one: Event) -> tuple[str, ...]:
    return tuple(one.data["person_refs"]) if one.type == _REPORTED else ()


def _find_corrected(connection: Connection, more: Sequence[Event]) -> set[str]:
    """Subjects of events that are corrected from under another subject."""
    return {
        subject
        for one in more
        if one.corrects is not None
        for subject in connection.execute(
            select(event.c.subject).where(event.c.source == one.source, event.c.id == one.corrects)
        ).scalars()
    }


def _select_of(subjects: Sequence[str]) -> Select[Any]:
    return select(event.c.body, event.c.arrival).where(event.c.subject.in_(subjects), event.c.topic != SYSTEM)


def _read_linked(connection: Connection, subjects: set[str]) -> list[Told]:
    """Events of other subjects that are told to these: persons merged with them, disputes that name them."""
    merged = _read(connection, select(event.c.body, event.c.arrival).where(event.c.type.in_(_LINKS)))
    found = [told for told in merged if subjects & set(routes(told[0]))]
    if any(subject.startswith("p1_") for subject in subjects):
        reported = select(event.c.subject, event.c.body["data"]["person_refs"].label("refs")).where(
            event.c.topic == DISPUTE, event.c.type == _REPORTED
        )
        naming = {row.subject for row in connection.execute(reported) if subjects & set(row.refs)}
        found += [told for part in _split(naming) for told in _read(connection, _select_of(part))]
    return found


def _read(connection: Connection, wanted: Select[Any]) -> list[Told]:
    return [(trusted(orjson.dumps(row.body)), row.arrival) for row in connection.execute(wanted)]


def _split(subjects: Iterable[str]) -> Iterable[list[str]]:
    every = sorted(subjects)
    return (every[start : start + _PART] for start in range(0, len(every), _PART))
