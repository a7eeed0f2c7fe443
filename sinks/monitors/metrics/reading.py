"""What a measure is: a function that reads SQL or the broker and says what it found, one reading for each place."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from handover.cases.shared_state import SharedState
from handover.rules.rulebook import Rule
from sinks.monitors.metrics.lag import Arrival, Lag


class Reading(NamedTuple):
    """What was found at one place, held against the rule's threshold."""

    subject: str
    measure: str
    exceeded: bool
    value: float
    limit: float
    since: datetime  # from when on it has not held, as far as can be seen now
    key: str = ""
    n: int | None = None
    start: datetime | None = None  # of the period counted
    moves: bool = False  # whether `since` follows what is found; else it stays what it was when it was first exceeded


class Around(NamedTuple):
    """What a measure may look at. `until`: everything that arrived before is in SQL; `start`: of the period, where the rule has periods."""

    connection: Connection
    rule: Rule
    world: SharedState
    until: datetime
    start: datetime
    lags: Sequence[Lag]
    arrival: Arrival


class Measure(Protocol):
    """Reads. A place that was exceeded and is not among the readings any more holds again."""

    def __call__(self, around: Around) -> Iterable[Reading]:
        """What was found now."""
        ...
