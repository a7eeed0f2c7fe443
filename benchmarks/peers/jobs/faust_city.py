"""The city on stock Faust: agent, table of encoded cases, and a heap of our own fired by `app.timer` on event time."""

import sys
from typing import Any

import faust

from benchmarks.peers.jobs.city import CITY_SOURCES, City, TimerQueue
from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, PARTITIONS, RUN
from handover.cases.codec import encode_case

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
source = app.topic(*CITY_SOURCES, key_type=bytes, value_type=bytes, value_serializer="raw")
alerts = app.topic(ALERTS, key_type=bytes, value_type=bytes, value_serializer="raw")
table = app.Table("cases", partitions=PARTITIONS, key_type=bytes, value_type=bytes, use_partitioner=True)
city, deadlines = City(), TimerQueue()
seen: dict[int, int] = {}


@app.agent(source)
async def run(stream: Any) -> None:
    async for event in stream.events():
        message, key = event.message, event.key
        if key is None:
            continue
        timestamp = round(message.timestamp * 1000)
        case = city.case(key, table.get(key))
        found = city.take(case, message.topic, event.value, message.headers, timestamp)
        seen[message.partition] = max(timestamp, seen.get(message.partition, 0))
        if found is None:
            continue
        for name, body in found:
            await alerts.send(key=name, value=body, partition=message.partition)
        table[key] = encode_case(case).value
        deadlines.push(case, message.partition, key)


@app.timer(0.25)
async def fire() -> None:
    while len(seen) == PARTITIONS and (one := deadlines.due(min(seen.values()))) is not None:
        at, partition, key = one
        case = city.case(key, table.get(key))
        found = city.live(case, at)
        for name, body in found:
            await alerts.send(key=name, value=body, partition=partition)
        if found:
            table[key] = encode_case(case).value
        deadlines.push(case, partition, key)


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "-l", "warn", "--without-web"]
    app.main()
