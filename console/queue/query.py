"""The queue of today: what is late and what falls due, filtered, counted and paged. SQL and numbers only, no words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from console.auth.permissions import Scope
from console.db.alert_rows import AlertColumns, FiringColumns, ListedRow, ObligationColumns, QueueRow
from console.db.reading import Shape, columns_of, read_all
from console.queue.filters import KINDS, WAITS, QueueFilters
from console.queue.snoozes import find_snoozed_by
from console.text.deadline_text import find_soon_end
from console.web.site import Site
from console.web.values import read_time
from handover.calendar import Calendar, end_of
from sinks.readmodel.tables import alert, obligation

_BELOW = {2: 4, 4: 6, 6: 9, 9: 9}  # length of the codes one level below a prefix


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, the instant up to which obligations are judged, and the two limits between the buckets."""

    now: datetime
    judged: datetime
    today_ends: datetime
    soon_ends: datetime

    @classmethod
    def of(cls, now: datetime, calendar: Calendar, judged: datetime) -> "Moment":
        """The limits at `now`: the end of today, the end of the third working day after it."""
        return cls(now, min(now, judged), end_of(now.date()), end_of(find_soon_end(calendar, now.date())))

    @classmethod
    def now_at(cls, site: Site) -> "Moment":
        """The limits just now. Raise SQLAlchemyError."""
        now = site.now()
        return cls.of(now, site.calendar, site.data_time().judged(now))

    def bucket(self, severity: str, due_at: datetime, *, late: bool) -> str:
        """The bucket of a row. `late`: it is an alert; without one it is late only once the pipeline has passed its instant."""
        if late:
            return "first" if severity == "CRIT" else "over"
        if due_at <= self.now:
            return "over" if due_at <= self.judged else "due"
        return "today" if due_at <= self.today_ends else "soon" if due_at <= self.soon_ends else "later"


@dataclass(frozen=True, slots=True)
class RowKey:
    """The place of a row in the order: late and critical first, then by deadline."""

    rank: int
    due_at: datetime
    row_id: str

    def __str__(self) -> str:
        return f"{self.rank}~{self.due_at.isoformat()}~{self.row_id}"

    @classmethod
    def read(cls, text: str) -> "RowKey | None":
        """Read what `str` wrote; None for anything else."""
        parts = text.split("~")
        if len(parts) != 3 or parts[0] not in ("0", "1"):
            return None
        at = read_time(parts[1])
        return cls(int(parts[0]), at, parts[2]) if at is not None else None


def key_of(row: ListedRow) -> RowKey:
    """The place of a row."""
    return RowKey(0 if row["late"] and row["severity"] == "CRIT" else 1, row["due_at"], row["alert_id"])


# --- rows

NOT_RAISED: AlertColumns = {
    "step": 0, "held": False, "acknowledged_by": None, "assigned_to": None, "snoozed_until": None, "contest": None, "revision": 0,
    "raised_at": None,
}  # fmt: skip


def _select_alerts(scope: Scope) -> Select[Any]:
    wanted = select(*columns_of(alert, FiringColumns))
    return wanted.where(alert.c.state == "firing", scope.filter_obligations(alert))


def _select_obligations(scope: Scope, now: datetime) -> Select[Any]:
    """Obligations that are not late, and late ones whose alert is still on its way."""
    wanted = select(*columns_of(obligation, ObligationColumns))
    return wanted.where(scope.filter_obligations(obligation), *are_unraised(now))


def are_unraised(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which obligations are rows of their own. Of one that its case calls overdue the alert is the row: it is written before the case."""
    raised = select(literal(1)).where(alert.c.alert_id == obligation.c.alert_id, alert.c.state == "firing").exists()
    return obligation.c.state == "open", or_(obligation.c.due_at > now, ~raised)


def wait_column(owner: ColumnElement[str]) -> ColumnElement[str]:
    return case(*[(_is_waited_for(owner, name), name) for name in WAITS if name != "other"], else_="other")


def _is_waited_for(owner: ColumnElement[str], name: str) -> ColumnElement[bool]:
    if name == "other":
        return not_(or_(*(_is_waited_for(owner, one) for one in WAITS if one != "other")))
    return or_(*(owner.startswith(f"{kind}-") for kind in WAITS[name]))


def town_column(scope: Scope, jurisdiction: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(jurisdiction, 1, _BELOW.get(len(scope.prefix), 6))


def is_of_staff(staff: str) -> ColumnElement[bool]:
    return or_(alert.c.assigned_to == staff, and_(alert.c.assigned_to.is_(None), alert.c.acknowledged_by == staff))


def is_snoozed(now: datetime, aside: Collection[str]) -> ColumnElement[bool]:
    """Whether an alert is out of an office's list. `aside`: the alerts that this office itself has snoozed."""
    return and_(alert.c.snoozed_until > now, alert.c.alert_id.in_(sorted(aside))) if aside else false()


def read_page(
    connection: Connection,
    scope: Scope,
    staff: str,
    filters: QueueFilters,
    moment: Moment,
    after: RowKey | None,
    count: int,
) -> list[QueueRow]:
    """The next rows after a place, in order; at most `count`."""
    rows: list[QueueRow] = []
    snoozed = is_snoozed(moment.now, find_snoozed_by(connection, scope.agency, moment.now))
    late_ones = _filter_alerts(scope, staff, filters, snoozed)
    if after is None or after.rank == 0:
        rows += _read_alerts(connection, _limit_to_rank(late_ones, filters, critical=True), after, count)
    if len(rows) < count:
        rest = after if after is not None and after.rank == 1 else None
        late = _read_alerts(connection, _limit_to_rank(late_ones, filters, critical=False), rest, count)
        due = _read_obligations(connection, _filter_obligations(scope, filters, moment), rest, count)
        rows += sorted(late + due, key=lambda row: (row["due_at"], row["alert_id"]))
    return rows[:count]


def _read_alerts(
    connection: Connection, wanted: Select[Any] | None, after: RowKey | None, count: int
) -> list[QueueRow]:
    found = _read_next(connection, wanted, alert, FiringColumns, after, count)
    return [{**row, "late": True, "outcome": None} for row in found]


def _read_obligations(
    connection: Connection, wanted: Select[Any] | None, after: RowKey | None, count: int
) -> list[QueueRow]:
    found = _read_next(connection, wanted, obligation, ObligationColumns, after, count)
    return [{**NOT_RAISED, **row, "late": False, "outcome": None} for row in found]


def _read_next(
    connection: Connection,
    wanted: Select[Any] | None,
    table: Any,
    shape: type[Shape],
    after: RowKey | None,
    count: int,
) -> list[Shape]:
    if wanted is None:
        return []
    if after is not None:
        wanted = wanted.where(
            or_(
                table.c.due_at > after.due_at,
                and_(table.c.due_at == after.due_at, table.c.alert_id > after.row_id),
            )
        )
    order = table.c.due_at, table.c.alert_id
    # First which rows, from the index alone; then those few whole: the texts on a row are long.
    ids = list(connection.execute(wanted.with_only_columns(table.c.alert_id).order_by(*order).limit(count)).scalars())
    return read_all(connection, wanted.where(table.c.alert_id.in_(ids)).order_by(*order), shape) if ids else []


def _limit_to_rank(wanted: Select[Any], filters: QueueFilters, *, critical: bool) -> Select[Any] | None:
    if filters.bucket not in ("", "over", "first") or (filters.bucket == "first" and not critical):
        return None
    if filters.sev and not any((one == "CRIT") is critical for one in filters.sev):
        return None
    return wanted.where(alert.c.severity == "CRIT" if critical else alert.c.severity != "CRIT")


def _filter_alerts(scope: Scope, staff: str, filters: QueueFilters, snoozed: ColumnElement[bool]) -> Select[Any]:
    wanted = _select_alerts(scope).where(*_list_conditions(filters, scope, alert, alert.c.handover_kind))
    wanted = wanted.where(snoozed if filters.view == "snoozed" else ~snoozed)
    if filters.view == "mine":
        wanted = wanted.where(is_of_staff(staff))
    if filters.state:
        wanted = wanted.where(or_(*(_STATE[one] for one in filters.state)))
    return wanted


_STATE: Mapping[str, ColumnElement[bool]] = {
    "open": alert.c.acknowledged_by.is_(None),
    "ack": alert.c.acknowledged_by.is_not(None),
    "esc": alert.c.step > 0,
    "held": alert.c.held.is_(True),
    "contest": alert.c.contest == "open",
    "prov": alert.c.provisional.is_(True),
}


def _filter_obligations(scope: Scope, filters: QueueFilters, moment: Moment) -> Select[Any] | None:
    if filters.view != "office" or filters.bucket == "first":
        return None
    wanted = _select_obligations(scope, moment.now).where(
        *_list_conditions(filters, scope, obligation, obligation.c.handover_kind)
    )
    at = obligation.c.due_at
    match filters.bucket:
        case "over":
            wanted = wanted.where(at <= moment.judged)
        case "due":
            wanted = wanted.where(at > moment.judged, at <= moment.now)
        case "today":
            wanted = wanted.where(at > moment.now, at <= moment.today_ends)
        case "soon":
            wanted = wanted.where(at > moment.today_ends, at <= moment.soon_ends)
        case "later":
            wanted = wanted.where(at > moment.soon_ends)
        case _:
            wanted = wanted.where(at <= moment.soon_ends)
    if filters.state:
        states = {"open": true(), "prov": obligation.c.provisional.is_(True)}
        wanted = wanted.where(or_(literal(value=False), *(states[one] for one in filters.state if one in states)))
    return wanted


def _list_conditions(
    filters: QueueFilters, scope: Scope, table: Any, kind: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.sev:
        found.append(table.c.severity.in_(sorted(filters.sev)))
    if filters.kind:
        found.append(kind.in_(sorted(code for one in filters.kind for code in KINDS[one])))
    if filters.town:
        found.append(town_column(scope, table.c.jurisdiction).in_(sorted(filters.town)))
    if filters.wait:
        found.append(or_(*(_is_waited_for(table.c.owner_agency, one) for one in sorted(filters.wait))))
    if filters.rule:
        found.append(table.c.rule_id.in_(sorted(filters.rule)))
    if filters.q:
        q = filters.q
        found.append(
            or_(
                table.c.subject.startswith(q, autoescape=True),
                table.c.alert_id.startswith(q.lower(), autoescape=True),
                table.c.rule_id == q.upper(),
                table.c.owner_agency == q.upper(),
                table.c.jurisdiction.startswith(q, autoescape=True) if q.isdecimal() else false(),
            )
        )
    return found
