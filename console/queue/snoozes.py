"""Who has put which alert aside: an alert leaves the list of the office that snoozed it, and no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from console.auth.permissions import under
from schemas.instants import instant
from sinks.readmodel.tables import event

_SNOOZED, _RESUMED = "reentry.action.snoozed.v1", "reentry.action.resumed.v1"
_LONGEST = timedelta(days=31)  # nobody snoozes for longer
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Snooze:
    """Which office puts an alert aside until when; `by`: a staff id."""

    agency: str
    by: str
    until: datetime


def find_snoozed_by(connection: Connection, agency: str, now: datetime) -> frozenset[str]:
    """The ids of the alerts that an office itself has put aside, and that nobody has taken up again."""
    own = event.c.type == _SNOOZED, under(event.c.source, f"/agencies/{agency}/")
    wanted = select(event.c.subject).where(*own, event.c.time > now - _LONGEST).distinct()
    subjects = list(connection.execute(wanted).scalars())
    return frozenset(
        alert_id
        for first in range(0, len(subjects), _AT_ONCE)
        for (of, alert_id), one in _read(connection, subjects[first : first + _AT_ONCE]).items()
        if of == agency and one.until > now
    )


def read_snoozes(connection: Connection, subjects: Sequence[str], now: datetime) -> dict[str, list[Snooze]]:
    """Who puts each alert of these subjects aside now, by alert id."""
    found: dict[str, list[Snooze]] = {}
    for (_, alert_id), one in _read(connection, subjects).items():
        if one.until > now:
            found.setdefault(alert_id, []).append(one)
    return found


def _read(connection: Connection, subjects: Sequence[str]) -> dict[tuple[str, str], Snooze]:
    """The last snooze of each alert by each office, unless it was taken up again after it."""
    wanted = (
        select(event.c.type, event.c.source, event.c.body)
        .where(event.c.subject.in_(subjects), event.c.type.in_((_SNOOZED, _RESUMED)))
        .order_by(event.c.arrival, event.c.id)
    )
    found: dict[tuple[str, str], Snooze] = {}
    for type_, source, body in connection.execute(wanted):
        data = body["data"]
        alert_id = str(data["alert_id"]).lower()  # a publisher may write it in capitals
        if type_ == _RESUMED:
            found = {key: one for key, one in found.items() if key[1] != alert_id}
        else:
            agency = source.split("/")[2]
            found[agency, alert_id] = Snooze(agency, str(data["by"]), instant(data["until"]))
    return found
