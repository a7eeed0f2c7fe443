"""The brokers' clocks, as their acknowledgements tell them: never ahead of them, whatever our own clock says."""

import time

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from streams.engine.brokertime import BrokerTime


def acknowledged(partition: int, timestamp_ms: int, timestamp_type: int = 1) -> RecordMetadata:
    place = TopicPartition("routed", partition)
    return RecordMetadata("routed", partition, place, 7, timestamp_ms, timestamp_type, 0)


def test_before_a_broker_has_stamped_a_record_nothing_is_known() -> None:
    assert BrokerTime().now() is None


def test_a_stamp_and_the_time_since_its_acknowledgement_is_the_least_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers, clock = BrokerTime(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    brokers.heard(acknowledged(0, 5_000))
    clock[0] += 2.5
    assert brokers.now() == 7.5


def test_a_step_of_our_own_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = BrokerTime()
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    brokers.heard(acknowledged(0, 5_000))
    monkeypatch.setattr(time, "time", lambda: 1e12)
    assert brokers.now() == 5.0


def test_of_brokers_whose_clocks_differ_the_one_behind_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = BrokerTime()
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    brokers.heard(acknowledged(0, 9_000))
    brokers.heard(acknowledged(1, 5_000))
    assert brokers.now() == 5.0
    brokers.heard(acknowledged(1, 8_000))  # its clock was set right
    assert brokers.now() == 8.0


def test_where_nobody_stamps_it_is_our_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = BrokerTime()
    brokers.heard(acknowledged(0, -1, timestamp_type=0))
    monkeypatch.setattr(time, "time", lambda: 1_234.0)
    assert brokers.now() == 1_234.0
