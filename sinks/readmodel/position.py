"""Where each writer of the read model reads on: positions kept with the rows, in one transaction.

The consumer group's offsets are information for tools that show lag; nothing is read by them. A gap is a place where the read model
cannot equal the log by reading on: it is kept as a row, until the read model is rebuilt.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from sinks.readmodel.tables import log_gap, read_position
from sinks.readmodel.writer import Writer
from sinks.takeover import Gap, Log, OpenGap, Overtaken, Place, Reached, Start, Stored, start_at


def take_over(connection: Connection, writer: Writer, logs: Mapping[Place, Log]) -> Mapping[Place, Start]:
    """Where each partition is read on; positions that are missing are made, and gaps are kept. Raise Overtaken."""
    stored = read(connection, writer.topics)
    starts: dict[Place, Start] = {}
    for place, log in sorted(logs.items()):
        start = starts[place] = start_at(stored.get(place), log)
        if start.gap is not None:
            _keep(connection, place, log, start.gap)
        if place not in stored:
            make(connection, place, log, log.first)
        elif start.offset is not None and start.offset != stored[place].next_offset:
            move(connection, {place: (stored[place].next_offset, start.offset)})
    if logs.keys() - stored.keys():
        for table in writer.computed:
            connection.execute(delete(table))
    return starts


def forget(connection: Connection, topics: Collection[str]) -> None:
    """Forget what was read, so that the topics are read from their beginning; what the rows lacked is no gap any more."""
    connection.execute(delete(read_position).where(read_position.c.topic.in_(topics)))
    close_gaps(connection, topics)


def close_gaps(connection: Connection, topics: Collection[str]) -> None:
    """The rows of these topics equal the log again, as far as the log goes."""
    mine = log_gap.c.topic.in_(topics) & log_gap.c.closed_at.is_(None)
    connection.execute(update(log_gap).where(mine).values(closed_at=datetime.now(UTC)))


def read(connection: Connection, topics: Iterable[str]) -> dict[Place, Stored]:
    """The positions of some topics."""
    rows = connection.execute(select(read_position).where(read_position.c.topic.in_(list(topics))))
    return {Place(row.topic, row.partition): Stored(row.next_offset, row.cluster_id, row.topic_id) for row in rows}


_MOVE = (
    update(read_position)
    .where(
        read_position.c.topic == bindparam("of_topic"),
        read_position.c.partition == bindparam("of_partition"),
        read_position.c.next_offset == bindparam("before"),
    )
    .values(next_offset=bindparam("after"))
)


def move(connection: Connection, moves: Mapping[Place, tuple[int, int]]) -> None:
    """Move positions, each from the offset it must have. Raise Overtaken; then nothing of the transaction may stay."""
    rows = [
        {"of_topic": place.topic, "of_partition": place.partition, "before": before, "after": after}
        for place, (before, after) in sorted(
            moves.items()
        )  # in one order, so that two processes cannot block each other
    ]
    if rows and connection.execute(_MOVE, rows).rowcount != len(rows):
        raise Overtaken


def make(connection: Connection, place: Place, log: Log, offset: int) -> None:
    """The position of a partition that has none."""
    row = {"topic": place.topic, "partition": place.partition, "next_offset": offset}
    connection.execute(insert(read_position).values(**row, cluster_id=log.cluster_id, topic_id=log.topic_id))


def _keep(connection: Connection, place: Place, log: Log, gap: Gap) -> None:
    known = [one for one in open_gaps(connection) if (one.topic, one.partition, one.kind) == (*place, gap.kind)]
    if any(gap.kind != "REMOVED" or one.first_offset == gap.first for one in known):
        return
    connection.execute(
        insert(log_gap).values(
            topic=place.topic,
            partition=place.partition,
            kind=gap.kind,
            found_at=datetime.now(UTC),
            first_offset=gap.first,
            next_offset=gap.next,
            cluster_id=log.cluster_id,
            topic_id=log.topic_id,
        )
    )


def open_gaps(connection: Connection) -> list[OpenGap]:
    """Every gap that has not been closed by a rebuild, the oldest first."""
    names = [log_gap.c[name] for name in OpenGap.__dataclass_fields__]
    query = select(*names).where(log_gap.c.closed_at.is_(None))
    rows = connection.execute(query.order_by(log_gap.c.found_at, log_gap.c.topic, log_gap.c.partition)).mappings()
    return [OpenGap(**row) for row in rows]


def has_lost_rows(connection: Connection, writer: Writer) -> bool:
    """Whether a table is empty although positions say that something was written."""
    if not any(one.next_offset for one in read(connection, writer.topics).values()):
        return False
    return any(connection.execute(select(1).select_from(table).limit(1)).first() is None for table in writer.tables)


def is_reached(connection: Connection, topics: Sequence[str], reached: Reached) -> bool:
    """Whether what a connection sees is as far as was reached: it is not after SQL was emptied, or a backup was restored."""
    stored = read(connection, topics)
    return all(place in stored and stored[place].next_offset >= after for place, after in reached.offsets.items())
