"""What a consumer is: topics, and a destination that takes batches of their records together with the positions behind them.

The runner knows nothing more of it. Writers of SQL are one kind (sinks/readmodel/sql_consumer.py); another kind, such as one that
notifies, keeps its positions where it delivers to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sinks.takeover import Log, Place, Takeover

Moves = Mapping[Place, tuple[int, int]]  # each position from the offset it must have to the next to be read


class SinkUnavailable(Exception):
    """The destination does not answer: wait, and deliver the same batch again."""


class Record(NamedTuple):
    """One record of a topic (without prefix); `arrival` is its broker timestamp, mapped to pipeline time."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int
    arrival: datetime

    @property
    def place(self) -> str:
        """Where it stands, in one word."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Batch(NamedTuple):
    """Records in the order of each partition, and how their positions move. Moves may pass more than the records: markers, foreign records."""

    records: Sequence[Record]
    moves: Moves


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that no retry can deliver and that was kept elsewhere. `why`: the kind of refusal, never a value."""

    record: Record
    error: Exception
    why: str
    is_bug: bool  # the program's error, not the record's


class Delivery(NamedTuple):
    """What became of a batch; all records that are not named here were delivered."""

    invalid: Sequence[Record] = ()  # could not be read, passed over
    set_aside: Sequence[SetAside] = ()


class Consumer(Protocol):
    """One consumer group. Each method raises SinkUnavailable while the destination does not answer."""

    @property
    def name(self) -> str:
        """Of the group, of its thread, and in log lines."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """What it reads, without prefix."""
        ...

    @property
    def destination(self) -> str:
        """Where it delivers to, as log lines and probes name it."""
        ...

    @property
    def unmarked(self) -> bool:
        """Whether it takes what bears no worker's mark on the workers' own topics too."""
        ...

    def take_over(self, logs: Mapping[Place, Log]) -> Takeover:
        """Decide where assigned partitions are read on, and make the positions that are missing. Raise Overtaken."""
        ...

    def read_positions(self) -> Mapping[Place, int]:
        """The next offset of every partition that any process of this group has begun."""
        ...

    def deliver(self, batch: Batch) -> Delivery:
        """Deliver records and move positions, both or neither. Without records only positions move.

        Raise Overtaken where a position is not where the batch begins, KafkaError where a dead letter could not be sent.
        """
        ...
