"""With a register of publishers a worker buries heartbeats of other sources, and the state of no feed hears of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from faust.types import TP

from brokers.connection import KafkaConnection
from handover.calendar import load_calendar
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.dead_letter import REASON
from schemas.instants import millis
from schemas.publishers import InvalidPublishers, written
from schemas.topics import DLQ, SYSTEM
from streams.app import WorkerConfig, create_app
from streams.clock import Clock
from streams.engine.brokertime import BrokerTime
from streams.input_buffer import InputBuffer
from streams.shared_topic import SystemReader
from streams.watermark import Frontier
from tests.fuzz.loop import Record
from tests.handover.histories import PRISON, at, told

GHOST = "/agencies/COUNTY_JUSTICE-990102-01/ghost"


def _beat(source: str) -> Record:
    event = told("system.publisher_heartbeat", "2026-03-02 10:00", {"period": "PT15M"}, source, source)
    value: Any = orjson.dumps(event.wire())
    return Record(SYSTEM, 0, 0, millis(at("2026-03-02 10:00")), source.encode(), value, ())


@pytest.fixture
def config(tmp_path: Path) -> WorkerConfig:
    path = tmp_path / "publishers.toml"
    path.write_text(written([PRISON]), encoding="utf-8")
    return WorkerConfig(KafkaConnection("127.0.0.1:1"), tmp_path, partitions=1, publishers=path)


@pytest.mark.parametrize(("source", "heard"), [(PRISON, True), (GHOST, False), (f"{PRISON}/b", False)])
def test_a_worker_hears_registered_sources_only(config: WorkerConfig, source: str, *, heard: bool) -> None:
    world = SharedState(load("cn-default"), load_calendar())
    reader = SystemReader(config, world, Clock(), BrokerTime())
    reader._frontiers = {TopicPartition(SYSTEM, 0): Frontier()}
    inbox = InputBuffer("", 1, Clock(), reader.publishers)
    reader._take(TopicPartition(SYSTEM, 0), [_beat(source)])
    inbox.take(TP(SYSTEM, 0), [_beat(source)])
    letters = [dict(one.headers)[REASON] for one in inbox.outputs[DLQ][0]]
    assert (len(reader._told), len(inbox.waiting[0].facts), letters) == (
        (1, 1, []) if heard else (0, 0, [b"NOT_ALLOWED"])
    )


def test_no_worker_starts_with_a_broken_register(config: WorkerConfig) -> None:
    assert config.publishers is not None
    config.publishers.write_text("x", encoding="utf-8")
    with pytest.raises(InvalidPublishers):
        create_app(replace(config))
