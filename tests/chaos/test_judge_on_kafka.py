"""The judge on real topics: an alert that was lost, told twice, or never earned is found where people look for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from cli.settings import Settings
from cli.verify import judge
from handover.analysis.replay import Lived, live_all
from handover.calendar import load_calendar
from handover.cases.codec import encode_case
from handover.rules.rulebook import load
from schemas import alert as alerts
from schemas.alert import Alert
from schemas.topics import ALERT, CASE, RELEASE, named, partition_of
from tests.handover.histories import PERSON, acknowledged, arriving, at, notice, scheduled
from tests.integration.pipeline import PARTITIONS, pipeline
from tests.integration.test_retention import forget

pytestmark = pytest.mark.servers
END = at("2026-03-21 00:00")
FOREIGN = "00000000-0000-5000-8000-000000000000"


def as_it_is(told: list[Alert]) -> list[Alert]:
    return told


def one_lost(told: list[Alert]) -> list[Alert]:
    return [one for one in told if one.alert_id != told[0].alert_id]


def one_doubled(told: list[Alert]) -> list[Alert]:
    return [*told, told[0].model_copy(update={"step": 3})]


def one_false(told: list[Alert]) -> list[Alert]:
    return [*told, told[0].model_copy(update={"alert_id": FOREIGN})]


def one_revision_missing(told: list[Alert]) -> list[Alert]:
    several = next(one for one in told if one.revision == 2)
    return [one for one in told if (one.alert_id, one.revision) != (several.alert_id, 1)]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (as_it_is, set()),
        (one_lost, {"lost"}),
        (one_doubled, {"doubled", "differing"}),
        (one_false, {"false"}),
        (one_revision_missing, {"missing revision"}),
    ],
)
def test_what_is_wrong_on_the_topic_is_found(
    kafka: str, topic_prefix: str, tmp_path: Path, change: Callable[[list[Alert]], list[Alert]], kinds: set[str]
) -> None:
    told = arriving(scheduled("2026-01-05 10:00"), notice("2026-02-02 09:00"), acknowledged("2026-03-20 10:00"))
    lived = live_all(told, load("cn-default"), load_calendar(), END)
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told)
        write(kafka, topic_prefix, change(list(lived.alerts)), lived)
        settings = Settings(brokers=kafka, topic_prefix=topic_prefix, partitions=4, data_dir=tmp_path)
        found, events = judge(settings, load("cn-default"), load_calendar(), END, settled_ms=0, sql=False)
    assert (events, found.compared["cases"]) == (3, 1)
    assert {kind for kind, count in found.counts().items() if count} == kinds


def write(brokers: str, prefix: str, told: list[Alert], lived: Lived) -> None:
    producer = KafkaProducer(bootstrap_servers=brokers, acks="all")
    for one in told:
        producer.send(
            named(prefix, ALERT), key=one.alert_id.encode(), value=orjson.dumps(alerts.event(one)), partition=0
        )
    for subject, case in lived.cases.items():
        producer.send(named(prefix, CASE), key=subject.encode(), value=encode_case(case).value)
    producer.flush()
    producer.close()


NEWCOMER = next(  # in the same partition: another one's first record would say nothing of this one's past
    subject
    for letter in "bcdefghijklmnopqrstuvwxyz"
    if partition_of((subject := "p1_" + letter * 26).encode(), PARTITIONS) == partition_of(PERSON.encode(), PARTITIONS)
)
LATER = [
    replace(one, subject=NEWCOMER, id=f"later-{one.id}")
    for one in (scheduled("2026-03-02 10:00"), notice("2026-03-04 09:00"))
]


@pytest.mark.parametrize(("change", "kinds"), [(as_it_is, set()), (one_lost, {"lost"}), (one_false, {"false"})])
def test_what_began_before_the_log_that_is_left_is_counted_and_what_came_later_is_judged(
    kafka: str, topic_prefix: str, tmp_path: Path, change: Callable[[list[Alert]], list[Alert]], kinds: set[str]
) -> None:
    old = arriving(scheduled("2026-01-05 10:00"), notice("2026-02-02 09:00"))
    new = arriving(*LATER)
    lived = live_all([*old, *new], load("cn-default"), load_calendar(), END)
    told = {subject: [one for one in lived.alerts if one.subject == subject] for subject in (PERSON, NEWCOMER)}
    assert all(told.values())
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(old)
        forget(running, RELEASE)
        running.publish(new)
        write(kafka, topic_prefix, [*told[PERSON], *change(told[NEWCOMER])], lived)
        settings = Settings(brokers=kafka, topic_prefix=topic_prefix, partitions=4, data_dir=tmp_path)
        found, events = judge(settings, load("cn-default"), load_calendar(), END, settled_ms=0, sql=False)
    assert (events, found.older, found.compared["cases"]) == (2, 1, 1)
    assert {kind for kind, count in found.counts().items() if count} == kinds
