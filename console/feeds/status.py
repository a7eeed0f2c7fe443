"""Feeds: which are silent or have gaps, and so make an empty list doubtful; what is usual for each, what to do now."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, func, select, true

from console.auth.permissions import Scope
from console.db.alert_rows import FeedAlert, HeldAlerts, PastFeedAlert
from console.db.reading import columns_of, read_all
from console.feeds.baseline import Baseline, count_hours
from console.feeds.cache import cache_of
from console.web.request import Visitor
from handover.rules.rulebook import Rule, RuleBook
from schemas.topics import SYSTEM
from sinks.readmodel.tables import alert, dead_letter, event, handover, publisher

SIGNALS = ("feed_silent", "manifest_gap")  # an empty list is doubtful while one fires
_HEARTBEAT = "reentry.system.publisher_heartbeat.v1"

State = Literal["silent", "gap", "late", "quiet", "unjudged", "ok"]
STATES: tuple[State, ...] = ("silent", "gap", "late", "quiet", "unjudged", "ok")


@dataclass(frozen=True, slots=True)
class Feed:
    """One publisher as it stands: `alerts` are the firing ones about the feed itself."""

    source: str
    state: State
    last_at: datetime
    habit: Baseline
    hours: Sequence[int]
    held: int  # alerts in scope that wait because of it
    alerts: Sequence[FeedAlert]

    @property
    def agency(self) -> str:
        """Whose feed it is."""
        return agency_of(self.source)

    @property
    def missing(self) -> int:
        """How many numbers are missing."""
        return sum(one.count for one in self.habit.numbers)


def agency_of(source: str) -> str:
    """The agency of a publisher."""
    return source.removeprefix("/agencies/").partition("/")[0]


def path_of(source: str) -> str:
    """The page of a feed."""
    return f"/feeds{source}"


def find_silent(connection: Connection, visitor: Visitor) -> list[Mapping[str, Any]]:
    """Feeds with a firing alert, the longest first, each once: who, since when, how many alerts in scope are held back by it."""
    scope, words = visitor.scope, visitor.words
    if "today" not in visitor.pages:
        return []
    rows: dict[str, FeedAlert] = {}
    for row in _read_firing(connection, visitor.site.book):
        if scope.depends_on(row["subject"]):
            rows.setdefault(row["subject"], row)
    if not rows:
        return []
    held, now = _count_held_in_scope(visitor), visitor.site.now()
    return [
        {
            "subject": row["subject"],
            "rule_id": row["rule_id"],
            "since": words.length(max(now - row["raised_at"], timedelta(0))),
            "at": words.log_at(row["raised_at"]),
            "held": held.get(agency_of(row["subject"]), 0),
            "href": path_of(row["subject"]) if "feeds" in visitor.pages else "",
        }
        for row in rows.values()
    ]


def _read_firing(connection: Connection, book: RuleBook) -> list[FeedAlert]:
    """The firing alerts on feeds, the longest first."""
    wanted = select(*columns_of(alert, FeedAlert)).where(alert.c.state == "firing", _is_about_feed(book))
    return read_all(connection, wanted.order_by(alert.c.raised_at), FeedAlert)


def _count_held_in_scope(visitor: Visitor) -> Mapping[str, int]:
    """How many firing alerts in scope each agency's feed holds back, as of some seconds ago at most."""
    site, scope = visitor.site, visitor.scope

    def count() -> Mapping[str, int]:
        with site.engine.connect() as connection:
            return _count_held(connection, scope.filter_obligations(alert), site.book)

    return cache_of(visitor).held.of(scope, count)


def _count_held(connection: Connection, visible: ColumnElement[bool], book: RuleBook) -> Counter[str]:
    """How many firing alerts are held back by each agency's feed: those that it should answer (semantics.md 9.4)."""
    names = (alert.c.rule_id, alert.c.owner_agency, handover.c.county, handover.c.town, handover.c.sending)
    wanted = (
        select(*names, func.count().label("n"))
        .select_from(alert.outerjoin(handover, (handover.c.handover_id == alert.c.handover_id) & (handover.c.subject == alert.c.subject)))
        .where(alert.c.state == "firing", alert.c.held.is_(True), visible)
        .group_by(*names)
    )  # fmt: skip
    roles: dict[str, set[str]] = defaultdict(set)
    for rule in book.rules:
        roles[rule.id].update(rule.answered_by)
    found: Counter[str] = Counter()
    for row in read_all(connection, wanted, HeldAlerts):
        for agency in {_find_agency(role, row) for role in roles[row["rule_id"]] or {"owner"}}:
            found[agency] += row["n"]
    return found


def _find_agency(role: str, row: HeldAlerts) -> str:
    known = {"county": row["county"], "town": row["town"], "sending": row["sending"], "publisher": row["sending"]}
    return known.get(role) or row["owner_agency"]


def count_feeds(connection: Connection, scope: Scope) -> int:
    """How many feeds a user's lists depend on."""
    sources = connection.execute(select(publisher.c.source).distinct()).scalars()
    return sum(map(scope.depends_on, sources))


def read_feeds(connection: Connection, visitor: Visitor, only: str = "") -> list[Feed]:
    """Every feed that the user's lists depend on, or the one that is named: those in trouble first, then by name."""
    site, scope = visitor.site, visitor.scope
    now, is_late = site.now(), site.data_time().is_late
    newest = select(publisher.c.source, func.max(publisher.c.last_arrival).label("at")).group_by(publisher.c.source)
    if only:
        newest = newest.where(publisher.c.source == only)
    last = {row.source: row.at for row in connection.execute(newest) if scope.depends_on(row.source)}
    alerts: dict[str, list[FeedAlert]] = defaultdict(list)
    for row in _read_firing(connection, site.book):
        alerts[row["subject"]].append(row)
    habits = cache_of(visitor).habits.of(connection, last)
    hours = count_hours(connection, list(last), now)
    visible = true() if scope.role == "platform" else scope.filter_obligations(alert)  # a number names nobody
    held = _count_held(connection, visible, site.book)
    found = []
    for source, at in last.items():
        signals = {site.book.policies.of(row["rule_id"]).signal for row in alerts[source]}
        state = _find_state(site.book, habits[source], now - at, signals)
        if is_late and state == "ok":
            state = "unjudged"  # its silence would be an alert, and alerts are not processed
        waits = held[agency_of(source)] if signals else 0
        found.append(Feed(source, state, at, habits[source], hours[source], waits, alerts[source]))
    return sorted(found, key=lambda feed: (STATES.index(feed.state), feed.source))


def _find_state(book: RuleBook, habit: Baseline, since: timedelta, signals: set[str]) -> State:
    if "feed_silent" in signals:
        return "silent"
    if "manifest_gap" in signals or any(one.count for one in habit.numbers):
        return "gap"
    late = find_late_limit(book)
    periods = next((rule.periods for rule in _list_rules(book, "feed_silent")), 0)
    if habit.lag is not None and late is not None and habit.lag > late:
        return "late"
    if habit.gap is not None and periods and since > periods * habit.gap:
        return "quiet"
    return "ok"


def find_late_limit(book: RuleBook) -> timedelta | None:
    """The lag from which data are late."""
    hours = next((rule.thresholds.get("above_hours") for rule in _list_rules(book, "late_data")), None)
    return timedelta(hours=hours) if hours is not None else None


def _list_rules(book: RuleBook, signal: str) -> list[Rule]:
    return [rule for rule in book.rules if book.policies.of(rule.id).signal == signal]


def _is_about_feed(book: RuleBook) -> ColumnElement[bool]:
    return alert.c.rule_id.in_(book.policies.list_signalling(*SIGNALS))


def list_alerts(connection: Connection, book: RuleBook, source: str, count: int) -> list[PastFeedAlert]:
    """The latest alerts about a feed itself, firing ones first."""
    wanted = select(*columns_of(alert, PastFeedAlert)).where(alert.c.subject == source, _is_about_feed(book))
    order = (alert.c.resolved_at.is_not(None), alert.c.raised_at.desc())
    return read_all(connection, wanted.order_by(*order).limit(count), PastFeedAlert)


def find_heartbeat_period(connection: Connection, source: str) -> str | None:
    """The time between two heartbeats that a feed has promised (ISO 8601); None where it sends none."""
    wanted = select(event.c.body).where(event.c.source == source, event.c.topic == SYSTEM, event.c.type == _HEARTBEAT)
    body = connection.execute(wanted.order_by(event.c.time.desc()).limit(1)).scalar()
    return str(body["data"]["period"]) if body is not None else None


def count_dead_letters(connection: Connection, source: str) -> int:
    """How many of a feed's records are dead letters that nobody has decided about."""
    pending = (dead_letter.c.source == source) & (dead_letter.c.state == "pending")
    return int(connection.execute(select(func.count()).select_from(dead_letter).where(pending)).scalar_one())
