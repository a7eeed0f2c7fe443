"""Where the notifier reads on: positions kept with what was read of alerts, in one transaction.

No gap needs a rebuild: a log that was made anew is read from its beginning, and what was told before is known by its key.
"""

import logging
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, insert, select, update

from sinks.notifications.tables import notice_position
from sinks.takeover import Log, Overtaken, Place, Start, Stored, start_at

log = logging.getLogger(__name__)

_MINE = (
    notice_position.c.topic == bindparam("of_topic"),
    notice_position.c.partition == bindparam("of_partition"),
    notice_position.c.next_offset == bindparam("before"),
)
_MOVE = update(notice_position).where(*_MINE).values(next_offset=bindparam("after"))


def read(connection: Connection, topics: Collection[str]) -> dict[Place, Stored]:
    """The positions of some topics."""
    rows = connection.execute(select(notice_position).where(notice_position.c.topic.in_(list(topics))))
    return {Place(row.topic, row.partition): Stored(row.next_offset, row.cluster_id, row.topic_id) for row in rows}


def take_over(connection: Connection, topics: Collection[str], logs: Mapping[Place, Log]) -> Mapping[Place, Start]:
    """Where each partition is read on; positions that are missing are made, those of another log begin anew."""
    stored = read(connection, topics)
    starts: dict[Place, Start] = {}
    for place, found in sorted(logs.items()):
        known = stored.get(place)
        start = start_at(known, found)
        if start.offset is None and start.gap is not None:
            log.warning(
                "another log; reads it from its beginning",
                extra={"topic": place.topic, "partition": place.partition, "kind": start.gap.kind},
            )
            start = Start(found.first)
        starts[place] = start
        row = {"next_offset": start.offset, "cluster_id": found.cluster_id, "topic_id": found.topic_id}
        if known is None:
            connection.execute(insert(notice_position).values(topic=place.topic, partition=place.partition, **row))
        elif Stored(start.offset or 0, found.cluster_id, found.topic_id) != known:
            _replace(connection, place, known, row)
    return starts


def _replace(connection: Connection, place: Place, known: Stored, row: Mapping[str, object]) -> None:
    at = {"of_topic": place.topic, "of_partition": place.partition, "before": known.next_offset}
    if connection.execute(update(notice_position).where(*_MINE).values(**row), at).rowcount != 1:
        raise Overtaken


def move(connection: Connection, moves: Mapping[Place, tuple[int, int]]) -> None:
    """Move positions, each from the offset it must have. Raise Overtaken; then nothing of the transaction may stay."""
    rows = [
        {"of_topic": place.topic, "of_partition": place.partition, "before": before, "after": after}
        for place, (before, after) in sorted(moves.items())
    ]
    if rows and connection.execute(_MOVE, rows).rowcount != len(rows):
        raise Overtaken
