"""Redrives as their table holds them: asked for, previewed, running, stopped, done; who works on them."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, func, or_, select

from console.auth.users import User
from console.db.reading import read_all, read_first
from console.db.rows import ListedRedrive, ListedRedriveLetter, RedriveLetterRow, RedriveRow
from console.db.tables import redrive, redrive_letter
from schemas.dead_letter import DeadLetter
from sinks.readmodel import dead_letters
from sinks.readmodel.dead_letters import Place
from sinks.readmodel.tables import dead_letter, event

MOST = 2_000  # dead letters of one redrive
_CLAIM_LASTS = timedelta(seconds=60)  # after that another process may go on
WORKING = ("running", "stopping")
WORK = ("asked", *WORKING)
OPEN_LETTERS = ("asked", "passes", "stays")  # of a redrive: not sent and not dropped
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class RedriveLetter:
    """A dead letter of a redrive: its row there, and what it is; None where it is gone or was decided otherwise."""

    row: RedriveLetterRow
    letter: DeadLetter | None


def ask(engine: Engine, user: User, places: Sequence[Place], wall: datetime) -> str:
    """Ask what redriving these would do; nothing else happens. Return the redrive's id."""
    redrive_id = secrets.token_urlsafe(9)
    with engine.begin() as connection:
        connection.execute(
            redrive.insert().values(
                redrive_id=redrive_id, user_id=user.user_id, asked_by=user.staff, asked_at=wall, state="asked"
            )
        )
        connection.execute(
            redrive_letter.insert(),
            [
                {"redrive_id": redrive_id, "partition": partition, "offset": offset, "number": number, "state": "asked", "known": False}
                for number, (partition, offset) in enumerate(places)
            ],
        )  # fmt: skip
    return redrive_id


def find(connection: Connection, redrive_id: str) -> RedriveRow | None:
    """A redrive; None where there is none."""
    return read_first(connection, select(redrive).where(redrive.c.redrive_id == redrive_id), RedriveRow)


def list_latest(connection: Connection, count: int) -> list[ListedRedrive]:
    """The latest redrives, the newest first, with how many dead letters each has and has sent."""
    n = func.count().label("n")
    sent = func.count().filter(redrive_letter.c.state == "sent").label("sent")
    counts = select(redrive_letter.c.redrive_id, n, sent).group_by(redrive_letter.c.redrive_id).subquery()
    wanted = select(redrive, counts.c.n, counts.c.sent).join(counts, counts.c.redrive_id == redrive.c.redrive_id)
    return read_all(connection, wanted.order_by(redrive.c.asked_at.desc()).limit(count), ListedRedrive)


def count_letters(connection: Connection, redrive_id: str) -> Counter[str]:
    """How many of its dead letters are in each state."""
    wanted = select(redrive_letter.c.state, func.count()).where(redrive_letter.c.redrive_id == redrive_id)
    return Counter(dict(map(tuple, connection.execute(wanted.group_by(redrive_letter.c.state)))))


def read_in_states(
    connection: Connection, redrive_id: str, states: Sequence[str], limit: int = MOST
) -> list[RedriveLetterRow]:
    """Its dead letters that are in one of these states, in the order of sending."""
    wanted = select(redrive_letter).where(redrive_letter.c.redrive_id == redrive_id, redrive_letter.c.state.in_(states))
    return read_all(connection, wanted.order_by(redrive_letter.c.number).limit(limit), RedriveLetterRow)


def open_letters(connection: Connection, redrive_id: str) -> list[RedriveLetter]:
    """Its dead letters that are neither sent nor dropped by it, as they are now."""
    return [read_letter(connection, row) for row in read_in_states(connection, redrive_id, OPEN_LETTERS)]


def read_letter(connection: Connection, row: RedriveLetterRow) -> RedriveLetter:
    """A dead letter of a redrive as it is now."""
    return RedriveLetter(row, _find_pending(connection, (row["partition"], row["offset"])))


def list_letters(connection: Connection, redrive_id: str, after: int, count: int) -> list[ListedRedriveLetter]:
    """Its dead letters as a list: what each is, and what became of it."""
    place = and_(dead_letter.c.partition == redrive_letter.c.partition, dead_letter.c.offset == redrive_letter.c.offset)
    names = ("reason", "source", "type", "field", "message", "original_topic", "redrives", "received_at")
    wanted = (
        select(redrive_letter, *(dead_letter.c[name].label(f"letter_{name}") for name in names))
        .join(dead_letter, place)
        .where(redrive_letter.c.redrive_id == redrive_id, redrive_letter.c.number > after)
    )
    return read_all(connection, wanted.order_by(redrive_letter.c.number).limit(count), ListedRedriveLetter)


def find_outcomes(connection: Connection, rows: Sequence[ListedRedriveLetter]) -> Mapping[int, str]:
    """What became of those that were sent, by their number: `arrived`, `again` (a dead letter once more), else still `sent`."""
    found = {}
    for row in rows:
        if row["state"] != "sent":
            continue
        told = select(event.c.id).where(event.c.source == row["event_source"], event.c.id == row["event_id"])
        if connection.execute(told).first() is not None:
            found[row["number"]] = "arrived"
        elif connection.execute(_select_retry(row)).first() is not None:
            found[row["number"]] = "again"
    return found


def _select_retry(row: ListedRedriveLetter) -> Any:
    """The dead letter that a sent one became again: the same bytes, one try more."""
    before = dead_letter.alias()
    same = select(before.c.value).where(before.c.partition == row["partition"], before.c.offset == row["offset"])
    return select(dead_letter.c.offset).where(
        dead_letter.c.source == row["letter_source"],
        dead_letter.c.redrives == row["letter_redrives"] + 1,
        dead_letter.c.value == same.scalar_subquery(),
    )


def _find_pending(connection: Connection, place: Place) -> DeadLetter | None:
    row = connection.execute(
        select(dead_letter).where(
            dead_letter.c.partition == place[0], dead_letter.c.offset == place[1], dead_letter.c.state == "pending"
        )
    ).mappings().first()  # fmt: skip
    return dead_letters.letter_of(dict(row)) if row is not None else None


# --- what people decide


def move(engine: Engine, redrive_id: str, states: Sequence[str], **values: Any) -> bool:
    """Change a redrive that is in one of these states; False where it is in another by now."""
    with engine.begin() as connection:
        changed = connection.execute(
            redrive.update().where(redrive.c.redrive_id == redrive_id, redrive.c.state.in_(states)).values(**values)
        )
        return bool(changed.rowcount)


def start(engine: Engine, redrive_id: str, wall: datetime) -> bool:
    """Run it, or go on with what was stopped."""
    return move(engine, redrive_id, ("previewed", "stopped"), state="running", run_at=wall, done_at=None, failure=None)


def look_again(engine: Engine, redrive_id: str) -> bool:
    """Ask anew what it would do."""
    return move(engine, redrive_id, ("previewed", "stopped"), state="asked", preview=None, failure=None, worker=None)


def stop(engine: Engine, redrive_id: str) -> bool:
    """Stop it before the next dead letter; what was sent stays sent."""
    return move(engine, redrive_id, ("running",), state="stopping")


def drop(engine: Engine, redrive_id: str, note: str, wall: datetime) -> int:
    """Drop what it has not sent, with a reason: nobody is asked about these again. How many that were."""
    if not move(engine, redrive_id, ("previewed", "stopped"), state="dropped", note=note, done_at=wall):
        return 0
    with engine.begin() as connection:
        left = [one for one in open_letters(connection, redrive_id) if one.letter is not None]
        dropped = dead_letters.decide(
            connection, [(one.row["partition"], one.row["offset"]) for one in left], "dropped"
        )
        for one in left:
            note_letter(connection, one.row, state="dropped")
        return dropped


# --- what the process that works on it says


def claim(engine: Engine, worker: str, wall: datetime) -> RedriveRow | None:
    """A redrive to work on, for this process alone."""
    free = or_(redrive.c.worker.is_(None), redrive.c.worker == worker, redrive.c.beat_at < wall - _CLAIM_LASTS)
    with engine.begin() as connection:
        ids = connection.execute(  # "asked" comes first: a preview does not wait for what is being sent
            select(redrive.c.redrive_id)
            .where(redrive.c.state.in_(WORK), free)
            .order_by(redrive.c.state, redrive.c.asked_at)
        ).scalars()
        for redrive_id in list(ids):
            mine = redrive.update().where(redrive.c.redrive_id == redrive_id, redrive.c.state.in_(WORK), free)
            if connection.execute(mine.values(worker=worker, beat_at=wall)).rowcount:
                return find(connection, redrive_id)
    return None


def beat(engine: Engine, redrive_id: str, worker: str, wall: datetime) -> str:
    """Say that one still works on it; its state, or empty where another process has taken it over."""
    with engine.begin() as connection:
        mine = and_(redrive.c.redrive_id == redrive_id, redrive.c.worker == worker)
        connection.execute(redrive.update().where(mine).values(beat_at=wall))
        found: str | None = connection.execute(select(redrive.c.state).where(mine)).scalar()
        return found or ""


def note_letter(connection: Connection, row: RedriveLetterRow, **values: Any) -> None:
    """Say what became of a dead letter of a redrive."""
    place = (redrive_letter.c.partition == row["partition"]) & (redrive_letter.c.offset == row["offset"])
    connection.execute(
        redrive_letter.update().where(redrive_letter.c.redrive_id == row["redrive_id"], place).values(**values)
    )


def mark_sent(engine: Engine, row: RedriveLetterRow, wall: datetime) -> None:
    """The broker has it: the dead letter is decided about."""
    with engine.begin() as connection:
        dead_letters.decide(connection, [(row["partition"], row["offset"])], "redriven")
        note_letter(connection, row, state="sent", sent_at=wall)
