"""The outbox of messages: made from notices, tried until they are sent or given up. Instants here are those of the wall clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Connection, Row, delete, func, select, tuple_, update

from sinks.notifications.decide import find_staleness
from sinks.notifications.duty_list import DutyEntry
from sinks.notifications.log_of_notices import look_again, read_standings
from sinks.notifications.message import Content, Message, MessageKind, RuleNames, gather_lines, line_of, read_content
from sinks.notifications.policy import Language, Policy
from sinks.notifications.tables import notice, notice_message
from sinks.readmodel.dialect import insert_new

_IDS = uuid5(NAMESPACE_URL, "urn:reentry:notice")
_LONGEST_WAIT = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
_WAITING = ("waiting", "trying")
_KEY = (notice.c.alert_id, notice.c.raised_at, notice.c.kind, notice.c.step, notice.c.recipient)


# --- from notices to messages


def gather(connection: Connection, policy: Policy, wall: datetime) -> int:
    """Give every notice that has none its message. Return how many were made."""
    rows = connection.execute(select(notice).where(notice.c.message_id.is_(None))).all()
    made = 0
    for kind, urgent, group in _group(rows, policy.bundle_above):
        first = group[0]
        keys = "|".join(sorted(_name_notice(row) for row in group))
        message_id = str(uuid5(_IDS, keys))
        office = first.office if kind == "digest" or len({row.office for row in group}) == 1 else ""
        message = _message_row(
            message_id, kind, _Address(first.recipient, first.channel, first.address, first.language), wall
        )
        insert_new(connection, notice_message, [{**message, "office": office, "is_urgent": urgent}])
        mine = [tuple(getattr(row, column.name) for column in _KEY) for row in group]
        for start in range(0, len(mine), 500):
            which = tuple_(*_KEY).in_(mine[start : start + 500])
            connection.execute(update(notice).where(which).values(message_id=message_id))
        made += 1
    return made


def _group(rows: Iterable[Row[Any]], bundle_above: int) -> Iterable[tuple[MessageKind, bool, Sequence[Row[Any]]]]:
    """What goes into one message: an alert at once, many alerts at once together, the digest of an office."""

    def recipient(row: Row[Any]) -> tuple[str, ...]:
        kind = "digest" if not row.at_once else "over" if row.kind == "over" else "urgent"
        return row.recipient, row.address, row.language, kind, row.office if kind == "digest" else ""

    for key, members in groupby(sorted(rows, key=recipient), key=recipient):
        group, kind = list(members), cast("MessageKind", key[3])
        alerts = {row.alert_id for row in group}
        if kind == "digest" or len(alerts) > bundle_above:
            yield kind, kind != "digest", group
            continue
        for alert_id in sorted(alerts):
            yield kind, True, [row for row in group if row.alert_id == alert_id]


def _name_notice(row: Row[Any]) -> str:
    """Its key, and when it was made: one that was dropped and decided anew is told by another message."""
    return f"{row.alert_id} {row.raised_at} {row.kind} {row.step} {row.recipient} {row.made_at}"


@dataclass(frozen=True, slots=True)
class _Address:
    recipient: str
    channel: str
    address: str
    language: str


def _message_row(message_id: str, kind: MessageKind, to: _Address, wall: datetime) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "kind": kind,
        "recipient": to.recipient,
        "channel": to.channel,
        "address": to.address,
        "language": to.language,
        "office": "",
        "topic": "",
        "is_urgent": False,
        "content": None,
        "state": "waiting",
        "attempts": 0,
        "made_at": wall,
        "next_try_at": wall,
        "tried_at": None,
        "ended_at": None,
        "error": None,
    }


def add_message(
    connection: Connection,
    key: str,
    kind: MessageKind,
    office: str,
    entry: DutyEntry,
    content: Content,
    wall: datetime,
    topic: str = "",
) -> None:
    """Put in a message that is about no notice. `key` names it: the same key and recipient again is the same message."""
    message_id = str(uuid5(_IDS, f"{kind} {key} {entry.key}"))
    row = _message_row(message_id, kind, _Address(entry.key, entry.channel, entry.address, entry.language), wall)
    insert_new(connection, notice_message, [{**row, "office": office, "topic": topic, "content": content.plain()}])


# --- trying


def find_next(connection: Connection, wall: datetime, full: Collection[str], most: int) -> Sequence[Row[Any]]:
    """Messages whose time has come, urgent ones first. `full`: channels that take no more at present."""
    wanted = (
        select(notice_message)
        .where(
            notice_message.c.state.in_(_WAITING),
            notice_message.c.next_try_at <= wall,
            notice_message.c.channel.not_in(list(full)),
        )
        .order_by(notice_message.c.is_urgent.desc(), notice_message.c.made_at, notice_message.c.message_id)
        .limit(most)
    )
    return connection.execute(wanted).all()


def count_tried(connection: Connection, since: datetime) -> Mapping[str, int]:
    """Per channel how many messages were tried since an instant: the rate limit outlives the process."""
    query = (
        select(notice_message.c.channel, func.count())
        .where(notice_message.c.tried_at > since)
        .group_by(notice_message.c.channel)
    )
    return dict(map(tuple, connection.execute(query)))


@dataclass(frozen=True, slots=True)
class Drop:
    """A message of which nothing is to be told any more, and why."""

    why: str


def begin_try(
    connection: Connection, row: Row[Any], policy: Policy, names: RuleNames, now: datetime, wall: datetime
) -> Message | Drop:
    """Note that a message is being tried, and return it. From here on it counts as one that may have arrived.

    Until it may have, each try tells what stands now, and drops what has been answered meanwhile; after that it stays word for word.
    """
    if row.state == "waiting" and row.kind in ("urgent", "over", "digest"):
        content = _refresh(connection, row, names, now)
        if isinstance(content, Drop):
            connection.execute(_of(row).values(state="dropped", ended_at=wall, error=content.why))
            return content
    else:
        content = read_content(row.content)
    values = {"state": "trying", "attempts": row.attempts + 1, "tried_at": wall, "content": content.plain()}
    connection.execute(_of(row).values(**values))
    connection.execute(_notices_of(row).values(state="trying"))
    return Message(
        message_id=row.message_id,
        kind=row.kind,
        recipient=row.recipient,
        channel=row.channel,
        address=row.address,
        language=cast("Language", row.language),
        office=row.office or content.lines[0].office,
        content=content,
        console_url=policy.console_url,
        made_at=row.made_at,
    )


def _refresh(connection: Connection, row: Row[Any], names: RuleNames, now: datetime) -> Content | Drop:
    """What a message tells now. Notices that are stale are removed, so that they may be decided anew."""
    rows = connection.execute(select(notice).where(notice.c.message_id == row.message_id)).all()
    standings = read_standings(connection, {one.alert_id for one in rows})
    lines, stale = [], list[Row[Any]]()
    why = "over"
    for one in rows:
        standing = standings.get(one.alert_id)
        is_same = standing is not None and standing.raised_at == one.raised_at
        reason = find_staleness(standing, one.kind, one.step, now) if standing is not None and is_same else "over"
        if standing is None or reason:
            stale.append(one)
            why = reason
        else:
            lines.append(line_of(standing, one.kind, one.step, names))
    for one in stale:
        connection.execute(delete(notice).where(*(column == getattr(one, column.name) for column in _KEY)))
    look_again(connection, {one.alert_id for one in stale}, now)
    return gather_lines(lines) if lines else Drop(why)


def note_sent(connection: Connection, row: Row[Any], wall: datetime) -> None:
    """It has been taken over."""
    connection.execute(_of(row).values(state="sent", ended_at=wall, error=None))
    connection.execute(_notices_of(row).values(state="sent"))


def note_later(
    connection: Connection,
    row: Row[Any],
    policy: Policy,
    why: str,
    wall: datetime,
    *,
    after: float | None,
    may_have_arrived: bool,
) -> None:
    """It is tried again, each time after twice as long. What may have arrived is repeated word for word."""
    state = "trying" if may_have_arrived or row.state == "trying" else "waiting"
    wait = min(timedelta(seconds=policy.retry_seconds) * 2 ** min(row.attempts, 20), _LONGEST_WAIT)
    next_at = wall + max(wait, timedelta(seconds=after or 0))
    connection.execute(_of(row).values(state=state, next_try_at=next_at, error=why))
    connection.execute(_notices_of(row).values(state=state))


def note_failed(connection: Connection, row: Row[Any], policy: Policy, why: str, now: datetime, wall: datetime) -> None:
    """It is given up: its notices go to whoever is left, and the operators are told once a day for each recipient."""
    connection.execute(_of(row).values(state="failed", ended_at=wall, error=why))
    alert_ids = connection.execute(select(notice.c.alert_id).where(notice.c.message_id == row.message_id)).scalars()
    look_again(connection, set(alert_ids), now)
    connection.execute(_notices_of(row).values(state="failed"))
    if row.kind == "undelivered":
        return
    content = Content(failure={"recipient": row.recipient.partition("/")[0], "channel": row.channel, "error": why})
    for one in operators_of(policy):
        if one.key != row.recipient:
            add_message(connection, f"{row.recipient} {wall.date()}", "undelivered", row.office, one, content, wall)


def operators_of(policy: Policy) -> Sequence[DutyEntry]:
    """Who is told of what cannot be delivered."""
    return [
        DutyEntry("PLATFORM", one.recipient, one.channel, one.address, language=one.language)
        for one in policy.operators
    ]


def _of(row: Row[Any]) -> Any:
    return update(notice_message).where(notice_message.c.message_id == row.message_id)


def _notices_of(row: Row[Any]) -> Any:
    return update(notice).where(notice.c.message_id == row.message_id)


# --- what can be seen of it


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages that are not sent: how many wait, since when the oldest does, how many were given up in the last day."""

    waiting: int
    oldest: datetime | None
    failed: int


def read_backlog(connection: Connection, wall: datetime) -> Backlog:
    """Count them."""
    waiting = select(func.count(), func.min(notice_message.c.made_at)).where(notice_message.c.state.in_(_WAITING))
    count, oldest = connection.execute(waiting).one()
    failed = select(func.count()).where(
        notice_message.c.state == "failed", notice_message.c.ended_at > wall - timedelta(days=1)
    )
    return Backlog(count, oldest, connection.execute(failed).scalar_one())


def forget_messages(connection: Connection, before: datetime) -> None:
    """Remove messages that ended before an instant and of which no notice is left."""
    left = select(notice.c.message_id).where(notice.c.message_id.is_not(None))
    gone = notice_message.c.ended_at < before, notice_message.c.message_id.not_in(left)
    connection.execute(delete(notice_message).where(*gone))
