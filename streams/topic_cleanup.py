"""Deleting from the routed topic what is done with: markers alone would fill some gigabytes a day."""

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from brokers.clients import open_admin
from brokers.connection import KafkaConnection
from schemas.topics import ROUTED, named

log = logging.getLogger(__name__)


async def purge_routed(app: Any, config: Any) -> None:
    """Every `config.purge_seconds`, of the partitions that are ours. What cannot be deleted goes after the topic's retention."""
    topic, failed = named(config.topic_prefix, ROUTED), False
    while not app.should_stop:
        await app.sleep(config.purge_seconds)
        owned = app.engine.owned() if app.engine.ready else ()
        try:
            if owned:
                await asyncio.to_thread(purge, config.kafka, app.conf.id, topic, owned)
            failed = False
        except (KafkaError, OSError) as error:
            if not failed:
                log.warning("%s: cannot delete what is done with (%s)", topic, type(error).__name__)
            failed = True


def purge(kafka: KafkaConnection, group: str, topic: str, partitions: Collection[int]) -> None:
    """Delete the records below a group's committed offsets: nobody reads them again, whoever owns the partition by now.

    Raise KafkaError, OSError.
    """
    places = [TopicPartition(topic, number) for number in partitions]
    with open_admin(kafka) as admin:
        committed = admin.list_group_offsets({group: places})[group]
        done = {place: one.offset for place, one in committed.items() if one.offset > 0}
        if done:
            admin.delete_records(done)
