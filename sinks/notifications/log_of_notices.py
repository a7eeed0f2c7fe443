"""The log of who was told what, and what it is decided from: reading and writing the notifier's rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from schemas.alert import Alert
from schemas.instants import derived_instant, show
from schemas.progress import Progress
from sinks.notifications.decide import Notice, Told
from sinks.notifications.duty_list import Days, DutyEntry, DutyList
from sinks.notifications.standing import Standing, remember
from sinks.notifications.tables import notice, notice_alert, notice_duty, notice_progress
from sinks.readmodel.dialect import insert_new, upsert

_COLUMNS = [one.name for one in fields(Standing)]


# --- what was read


def keep_alerts(connection: Connection, alerts: Iterable[Alert], now: datetime) -> None:
    """Remember revisions in their order; an alert with news is decided over."""
    revisions = sorted(alerts, key=lambda one: (one.alert_id, one.revision))
    known = read_standings(connection, {one.alert_id for one in revisions})
    changed: dict[str, Standing] = {}
    for one in revisions:
        old = known.get(one.alert_id)
        new = known[one.alert_id] = remember(old, one, now)
        if new is not old:
            changed[one.alert_id] = new
    rows = [{**_row(one), "check_at": now} for one in changed.values()]
    upsert(connection, notice_alert, rows, "revision")


def keep_progress(connection: Connection, reports: Sequence[Progress]) -> None:
    """Remember how far the workers have processed each partition."""
    rows = [
        {"partition": one.partition, "partitions": one.setup.partitions, "processed_until": one.processed_until}
        for one in reports
    ]
    upsert(connection, notice_progress, rows, None)


def read_processed_until(connection: Connection) -> datetime | None:
    """The least watermark of all partitions; None while one of them has not been reported."""
    rows = connection.execute(select(notice_progress.c.partitions, notice_progress.c.processed_until)).all()
    if not rows or len(rows) < max(row.partitions for row in rows):
        return None
    least: datetime = min(row.processed_until for row in rows)
    return least


def _row(one: Standing) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in _COLUMNS}
    return {**row, "reached": {str(step): show(at) for step, at in one.reached.items()}}


def _standing(row: Row[Any]) -> Standing:
    values = {name: getattr(row, name) for name in _COLUMNS}
    reached = {int(step): derived_instant(at) for step, at in values["reached"].items()}
    return Standing(**{**values, "reached": reached})


def read_standings(connection: Connection, alert_ids: Iterable[str]) -> dict[str, Standing]:
    """Standings by alert."""
    rows = connection.execute(select(notice_alert).where(notice_alert.c.alert_id.in_(list(alert_ids))))
    return {row.alert_id: _standing(row) for row in rows}


# --- what is decided


def find_due(connection: Connection, now: datetime, most: int) -> Sequence[Standing]:
    """Alerts to be decided over, some of them at a time."""
    due = select(notice_alert).where(notice_alert.c.check_at <= now).order_by(notice_alert.c.check_at).limit(most)
    return [_standing(row) for row in connection.execute(due)]


def read_told(connection: Connection, standings: Iterable[Standing]) -> Mapping[str, Sequence[Told]]:
    """Per alert what was told of its present episode."""
    episodes = {one.alert_id: one.raised_at for one in standings}
    rows = connection.execute(
        select(notice).where(notice.c.alert_id.in_(list(episodes))).order_by(notice.c.made_at, notice.c.step)
    )
    told: dict[str, list[Told]] = {}
    for row in rows:
        if row.raised_at == episodes[row.alert_id]:
            mine = Told(row.kind, row.step, row.recipient, row.office, row.state, row.at_once, _entry_of(row))
            told.setdefault(row.alert_id, []).append(mine)
    return told


def _entry_of(row: Row[Any]) -> DutyEntry:
    return DutyEntry(row.office, row.recipient.partition("/")[0], row.channel, row.address, language=row.language)


def keep_decision(
    connection: Connection, one: Standing, notices: Sequence[Notice], next_at: datetime | None, now: datetime
) -> None:
    """Write the notices that are due, each once, and when to decide again: unless a newer revision has been read meanwhile."""
    rows = [
        {
            "alert_id": each.alert_id,
            "raised_at": each.raised_at,
            "kind": each.kind,
            "step": each.step,
            "recipient": each.entry.key,
            "office": each.office,
            "channel": each.entry.channel,
            "address": each.entry.address,
            "language": each.entry.language,
            "at_once": each.at_once,
            "state": "waiting",
            "made_at": now,
            "message_id": None,
        }
        for each in notices
    ]
    mine = update(notice_alert).where(notice_alert.c.alert_id == one.alert_id, notice_alert.c.revision == one.revision)
    if connection.execute(mine.values(check_at=next_at)).rowcount:
        insert_new(connection, notice, rows)


def look_again(connection: Connection, alert_ids: Iterable[str], now: datetime) -> None:
    """Decide over alerts once more: a notice of theirs could not be delivered."""
    mine = notice_alert.c.alert_id.in_(list(alert_ids))
    connection.execute(update(notice_alert).where(mine).values(check_at=now))


def forget_old(connection: Connection, before: datetime) -> None:
    """Remove ended alerts that have not changed since an instant, with their notices."""
    gone = select(notice_alert.c.alert_id).where(
        notice_alert.c.is_firing.is_(False), notice_alert.c.changed_at < before
    )
    connection.execute(delete(notice).where(notice.c.alert_id.in_(gone)))
    connection.execute(delete(notice_alert).where(notice_alert.c.alert_id.in_(gone)))


# --- the duty list


def replace_duty(connection: Connection, entries: Sequence[DutyEntry]) -> int:
    """Replace the lists of the offices that are named. Return how many entries were there before."""
    offices = sorted({one.office for one in entries})
    before = connection.execute(delete(notice_duty).where(notice_duty.c.office.in_(offices))).rowcount
    connection.execute(insert(notice_duty), [_duty_row(one) for one in entries])
    return before


def _duty_row(one: DutyEntry) -> dict[str, Any]:
    return {
        "office": one.office,
        "recipient": one.recipient,
        "channel": one.channel,
        "address": one.address,
        "language": one.language,
        "steps": list(one.steps),
        "deputy": one.deputy,
        "first_day": one.days.first.isoformat(),
        "last_day": one.days.last.isoformat(),
        "absent": [[days.first.isoformat(), days.last.isoformat()] for days in one.absent],
    }


def read_duty(connection: Connection) -> DutyList:
    """The whole list."""
    rows = connection.execute(select(notice_duty).order_by(notice_duty.c.number))
    return DutyList([_duty_entry(row) for row in rows])


def _duty_entry(row: Row[Any]) -> DutyEntry:
    return DutyEntry(
        office=row.office,
        recipient=row.recipient,
        channel=row.channel,
        address=row.address,
        steps=tuple(row.steps),
        language=row.language,
        deputy=row.deputy,
        days=Days(date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)),
        absent=tuple(Days(date.fromisoformat(first), date.fromisoformat(last)) for first, last in row.absent),
    )
