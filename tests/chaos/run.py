"""One run: the city lives, faults come, all heals, everything is read to its end, and the judge counts."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from cli.connection import read_database_url
from cli.simulation.stream import Options, simulate
from cli.stack import clockfile
from cli.stack.children import Unstartable
from cli.verify import judge
from handover.analysis.verification import Judgement
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import from_millis
from schemas.topics import PROGRESS, SOURCES
from sinks.readmodel import position
from sinks.readmodel.data_time import BEHIND_LIMIT
from sinks.readmodel.database import connect
from sinks.readmodel.writers import WRITERS
from streams.clock import Clock
from tests.chaos.afterwards import without_poison, wrong_things
from tests.chaos.faults import Fault
from tests.chaos.hot import flooded
from tests.chaos.losses import lose
from tests.chaos.machines import StepClock
from tests.chaos.plant import PARTITIONS, SINKS, WORKERS, Plant
from tests.chaos.publisher import Publisher
from tests.chaos.silence import is_late

AT_ONCE = 3  # faults at the same time, on different parts
AHEAD = 6  # a fault whose target is harmed already lets so many later ones go first
READY_SECONDS, READ_SECONDS, QUIET_SECONDS = 400, 600, 8
READ = {topic for table in WRITERS for topic in table.topics}
MILLISECOND = timedelta(milliseconds=1)
Say = Callable[[str], None]
Planned = tuple[int, tuple[float, Fault]]  # its number, the seconds after it


@dataclass(frozen=True)
class City:
    """How the city lives: simulated hours a second, the share of its register that is told on the first day, seconds at least."""

    seed: int = 1
    hours: float = 0.25
    register: float = 0.15
    seconds: float = 0.0
    loses: bool = False  # in the end, when all is judged, the log itself

    def options(self) -> Options:
        """What the simulation is given."""
        return Options("city", self.seed, 0, register=self.register)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has shown."""

    judgement: Judgement
    events: int
    days: float
    faults: int
    seconds: float
    deaths: dict[str, list[str]]  # of parts that ended by themselves
    wrong: list[str]  # what else does not hold


def run(folder: Path, city: City, plan: Sequence[tuple[float, Fault]], say: Say) -> Outcome:
    """Run until the plan is done, heal, read to the end, judge. Raise Unstartable where something does not come back."""
    began = time.monotonic()
    # A child dies with the thread that started it: the threads of the faults, which start brokers, outlive the plant.
    stepping = any(isinstance(fault, StepClock) for _, fault in plan)
    with ThreadPoolExecutor(AT_ONCE, "fault") as hands, Plant(folder, say, stepping=stepping) as plant:
        records = simulate(city.options())
        first = next(records)
        clock = clockfile.begin(plant.clock_file, from_millis(first.received), city.hours * 3600, _wall_ms())
        for name in (*WORKERS[:2], *SINKS):
            plant.start(name)
        with Publisher(plant.cluster.bootstrap, PARTITIONS, flooded(chain([first], records)), clock) as publisher:
            wait_until(lambda: len(plant.watermark_ms()) == PARTITIONS, READY_SECONDS, "the workers are not ready")
            say(f"{'':4} {time.monotonic() - began:7.1f} s  all runs; {publisher.sent} events told")
            faults = Schedule(plant, hands, say, began).strike_all(plan)
            time.sleep(max(0.0, began + city.seconds - time.monotonic()))
            publisher.stop()
            say(f"{'':4} {time.monotonic() - began:7.1f} s  {faults} faults healed; {publisher.sent} events told")
        end = stand_still(plant, clock, say)
        judgement, events = read_and_judge(plant, end)
        wrong = wrong_things(plant, clock.broker_ms(end))
        wrong += lose(plant, say) if city.loses else []
        days = (end - from_millis(first.received)) / timedelta(days=1)
        return Outcome(judgement, events, days, faults, time.monotonic() - began, plant.row(), wrong)


class Schedule:
    """Strikes about in the order of the plan: a fault whose target is being harmed already waits, and others go first."""

    def __init__(self, plant: Plant, hands: ThreadPoolExecutor, say: Say, began: float) -> None:
        self._plant, self._hands, self._say, self._began = plant, hands, say, began
        self._free = threading.Condition()
        self._claimed: set[str] = set()
        self._failed: BaseException | None = None

    def strike_all(self, plan: Iterable[tuple[float, Fault]]) -> int:
        """Return how many faults struck, when all have healed. Raise what kept one from healing."""
        healing: list[Future[None]] = []
        planned, waiting = enumerate(plan, 1), deque[Planned]()
        while waiting := self._filled(waiting, planned):
            with self._free:
                self._free.wait_for(lambda: self._failed or self._possible(waiting))
                chosen = self._possible(waiting)
                if self._failed or chosen is None:
                    break
                waiting.remove(chosen)
                number, (gap, fault) = chosen
                self._claimed |= fault.claims
            healing.append(self._hands.submit(self._suffer, number, fault))
            time.sleep(gap)
        for one in healing:
            one.result()
        return len(healing)

    def _filled(self, waiting: deque[Planned], planned: Iterator[Planned]) -> deque[Planned]:
        waiting.extend(islice(planned, AHEAD - len(waiting)))
        return waiting

    def _possible(self, waiting: Iterable[Planned]) -> Planned | None:
        """The first one whose target is whole, and that waits for no earlier one upon the same target."""
        awaited: set[str] = set()
        for one in waiting:
            claims = one[1][1].claims
            if not claims & (self._claimed | awaited):
                return one
            awaited |= claims
        return None

    def _suffer(self, number: int, fault: Fault) -> None:
        try:
            self._say(f"{number:4} {time.monotonic() - self._began:7.1f} s  {fault}")
            fault.strike(self._plant)
            time.sleep(fault.seconds)
            fault.heal(self._plant)
        except BaseException as error:
            self._failed = error
            raise
        finally:
            with self._free:
                self._claimed -= fault.claims
                self._free.notify_all()


def stand_still(plant: Plant, clock: Clock, say: Say) -> datetime:
    """Let everything be read as it is, without a restart; then stop time, and return the last instant that was lived."""
    stopped = _wall_ms()
    wait_until(lambda: _applied(plant, stopped), READ_SECONDS, "the workers do not reach the end of the log")
    wait_until(lambda: not is_late(plant, BEHIND_LIMIT), READ_SECONDS, "the watermark in SQL is late")
    for name in (*WORKERS, *SINKS):
        plant.stop(name)
    paused = _wall_ms()
    still = clockfile.pause(plant.clock_file, paused)
    say("     the workers have reached the end of the log; time stands still")
    for name in (*WORKERS[:2], *SINKS):
        plant.start(name)
    wait_until(lambda: _applied(plant, paused - 1), READ_SECONDS, "the workers do not reach the end of time")
    quiet_since, seen = time.monotonic(), _unread(plant, paused)
    end = time.monotonic() + READ_SECONDS
    while seen is None or seen[0] or time.monotonic() - quiet_since < QUIET_SECONDS:
        if time.monotonic() > end:
            raise Unstartable(f"{seen[0] if seen else 'some'} records are not read to the end")
        time.sleep(1)
        now = _unread(plant, paused)
        if now != seen:
            seen, quiet_since = now, time.monotonic()
    return still.arrival(paused) - MILLISECOND


def _applied(plant: Plant, wall_ms: int) -> bool:
    told = plant.watermark_ms()
    return len(told) == PARTITIONS and min(told.values()) >= wall_ms


def _unread(plant: Plant, paused: int) -> tuple[int, int] | None:
    """How many records are not yet taken by the workers and the sinks, and how many there are on the topics that sinks read.

    What came after the pause, as what the sinks measure of a still pipeline, waits with the workers until time goes on. What the
    workers say of themselves each second has no end and is left out. None: the brokers or the database cannot say it now.
    """
    brokers = plant.cluster.bootstrap.split(",")
    consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=None)
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        sources, written = set(SOURCES), READ - {PROGRESS}
        held = consumer.end_offsets(_places(sources | written))  # at once: it learns the leaders of all or none
        places = _places(sources)
        until = {place: held[place] for place in places}
        later = consumer.offsets_for_times(dict.fromkeys(places, paused))
        until |= {place: found.offset for place, found in later.items() if found is not None}
        unread = _left(admin, "reentry-worker", until)
        until = {place: held[place] for place in _places(written)}
        unread += _unwritten(plant, until)
        ends = sum(until.values())
    except (KafkaError, SQLAlchemyError, KeyError):  # a coordinator has moved; a leader is not known (KeyError)
        return None
    finally:
        admin.close()
        consumer.close()
    return unread, ends


def _places(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]


def _left(admin: KafkaAdminClient, group: str, until: dict[TopicPartition, int]) -> int:
    done = admin.list_group_offsets(group)[group]
    return sum(max(0, end - _offset(done, place)) for place, end in until.items())


def _unwritten(plant: Plant, until: dict[TopicPartition, int]) -> int:
    """How many records the positions in SQL have not passed: the groups' offsets are no measure, faults move them."""
    engine = connect(read_database_url(plant.settings))
    try:
        with engine.connect() as connection:
            stored = position.read(connection, {place.topic for place in until})
    finally:
        engine.dispose()
    passed = {TopicPartition(*place): one.next_offset for place, one in stored.items()}
    return sum(max(0, end - passed.get(place, 0)) for place, end in until.items())


def _offset(done: dict[TopicPartition, object], place: TopicPartition) -> int:
    told = done.get(place)
    return max(0, int(getattr(told, "offset", 0) or 0))


def read_and_judge(plant: Plant, end: datetime) -> tuple[Judgement, int]:
    """Judge everything up to the end; nothing is on its way any more."""
    judgement, events = judge(plant.settings, load("cn-default"), load_calendar(), end, settled_ms=_wall_ms())
    return without_poison(judgement), events


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return when the condition holds. Raise Unstartable with what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Unstartable(f"{what} after {seconds:g} s")
        time.sleep(0.5)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
