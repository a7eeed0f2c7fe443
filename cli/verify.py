"""`handover verify`: the log replayed, and compared with the alerts that were really raised."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.replay import Days, Rules
from cli.report import CHECK_FAILED, fail, json_line, say, warn
from schemas.alert import Alert
from schemas.instants import show

if TYPE_CHECKING:
    from cli.settings import Settings

# What must be equal. Left out: the count of revisions (records come singly when live), and texts.
COMPARED = (
    *(
        "rule_id",
        "subject",
        "handover_id",
        "handover_kind",
        "occurrence",
        "severity",
        "state",
        "outcome",
        "step",
        "stage",
    ),
    *("held", "owner_agency", "jurisdiction", "anchor_at", "due_at", "raised_at", "resolved_at", "acknowledged_by"),
    *("assigned_to", "snoozed_until", "contest", "provisional"),
)
_SETTLE_SECONDS = 10  # what became true within the last seconds may still be on its way
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One alert at one instant that is not as it must be."""

    kind: str  # lost, false or differing
    alert_id: str
    changed_at: datetime
    rule_id: str
    expected: Mapping[str, Any] | None
    found: Mapping[str, Any] | None

    def fields(self) -> list[str]:
        """Return the names of the fields that differ."""
        if self.expected is None or self.found is None:
            return []
        return [name for name in COMPARED if self.expected[name] != self.found[name]]

    def wire(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "kind": self.kind,
            "alert_id": self.alert_id,
            "changed_at": show(self.changed_at),
            "rule_id": self.rule_id,
            "fields": self.fields(),
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(slots=True)
class Comparison:
    """What `compare` found."""

    alerts: int = 0
    revisions: int = 0
    differences: list[Difference] = field(default_factory=list)


def compare(expected: Iterable[Alert], found: Iterable[Alert], until: datetime | None = None) -> Comparison:
    """Compare alerts, at every instant up to `until`, by their last snapshot of the instant (semantics.md 10.4).

    A topic that was compacted holds only the newest snapshots of an alert: then only those are compared. What fired and
    ended in one instant, because the records of that instant came singly, is no alert.
    """
    result = Comparison()
    wanted, held = _by_alert(expected), _by_alert(found)
    for alert_id in sorted(wanted.keys() | held.keys()):
        must, has = _instants(wanted.get(alert_id, ())), _instants(held.get(alert_id, ()))
        result.alerts += 1
        whole = _is_whole(held.get(alert_id, ()))
        for at in sorted(must.keys() | has.keys()):
            if until is not None and at > until:
                continue
            if not whole and has and at < min(has):
                continue  # compacted away
            result.revisions += 1
            _compare_one(result, must.get(at), has.get(at))
    return result


def _compare_one(result: Comparison, must: Alert | None, has: Alert | None) -> None:
    one = must or has
    if one is None:
        return
    expected = None if must is None else _values(must)
    found = None if has is None else _values(has)
    if expected != found:
        kind = "lost" if has is None else "false" if must is None else "differing"
        result.differences.append(Difference(kind, one.alert_id, one.changed_at, one.rule_id, expected, found))


def _values(alert: Alert) -> dict[str, Any]:
    wire = alert.wire()
    return {name: wire[name] for name in COMPARED}


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
        if not flickers and (before is None or _values(alert) != _values(before)):
            kept[at] = before = alert
    return kept


def _is_whole(alerts: Sequence[Alert]) -> bool:
    """Say whether every revision is there: the topic has not been compacted for this alert."""
    revisions = {one.revision for one in alerts}
    return not revisions or revisions == set(range(1, max(revisions) + 1))


def verify(
    rules: Rules = None,
    calendar: Days = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last instant compared, RFC 3339; else some seconds ago.")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql/--no-sql", help="Compare with the read model too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each difference.")] = False,
) -> None:
    """Replay the recorded log and compare with the alert topic and with SQL: every alert, every instant. Exit 1 on a
    difference: lost (should have been raised), false (should not), or differing.
    """
    from cli.dump import events, read_clock
    from cli.records import consumer, read_settings
    from cli.replay import read_instant, read_rules
    from handover.replay import replay

    settings = read_settings()
    book, days = read_rules(rules, calendar)
    last = read_instant(until) or read_clock(settings).now((time.time_ns() // 1_000_000) - _SETTLE_SECONDS * 1000)
    with consumer(settings) as client:
        told = [(event, event.receivedtime or event.time) for event in events(client, settings) if event is not None]
        found = list(_raised(client, settings))
    expected = list(replay(((event, at) for event, at in told if at <= last), book, days, last))
    result = compare(expected, found, last)
    if sql:
        result.differences += list(_sql_differences(settings, found))
    _report(result, len(told), last, as_json=as_json)
    if result.differences:
        raise typer.Exit(CHECK_FAILED)


def _raised(client: Any, settings: Settings) -> Iterable[Alert]:
    """Yield every snapshot that the alert topic holds."""
    from cli.records import recorded
    from schemas.alert import read
    from schemas.topics import ALERT, named

    for record in recorded(client, [named(settings.topic_prefix, ALERT)], "reading alerts"):
        if record.value is None:
            continue
        try:
            yield read(record.value)
        except (ValueError, KeyError):
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            fail(f"{place} holds no alert", "find out who else writes to this topic")


def _sql_differences(settings: Settings, found: Sequence[Alert]) -> Iterable[Difference]:
    """Yield where the read model is not the newest snapshot of the topic. Without a read model: nothing."""
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from cli.records import has_read_model
    from sinks.database import connect
    from sinks.tables import alert

    if not has_read_model(settings):
        return
    newest = {one.alert_id: one for one in sorted(found, key=lambda one: one.revision)}
    try:
        with connect(settings.database).connect() as connection:
            held = {row["alert_id"]: dict(row) for row in connection.execute(select(alert)).mappings()}
    except SQLAlchemyError as error:
        fail(
            f"the read model cannot be read: {type(error).__name__}", "leave it out with --no-sql, or: handover doctor"
        )
    for alert_id in sorted(newest.keys() | held.keys()):
        must, has = newest.get(alert_id), held.get(alert_id)
        expected = None if must is None else {**_values(must), "revision": must.revision}
        row = None if has is None else _plain({name: has[name] for name in (*COMPARED, "revision")})
        if expected != row:
            at = must.changed_at if must is not None else held[alert_id]["changed_at"]
            kind = "lost in SQL" if row is None else "false in SQL" if expected is None else "differing in SQL"
            rule = str((expected or row or {}).get("rule_id", ""))
            yield Difference(kind, alert_id, at, rule, expected, row)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: show(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _report(result: Comparison, events: int, last: datetime, *, as_json: bool) -> None:
    if as_json:
        for difference in result.differences:
            json_line(difference.wire())
        return
    for difference in result.differences[:_SHOWN]:
        names = ", ".join(difference.fields())
        say(
            f"{difference.kind:<10} {difference.rule_id:<4} {difference.alert_id} {show(difference.changed_at)} {names}"
        )
    if len(result.differences) > _SHOWN:
        warn(f"{len(result.differences) - _SHOWN} more; all of them: handover verify --json")
    counted = f"{events} events, {result.alerts} alerts, {result.revisions} snapshots up to {show(last)}"
    say(f"{counted}: {f'{len(result.differences)} differences' if result.differences else 'equal'}")
