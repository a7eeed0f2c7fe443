"""The whole path on this machine: event topics to the alert topic and to SQL (PostgreSQL), worker and sinks side by side."""

import time
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import func, select

from benchmarks.measures import caught_up, publish_city, records
from benchmarks.processes import standing_clock
from cli.stack.kafka import Broker
from cli.stack.postgres import Postgres
from handover.rules.rulebook import load
from schemas.topics import ALERT, CASE, named
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.tables import alert_history
from sinks.readmodel.writers import WRITERS
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline

PREFIX = "whole."
LONGEST_SECONDS = 900
MEASURED = [rule.id for rule in load("cn-default").rules if rule.form == "metric"]  # they come when the sinks look


def whole_path(folder: Path) -> float:
    """Events per second from the first case written until every group has read all: alerts, cases and events are in PostgreSQL."""
    told = records()
    clock = standing_clock(folder, max(received for _, received, _, _ in told))
    with Broker(folder / "kafka") as broker, Postgres() as server:
        engine = connect(server.url)
        migrate(engine)
        settings = {"REENTRY_DATABASE_URL": server.url, "REENTRY_CLOCK_FILE": str(clock)}
        with pipeline(broker.bootstrap, PREFIX, folder, recorded=True, **settings) as running:
            publish_city(broker.bootstrap, PREFIX, told)
            running.start("sink")
            running.start("worker")
            finished = _all_read(running)
            begun: float = min(record.timestamp for record in running.records(CASE)) / 1000
            with engine.connect() as connection:
                of_events = alert_history.c.rule_id.not_in(MEASURED)
                rows = connection.execute(select(func.count()).select_from(alert_history).where(of_events)).scalar_one()
            alerts = [one for one in running.alerts() if one.rule_id not in MEASURED]
        engine.dispose()
    if rows != len({(one.alert_id, one.revision) for one in alerts}):
        raise ValueError(f"{rows} revisions in SQL, {len(alerts)} on the topic")
    print(f"  {len(told):,} events, {rows:,} alert revisions in SQL")
    return len(told) / (finished - begun)


def _all_read(running: Pipeline) -> float:
    """Wait until the worker and every sink have committed the ends of their topics, twice the same; when that was (wall clock, s)."""
    groups = {f"reentry-sink-{writer.name}": writer.topics for writer in WRITERS}
    caught_up(running)
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        found = time.time()
        if all(_has_read(running, group, topics) for group, topics in groups.items()):
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"the sinks have not caught up within {LONGEST_SECONDS} s")
        time.sleep(0.1)


def _has_read(running: Pipeline, group: str, topics: tuple[str, ...]) -> bool:
    consumer = KafkaConsumer(
        bootstrap_servers=running.brokers, group_id=f"{running.prefix}{group}", enable_auto_commit=False
    )
    wanted = [topic for topic in topics if topic in (ALERT, CASE) or group.endswith("events")]
    places = [TopicPartition(named(running.prefix, topic), number) for topic in wanted for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    read = all((consumer.committed(place) or 0) >= end for place, end in ends.items() if end)
    consumer.close()
    return read
