"""The private names of Faust and aiokafka that the engine leans on: an upgrade fails here and not at night."""

import inspect
from importlib.metadata import version

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.producer.producer import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchPy
from faust.agents.manager import AgentManager
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver


def test_the_versions_are_the_ones_that_were_read() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("mode-streaming") == "0.7.1"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (Consumer, ("_drain_messages", "_filter_tps_with_pending_acks", "_new_offset", "wait_empty", "_getmany", "_get_active_partitions",
                    "on_partitions_revoked", "commit_and_end_transactions", "consumer_stopped_errors")),
        (driver.AIOKafkaConsumerThread, ("_fetch_records", "_highwaters", "_create_consumer", "seek_to_committed", "on_start", "verify_event_path")),
        (driver.Consumer, ("_new_consumer_thread",)),
        (driver.Producer, ("_settings_extra",)),
        (Fetcher, ("_proc_fetch_request", "end_offsets")),
        (PartitionRecords, ("_unpack_records",)),
        (_DefaultRecordBatchPy, ("_read_msg",)),
        (GroupCoordinator, ("_do_heartbeat",)),
        (TopicPartitionState, ("position", "has_valid_position")),
        (Recovery, ("_wait", "_restart_recovery", "need_recovery", "_set_recovery_started", "_set_recovery_ended", "_slurp_changelogs", "on_recovery_completed")),
        (TableManager, ("_recovery", "recovery", "on_start", "_update_channels")),
        (AgentManager, ("wait_until_agents_started",)),
        (PartitionAssignor, ("assigned_actives",)),
        (AIOKafkaProducer, ("create_batch", "send_batch")),
    ],
)  # fmt: skip
def test_the_engine_finds_what_it_leans_on(owner: type, names: tuple[str, ...]) -> None:
    assert [name for name in names if not hasattr(owner, name)] == []


def test_the_attributes_set_at_start_are_still_set() -> None:
    assert "_fetch_max_wait_ms" in inspect.getsource(Fetcher.__init__)
    assert "self._records" in inspect.getsource(Fetcher.__init__)
    assert "self._isolation_level" in inspect.getsource(Fetcher.__init__)
    assert "isolation_level=self._isolation_level" in inspect.getsource(AIOKafkaConsumer.start)
    assert "self._request_timeout_ms" in inspect.getsource(AIOKafkaConsumer.__init__)
    assert "self._aborted_transactions" in inspect.getsource(PartitionRecords.__init__)
    assert "self._aborted_producers" in inspect.getsource(PartitionRecords.__init__)
    assert "self.lso" in inspect.getsource(TopicPartitionState.__init__)
    assert "self.highwater" in inspect.getsource(TopicPartitionState.__init__)
    assert "self.timestamp" in inspect.getsource(TopicPartitionState.__init__)
    assert "_rejoin_needed_fut" in inspect.getsource(GroupCoordinator.__init__)
    assert "_active_events_received_at" in inspect.getsource(Recovery)
    assert "signal_recovery_end" in inspect.getsource(Recovery)
