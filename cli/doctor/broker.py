"""The broker: whether it answers, its topics, open transactions, its clock."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cli.doctor.finding import Finding
from cli.doctor.workers import check_workers, read_reports
from schemas.topics import PROGRESS, named

if TYPE_CHECKING:
    from brokers.connection import KafkaConnection
    from brokers.progress_topic import Report
    from cli.settings import Settings

_SKEW_MS = 1_000  # between our clock and the broker's
_HANGS_SECONDS = 10  # a transaction may be open for a moment


def check_broker(settings: Settings) -> Generator[Finding, None, Mapping[int, Report]]:
    """Yield what was found; return the newest report of each partition's worker, empty where none can be read."""
    from kafka.errors import KafkaError

    from cli.connection import read_kafka_connection
    from cli.settings import InvalidSettings
    from cli.stack.provision import connect, differences, list_topics

    try:
        kafka = read_kafka_connection(settings)
    except InvalidSettings as error:
        yield Finding("broker", "problem", str(error), "correct the variable")
        return {}
    try:
        admin = connect(kafka, seconds=5)
    except (KafkaError, OSError):
        yield _explain_absence(kafka)
        return {}
    try:
        yield Finding("broker", "ok", f"answers at {settings.brokers}")
        topics = list_topics(settings)
        todo = differences(admin, topics)
        for one in todo:
            fix = "handover topics apply" if one.kind != "impossible" else "only people can: see the text"
            yield Finding("topics", "problem", f"{one.topic}: {one.kind}: {one.text}", fix)
        if not todo:
            yield Finding("topics", "ok", f"{len(topics)} in place")
        absent = {one.topic for one in todo if one.kind == "create"}
        yield from _check_transactions(admin, kafka, [topic.name for topic in topics if topic.name not in absent])
        yield from _check_losses(kafka, settings)
        yield _compare_clocks(admin, kafka, settings.topic_prefix)
        if named(settings.topic_prefix, PROGRESS) not in absent:
            newest = read_reports(kafka, settings)
            yield from check_workers(newest, settings.partitions, time.time_ns() // 1_000_000)
            return newest
    except KafkaError as error:
        yield Finding("broker", "problem", f"refused: {type(error).__name__}", "check the rights of this client")
    finally:
        admin.close()
    return {}


def _check_losses(kafka: KafkaConnection, settings: Settings) -> Iterator[Finding]:
    """Say where the topics of cases and alerts lack what workers have reported."""
    from brokers.progress_topic import read_newest
    from streams.loss_check import ADVICE, losses, written

    newest = {number: one.progress for number, one in read_newest(kafka, settings.topic_prefix).items()}
    found = losses(newest, written(kafka, settings.topic_prefix), settings.topic_prefix)
    for line in found:
        yield Finding("cases and alerts", "problem", line, ADVICE)
    if newest and not found:
        yield Finding("cases and alerts", "ok", "their topics hold what the workers wrote")


def _check_transactions(admin: Any, kafka: KafkaConnection, topics: Sequence[str]) -> Iterator[Finding]:
    """Yield what an open transaction holds back: for a moment that is as it must be."""
    from brokers.hanging import hanging, remedy

    held = hanging(kafka, admin, topics) if topics else []
    for one in held:
        seconds = None if one.since is None else (datetime.now(UTC) - one.since).total_seconds()
        since = "" if one.since is None else f" since {one.since:%Y-%m-%dT%H:%M:%SZ}"
        by = f" ({one.transaction})" if one.transaction else ""
        text = (
            f"{one.place}: a transaction is open{since}{by}: "
            f"nothing from offset {one.offset} on is read, and deadlines after it wait"
        )
        if seconds is not None and seconds < _HANGS_SECONDS:
            yield Finding("transactions", "note", text)
        else:
            yield Finding("transactions", "problem", text, remedy(one.topic, one.partition, one.offset, kafka))
    if not held:
        yield Finding("transactions", "ok", "none holds anything back")


def _explain_absence(kafka: KafkaConnection) -> Finding:
    from brokers.refusal import refusal

    reason = refusal(kafka)
    if reason is None:
        fix = "start it (handover up), or correct REENTRY_BROKERS"
        return Finding("broker", "problem", f"nobody answers at {kafka.brokers}", fix)
    if "not trusted" in reason:
        fix = "REENTRY_KAFKA_CA_FILE must hold who signed it, and REENTRY_BROKERS the host that it names"
    elif "password" in reason:
        fix = "correct REENTRY_KAFKA_USERNAME or the file of REENTRY_KAFKA_PASSWORD_FILE, or give the broker this password"
    else:
        fix = "correct REENTRY_KAFKA_SECURITY_PROTOCOL and REENTRY_KAFKA_SASL_MECHANISM"
    return Finding("broker", "problem", reason, fix)


def _compare_clocks(admin: Any, kafka: KafkaConnection, prefix: str) -> Finding:
    """Compare clocks: a record in a topic of our own tells when the broker took it."""
    from kafka.errors import KafkaError

    topic = f"{prefix}reentry.doctor.{uuid4().hex[:8]}"
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": config}})
        admin.wait_for_topics([topic], timeout_ms=10_000)
        try:
            offset, error_ms = _ask(kafka, topic)
        finally:
            admin.delete_topics([topic])
    except KafkaError as error:
        return Finding("clock", "note", f"not compared with the broker's: {type(error).__name__}")
    text = f"broker {offset:+d} ms from ours (±{error_ms} ms)"
    if abs(offset) - error_ms > _SKEW_MS:
        return Finding("clock", "problem", text, "keep both machines on the same time service (chrony, ntp)")
    return Finding("clock", "ok", text)


def _ask(kafka: KafkaConnection, topic: str) -> tuple[int, int]:
    """Return how far the broker's clock is ahead of ours, and how uncertain that is, in ms."""
    from kafka import KafkaProducer

    producer = KafkaProducer(**kafka.client(), acks="all", allow_auto_create_topics=False)
    try:
        producer.send(topic, b"warm").get(timeout=10)  # connections are made
        sent = time.time_ns() // 1_000_000
        told = producer.send(topic, b"now").get(timeout=10).timestamp
        back = time.time_ns() // 1_000_000
    finally:
        producer.close(timeout=2)
    return told - (sent + back) // 2, (back - sent) // 2 + 1
