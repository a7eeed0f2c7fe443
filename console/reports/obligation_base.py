"""The ground of all figures about obligations: each obligation once, as it stood at an instant, and what counts (domain.md 4.9).

Denominator: due in the month and not later than what is known, answered or not; not waived, cancelled, moved or paused, and no
contest open. Numerator: of these, answered in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, false, func, or_, select, true
from sqlalchemy.sql.selectable import Subquery

from console.auth.permissions import under
from console.reports.month import Month
from handover.rules.works import Counted
from sinks.obligation_ledger.months import as_of, due_in
from sinks.readmodel.tables import duty, event, frozen_duty, frozen_month, ledger
from sinks.readmodel.watermarks import read_watermark

RESULTS = (
    "counted", "in_time", "missed", "late", "overdue", "due", "soon", "early", "contested", "paused", "waived", "cancelled", "redated",
)  # fmt: skip
_SURVEY = "reentry.release.survey_requested.v1"
SOON = timedelta(days=7)
ENDED = ("waived", "cancelled", "redated", "paused")
_COLUMNS = [column.name for column in frozen_duty.c if column.name != "month"]


@dataclass(frozen=True, slots=True)
class ObligationBase:
    """Obligations as known at `at`: of one month, or of all (`month` None). `frozen`: the figures that were kept."""

    month: Month | None
    at: datetime
    frozen: bool

    def rows(self) -> Subquery:
        """Each obligation once."""
        if self.frozen:
            wanted = select(*(frozen_duty.c[name] for name in _COLUMNS)).where(frozen_duty.c.month == str(self.month))
        else:
            in_month = due_in(duty.c.due_at, self.month.first) if self.month is not None else true()
            wanted = select(*(duty.c[name] for name in _COLUMNS)).where(as_of(self.at), in_month)
        return wanted.subquery("d")

    def result(self, d: FromClause, name: str) -> ColumnElement[bool]:
        """Rows with a result; names that are not known have all."""
        is_contested = func.coalesce(d.c.contest, "") == "open"
        stands = d.c.standing.in_(("in_time", "late", "open"))
        fallen = d.c.due_at <= self.at
        counts = and_(stands, fallen, ~is_contested)
        conditions: dict[str, ColumnElement[bool]] = {
            "counted": counts,
            "in_time": and_(counts, d.c.standing == "in_time"),
            "missed": and_(counts, d.c.standing.in_(("late", "open"))),
            "late": and_(counts, d.c.standing == "late"),
            "overdue": and_(counts, d.c.standing == "open"),
            "due": and_(~fallen, d.c.standing == "open"),
            "soon": and_(~fallen, d.c.standing == "open", d.c.due_at <= self.at + SOON),
            "early": and_(~fallen, d.c.standing.in_(("in_time", "late"))),
            "contested": and_(stands, fallen, is_contested),
            **{name: d.c.standing == name for name in ENDED},
        }
        return conditions.get(name, true())


@dataclass(frozen=True, slots=True)
class ObligationFilter:
    """Which obligations: of these rules (None: of all), counted in this place, of these kinds of handover (none: all).

    `counted`: of these rules and parts; `owner`: owed by this office; `asker`: of surveys that this office asked for.
    """

    rules: tuple[str, ...] | None = None
    county: str = ""
    kinds: tuple[str, ...] = ()
    counted: tuple[Counted, ...] | None = None
    owner: str = ""
    asker: str = ""

    def of(self, d: FromClause) -> ColumnElement[bool]:
        """The condition on rows of a ground."""
        return and_(
            true(),
            *([d.c.rule_id.in_(self.rules)] if self.rules is not None else []),
            *([under(d.c.county, self.county[:6])] if self.county else []),
            *([under(d.c.jurisdiction, self.county)] if len(self.county) > 6 else []),
            *([d.c.handover_kind.in_(self.kinds)] if self.kinds else []),
            *([is_any_of(d, self.counted)] if self.counted is not None else []),
            *([d.c.owner_agency == self.owner] if self.owner else []),
            *([_is_asked_by(d, self.asker)] if self.asker else []),
        )


def is_any_of(d: FromClause, counted: Iterable[Counted]) -> ColumnElement[bool]:
    """Obligations of these rules and parts; of none of them, none."""
    own = [
        and_(d.c.rule_id == one.rule_id, or_(d.c.occurrence == one.part, d.c.occurrence.startswith(f"{one.part}:")))
        if one.part
        else d.c.rule_id == one.rule_id
        for one in counted
    ]
    return or_(false(), *own)


def find_asking_source(d: FromClause) -> ColumnElement[str | None]:
    """The publisher that asked for the survey that an obligation is about."""
    asked = select(func.min(event.c.source)).where(
        event.c.subject == d.c.subject, event.c.type == _SURVEY, event.c.time == d.c.anchor_at
    )
    return asked.correlate(d).scalar_subquery()


def _is_asked_by(d: FromClause, agency: str) -> ColumnElement[bool]:
    source, own = find_asking_source(d), f"/agencies/{agency}"
    return or_(source == own, source.startswith(f"{own}/"))


def read_known_until(connection: Connection) -> datetime | None:
    """Up to when the ledger is reckoned and alerts are processed; None: not yet. Later deadlines nobody has judged."""
    reckoned: datetime | None = connection.execute(select(ledger.c.until)).scalar()
    processed = read_watermark(connection)
    return min(reckoned, processed.processed_until) if reckoned is not None and processed is not None else None


def read_base(connection: Connection, month: Month | None, at: datetime | None = None) -> ObligationBase | None:
    """The frozen figures of a month that is frozen, else what is known now; with `at`, what was known then. None: no ledger yet."""
    until = read_known_until(connection)
    if until is None:
        return None
    if at is not None:
        return ObligationBase(month, min(at, until), False)
    if month is not None:
        kept = connection.execute(select(frozen_month.c.known_at).where(frozen_month.c.month == str(month))).scalar()
        if kept is not None and kept <= until:
            return ObligationBase(month, kept, True)
    return ObligationBase(month, until, False)


@dataclass(frozen=True, slots=True)
class Correction:
    """An obligation of a frozen month that stands otherwise now; None: not there then, or not now."""

    obligation_id: str
    rule_id: str
    county: str
    before: str | None
    now: str | None


def find_corrections(connection: Connection, month: Month, wanted: ObligationFilter) -> list[Correction]:
    """What has become known of a frozen month since; the frozen figures stay."""
    frozen, until = read_base(connection, month), read_known_until(connection)
    if frozen is None or not frozen.frozen or until is None:
        return []
    now = ObligationBase(month, until, False)
    sides: list[dict[str, Any]] = []
    for ground in (frozen, now):
        d = ground.rows()
        rows = connection.execute(
            select(d.c.obligation_id, d.c.rule_id, d.c.county, d.c.standing, d.c.contest).where(wanted.of(d))
        )
        sides.append({row.obligation_id: row for row in rows})
    found = []
    for key in sorted({*sides[0], *sides[1]}):
        one, other = sides[0].get(key), sides[1].get(key)
        before, after = _describe_standing(one), _describe_standing(other)
        if before != after:
            known: Any = other if other is not None else one
            found.append(Correction(key, known.rule_id, known.county, before, after))
    return found


def _describe_standing(row: Any) -> str | None:
    if row is None:
        return None
    return "contested" if row.contest == "open" and row.standing not in ENDED else str(row.standing)
