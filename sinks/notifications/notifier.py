"""The notifier's round: decide who is to be told, make messages, send them. One process does it at a time."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row

from handover.alerts.escalation import told_at
from handover.calendar import Calendar
from sinks.notifications import log_of_notices, metrics, outbox, weekly
from sinks.notifications.channels.channel import Channel, Undeliverable, Unreachable
from sinks.notifications.decide import Around, Timetable, decide
from sinks.notifications.message import Message, RuleNames
from sinks.notifications.policy import Policy
from sinks.notifications.standing import Standing
from sinks.readmodel.dialect import hold_alone
from sinks.readmodel.errors import translate_errors

log = logging.getLogger(__name__)
_KEY = 0x6E6F74696365  # of the lock that one process holds
_DECIDED_AT_A_TIME = 500
_SENT_A_ROUND = 100
_CURRENT = timedelta(seconds=60)  # the workers may be so far behind


@dataclass(frozen=True)
class Sources:
    """What a round asks for. `now`: pipeline time; `read_until`: what has been read of the topics, None while it is not known."""

    now: Callable[[], datetime]
    wall: Callable[[], datetime]
    read_until: Callable[[], datetime | None]
    read_calendar: Callable[[datetime], Calendar]


def read_wall() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Notifier:
    """Decides and sends."""

    def __init__(
        self, engine: Engine, policy: Policy, names: RuleNames, channels: Mapping[str, Channel], sources: Sources
    ) -> None:
        self._engine, self._policy, self._names, self._channels = engine, policy, names, channels
        self._sources = sources
        self._current_at = sources.now()
        self._swept_on: date | None = None
        self._listed_week: date | None = None

    def round(self) -> None:
        """Do all that is due. Raise SinkUnavailable."""
        with translate_errors(), hold_alone(self._engine, _KEY) as is_mine:
            if not is_mine:
                return
            now = self._sources.now()
            if self._is_current(now):
                self._decide_all(now)
                self._make_messages(now)
            self._send_due()
            self._sweep(now)

    def _is_current(self, now: datetime) -> bool:
        """Whether the topics have been read to their ends. What cannot be read for long does not keep back what was read before."""
        until = self._sources.read_until()
        if until is not None and now - until < _CURRENT:
            self._current_at = now
            return True
        return now - self._current_at > timedelta(minutes=self._policy.catch_up_minutes)

    # --- deciding

    def _decide_all(self, now: datetime) -> None:
        """Usually nothing is due, and then nothing more is read."""
        around: Around | None = None
        while True:
            with self._engine.begin() as connection:
                due = log_of_notices.find_due(connection, now, _DECIDED_AT_A_TIME)
                if not due:
                    return
                around = around or self._look_around(connection, now)
                self._decide_some(connection, due, around)

    def _look_around(self, connection: Connection, now: datetime) -> Around:
        processed = log_of_notices.read_processed_until(connection)
        is_caught_up = processed is not None and now - processed < _CURRENT
        return Around(now, log_of_notices.read_duty(connection), self._timetable(now), is_caught_up)

    def _timetable(self, now: datetime) -> Timetable:
        policy = self._policy
        return Timetable(
            self._sources.read_calendar(now),
            policy.digest_at,
            policy.digest_until,
            policy.at_once,
            timedelta(minutes=policy.catch_up_minutes),
            outbox.operators_of(policy),
        )

    def _decide_some(self, connection: Connection, due: Sequence[Standing], around: Around) -> None:
        told = log_of_notices.read_told(connection, due)
        for one in due:
            decision = decide(one, told.get(one.alert_id, ()), around)
            next_at = decision.next_at
            if next_at is not None:
                next_at = max(next_at, around.now + timedelta(seconds=1))
            log_of_notices.keep_decision(connection, one, decision.notices, next_at, around.now)
            for notice in decision.notices:
                metrics.NOTICES.labels(notice.kind).inc()
                if notice.entry.office != told_at(notice.step, one.owner_agency) and notice.kind != "over":
                    metrics.UNMANNED.inc()

    def _make_messages(self, now: datetime) -> None:
        wall = self._sources.wall()
        with self._engine.begin() as connection:
            outbox.gather(connection, self._policy, wall)
        week = weekly.start_of_week(now)
        if not self._policy.weeks_ahead or self._listed_week == week:
            return
        timetable = self._timetable(now)
        if weekly.is_due(timetable, now):
            with self._engine.begin() as connection:
                duty_list = log_of_notices.read_duty(connection)
                weekly.add_lists(connection, duty_list, self._names, now, wall)
            self._listed_week = week

    # --- sending

    def _send_due(self) -> None:
        full: set[str] = set()
        for _ in range(_SENT_A_ROUND):
            wall = self._sources.wall()
            with self._engine.connect() as connection:
                tried = outbox.count_tried(connection, wall - outbox.MINUTE)
                known = self._policy.channels
                full |= {name for name, channel in known.items() if tried.get(name, 0) >= channel.per_minute}
                rows = outbox.find_next(connection, wall, full, 1)
            if not rows:
                return
            if not self._try(rows[0], wall):
                full.add(rows[0].channel)

    def _try(self, row: Row[Any], wall: datetime) -> bool:
        """Try one message. False: its channel takes none at present."""
        now = self._sources.now()
        with self._engine.begin() as connection:
            message = outbox.begin_try(connection, row, self._policy, self._names, now, wall)
        if isinstance(message, outbox.Drop):
            metrics.MESSAGES.labels(row.channel, "dropped").inc()
            log.info("dropped", extra={"notice": row.message_id, "channel": row.channel, "why": message.why})
            return True
        try:
            self._send(message)
        except Unreachable as error:
            self._note_unreachable(row, error, now, wall)
            return not error.is_channel
        except Undeliverable as error:
            self._give_up(row, error.why, now, wall)
            return True
        with self._engine.begin() as connection:
            outbox.note_sent(connection, row, self._sources.wall())
        metrics.MESSAGES.labels(row.channel, "sent").inc()
        log.info("sent", extra={"notice": row.message_id, "channel": row.channel, "kind": row.kind})
        return True

    def _send(self, message: Message) -> None:
        channel = self._channels.get(message.channel)
        if channel is None:
            raise Undeliverable("the policy has no such channel any more")
        try:
            channel.send(message)
        except (Unreachable, Undeliverable):
            raise
        except Exception as error:  # a bug in a channel concerns this message; the others go on
            log.exception("a channel fails", extra={"channel": message.channel, "notice": message.message_id})
            raise Unreachable(f"bug: {type(error).__name__}", may_have_arrived=True, is_channel=False) from error

    def _note_unreachable(self, row: Row[Any], error: Unreachable, now: datetime, wall: datetime) -> None:
        if wall - row.made_at > timedelta(hours=self._policy.give_up_hours):
            self._give_up(row, error.why, now, wall)
            return
        with self._engine.begin() as connection:
            outbox.note_later(
                connection,
                row,
                self._policy,
                error.why,
                wall,
                after=error.after,
                may_have_arrived=error.may_have_arrived,
            )
        metrics.MESSAGES.labels(row.channel, "retried").inc()
        log.warning(
            "not sent, tried again later", extra={"notice": row.message_id, "channel": row.channel, "why": error.why}
        )

    def _give_up(self, row: Row[Any], why: str, now: datetime, wall: datetime) -> None:
        with self._engine.begin() as connection:
            outbox.note_failed(connection, row, self._policy, why, now, wall)
        metrics.MESSAGES.labels(row.channel, "failed").inc()
        log.error("not delivered, given up", extra={"notice": row.message_id, "channel": row.channel, "why": why})

    # --- beside it

    def _sweep(self, now: datetime) -> None:
        """Show the backlog; once a day remove what is kept long enough."""
        wall = self._sources.wall()
        with self._engine.connect() as connection:
            backlog = outbox.read_backlog(connection, wall)
        metrics.WAITING.set(backlog.waiting)
        metrics.OLDEST.set(0 if backlog.oldest is None else max(0.0, (wall - backlog.oldest).total_seconds()))
        metrics.FAILED.set(backlog.failed)
        if self._swept_on != wall.date():
            keep = timedelta(days=self._policy.keep_days)
            with self._engine.begin() as connection:
                log_of_notices.forget_old(connection, now - keep)
                outbox.forget_messages(connection, wall - keep)
            self._swept_on = wall.date()
