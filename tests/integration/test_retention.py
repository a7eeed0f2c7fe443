"""The system topic forgets after its 90 days; what concerns all cases for years is known to a worker that starts later."""

from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition

from cli.kafka.clients import open_consumer
from cli.kafka.recorded_events import read_events
from cli.settings import Settings
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.envelope import Event
from schemas.topics import SYSTEM, WORLD, named
from tests.conditions import until
from tests.handover.histories import arriving, notice, scheduled, told
from tests.integration.pipeline import PARTITIONS, Pipeline, newest, pipeline

pytestmark = pytest.mark.servers
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"
CHANGE = told(
    "system.rules_changed",
    "2026-01-02 10:00",
    {
        "book": "cn-default@2",
        "effective_from": "2026-01-03T00:00:00+08:00",
        "apply_to_open": False,
        "changes": [{"rule_id": "A02", "set": {"within": "5 wd"}}],
    },
    PROVINCE,
    PROVINCE,
)
LATER_EVENTS = scheduled("2026-01-05 10:00"), notice("2026-01-06 09:00")
LATER = arriving(*LATER_EVENTS)


def forget(running: Pipeline, topic: str) -> None:
    """Do what a broker does when the retention of a topic is over."""
    admin = KafkaAdminClient(bootstrap_servers=running.brokers)
    admin.delete_records({TopicPartition(named(running.prefix, topic), number): -1 for number in range(PARTITIONS)})
    admin.close()


def dumped(running: Pipeline) -> list[Event]:
    settings = Settings(brokers=running.brokers, topic_prefix=running.prefix, partitions=PARTITIONS)
    with open_consumer(settings) as client:
        return [event for event in read_events(client, settings) if event is not None]


def test_a_rule_change_holds_for_a_worker_that_starts_after_the_topic_has_forgotten_it(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        first = running.start("worker")
        running.publish(arriving(CHANGE))
        until(lambda: len(running.values(WORLD)) == 1)
        assert [event.id for event in dumped(running)] == [CHANGE.id]
        first.terminate()
        first.wait(30)
        forget(running, SYSTEM)
        assert running.values(SYSTEM) == []
        running.start("worker")
        running.publish(LATER)
        until(lambda: any(one.rule_id == "A02" for one in running.alerts()))
        (found,) = [one for one in newest(running.alerts()).values() if one.rule_id == "A02"]
        (expected,) = {
            (one.due_at, one.rule_book)
            for one in replay([*arriving(CHANGE), *LATER], load("cn-default"), load_calendar(), found.changed_at)
            if one.rule_id == "A02"
        }
        assert (found.due_at, found.rule_book) == expected
        told = arriving(CHANGE, *LATER_EVENTS)
        assert [(event.id, event.receivedtime) for event in dumped(running)] == [(event.id, at) for event, at in told]
        assert found.rule_book == "cn-default@2"


def test_a_worker_waits_for_the_topic_and_says_what_is_missing(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        topic, admin = named(topic_prefix, WORLD), KafkaAdminClient(bootstrap_servers=kafka)
        admin.delete_topics([topic])
        until(lambda: topic not in admin.list_topics())
        running.start("worker")
        until(lambda: f"topic {topic} does not exist" in (tmp_path / "worker-0.log").read_text(encoding="utf-8"))
        running.publish(LATER)
        assert running.alerts() == []
        admin.create_topics({topic: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": {}}})
        admin.close()
        until(lambda: any(one.rule_id == "A02" for one in running.alerts()))
