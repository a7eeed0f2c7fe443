"""Figures of duties, from the ledger: time to an answer, late now, due soon, check-ins kept."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select

from console.reports.figure import Figure, Part, quantile
from console.reports.ground import Ground, Wanted
from console.reports.stages import STAGES, rules_of

TIMED = ("A02", "A03", "A07", "B02", "B04", "D02")
_CHECK_INS = ("B09",)


def figures(connection: Connection, ground: Ground, prefix: str, kinds: tuple[str, ...]) -> list[Figure]:
    """All of them, for the place and month of a ground."""
    own = rules_of([stage for stage in STAGES if stage.of_county])
    return [
        _share(connection, ground, "on_time", Wanted(own, prefix, kinds)),
        _answers(connection, ground, Wanted(TIMED, prefix, kinds)),
        _now(connection, ground, "overdue", "overdue", Wanted((), prefix, kinds)),
        _now(connection, ground, "due_soon", "soon", Wanted((), prefix, kinds)),
        _share(connection, ground, "check_ins", Wanted(_CHECK_INS, prefix, kinds)),
    ]


def _share(connection: Connection, ground: Ground, name: str, wanted: Wanted) -> Figure:
    d = ground.rows()
    in_time = func.sum(case((d.c.standing == "in_time", 1), else_=0))
    top, bottom = connection.execute(
        select(in_time, func.count()).select_from(d).where(ground.result(d, "counted"), wanted.of(d))
    ).one()
    return Figure(name, int(top or 0), bottom, duties=("counted", wanted.rules, True))


def _now(connection: Connection, ground: Ground, name: str, result: str, wanted: Wanted) -> Figure:
    """Of any month, as known at the ground's instant."""
    every = Ground(None, ground.at, False)
    d = every.rows()
    n, oldest = connection.execute(
        select(func.count(), func.min(d.c.due_at)).select_from(d).where(every.result(d, result), wanted.of(d))
    ).one()
    return Figure(name, n, oldest=oldest if result == "overdue" else None, duties=(result, (), False))


def _answers(connection: Connection, ground: Ground, wanted: Wanted) -> Figure:
    """Per rule: from the anchor to the answer; what is open still is open at least so long."""
    d = ground.rows()
    rows = connection.execute(
        select(d.c.rule_id, d.c.anchor_at, d.c.met_at).where(ground.result(d, "counted"), wanted.of(d))
    )
    answered: dict[str, list[timedelta]] = {}
    still_open: dict[str, list[timedelta]] = {}
    for rule, anchor_at, met_at in rows:
        side = still_open if met_at is None else answered
        side.setdefault(rule, []).append(_since(anchor_at, met_at or ground.at))
    parts = []
    for rule in wanted.rules:
        done, waiting = answered.get(rule, []), still_open.get(rule, [])
        if done or waiting:
            median, high = (quantile(done, waiting, share) for share in (0.5, 0.9))
            values = {"n": len(done) + len(waiting), "open": len(waiting), "median": median, "p90": high}
            parts.append(Part(rule, values))
    return Figure("answer_time", parts=parts, duties=("counted", wanted.rules, True))


def _since(anchor_at: datetime, at: datetime) -> timedelta:
    return max(at - anchor_at, timedelta())
