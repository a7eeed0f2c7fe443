"""What the alert topic and the case topic hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.kafka.log_reader import read_records
from cli.output import warn
from handover.cases.codec import decode_case
from schemas import alert, case
from schemas.alert import Alert
from schemas.case import CaseSnapshot
from schemas.provenance import epoch_of
from schemas.topics import ALERT, CASE, named

if TYPE_CHECKING:
    from cli.settings import Settings


def _check_writer(record: Any, marked: set[int]) -> None:
    """Raise ValueError for a record without a worker's mark, behind one that has it: earlier versions made no marks."""
    if epoch_of(record.headers or ()) is not None:
        marked.add(record.partition)
    elif record.partition in marked:
        raise ValueError("no worker wrote this")


@dataclass(slots=True)
class Alerts:
    """Every snapshot on the alert topic, in the order of each partition."""

    told: list[Alert] = field(default_factory=list)
    written_ms: dict[tuple[str, int], int] = field(default_factory=dict)  # broker time, by alert and revision
    _marked: set[int] = field(default_factory=set)  # partitions in which a worker's mark has been read
    _home: dict[str, int] = field(default_factory=dict)  # the partition of each alert
    _firsts: dict[str, int] = field(default_factory=dict)  # the least revision of each alert
    _ends: dict[int, int] = field(default_factory=dict)  # per partition the offset after the last one
    _counts: Counter[int] = field(default_factory=Counter)

    def add(self, record: Any) -> None:
        """Take a record. Raise ValueError for one that is no alert, or foreign: without a mark, behind marked ones."""
        self._ends[record.partition] = record.offset + 1
        self._counts[record.partition] += 1
        if record.value is None:
            return
        _check_writer(record, self._marked)
        told = alert.read(record.value)
        self.told.append(told)
        self.written_ms[told.alert_id, told.revision] = record.timestamp
        self._home[told.alert_id] = record.partition
        self._firsts[told.alert_id] = min(told.revision, self._firsts.get(told.alert_id, told.revision))

    def is_compacted(self, alert_id: str) -> bool:
        """Say whether Kafka has dropped records where this alert stands: then a hole is no loss."""
        home = self._home.get(alert_id)
        return home is not None and self._counts[home] < self._ends[home]

    def has_forgotten(self, alert_id: str, revision: int) -> bool:
        """Say whether the topic may have held a snapshot: it was compacted, or made anew and told this alert again from a later revision on."""
        first = self._firsts.get(alert_id)
        return self.is_compacted(alert_id) or (first is not None and revision < first)

    def find_raised_before(self, since: datetime | None) -> set[str]:
        """Return whose alerts were raised before an instant."""
        return set() if since is None else {one.subject for one in self.told if one.raised_at < since}

    def newest(self) -> dict[str, Alert]:
        """Return the greatest revision of each alert."""
        return {one.alert_id: one for one in sorted(self.told, key=lambda one: one.revision)}


@dataclass(slots=True)
class Cases:
    """The newest record of each case; None is a tombstone. `since`: the log has forgotten what arrived before."""

    since: datetime | None = None
    newest: dict[str, CaseSnapshot | None] = field(default_factory=dict)
    written_ms: dict[str, int] = field(default_factory=dict)  # broker time
    older: set[str] = field(default_factory=set)  # cases that began before the log that is left
    _marked: set[int] = field(default_factory=set)  # partitions in which a worker's mark has been read

    def add(self, record: Any) -> None:
        """Take a record. Raise ValueError for one that is no case, or foreign: without a mark, behind marked ones."""
        subject = (record.key or b"").decode()
        _check_writer(record, self._marked)
        self.newest[subject] = None if record.value is None else case.read(record.value)
        self.written_ms[subject] = record.timestamp
        if self.since is not None and is_older(self.newest[subject], record.value, self.since):
            self.older.add(subject)


def is_older(snapshot: CaseSnapshot | None, value: bytes, since: datetime) -> bool:
    """Say whether a case began before an instant. One that has ended did, and a publisher's: it forgets its signs of life."""
    if snapshot is None or snapshot.kind == "SOURCE" or snapshot.forgotten:
        return True
    began = decode_case(value).began_at
    return began is None or began < since


def read_alerts(client: Any, settings: Settings) -> Alerts:
    """Read the alert topic; name records that are no alerts of ours and go on."""
    found = Alerts()
    for record in _records(client, settings, ALERT, "reading alerts"):
        try:
            found.add(record)
        except (ValueError, KeyError):
            _foreign(record, "alert")
    return found


def read_cases(client: Any, settings: Settings, since: datetime | None = None) -> Cases:
    """Read the case topic; name records that are no cases of ours and go on."""
    found = Cases(since)
    for record in _records(client, settings, CASE, "reading cases"):
        try:
            found.add(record)
        except (ValueError, KeyError):
            _foreign(record, "case")
    return found


def _records(client: Any, settings: Settings, topic: str, what: str) -> Iterator[Any]:
    return read_records(client, [named(settings.topic_prefix, topic)], what)


def _foreign(record: Any, what: str) -> None:
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    warn(f"{place} holds no {what} of the workers, passed over: find out who else writes to this topic")
