"""What was asked for and has not come back yet: kept ten seconds for an undo, published, and watched until SQL shows it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, func, or_, select
from sqlalchemy.exc import IntegrityError

from console.db.alert_rows import AlertRow
from console.db.reading import read_all, read_first
from console.db.rows import PendingRow
from console.db.tables import pending
from console.outbox.action_events import ActionEvent
from sinks.readmodel.tables import event


def _record_nothing(_: Connection) -> None:
    """What tells nobody."""


OPEN = ("second", "waiting", "sending", "published")
_CLAIM_LASTS = timedelta(
    seconds=60
)  # after that another process may send again: the event's id stays, so it counts once
_SHOWN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class UndoableBatch:
    """One press of a button that can still be undone: how many alerts, and how many seconds are left."""

    batch: str
    action: str
    count: int
    seconds: int


def write_key(user_id: str, key: str, alert_id: str) -> str:
    """What an action is known by when its form comes again."""
    return f"{user_id}:{key[:64]}:{alert_id}"


def store(
    engine: Engine,
    asked: Sequence[tuple[ActionEvent, AlertRow]],
    user_id: str,
    key: str,
    wall: datetime,
    undo: timedelta,
    *,
    second: bool = False,
    tell: Callable[[Connection], object] = _record_nothing,
) -> str:
    """Keep actions that were asked for at once, each with its alert; return their batch. The same key again changes nothing.

    `tell` keeps the same in the audit: both or neither.
    """
    batch = secrets.token_urlsafe(9)
    rows = [
        {
            "event_id": one.event_id,
            "idempotency_key": write_key(user_id, key, alert["alert_id"]),
            "batch": batch,
            "user_id": user_id,
            "alert_id": alert["alert_id"],
            "action": one.action,
            "revision": alert["revision"],
            "body": dict(one.body),
            "asked_at": wall,
            "publish_at": wall + undo,
            "done_at": None,
            "state": "second" if second else "waiting",
            "failure": None,
        }
        for one, alert in asked
    ]
    try:
        with engine.begin() as connection:
            connection.execute(pending.insert(), rows)
            tell(connection)
    except IntegrityError:
        with engine.connect() as connection:
            first = rows[0]["idempotency_key"]
            known = select(pending.c.batch).where(pending.c.idempotency_key == first)
            found: str = connection.execute(known).scalar_one()
            return found
    return batch


def undo(connection: Connection, batch: str, user_id: str, wall: datetime) -> list[str]:
    """Take back what has not been sent; the ids of the events of which nothing ever reaches the topic."""
    mine = (pending.c.batch == batch, pending.c.user_id == user_id, pending.c.state.in_(("waiting", "second")))
    taken = []
    for event_id in list(connection.execute(select(pending.c.event_id).where(*mine)).scalars()):
        change = pending.update().where(pending.c.event_id == event_id, *mine).values(state="undone", done_at=wall)
        if connection.execute(change).rowcount:
            taken.append(event_id)
    return taken


def confirm(
    connection: Connection, event_id: str, alert_id: str, user_id: str, wall: datetime, undo_for: timedelta
) -> PendingRow | None:
    """A second person agrees to what is returned; None where it is the first again, or where there is nothing to agree to."""
    agreed = connection.execute(
        pending.update()
        .where(
            pending.c.event_id == event_id,
            pending.c.alert_id == alert_id,
            pending.c.user_id != user_id,
            pending.c.state == "second",
        )
        .values(state="waiting", publish_at=wall + undo_for)
    ).rowcount
    if not agreed:
        return None
    return read_first(connection, select(pending).where(pending.c.event_id == event_id), PendingRow)


def list_undoable(engine: Engine, user_id: str, wall: datetime) -> list[UndoableBatch]:
    """What a user can still undo, the newest first."""
    wanted = (
        select(pending.c.batch, pending.c.action, func.count(), func.max(pending.c.publish_at))
        .where(pending.c.user_id == user_id, pending.c.state == "waiting")
        .group_by(pending.c.batch, pending.c.action)
        .order_by(func.max(pending.c.asked_at).desc())
        .limit(3)
    )
    with engine.connect() as connection:
        return [
            UndoableBatch(batch, action, count, max(0, round((at - wall).total_seconds())))
            for batch, action, count, at in connection.execute(wanted)
        ]


def find_pending(connection: Connection, alert_ids: Sequence[str], wall: datetime) -> dict[str, list[PendingRow]]:
    """What is on its way for each alert, and what came back within the last minute."""
    wanted = (
        select(pending)
        .where(
            pending.c.alert_id.in_(alert_ids),
            or_(pending.c.state.in_(OPEN), and_(pending.c.state == "recorded", pending.c.done_at > wall - _SHOWN)),
        )
        .order_by(pending.c.asked_at)
    )
    found: dict[str, list[PendingRow]] = {}
    for row in read_all(connection, wanted, PendingRow):
        found.setdefault(row["alert_id"], []).append(row)
    return found


def write_seen(revision: int, waiting: Sequence[PendingRow]) -> str:
    """What a page shows of an alert, for its forms: its revision and the last action that is on its way."""
    on_way = [one["event_id"] for one in waiting if one["state"] in OPEN]
    return f"{revision}:{on_way[-1] if on_way else ''}"


def find_unseen(waiting: Sequence[PendingRow], action: str, seen: str, own: str, type_: str = "") -> PendingRow | None:
    """The newest action of a kind that somebody asked for on an alert after `seen`, the event id of the last one that a page showed.

    `own`: what was asked for by this idempotency key is the same form again. `type_`: of the event, where an action has several.
    """
    on_way = [one for one in waiting if one["state"] in OPEN]
    known = next((place for place, one in enumerate(on_way, 1) if one["event_id"] == seen), 0)
    return next(
        (
            one
            for one in reversed(on_way[known:])
            if one["action"] == action and type_ in ("", one["body"]["type"]) and one["idempotency_key"] != own
        ),
        None,
    )


def claim(engine: Engine, wall: datetime, most: int = 100) -> list[PendingRow]:
    """Take what is to be published now, for this process alone."""
    due = and_(pending.c.state == "waiting", pending.c.publish_at <= wall)
    stuck = and_(pending.c.state == "sending", pending.c.publish_at <= wall - _CLAIM_LASTS)
    with engine.begin() as connection:
        ids = connection.execute(
            select(pending.c.event_id).where(or_(due, stuck)).order_by(pending.c.publish_at).limit(most)
        ).scalars()
        taken = []
        for event_id in list(ids):
            won = connection.execute(
                pending.update()
                .where(pending.c.event_id == event_id, or_(due, stuck))
                .values(state="sending", publish_at=wall)
            )
            if won.rowcount:
                taken.append(event_id)
        mine = select(pending).where(pending.c.event_id.in_(taken)).order_by(pending.c.asked_at)
        return read_all(connection, mine, PendingRow)


def mark_published(engine: Engine, event_id: str) -> None:
    """The broker has it."""
    _update(engine, event_id, state="published", failure=None)


def mark_unpublished(engine: Engine, event_id: str, failure: str, again_at: datetime) -> None:
    """The broker has not taken it: it waits, and can be undone meanwhile."""
    _update(engine, event_id, state="waiting", failure=failure, publish_at=again_at)


def _update(engine: Engine, event_id: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(
            pending.update().where(pending.c.event_id == event_id, pending.c.state == "sending").values(**values)
        )


def settle(engine: Engine, wall: datetime) -> int:
    """Close what the read model shows by now; how many that were."""
    arrived = exists().where(event.c.id == pending.c.event_id)
    with engine.begin() as connection:
        return connection.execute(
            pending.update().where(pending.c.state == "published", arrived).values(state="recorded", done_at=wall)
        ).rowcount


def store_announcement(
    connection: Connection, asked: ActionEvent, about: str, user_id: str, wall: datetime, undo_for: timedelta
) -> None:
    """Keep one announcement to be published when the time for an undo is over; `about` is what it was decided on."""
    connection.execute(
        pending.insert().values(
            event_id=asked.event_id,
            idempotency_key=f"{user_id}:{asked.event_id}:{about}",
            batch=secrets.token_urlsafe(9),
            user_id=user_id,
            alert_id=about,
            action=asked.action,
            revision=0,
            body=dict(asked.body),
            asked_at=wall,
            publish_at=wall + undo_for,
            state="waiting",
        )
    )
