"""Figures of obligations, from the ledger: time to an answer, late now, due soon, check-ins kept."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, select

from console.reports.indicator import Indicator, IndicatorPart, compute_quantiles
from console.reports.obligation_base import ObligationBase, ObligationFilter
from console.reports.stages import list_rules, select_stages
from handover.rules.rulebook import RuleBook
from sinks.readmodel.tables import alert_history


def compute(
    connection: Connection, ground: ObligationBase, book: RuleBook, prefix: str, kinds: tuple[str, ...]
) -> list[Indicator]:
    """All of them, for the place and month of a ground; disputes only where no kind of handover is asked for."""
    own = list_rules([stage for stage in select_stages(book) if stage.of_county])
    timed, check_ins = book.policies.list_timed(), book.policies.list_signalling("missed_check_in")
    of_disputes = tuple(dict.fromkeys(rule.id for rule in book.rules if rule.kinds == {"DISPUTE"}))
    return [
        _compute_share(connection, ground, "on_time", ObligationFilter(own, prefix, kinds)),
        _compute_answer_times(connection, ground, ObligationFilter(timed, prefix, kinds)),
        _compute_overdue(connection, ground, "overdue", ObligationFilter(None, prefix, kinds)),
        _count_soon(connection, ground, ObligationFilter(None, prefix, kinds)),
        _compute_share(connection, ground, "check_ins", ObligationFilter(check_ins, prefix, kinds)),
        *(
            []
            if kinds
            else [_compute_overdue(connection, ground, "disputes_overdue", ObligationFilter(of_disputes, prefix))]
        ),
    ]


def _compute_share(connection: Connection, ground: ObligationBase, name: str, wanted: ObligationFilter) -> Indicator:
    d = ground.rows()
    in_time = func.sum(case((d.c.standing == "in_time", 1), else_=0))
    top, bottom = connection.execute(
        select(in_time, func.count()).select_from(d).where(ground.result(d, "counted"), wanted.of(d))
    ).one()
    return Indicator(name, int(top or 0), bottom, obligations=("counted", wanted.rules or (), True))


def _compute_overdue(connection: Connection, ground: ObligationBase, name: str, wanted: ObligationFilter) -> Indicator:
    """Of any month, as known at the ground's instant; by step of the ladder, without a name: no alert yet."""
    every = ObligationBase(None, ground.at, False)
    d = every.rows()
    late = (
        select(d.c.due_at, _step_column(d, ground.at).label("step"))
        .where(every.result(d, "overdue"), wanted.of(d))
        .subquery()
    )
    grouped = select(late.c.step, func.count(), func.min(late.c.due_at)).group_by(late.c.step)
    steps = sorted(map(tuple, connection.execute(grouped)), key=lambda one: (one[0] is None, one[0]))
    parts = [
        IndicatorPart("" if step is None else str(step), {"n": n, "age": ground.at - oldest}, n)
        for step, n, oldest in steps
    ]
    oldest = min((due_at for _, _, due_at in steps), default=None)
    return Indicator(
        name,
        sum(n for _, n, _ in steps),
        oldest=oldest,
        parts=parts,
        obligations=("overdue", wanted.rules or (), False),
    )


def _step_column(d: FromClause, at: datetime) -> ColumnElement[Any]:
    """The step that the alert of an obligation had reached at an instant; null where it did not fire."""
    h = alert_history
    told = select(case((h.c.state == "firing", h.c.step))).where(
        and_(h.c.alert_id == d.c.alert_id, h.c.changed_at <= at)
    )
    return told.order_by(h.c.revision.desc()).limit(1).scalar_subquery()


def _count_soon(connection: Connection, ground: ObligationBase, wanted: ObligationFilter) -> Indicator:
    """Of any month, as known at the ground's instant."""
    every = ObligationBase(None, ground.at, False)
    d = every.rows()
    is_soon = select(func.count()).select_from(d).where(every.result(d, "soon"), wanted.of(d))
    return Indicator("due_soon", connection.execute(is_soon).scalar_one(), obligations=("soon", (), False))


def _compute_answer_times(connection: Connection, ground: ObligationBase, wanted: ObligationFilter) -> Indicator:
    """Per rule: from the anchor to the answer; what is open still is open at least so long."""
    d = ground.rows()
    rows = connection.execute(
        select(d.c.rule_id, d.c.anchor_at, d.c.met_at).where(ground.result(d, "counted"), wanted.of(d))
    )
    answered: dict[str, list[timedelta]] = {}
    still_open: dict[str, list[timedelta]] = {}
    for rule, anchor_at, met_at in rows:
        side = still_open if met_at is None else answered
        side.setdefault(rule, []).append(_measure(anchor_at, met_at or ground.at))
    parts = []
    for rule in wanted.rules or ():
        done, waiting = answered.get(rule, []), still_open.get(rule, [])
        if done or waiting:
            parts.append(
                IndicatorPart(
                    rule, {"n": len(done) + len(waiting), "open": len(waiting), **compute_quantiles(done, waiting)}
                )
            )
    return Indicator("answer_time", parts=parts, obligations=("counted", wanted.rules or (), True))


def _measure(anchor_at: datetime, at: datetime) -> timedelta:
    return max(at - anchor_at, timedelta())
