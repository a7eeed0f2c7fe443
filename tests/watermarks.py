"""A watermark in the read model, as the sink would have written it for a pipeline of one partition."""

from datetime import datetime

from sqlalchemy import Engine

from sinks.readmodel.dialect import upsert
from sinks.readmodel.tables import watermark


def put_watermark(engine: Engine, processed_until: datetime) -> None:
    """Say that alerts are processed up to an instant."""
    row = {
        "partition": 0,
        "partitions": 1,
        "processed_until": processed_until,
        "reported_at": processed_until,
        "worker": "w",
        "setup": {},
        "waiting": None,
    }
    with engine.begin() as connection:
        upsert(connection, watermark, [row], None)
