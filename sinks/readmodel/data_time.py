"""Up to which instant the read model can be relied on, and whether that is too long ago."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from schemas.instants import from_millis
from sinks.readmodel.watermarks import Watermark, read_watermark

_NEVER = from_millis(0)
BEHIND_LIMIT = timedelta(seconds=60)
Age = Callable[[datetime], timedelta]  # how long ago, by the wall clock, an instant of the judged time was


@dataclass(frozen=True, slots=True)
class DataTime:
    """Alerts are processed up to `processed_until` (None: never yet), `behind` before now in the judged time."""

    processed_until: datetime | None
    behind: timedelta | None
    is_late: bool  # what is shown may lack alerts: nothing may be called answered or in time by it

    def judged(self, now: datetime) -> datetime:
        """The instant up to which an obligation may be called late or not: never after the watermark."""
        return _NEVER if self.processed_until is None else min(now, self.processed_until)


def read_data_time(engine: Engine, now: datetime, age: Age, limit: timedelta = BEHIND_LIMIT) -> DataTime:
    """Read it. `limit`: in wall time, as `age`. Raise SQLAlchemyError."""
    with engine.connect() as connection:
        return data_time_of(connection, now, age, limit)


def data_time_of(connection: Connection, now: datetime, age: Age, limit: timedelta = BEHIND_LIMIT) -> DataTime:
    """The same, on a connection that is open."""
    return data_time_at(read_watermark(connection), now, age, limit)


def data_time_at(watermark: Watermark | None, now: datetime, age: Age, limit: timedelta = BEHIND_LIMIT) -> DataTime:
    """The same for a watermark that was read; None: never yet."""
    if watermark is None:
        return DataTime(None, None, is_late=True)
    until = watermark.processed_until
    return DataTime(until, max(now - until, timedelta()), age(until) > limit)
