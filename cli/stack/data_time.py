"""Up to when the alerts of a stack are processed, as its read model says."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.settings import Settings
    from sinks.readmodel.data_time import DataTime


def read(settings: Settings) -> DataTime:
    """Read it; never processed, where the read model or the clock cannot be read."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.connection import read_database_url
    from sinks.readmodel.data_time import DataTime, read_data_time
    from sinks.readmodel.database import connect
    from streams.clock import Clock

    engine, wall_ms = connect(read_database_url(settings)), time.time_ns() // 1_000_000
    limit = timedelta(seconds=settings.behind_seconds)
    try:
        clock = Clock.load(settings.clock_file)
        return read_data_time(engine, clock.now(wall_ms), lambda at: clock.age(at, wall_ms), limit)
    except (SQLAlchemyError, OSError, ValueError, KeyError):
        return DataTime(None, None, is_late=True)
    finally:
        engine.dispose()
