"""The toy job on stock Faust, its best known settings: agent, table, and a heap of our own fired by `app.timer` on event time.

The watermark is the least last timestamp of the topics' partitions: Faust has none. A crash between table and commit loses or doubles.
"""

import heapq
import sys
from typing import Any

import faust
import orjson

from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, PARTITIONS, RUN, TOY_SOURCES
from benchmarks.peers.jobs.toy import due, expire, take

app = faust.App(
    f"{RUN}.faust",
    broker=f"kafka://{BROKERS}",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    topic_disable_leader=True,
    table_standby_replicas=0,
    datadir=FOLDER,
    producer_linger=0.02,
    producer_max_batch_size=262_144,
    cython_optimizations=True,
    broker_commit_interval=1.0,
    web_enabled=False,
)
source = app.topic(*TOY_SOURCES, key_type=bytes, value_type=bytes, value_serializer="raw")
alerts = app.topic(ALERTS, key_type=bytes, value_type=bytes, value_serializer="raw")
table = app.Table("persons", partitions=PARTITIONS, key_type=bytes, value_type=bytes, use_partitioner=True)
deadlines: list[tuple[int, int, bytes]] = []
seen: dict[tuple[str, int], int] = {}


@app.agent(source)
async def run(stream: Any) -> None:
    async for event in stream.events():
        message, key = event.message, event.key
        timestamp = int(message.timestamp * 1000)
        value = table.get(key)
        held = orjson.loads(value) if value else {}
        take(held, event.value, timestamp, is_release=message.topic == TOY_SOURCES[0])
        table[key] = orjson.dumps(held)
        seen[message.topic, message.partition] = timestamp
        if at := due(held):
            heapq.heappush(deadlines, (at, message.partition, key))


@app.timer(0.25)
async def fire() -> None:
    while len(seen) == 2 * PARTITIONS and deadlines and deadlines[0][0] <= min(seen.values()):
        at, partition, key = heapq.heappop(deadlines)
        value = table.get(key)
        if not value:
            continue
        held = orjson.loads(value)
        found = expire(held, key.decode(), at)
        for name, body in found:
            await alerts.send(key=name, value=body, partition=partition)
        if found:
            table[key] = orjson.dumps(held)
        if following := due(held):
            heapq.heappush(deadlines, (following, partition, key))


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "-l", "warn", "--without-web"]
    app.main()
