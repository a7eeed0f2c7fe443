"""What makes the pipeline stand still, and must be told: no worker runs, or a transaction stays open."""

import hashlib
import time
from base64 import b32encode
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from random import Random

import orjson
from confluent_kafka import KafkaException, Producer

from cli.connection import read_database_url
from cli.stack.children import Unstartable
from schemas.topics import RELEASE
from sinks.readmodel.data_time import read_data_time
from sinks.readmodel.database import connect
from streams.clock import Clock
from tests.chaos.faults import BROKERS, POSTGRES, Fault
from tests.chaos.plant import WORKERS, Plant
from tests.handover.histories import notice, scheduled
from tests.measured import measured

LATE = timedelta(seconds=10)
_PATIENCE_SECONDS = 120
_numbers = count(1)


def is_late(plant: Plant, limit: timedelta) -> bool:
    """Whether the watermark in SQL is older than that, in wall time. Raise SQLAlchemyError."""
    engine, wall_ms = connect(read_database_url(plant.settings)), time.time_ns() // 1_000_000
    try:
        clock = Clock.load(plant.clock_file)
        return read_data_time(engine, clock.now(wall_ms), lambda at: clock.age(at, wall_ms), limit).is_late
    finally:
        engine.dispose()


class WorkersGone(Fault):
    """No worker runs for a while: the watermark in SQL stands still, and nobody says that all is well."""

    kind, share = "kill -9 of", 1

    def choose(self, dice: Random) -> str:
        return "all workers"

    def lasts(self, dice: Random) -> float:
        return LATE.total_seconds() + dice.uniform(2, 10)

    @property
    def claims(self) -> frozenset[str]:
        return frozenset((POSTGRES, *WORKERS))

    def strike(self, plant: Plant) -> None:
        for name in WORKERS[:2]:
            plant.kill(name)

    def heal(self, plant: Plant) -> None:
        told = is_late(plant, LATE)
        for name in WORKERS[:2]:
            plant.start(name)
        if not told:
            raise Unstartable(f"without workers for {self.seconds:g} s the watermark is not called late")


class OpenTransaction(Fault):
    """A publisher's transaction stays open for a while: it is aborted, committed, or its publisher is gone and comes back."""

    kind, share = "open transaction on", 2

    def choose(self, dice: Random) -> str:
        self._end = dice.choice(("abort", "commit", "gone"))
        return RELEASE

    def lasts(self, dice: Random) -> float:
        return dice.uniform(1, 12)

    def strike(self, plant: Plant) -> None:
        self._name = f"chaos-{next(_numbers)}"
        self._producer = _begun(plant, self._name)
        recent = f"{Clock.load(plant.clock_file).now(time.time_ns() // 1_000_000):%Y-%m-%d %H:%M}"
        subject = f"p1_{b32encode(hashlib.sha256(self._name.encode()).digest()).decode().lower()[:26]}"
        told = scheduled(recent, "2030-12-30", subject=subject), notice(recent, subject=subject)
        self._ids = {f"{self._name}-{one.id}": one for one in told}
        for name, event in self._ids.items():
            self._producer.produce(RELEASE, orjson.dumps({**event.wire(), "id": name}), event.subject)
        self._producer.flush(_PATIENCE_SECONDS)

    def heal(self, plant: Plant) -> None:
        if self._end == "gone":
            _begun(plant, self._name).abort_transaction(30)  # to begin anew ends what is open
        elif self._end == "abort" or not self._committed():
            self._tried(self._producer.abort_transaction)
        else:
            return
        plant.taken_back |= self._ids.keys()

    def _committed(self) -> bool:
        return self._tried(self._producer.commit_transaction)

    def _tried(self, act: Callable[[float], None]) -> bool:
        """Whether it was done; not: the brokers have ended the transaction, or want it aborted."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                act(10)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > end:
                    return False
            else:
                return True

    def __str__(self) -> str:
        return f"{self.kind} {self.target} for {self.seconds:g} s, then {self._end}"


class HungTransaction(OpenTransaction):
    """The same for so long that the workers tell it, while nobody harms them."""

    kind, share = "hung transaction on", 1

    def lasts(self, dice: Random) -> float:
        return dice.uniform(8, 15)

    @property
    def claims(self) -> frozenset[str]:
        return frozenset((RELEASE, BROKERS, *WORKERS))

    def heal(self, plant: Plant) -> None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not (told := _is_told(plant)) and time.monotonic() < end:
            time.sleep(0.5)
        super().heal(plant)
        if not told:
            raise Unstartable("no worker tells of the open transaction")


def _is_told(plant: Plant) -> bool:
    ports = [part.web_port for name, part in plant.parts.items() if name in WORKERS and part.wanted]
    samples = [one for port in ports for one in measured(port, "reentry_undecided_transaction_seconds", seconds=2)]
    return any(one.labels["topic"] == RELEASE and one.value > 0 for one in samples)


def _begun(plant: Plant, name: str) -> Producer:
    """A producer in a new transaction. Raise Unstartable."""
    options = {"transactional.id": name, "transaction.timeout.ms": _PATIENCE_SECONDS * 1000, "log_level": 0}
    producer = Producer({"bootstrap.servers": plant.cluster.bootstrap, **options})
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            producer.init_transactions(10)
            producer.begin_transaction()
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > end:
                raise Unstartable(f"no transaction can be begun: {error.args[0].name()}") from error
        else:
            return producer
