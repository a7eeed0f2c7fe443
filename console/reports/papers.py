"""What leaves the console gets a number: prints and exports. The one place where that is recorded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from console.tables import issued_paper
from console.users import User

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Paper:
    """What leaves: `kind` print.scoreboard, export.queue, …; `query` the view as its address says it; how many rows."""

    kind: str
    query: str
    rows: int


def issue(engine: Engine, user: User, paper: Paper, wall: datetime) -> str:
    """Record that a paper leaves, and return its number, for example PRT-990102-20261014-0007.

    Every print and export passes here, once, before its first byte: a record of who read what is made from this call.
    """
    parts = user.agency.split("-")
    office, day = (parts[1] if len(parts) == 3 else user.agency), f"{wall:%Y%m%d}"
    row = {"kind": paper.kind, "query": paper.query, "user_id": user.user_id, "rows": paper.rows, "issued_at": wall}
    for attempt in range(_TRIES):
        try:
            with engine.begin() as connection:
                mine = (issued_paper.c.office == office, issued_paper.c.day == day)
                last = connection.execute(select(func.max(issued_paper.c.number)).where(*mine)).scalar() or 0
                connection.execute(insert(issued_paper), {"office": office, "day": day, "number": last + 1, **row})
        except IntegrityError:  # somebody of the same office took this number just now
            if attempt == _TRIES - 1:
                raise
        else:
            break
    prefix = "PRT" if paper.kind.startswith("print.") else "EXP"
    return f"{prefix}-{office}-{day}-{last + 1:04d}"
