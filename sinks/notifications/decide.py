"""Which notices of an alert are due, for whom, at which step. Pure: `now` comes in, and so does all that was told before."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from handover.alerts.escalation import told_at
from handover.calendar import DAY, Calendar
from handover.rules.rulebook import Severity
from schemas.instants import CHINA
from sinks.notifications.duty_list import DutyEntry, DutyList
from sinks.notifications.standing import Standing

Kind = Literal["step", "urgent", "over"]
NoticeState = Literal["waiting", "trying", "sent", "failed", "dropped"]
_AGAIN = timedelta(seconds=10)  # while workers catch up
_TOP = 3  # the step above which nobody stands
_DELIVERED: frozenset[NoticeState] = frozenset(("trying", "sent"))  # trying: it may have arrived


class Notice(NamedTuple):
    """One line for one recipient. Its key: alert, episode, kind, step, recipient. `office`: for whose list it is told."""

    alert_id: str
    raised_at: datetime
    kind: Kind
    step: int
    office: str
    entry: DutyEntry
    at_once: bool


class Told(NamedTuple):
    """A notice of this episode that was made before."""

    kind: Kind
    step: int
    recipient: str  # key of a DutyEntry
    office: str
    state: NoticeState
    at_once: bool
    entry: DutyEntry


@dataclass(frozen=True, slots=True)
class Timetable:
    """When what is told. `operators`: of offices where nobody is on duty."""

    calendar: Calendar
    digest_at: time
    digest_until: time
    at_once: frozenset[Severity]
    catch_up: timedelta
    operators: Sequence[DutyEntry]

    def digest_from(self, at: datetime) -> datetime:
        """The first digest of a working day that is not before an instant."""
        day = at.astimezone(CHINA).date()
        while True:
            digest = datetime.combine(day, self.digest_at, CHINA)
            if digest >= at and self.calendar.is_working(day):
                return digest
            day += DAY

    def next_digest(self, told_from: datetime, now: datetime) -> datetime:
        """When a digest with something that is to be told from an instant on goes out: not after hours, also where one was missed."""
        wanted = self.digest_from(told_from)
        if wanted > now:
            return wanted
        local = now.astimezone(CHINA)
        if self.calendar.is_working(local.date()) and self.digest_at <= local.time() < self.digest_until:
            return now
        return self.digest_from(now)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is due now, and when to decide again (None: with the next revision)."""

    notices: Sequence[Notice] = ()
    next_at: datetime | None = None


class Around(NamedTuple):
    """What an alert is held against. `is_caught_up`: the workers have processed what has arrived, so that a firing alert is open."""

    now: datetime
    duty_list: DutyList
    timetable: Timetable
    is_caught_up: bool


def decide(one: Standing, told: Collection[Told], around: Around) -> Decision:
    """Decide over one alert. Deciding again without a change makes no notice that was made before."""
    if not one.is_firing:
        return _tell_end(one, told, around)
    if why := find_silence(one, around.now):
        return Decision(next_at=one.snoozed_until if why == "snoozed" else None)
    waited = around.now - one.seen_at
    if not around.is_caught_up and waited < around.timetable.catch_up:
        return Decision(next_at=min(one.seen_at + around.timetable.catch_up, around.now + _AGAIN))
    return _tell_steps(one, told, around)


def find_silence(one: Standing, now: datetime) -> str:
    """Why nobody is told of a firing alert at present: held or snoozed; empty where somebody may be."""
    if one.held:
        return "held"
    return "snoozed" if one.snoozed_until is not None and one.snoozed_until > now else ""


def find_staleness(one: Standing, kind: Kind, step: int, now: datetime) -> str:
    """Why a notice that has not been sent yet is not to be sent any more; empty where it is."""
    if kind == "over":
        return "fires again" if one.is_firing else ""
    if not one.is_firing:
        return "over"
    return find_silence(one, now) or ("acknowledged" if is_answered(one, step, kind) else "")


def is_answered(one: Standing, step: int, kind: Kind) -> bool:
    """Whether somebody has acknowledged the alert since it reached a step (and, for an urgent notice, its severity)."""
    reached = one.reached.get(step, one.raised_at)
    since = max(reached, one.severe_at) if kind == "urgent" else reached
    return one.acknowledged_at is not None and one.acknowledged_at >= since


def _tell_steps(one: Standing, told: Collection[Told], around: Around) -> Decision:
    kind: Kind = "urgent" if one.severity in around.timetable.at_once else "step"
    notices: list[Notice] = []
    later: list[datetime] = []
    for step, reached in sorted(one.reached.items()):
        if is_answered(one, step, kind):
            continue
        recipients = list(_find_recipients(one, kind, step, told, around))
        if not recipients:
            continue
        at = around.now if kind == "urgent" else around.timetable.next_digest(reached, around.now)
        if at > around.now:
            later.append(at)
            continue
        notices += [
            Notice(one.alert_id, one.raised_at, kind, step, office, entry, kind == "urgent")
            for office, entry in recipients
        ]
    return Decision(notices, next_at=min(later, default=None))


def _find_recipients(
    one: Standing, kind: Kind, step: int, told: Collection[Told], around: Around
) -> Iterator[tuple[str, DutyEntry]]:
    """Whom a step is still to be told, with the office for which they are: nobody where somebody has been told.

    An office where nobody is on duty, or nobody could be reached, is answered for by the one above; above all stand the operators.
    """
    counted = {kind} if kind == "urgent" else {"step", "urgent"}  # whoever was told at once need not be told again
    before = [mine for mine in told if mine.step == step and mine.kind in counted]
    if any(mine.state in ("waiting", "trying", "sent") for mine in before):
        return
    failed = {mine.recipient for mine in before if mine.state == "failed"}
    day = around.now.astimezone(CHINA).date()
    for office, at_step in _climb(one.owner_agency, step):
        entries = around.duty_list.find(office, at_step, day, failed)
        if entries:
            yield from ((office, entry) for entry in entries)
            return
    office = told_at(step, one.owner_agency)
    yield from ((office, entry) for entry in around.timetable.operators if entry.key not in failed)


def _climb(owner: str, step: int) -> Iterator[tuple[str, int]]:
    """The office that is told at a step, then those above it."""
    seen = ""
    for at_step in range(step, max(step, _TOP) + 1):
        office = told_at(at_step, owner)
        if office != seen:
            yield office, min(at_step, _TOP)
        seen = office


def _tell_end(one: Standing, told: Collection[Told], around: Around) -> Decision:
    """Whoever was told is told that it is over: at once if any of their notices was, with the digest otherwise."""
    notices: list[Notice] = []
    later: list[datetime] = []
    done = {mine.recipient for mine in told if mine.kind == "over"}
    for recipient in dict.fromkeys(mine.recipient for mine in told if mine.state in _DELIVERED):
        if recipient in done:
            continue
        mine = [each for each in told if each.recipient == recipient and each.state in _DELIVERED]
        at_once = any(each.at_once for each in mine)
        at = around.now if at_once else around.timetable.next_digest(one.changed_at, around.now)
        if at > around.now:
            later.append(at)
        else:
            notices.append(Notice(one.alert_id, one.raised_at, "over", 0, mine[-1].office, mine[-1].entry, at_once))
    return Decision(notices, next_at=min(later, default=None))
