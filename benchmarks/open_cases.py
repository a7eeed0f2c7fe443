"""One worker with many open cases: how fast it is, what an event costs, what a case takes in memory, how long a restart takes."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.measures import PACE, RELEASES, at_once, caught_up, now, p99_of_releases, release, wait_for_alerts
from benchmarks.processes import cpu_seconds, resident_bytes
from benchmarks.targets import RUNS
from schemas.instants import show
from schemas.topics import ALERT, CASE, SOURCES, named, partition_of
from tests.integration.pipeline import PARTITIONS, Pipeline

MANY = 1_000_000  # open cases: opening them takes a quarter of an hour, and few of them are told anything, so all runs share them
BACKLOG = 60_000
SUPERVISED = 3  # every third case
NOTICES, ANSWERS, VISITS = 0.03, 0.03, 0.04  # shares of a day's events; the rest are location checks
UNREADY = 3_000  # cases told one event each
LOAD = 1_000  # events a second while alerts are waited for
PREFIX = "open."
_SOURCES = {named(PREFIX, topic) for topic in SOURCES}
_FAR = "2028-06-30"  # nothing falls due meanwhile


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured at one number of open cases."""

    first_per_second: float  # right after a start: each case is read and derived for the first time
    events_per_second: float  # of the same number of events once more
    cpu_us_per_event: float  # of the worker, for these
    unready_us_per_event: float  # of one event each of cases that must be read, derived and written whole
    restart_seconds: float  # from the start of the process until an alert that waits for it stands on the topic
    due_seconds: float  # from a due instant to its alert on the topic, p99 of 400, beside `LOAD` events a second
    bytes_per_case: float  # that a worker has just read, without what it decodes and reads ahead: both are bounded


def measured(folder: Path, cases: int, of: Callable[[Found], float]) -> list[float]:
    """One measure at so many open cases, of each run."""
    return [of(one) for one in _at(folder, cases)]


_measured: dict[int, list[Found]] = {}  # the measures of one number of cases come from the same runs


def _at(folder: Path, cases: int) -> list[Found]:
    if cases not in _measured:
        runs_each = RUNS if cases >= MANY else 1
        folders = [folder / str(number) for number in range(RUNS // runs_each)]
        _measured[cases] = [found for one in folders for found in _measure(one, cases, runs_each)]
    return _measured[cases]


def _measure(folder: Path, cases: int, runs: int) -> list[Found]:
    folder.mkdir()
    with at_once(folder, PREFIX, within="0 h") as (running, producer):
        worker = running.processes[-1]
        release(producer, PREFIX, 0, now())
        producer.flush()
        wait_for_alerts(running, 1, 60)  # it has started
        empty = resident_bytes(worker.pid)
        _publish(producer, opened(cases))
        caught_up(running, seconds=1800)
        _stop(worker)
        return [_run(running, producer, cases, number, empty) for number in range(runs)]


def _run(running: Pipeline, producer: KafkaProducer, cases: int, number: int, empty: int) -> Found:
    """A worker starts and is told one event each of some cases; then two days' events wait for one that starts anew."""
    seconds, worker = _restarted(running, producer, number + 1)
    held = resident_bytes(worker.pid) - empty
    unready = _unready(running, producer, cases, number, worker)
    _stop(worker)
    before, read = _end_of(running, CASE), _committed(running)
    for day in (2 * number, 2 * number + 1):
        _publish(producer, a_day(cases, day))
    worker = running.start("worker")
    begun = _written_after(running, before, worker)
    half = _when_committed(running, read + BACKLOG, worker)
    finished = _At(caught_up(running, seconds=1800), cpu_seconds(worker.pid))
    late = _due_under_load(running, producer, cases, number)
    _stop(worker)
    first, second = BACKLOG / (half.at - begun.at), BACKLOG / (finished.at - half.at)
    going_on = (finished.cpu - half.cpu) / BACKLOG
    found = Found(first, second, going_on * 1e6, unready * 1e6, seconds, late, held / cases)
    print(f"  {cases:,} open cases: {found}", flush=True)
    return found


def _unready(
    running: Pipeline, producer: KafkaProducer, cases: int, number: int, worker: subprocess.Popen[bytes]
) -> float:
    """CPU seconds per event of cases that have not been looked at since the worker started."""
    begun = cpu_seconds(worker.pid)
    _publish(producer, checks(cases, number))
    caught_up(running)
    return (cpu_seconds(worker.pid) - begun) / UNREADY


def _due_under_load(running: Pipeline, producer: KafkaProducer, cases: int, number: int) -> float:
    """People are released and nobody told the county, while days go on for the others."""
    day = a_day(cases, 2 * RUNS + number)
    return p99_of_releases(
        running,
        producer,
        first=RUNS + 1 + number * RELEASES,
        beside=lambda: _publish(producer, islice(day, round(LOAD * PACE))),
    )


@dataclass(frozen=True, slots=True)
class _At:
    at: float
    cpu: float  # that the worker had taken by then


def _committed(running: Pipeline) -> int:
    """How many records the workers have done with."""
    done = _admin(running.brokers).list_group_offsets({f"{PREFIX}reentry-worker": None})
    return sum(one.offset for place, one in done[f"{PREFIX}reentry-worker"].items() if place.topic in _SOURCES)


def _when_committed(running: Pipeline, count: int, worker: subprocess.Popen[bytes]) -> _At:
    deadline = time.monotonic() + 1800
    while _committed(running) < count:
        if time.monotonic() > deadline:
            raise TimeoutError("the worker has not done the first half within half an hour")
        time.sleep(0.05)
    return _At(time.time(), cpu_seconds(worker.pid))


@cache
def _admin(brokers: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=brokers)


def _written_after(running: Pipeline, before: int, worker: subprocess.Popen[bytes]) -> _At:
    """When the worker began to write, and the CPU that starting and reading all cases had taken."""
    deadline = time.monotonic() + 600
    while _end_of(running, CASE) == before:
        if time.monotonic() > deadline or worker.poll() is not None:
            raise TimeoutError("the worker did not begin to write within 600 s")
        time.sleep(0.05)
    return _At(time.time(), cpu_seconds(worker.pid))


def _restarted(running: Pipeline, producer: KafkaProducer, number: int) -> tuple[float, subprocess.Popen[bytes]]:
    known = _end_of(running, ALERT)
    release(producer, PREFIX, number, now())
    producer.flush()
    started = time.monotonic()
    worker = running.start("worker")
    wait_for_alerts(running, known + 1, 600)
    return time.monotonic() - started, worker


def _stop(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)


def _end_of(running: Pipeline, topic: str) -> int:
    places = [TopicPartition(named(running.prefix, topic), number) for number in range(PARTITIONS)]
    return sum(_asker(running.brokers).end_offsets(places).values())


@cache
def _asker(brokers: str) -> KafkaConsumer:
    return KafkaConsumer(bootstrap_servers=brokers, group_id=None)


# --- events


def person(number: int) -> str:
    """A person_ref of its own for each number."""
    letters = str(number).translate(str.maketrans("0123456789", "abcdefghij"))
    return "p1_" + letters.rjust(26, "o")


def opened(cases: int) -> Iterator[dict[str, Any]]:
    """Opens cases: every third is supervised and has a plan of check-ins, the others wait for a release."""
    at = now()
    today = at.date()
    for number in range(cases):
        subject, county = person(number), _county(number)
        if number % SUPERVISED:
            data = {
                "custody_episode_id": f"E{number}",
                "release_kind": "EXPIRY",
                "release_date": _FAR,
                "home_code": f"{county}004",
                "key_person": False,
                "minor": False,
            }
            yield _event(f"s{number}", "PRISON-990100-01", "release.scheduled", subject, show(at), data)
            continue
        decision = {
            "decision_no": f"D{number}",
            "decision_kind": "PROBATION",
            "effective_date": today.isoformat(),
            "term_start": today.isoformat(),
            "term_end": _FAR,
            "execution_place": county,
            "prohibition_order": False,
        }
        yield _event(f"d{number}", f"COURT-{county}-01", "release.decision_effective", subject, show(at), decision)
        office = f"TOWN_JUSTICE-{county}004-01"
        taken = {
            "file_ref": f"F{number}",
            "declared_on": today.isoformat(),
            "group_formed": True,
            "plan_made": True,
            "agreement_signed": True,
        }
        yield _event(f"r{number}", office, "intake.registered", subject, show(at), taken)
        plan = {"items": [{"kind": "CALL", "cadence": "WEEKLY"}], "class": "ORDINARY", "from": today.isoformat()}
        yield _event(f"p{number}", office, "checkin.plan_set", subject, show(at), plan)


def a_day(cases: int, day: int, count: int = BACKLOG) -> Iterator[dict[str, Any]]:
    """What a day brings to cases anywhere in the state, by the volumes of domain.md 4.10: nearly all are location checks.

    There are more notices and answers than in a real day, for they cost most.
    """
    dice, at, today = random.Random(day), show(now()), now().date().isoformat()
    for number in range(count):
        kind, subject = dice.random(), dice.randrange(cases)
        county = _county(subject)
        if kind < NOTICES:
            notice = {"to_agency": f"COUNTY_JUSTICE-{county}-01", "documents": ["RELEASE_NOTICE"], "channel": "NETWORK"}
            yield _event(f"n{day}-{number}", "PRISON-990100-01", "release.notice_sent", person(subject), at, notice)
        elif kind < NOTICES + ANSWERS:
            answer = {"accepted": True, "officer_ref": "O-1"}
            yield _event(
                f"a{day}-{number}", f"COUNTY_JUSTICE-{county}-01", "intake.acknowledged", person(subject), at, answer
            )
        else:
            subject -= subject % SUPERVISED
            county = _county(subject)
            if kind < NOTICES + ANSWERS + VISITS:
                office = f"TOWN_JUSTICE-{county}004-01"
                visit = {"visited_on": today, "met_person": True}
                yield _event(f"v{day}-{number}", office, "intake.visit_done", person(subject), at, visit)
                continue
            yield _check(f"c{day}-{number}", subject, at)


def checks(cases: int, number: int, count: int = UNREADY) -> Iterator[dict[str, Any]]:
    """A location check of each of so many cases."""
    at = show(now())
    for subject in random.Random(number).sample(range(0, cases, SUPERVISED), count):
        yield _check(f"u{number}-{subject}", subject, at)


def _check(name: str, subject: int, at: str) -> dict[str, Any]:
    check = {"result": "IN_AREA", "area_code": _county(subject), "checked_at": at}
    return _event(name, "LOCATION-990100-01", "checkin.location_checked", person(subject), at, check)


def _county(number: int) -> str:
    return f"9901{number % 20 + 1:02}"


def _event(name: str, agency: str, fact: str, subject: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": f"/agencies/{agency}",
        "type": f"reentry.{fact}.v1",
        "subject": subject,
        "time": at,
        "data": data,
    }


def _publish(producer: KafkaProducer, events: Iterator[dict[str, Any]]) -> None:
    for event in events:
        key = event["subject"].encode()
        topic = f"{PREFIX}reentry.{event['type'].split('.')[1]}.v1"
        producer.send(topic, key=key, value=orjson.dumps(event), partition=partition_of(key, PARTITIONS))
    producer.flush()
