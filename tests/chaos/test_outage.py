"""After an outage every deadline has passed while the answers still wait in Kafka: nobody may be accused who answered in time."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from handover.analysis.replay import replay
from handover.analysis.verification import judge_alerts
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.envelope import Event
from schemas.instants import instant
from schemas.topics import INTAKE, RELEASE, partition_of
from tests.conditions import until
from tests.handover.histories import COUNTY, acknowledged, at, notice, scheduled
from tests.handover.histories import told as tell
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline

pytestmark = pytest.mark.servers
Told = tuple[Event, datetime]
PERSONS, SILENT_EACH = 160, 8  # the county never answers for every eighth
NOTICES, DAYS = "2026-11-02 09:00", 3
END = instant("2026-11-20T00:00:00+08:00")


def person(number: int) -> str:
    digest = hashlib.sha256(f"outage {number}".encode()).digest()
    return "p1_" + base64.b32encode(digest).decode().lower()[:26]


def is_silent(number: int) -> bool:
    return number % SILENT_EACH == 0


def history(persons: Iterable[int]) -> list[Told]:
    """Notices within three days, each answered 20 hours later, but for the silent."""
    told: list[Told] = []
    for number in persons:
        events = [scheduled("2026-10-01 10:00", "2026-12-30"), notice(NOTICES)]
        events += [] if is_silent(number) else [acknowledged("2026-11-03 05:00")]
        later = timedelta(minutes=number * DAYS * 24 * 60 // PERSONS)
        told += [
            (replace(event, subject=person(number), time=event.time + later), event.time + later) for event in events
        ]
    return told


def raised_as_replay_says(running: Pipeline, told: list[Told]) -> None:
    """Wait until nothing is lost; then nothing may be false either, and the answered are not accused, not even for a moment."""
    expected = list(replay(told, load("cn-default"), load_calendar(), END))
    owing = {one.subject for one in expected if one.rule_id == "A02"}
    assert owing == {person(number) for number in range(PERSONS) if is_silent(number)}

    def findings() -> list[str]:
        return [one.kind for one in judge_alerts(expected, running.alerts(), END).findings]

    until(lambda: not set(findings()) & {"lost", "missing revision"}, seconds=90, every=2)
    assert findings() == []
    assert {one.subject for one in running.alerts() if one.rule_id == "A02"} == owing


def test_answers_that_waited_in_kafka_raise_nothing(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = history(range(PERSONS))  # disputes, check-ins and actions are idle topics meanwhile
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told)
        running.start("worker")
        running.start("worker")
        raised_as_replay_says(running, told)


def test_answers_in_the_wrong_partitions_raise_nothing_either(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = history(range(PERSONS))
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told, partition_by="wrong")
        running.start("worker")
        raised_as_replay_says(running, told)


def test_a_partition_that_lags_is_waited_for(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = history(range(PERSONS))
    late = [one for one in told if partition_of(one[0].subject.encode(), PARTITIONS) == 0]
    repeats = [(event, at) for event, at in late for _ in range(60)]  # resent again and again
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish([*told, *repeats])
        running.start("worker")
        raised_as_replay_says(running, told)


def test_a_topic_that_lags_is_waited_for(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = history(range(PERSONS))
    answers = [one for one in told if one[0].topic == INTAKE]
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish([*told, *(one for one in answers for _ in range(25))])  # resent again and again
        running.start("worker")
        raised_as_replay_says(running, told)


def test_topics_on_which_nobody_speaks_hold_nothing_up(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = [one for one in history(range(24)) if one[0].topic == RELEASE]  # notices, and not one answer
    expected = list(replay(told, load("cn-default"), load_calendar(), END))
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told)
        running.start("worker")
        until(lambda: not judge_alerts(expected, running.alerts(), END).findings, seconds=90, every=2)
        accused = {one.subject for one in running.alerts() if one.rule_id == "A02"}
    assert accused == {person(number) for number in range(24)}


def test_nobody_is_called_for_a_county_whose_feed_is_silent(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    """Its last sign of life comes before the notices; its answers, given in time, when the feed is back."""
    back = at("2026-11-12 09:00")
    sign = tell("system.publisher_heartbeat", "2026-11-02 08:00", {"period": "PT15M"}, COUNTY, COUNTY)
    again = tell("system.publisher_heartbeat", "2026-11-12 09:00", {"period": "PT15M"}, COUNTY, COUNTY)
    late = [(event, max(arrival, back) if event.topic == INTAKE else arrival) for event, arrival in history(range(24))]
    everything = [*late, (sign, sign.time), (again, again.time)]
    expected = list(replay(everything, load("cn-default"), load_calendar(), END))
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(everything)
        running.start("worker")
        until(lambda: not judge_alerts(expected, running.alerts(), END).findings, seconds=90, every=2)
        owed = [one for one in running.alerts() if one.rule_id == "A02"]
    fired = {one.subject for one in owed if one.state == "firing" and one.raised_at < back}
    assert fired == {person(number) for number in range(24)}
    assert all(one.held for one in owed if one.state == "firing" and one.changed_at < back)
    ended = {one.outcome for one in owed if one.state != "firing" and not is_silent_person(one.subject)}
    assert ended == {"late_delivery"}


def is_silent_person(subject: str) -> bool:
    return subject in {person(number) for number in range(PERSONS) if is_silent(number)}
