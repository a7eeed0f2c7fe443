"""Cases: the snapshot, its handovers and every obligation not yet ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from schemas.case import CaseSnapshot
from sinks.consumer import Record
from sinks.readmodel.changes import record_changes
from sinks.readmodel.dialect import upsert
from sinks.readmodel.tables import case, handover, obligation

_PUBLIC = ("subject", "kind", "revision", "changed_at", "handovers", "dispute")


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Replace what is known of each subject where the snapshot is newer; a tombstone removes it."""
    invalid: list[Record] = []
    newest: dict[str, CaseSnapshot | None] = {}
    for record in batch:
        subject = (record.key or b"").decode()
        if record.value is None:
            newest[subject] = None
            continue
        try:
            snapshot = CaseSnapshot.model_validate(orjson.loads(record.value))
        except ValueError:
            invalid.append(record)
            continue
        known = newest.get(snapshot.subject)
        if known is None or snapshot.revision >= known.revision:
            newest[snapshot.subject] = snapshot
    stored = _read_revisions(connection, list(newest))
    # An equal revision is taken too: a worker that died after writing is followed by one that counts from where it read.
    fresh = {subject: one for subject, one in newest.items() if one is None or one.revision >= stored.get(subject, -1)}
    _remove(connection, fresh)
    _insert(connection, [one for one in fresh.values() if one is not None])
    record_changes(connection, "case", list(fresh))
    return invalid


def _read_revisions(connection: Connection, subjects: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(select(case.c.subject, case.c.revision).where(case.c.subject.in_(subjects)))
    return dict(map(tuple, rows))


def _remove(connection: Connection, fresh: Mapping[str, CaseSnapshot | None]) -> None:
    """What the snapshots replace. Handovers that the pipeline has forgotten stay: they are history."""
    if not fresh:
        return
    for table in (obligation, case):
        connection.execute(delete(table).where(table.c.subject.in_(list(fresh))))
    ended = [subject for subject, one in fresh.items() if one is None]
    if ended:
        connection.execute(delete(handover).where(handover.c.subject.in_(ended), handover.c.closed_at.is_(None)))
    going_on = {subject: one for subject, one in fresh.items() if one is not None}
    if going_on:
        stays = [id_ for one in going_on.values() for id_ in one.forgotten]
        connection.execute(
            delete(handover).where(handover.c.subject.in_(list(going_on)), handover.c.handover_id.not_in(stays))
        )


def _insert(connection: Connection, snapshots: Sequence[CaseSnapshot]) -> None:
    upsert(connection, case, [_case_row(one) for one in snapshots], "revision")
    handovers = [
        {**row.model_dump(exclude={"milestones", "opened_at", "closed_at"}), "opened_at": row.opened_at, "closed_at": row.closed_at,
         "subject": one.subject, "revision": one.revision}
        for one in snapshots
        for row in one.handovers
    ]  # fmt: skip
    upsert(
        connection,
        handover,
        list({(row["handover_id"], row["subject"]): row for row in handovers}.values()),
        "revision",
    )
    duties = [_obligation_row(one, row) for one in snapshots for row in one.obligations]
    upsert(connection, obligation, list({row["obligation_id"]: row for row in duties}.values()), None)


def _case_row(one: CaseSnapshot) -> dict[str, Any]:
    places = [row.jurisdiction for row in one.handovers] + (
        [one.dispute.place_code] if one.dispute and one.dispute.place_code else []
    )
    return {
        "subject": one.subject,
        "kind": one.kind,
        "revision": one.revision,
        "changed_at": one.changed_at,
        "jurisdiction": places[-1] if places else None,
        "document": one.model_dump(mode="json", include=set(_PUBLIC)),
    }


_WITHOUT_HANDOVER = {"DISPUTE": "DISPUTE", "OFFICE": "WORK"}  # case kind -> what its obligations are of


def _obligation_row(one: CaseSnapshot, row: Any) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in type(row).model_fields}
    kinds = {home.handover_id: home.kind for home in one.handovers}
    kind = kinds.get(row.handover_id) or _WITHOUT_HANDOVER.get(one.kind, "SYSTEM")
    more = {"handover_kind": kind, "missing": list(row.missing), "computation": list(row.computation)}
    return {**plain, "subject": one.subject, **more}
