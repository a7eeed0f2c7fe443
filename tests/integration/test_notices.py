"""The notifier as a process, killed again and again: each step is told, and by one message, whatever was sent twice."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine, select

from schemas.alert import Alert, event
from schemas.instants import from_millis
from schemas.progress import Progress, Setup
from schemas.provenance import mark
from schemas.topics import ALERT, PROGRESS, named, partition_of
from sinks.notifications import log_of_notices, tables
from sinks.notifications.duty_list import DutyEntry
from sinks.notifications.service import prepare_tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline
from tests.sinks.notifications.conftest import write_policy
from tests.sinks.notifications.making import COUNTY, alert, entry
from tests.sinks.notifications.receivers import Hook, Mailbox, serve_hook, serve_mail

pytestmark = pytest.mark.servers
SETUP = Setup(
    book="b", book_digest="d", calendar_digest="c", clock_digest="k", partitions=PARTITIONS, version="0.1", cluster="x"
)
OFFICER = "first@example.org"


def now() -> datetime:
    return from_millis(time.time_ns() // 1_000_000)


class Told:
    """Writes to the workers' topics what a worker would."""

    def __init__(self, topics: Pipeline) -> None:
        self.prefix = topics.prefix
        self.producer = KafkaProducer(bootstrap_servers=topics.brokers, acks="all")

    def alerts(self, *revisions: Alert) -> None:
        sent = [
            self.producer.send(
                named(self.prefix, ALERT),
                key=one.alert_id.encode(),
                value=orjson.dumps(event(one)),
                partition=partition_of(one.subject.encode(), PARTITIONS),
                headers=[mark(1)],
            )
            for one in revisions
        ]
        for each in sent:
            each.get(timeout=30)

    def processed(self, at: datetime) -> None:
        for number in range(PARTITIONS):
            report = Progress(partition=number, processed_until=at, alerts_end=0, cases_end=0, worker="w", setup=SETUP)
            self.producer.send(named(self.prefix, PROGRESS), key=report.key, value=report.encode()).get(timeout=30)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serve_mail() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with serve_hook() as one:
        yield one


@pytest.fixture
def topics(kafka: str, topic_prefix: str, tmp_path: Path, mailbox: Mailbox, hook: Hook) -> Iterator[Pipeline]:
    policy = tmp_path / "notices.toml"
    policy.write_text(write_policy(mailbox, hook, tmp_path, retry_seconds=1, bundle_above=1000))
    with pipeline(kafka, topic_prefix, tmp_path, REENTRY_NOTICES_FILE=str(policy)) as made:
        assign(made, entry(COUNTY, "first"), DutyEntry(COUNTY, "first", "hook"))
        yield made


@contextmanager
def database(topics: Pipeline) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{topics.folder / 'handover.sqlite'}")
    try:
        yield engine
    finally:
        engine.dispose()


def assign(topics: Pipeline, *entries: DutyEntry) -> None:
    with database(topics) as engine:
        prepare_tables(engine)
        with engine.begin() as connection:
            log_of_notices.replace_duty(connection, entries)


def count_open(topics: Pipeline) -> int:
    with database(topics) as engine, engine.connect() as connection:
        return len(connection.execute(select(tables.notice).where(tables.notice.c.state != "sent")).all())


def critical(raised: datetime, **values: object) -> Alert:
    one = alert(severity="CRIT")
    return one.model_copy(update={"raised_at": raised, "changed_at": raised, "due_at": raised, **values})


def ended(before: Alert) -> Alert:
    update = {"revision": before.revision + 1, "state": "resolved", "outcome": "met_late", "changed_at": now()}
    return before.model_copy(update={**update, "resolved_at": now()})


def mails_by_alert(mailbox: Mailbox) -> dict[str, set[str]]:
    """The different messages about each alert."""
    found: dict[str, set[str]] = defaultdict(set)
    for mail in mailbox.mails:
        found[str(mail["References"]).strip().removeprefix("<alert.").partition(".")[0]].add(str(mail["Message-ID"]))
    return found


def posts_by_alert(hook: Hook) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for post in hook.posted:
        for line in post.json()["data"]["alerts"]:
            found[line["alert_id"]].add(post.headers["webhook-id"])
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def start(topics: Pipeline) -> subprocess.Popen[bytes]:
    return topics.start("notify")


@pytest.mark.slow
def test_each_step_is_one_message_however_often_the_process_is_killed(
    topics: Pipeline, mailbox: Mailbox, hook: Hook
) -> None:
    told, dice = Told(topics), random.Random(7)
    told.processed(now() + timedelta(days=1))
    firing: list[Alert] = []
    for _ in range(6):
        process = start(topics)
        fresh = [critical(now()) for _ in range(8)]
        told.alerts(*fresh)
        firing += fresh
        wanted = dice.randint(1, 15) + len(mailbox.mails) + len(hook.posted)
        until(lambda: len(mailbox.mails) + len(hook.posted) >= wanted, seconds=90)  # noqa: B023
        kill(process)
    start(topics)
    ids = {one.alert_id for one in firing}
    until(lambda: mails_by_alert(mailbox).keys() >= ids, seconds=90)
    until(lambda: posts_by_alert(hook).keys() >= ids, seconds=90)
    until(lambda: count_open(topics) == 0, seconds=60)
    assert mails_by_alert(mailbox).keys() == posts_by_alert(hook).keys() == ids
    assert {len(each) for each in mails_by_alert(mailbox).values()} == {1}
    assert {len(each) for each in posts_by_alert(hook).values()} == {1}
    told.alerts(*(ended(one) for one in firing))
    until(lambda: all(len(each) == 2 for each in mails_by_alert(mailbox).values()), seconds=90)
    until(lambda: all(len(each) == 2 for each in posts_by_alert(hook).values()), seconds=90)
    assert_no_repeat_but_of_the_same(mailbox.ids(), kills=6)


def assert_no_repeat_but_of_the_same(ids: Iterable[str], kills: int) -> None:
    """Each kill can repeat the one message that was on its way."""
    listed = list(ids)
    assert len(listed) - len(set(listed)) <= kills


def test_a_process_killed_while_the_server_answers_repeats_the_same_mail(topics: Pipeline, mailbox: Mailbox) -> None:
    assign(topics, entry(COUNTY, "first"))
    mailbox.hold = threading.Event()
    told = Told(topics)
    told.processed(now() + timedelta(days=1))
    told.alerts(critical(now()))
    process = start(topics)
    until(lambda: len(mailbox.mails) == 1, seconds=60)  # it has the mail, and has not answered
    kill(process)
    mailbox.hold.set()
    start(topics)
    until(lambda: count_open(topics) == 0, seconds=60)
    assert len(set(mailbox.ids())) == 1
    assert 1 <= len(mailbox.ids()) <= 2


def test_after_an_outage_only_what_is_still_open_is_told(topics: Pipeline, mailbox: Mailbox) -> None:
    assign(topics, entry(COUNTY, "first"))
    told = Told(topics)
    hours_ago = now() - timedelta(hours=9)
    short, still = critical(hours_ago), critical(hours_ago)
    told.alerts(short, still, ended(short))
    told.processed(now() - timedelta(hours=8))  # the workers are still behind
    start(topics)
    until(lambda: count_alerts(topics) == 2, seconds=60)
    told.alerts(later := critical(hours_ago))
    told.alerts(ended(later))
    until(lambda: count_alerts(topics) == 3, seconds=60)
    until(lambda: are_decided(topics), seconds=60)
    assert mailbox.mails == []
    told.processed(now() + timedelta(days=1))
    until(lambda: len(mailbox.mails) == 1, seconds=60)
    until(lambda: count_open(topics) == 0, seconds=60)
    assert mails_by_alert(mailbox).keys() == {still.alert_id}


def count_alerts(topics: Pipeline) -> int:
    with database(topics) as engine, engine.connect() as connection:
        return len(connection.execute(select(tables.notice_alert)).all())


def are_decided(topics: Pipeline) -> bool:
    """Whether each alert has been decided over since it was read; those that wait for the workers are looked at again later."""
    with database(topics) as engine, engine.connect() as connection:
        rows = connection.execute(select(tables.notice_alert)).all()
    return all(row.check_at is None or row.check_at > row.seen_at for row in rows)
