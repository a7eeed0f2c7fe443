"""What-if runs as they are kept: asked for, computed (console/rules/whatif_worker.py), and what they came to."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, or_, select

from console.auth.users import User
from console.db.reading import columns_of, read_all, read_first
from console.db.rows import RunColumns, RunRow, WhatIfAlertRow
from console.db.tables import whatif_alert, whatif_cell, whatif_run
from handover.analysis.whatif import KINDS, Cell
from handover.rules.rulebook import RuleBook, load, read

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"
OPEN = (WAITING, RUNNING)
MOST_WAITING = 3
FIGURES = ("before", "after", *KINDS)
_KEPT = 50  # runs; older ones go when another is asked for


class TooMany(Exception):
    """So many runs wait that another one would wait too long: `count`."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} runs are waiting")
        self.count = count


def ask(
    engine: Engine,
    user: User,
    book: RuleBook,
    base: str,
    wall: datetime,
    *,
    file: str,
    toml: str | None,
    since: datetime | None,
    until: datetime | None,
) -> str:
    """Keep a run to be computed; its id. Raise TooMany."""
    run_id = secrets.token_hex(6)
    with engine.begin() as connection:
        waiting = select(func.count()).select_from(whatif_run).where(whatif_run.c.state.in_(OPEN))
        if (count := connection.execute(waiting).scalar_one()) >= MOST_WAITING:
            raise TooMany(count)
        _forget_old(connection)
        connection.execute(
            whatif_run.insert().values(
                run_id=run_id,
                user_id=user.user_id,
                login=user.login,
                book=book.book,
                file=file,
                toml=toml,
                base=base,
                since=since,
                until=until,
                asked_at=wall,
                seconds=0.0,
                state=WAITING,
                done=0,
                total=0,
            )
        )
    return run_id


def _forget_old(connection: Connection) -> None:
    newest = select(whatif_run.c.run_id).order_by(whatif_run.c.asked_at.desc(), whatif_run.c.run_id)
    old = list(connection.execute(newest.offset(_KEPT - 1)).scalars())
    for table in (whatif_alert, whatif_cell, whatif_run) if old else ():
        connection.execute(delete(table).where(table.c.run_id.in_(old)))


def find(connection: Connection, run_id: str) -> RunRow | None:
    """A run."""
    return read_first(connection, select(whatif_run).where(whatif_run.c.run_id == run_id), RunRow)


def list_latest(connection: Connection, most: int) -> list[RunColumns]:
    """The newest runs, without the texts uploaded."""
    wanted = select(*columns_of(whatif_run, RunColumns))
    order = (whatif_run.c.asked_at.desc(), whatif_run.c.run_id)
    return read_all(connection, wanted.order_by(*order).limit(most), RunColumns)


def cancel(engine: Engine, run_id: str, wall: datetime) -> bool:
    """End a run that has not ended; its process sees it within a second. False: it had ended."""
    with engine.begin() as connection:
        return bool(
            connection.execute(
                whatif_run.update()
                .where(whatif_run.c.run_id == run_id, whatif_run.c.state.in_(OPEN))
                .values(state=CANCELLED, ended_at=wall)
            ).rowcount
        )


def read_book(run: RunRow) -> RuleBook:
    """The other book of a run. Raise InvalidRuleBook, OSError."""
    return read(run["toml"]) if run["toml"] is not None else load(run["file"])


def read_cells(connection: Connection, run_id: str, by: str) -> list[tuple[str, Cell]]:
    """The counts of a run by county or by rule (`county` or `rule_id`), the most changed first; what never changes is left out."""
    column = whatif_cell.c[by]
    sums = [func.sum(whatif_cell.c[name]).label(name) for name in FIGURES]
    wanted = select(column.label("name"), *sums).where(whatif_cell.c.run_id == run_id).group_by(column)
    found = [
        (name, Cell(**dict(zip(FIGURES, map(int, numbers), strict=True))))
        for name, *numbers in connection.execute(wanted)
    ]
    moved = [one for one in found if any(getattr(one[1], name) for name in KINDS)]
    return sorted(moved, key=lambda one: (-sum(getattr(one[1], name) for name in KINDS), one[0]))


def read_alerts(
    connection: Connection, run_id: str, chosen: Mapping[str, str], after: tuple[datetime, str] | None, most: int
) -> list[WhatIfAlertRow]:
    """Alerts of a run that change, in order: ?change=&county=&rule=&key=."""
    conditions: list[ColumnElement[bool]] = [whatif_alert.c.run_id == run_id]
    for name, column in (("change", "kind"), ("county", "county"), ("rule", "rule_id")):
        if chosen.get(name):
            conditions.append(whatif_alert.c[column] == chosen[name])
    if chosen.get("key"):
        conditions += [whatif_alert.c.key_person, whatif_alert.c.kind.in_(("gone", "later"))]
    if after is not None:
        later = and_(whatif_alert.c.at == after[0], whatif_alert.c.alert_id > after[1])
        conditions.append(or_(whatif_alert.c.at > after[0], later))
    wanted = select(whatif_alert).where(*conditions).order_by(whatif_alert.c.at, whatif_alert.c.alert_id).limit(most)
    return read_all(connection, wanted, WhatIfAlertRow)
