"""The demo's city tells every fact once its instant has come, and goes on where it stopped."""

import itertools
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from cli.settings import Settings
from cli.simulation.record import Record
from cli.simulation.stream import Options, simulate
from cli.stack.city import Position, run
from cli.stack.local import provision
from schemas.topics import SOURCES, named
from streams.clock import Clock

TOWN = Options(scale="city", seed=7, days=0, start=date(2026, 3, 2), register=0.0)
RATE = 4 * 3600.0


@pytest.fixture
def settings(kafka: str, topic_prefix: str, tmp_path: Path) -> Settings:
    found = Settings(
        brokers=kafka, topic_prefix=topic_prefix, partitions=3, replication=1, clock_file=tmp_path / "clock.json"
    )
    provision(found)
    return found


def live_for(seconds: float, settings: Settings, path: Path) -> None:
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    run(settings, TOWN, RATE, path, stop)
    timer.join()


def published(settings: Settings) -> list[tuple[int, bytes | None]]:
    """Broker time and value of every record of the settings' topics."""
    consumer = KafkaConsumer(
        *(named(settings.topic_prefix, topic) for topic in SOURCES),
        bootstrap_servers=settings.brokers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=1500,
        group_id=None,
    )
    try:
        return [(record.timestamp, record.value) for record in consumer]
    finally:
        consumer.close()


def test_a_stopped_city_goes_on_with_the_next_fact(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    live_for(2.0, settings, path)
    first = Position.load(path)
    live_for(2.0, settings, path)
    second = Position.load(path)
    assert first is not None
    assert second is not None
    assert first.stopped
    assert first.told < second.told
    told = list(itertools.takewhile(lambda record: record.received < second.told, simulate(TOWN)))
    found = published(settings)
    assert {record.value for record in told} <= {value for _, value in found}, "a fact was lost"
    clock = Clock.load(settings.clock_file)
    assert all(clock.millis_at(at) >= received(told, value) for at, value in found), "a fact came before its time"
    assert len(found) < len(told) * 1.1


def received(told: list[Record], value: bytes | None) -> int:
    return next((record.received for record in told if record.value == value), 0)


def test_another_city_is_not_mixed_into_the_data(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    Position(1, int(time.time() * 1000), {"scale": "city", "seed": 8, "start": "2026-03-02"}).save(path)
    with pytest.raises(ValueError, match="make reset"):
        run(settings, TOWN, RATE, path, threading.Event())
