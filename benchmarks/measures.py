"""What is measured, each on the real part it names."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.processes import standing_clock
from cli.simulation.stream import Options, simulate
from cli.stack.kafka import Broker
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.alert import read
from schemas.instants import from_millis, millis, show
from schemas.parse import InvalidEvent, parse
from schemas.topics import ALERT, CASE, SOURCES, named, partition_of
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline

DAYS = 8  # of a simulated city: about 60,000 events, 8,000 open cases
RELEASES = 400
PACE = 0.05  # seconds from one to the next
AT_ONCE = 100_000
WAITING_MINUTES = 3


Told = tuple[bytes, int, str, str]  # value, arrival (ms), topic and key of a record


def told_by(options: Options) -> Iterator[Told]:
    """What a made-up place tells, in order of arrival."""
    for one in simulate(options):
        if one.value is not None:
            yield one.value, one.received, one.topic, one.key


def records() -> list[Told]:
    """All of the simulated city."""
    return list(told_by(Options(days=DAYS)))


def domain(_: Path) -> float:
    """Bytes to alerts with no I/O: parse every record, then live every case."""
    city, book, calendar = records(), load("cn-default"), load_calendar()
    started = time.perf_counter()
    told = []
    for value, received, _topic, _key in city:
        arrival = from_millis(received)
        try:
            told.append((parse(value, (), arrival), arrival))
        except InvalidEvent:
            continue
    for _alert in replay(told, book, calendar):
        pass
    return len(city) / (time.perf_counter() - started)


def replayed(folder: Path) -> float:
    """The command as a user calls it, start of the interpreter included."""
    path = folder / "events.jsonl"
    count = 0
    with path.open("wb") as out:
        for one in simulate(Options(days=DAYS)):
            out.write(one.line() + b"\n")
            count += 1
    started = time.perf_counter()
    command = [sys.executable, "-m", "cli", "replay", str(path), "--rules", "cn-default", "--json"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return count / (time.perf_counter() - started)


def worker(folder: Path) -> float:
    """A backlog of the same city: from the first case written to the last offset committed. Time stands still at its end."""
    told = records()
    clock = standing_clock(folder, max(received for _, received, _, _ in told))
    with (
        Broker(folder / "kafka") as broker,
        pipeline(broker.bootstrap, "bench.", folder, recorded=True, REENTRY_CLOCK_FILE=str(clock)) as running,
    ):
        publish_city(broker.bootstrap, "bench.", told)
        running.start("worker")
        finished = caught_up(running)
        begun: float = min(record.timestamp for record in running.records(CASE)) / 1000
    return len(told) / (finished - begun)


def publish_city(brokers: str, prefix: str, told: Iterable[Told]) -> int:
    """Publish the records, each in the partition of its key and with its arrival as timestamp. Return the last arrival (ms)."""
    producer, last_ms = KafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=20), 0
    for value, received, topic, key in told:
        last_ms = max(last_ms, received)
        home = partition_of(key.encode(), PARTITIONS)
        producer.send(named(prefix, topic), key=key.encode(), value=value, partition=home, timestamp_ms=received)
    producer.close()
    return last_ms


def caught_up(running: Pipeline, seconds: float = 600) -> float:
    """Wait until the worker's group has committed the end of every source; when that was (wall clock, s)."""
    consumer = KafkaConsumer(
        bootstrap_servers=running.brokers, group_id=f"{running.prefix}reentry-worker", enable_auto_commit=False
    )
    places = [TopicPartition(named(running.prefix, topic), number) for topic in SOURCES for number in range(PARTITIONS)]
    ends = consumer.end_offsets(places)
    deadline = time.monotonic() + seconds
    while any((consumer.committed(place) or 0) < ends[place] for place in places if ends[place]):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker has not caught up within {seconds:g} s")
        time.sleep(0.1)
    consumer.close()
    return time.time()


def deadlines(folder: Path) -> float:
    """Releases whose limit is their own instant (A08): how long after their arrival the alert stands on the topic, at identity clock."""
    with at_once(folder, "late.", within="0 h") as (running, producer):
        release(producer, "late.", RELEASES, now())
        producer.flush()
        wait_for_alerts(running, 1, 60)  # the worker has started
        return p99_of_releases(running, producer, first=1)


def p99_of_releases(
    running: Pipeline, producer: KafkaProducer, first: int, beside: Callable[[], None] = lambda: None
) -> float:
    """Releases whose limit is their own instant, one each `PACE` seconds with `beside` after it: from then to the alert, p99 (s).

    `first`: the number of the first person; none of these may have been released before.
    """
    people = {released(first + number) for number in range(RELEASES)}
    begun = time.monotonic()
    for number in range(RELEASES):
        release(producer, running.prefix, first + number, now())
        beside()
        time.sleep(max(0.0, begun + (number + 1) * PACE - time.monotonic()))
    took = time.monotonic() - begun
    delays = sorted(_delays(running, people))
    middle, worst = statistics.median(delays), delays[-1]
    print(f"  {len(delays)} alerts in {took:.0f} s, median {middle:.2f} s, most {worst:.2f} s", flush=True)
    return delays[int(len(delays) * 0.99) - 1]


def _delays(running: Pipeline, people: set[str], seconds: float = 60) -> list[float]:
    """How long after its due instant the alert of each stood on the topic (s). Raise TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told = [(record.timestamp, read(record.value)) for record in running.records(ALERT)]
        found = {one.subject: (at - millis(one.raised_at)) / 1000 for at, one in reversed(told) if one.rule_id == "A08"}
        if people <= found.keys():
            return [found[person] for person in people]
    raise TimeoutError(f"not everybody's alert within {seconds:g} s")


def same_second(folder: Path) -> float:
    """100,000 deadlines due in the same instant, on two workers as deployed: from then until the last alert stands on the topic."""
    with at_once(folder, "once.", within=f"{WAITING_MINUTES} min", workers=2) as (running, producer):
        at = now()
        for number in range(AT_ONCE):
            release(producer, "once.", number, at)
        producer.flush()
        due_ms = millis(at) + WAITING_MINUTES * 60_000
        published = time.time() * 1000
        if published > due_ms:
            raise TimeoutError("publishing took longer than the limit")
        wait_for_alerts(running, AT_ONCE, WAITING_MINUTES * 60 + 120)
        raised = [record.timestamp for record in running.records(ALERT) if read(record.value).rule_id == "A08"]
    print(f"  {len(raised):,} alerts, the first {(min(raised) - due_ms) / 1000:.2f} s after the due instant")
    return float(max(raised) - due_ms) / 1000


@contextmanager
def at_once(folder: Path, prefix: str, within: str, workers: int = 1) -> Iterator[tuple[Pipeline, KafkaProducer]]:
    """Workers with a rule book in which a release without notice is due `within`, and nothing settles."""
    book = folder / "book.toml"
    book.write_text(
        'book = "bench@1"\nextends = "cn-default@2"\nsettle = "0 min"\nnames = { zh = "测", en = "bench" }\n'
        f'[[rule]]\nid = "A08"\nwithin = "{within}"\n',
        encoding="utf-8",
    )
    with (
        Broker(folder / "kafka") as broker,
        pipeline(broker.bootstrap, prefix, folder, REENTRY_RULES=str(book)) as running,
    ):
        for _ in range(workers):
            running.start("worker")
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", linger_ms=5)
        yield running, producer
        producer.close()


def wait_for_alerts(running: Pipeline, count: int, seconds: float) -> None:
    """Return when so many records stand on the alert topic. Raise TimeoutError."""
    consumer = KafkaConsumer(bootstrap_servers=running.brokers, group_id=None)
    places = [TopicPartition(named(running.prefix, ALERT), number) for number in range(PARTITIONS)]
    deadline = time.monotonic() + seconds
    while (found := sum(consumer.end_offsets(places).values())) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} of {count} alerts after {seconds} s")
        time.sleep(0.2)
    consumer.close()


def now() -> datetime:
    """The instant it is, in whole milliseconds."""
    return from_millis(round(time.time() * 1000))


def released(number: int) -> str:
    """A person_ref of its own for each number."""
    return "p1_" + str(number).translate(str.maketrans("0123456789", "abcdefghij")).rjust(26, "k")


def release(producer: KafkaProducer, prefix: str, number: int, at: datetime) -> None:
    """Publish a release that nothing announced."""
    subject = released(number)
    body = {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": "/agencies/PRISON-990100-01",
        "type": "reentry.release.occurred.v1",
        "subject": subject,
        "time": show(at),
        "data": {"released_at": show(at), "reason": "RELEASED"},
    }
    producer.send(
        f"{prefix}reentry.release.v1",
        key=subject.encode(),
        value=orjson.dumps(body),
        partition=partition_of(subject.encode(), PARTITIONS),
    )
