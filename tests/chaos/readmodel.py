"""What befalls the read model: its rows are lost, an older backup comes back, tables are locked, a row cannot be written."""

import subprocess
import time
from collections.abc import Callable, Mapping
from itertools import count
from random import Random

import orjson
import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from cli.stack.children import Unstartable
from cli.stack.processes import handover
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas import alert
from schemas.provenance import mark
from schemas.topics import ALERT
from sinks.readmodel.writers import WRITERS
from tests.chaos.faults import BROKERS, POSTGRES, Fault
from tests.chaos.plant import PARTITIONS, SINKS, Plant
from tests.handover.histories import arriving, at, notice, scheduled

POISON = "poison-"  # how the alert ids begin that no replay knows
_TRIED_SECONDS = 120
_END = at("2026-03-21 00:00")
_numbers = count(1)


class _DatabaseFault(Fault):
    """Nobody else harms the database meanwhile; the sinks run on, or die of something else."""

    def choose(self, dice: Random) -> str:
        return POSTGRES

    def connect(self, plant: Plant) -> psycopg.Connection:
        return psycopg.connect(f"host=127.0.0.1 port={plant.postgres.port} user=postgres dbname=postgres")

    def change(self, plant: Plant, act: Callable[[psycopg.Connection], None]) -> None:
        """Do it in one transaction; where a sink was in the way, again. Raise OperationalError."""
        end = time.monotonic() + _TRIED_SECONDS
        while True:
            try:
                with self.connect(plant) as connection:
                    return act(connection)
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise


class LostReadModel(_DatabaseFault):
    """All tables are emptied under the sinks, or the schema is dropped and made anew without a row."""

    kind, share = "lost rows of", 1

    def choose(self, dice: Random) -> str:
        self._dropped = dice.random() < 0.5
        return super().choose(dice)

    def lasts(self, dice: Random) -> float:
        return dice.uniform(0, 5)

    def strike(self, plant: Plant) -> None:
        self.change(plant, self._lose)

    def _lose(self, connection: psycopg.Connection) -> None:
        if self._dropped:
            connection.execute("drop schema public cascade")
            connection.execute("create schema public")
        else:
            connection.execute(f"truncate {', '.join(_tables(connection))}".encode())

    def heal(self, plant: Plant) -> None:
        if self._dropped:
            subprocess.run(handover("sink", "--migrate"), env=plant.env, check=True, capture_output=True)

    def __str__(self) -> str:
        return f"{'dropped schema' if self._dropped else 'emptied tables'} of {self.target} for {self.seconds:g} s"


class OldReadModel(_DatabaseFault):
    """A backup is taken, and put back under the sinks."""

    kind, share = "backup restored of", 1

    def lasts(self, dice: Random) -> float:
        return dice.uniform(2, 15)

    def strike(self, plant: Plant) -> None:
        self.change(plant, _save)

    def heal(self, plant: Plant) -> None:
        self.change(plant, _restore)


def _save(connection: psycopg.Connection) -> None:
    connection.execute("set transaction isolation level repeatable read")
    connection.execute("drop schema if exists backup cascade")
    connection.execute("create schema backup")
    for table in _tables(connection):
        connection.execute(f"create table backup.{table} as table public.{table}".encode())


def _restore(connection: psycopg.Connection) -> None:
    tables = _tables(connection)
    connection.execute(f"truncate {', '.join(tables)}".encode())
    for table in tables:
        connection.execute(f"insert into public.{table} overriding system value table backup.{table}".encode())
    connection.execute("drop schema backup cascade")


def _tables(connection: psycopg.Connection) -> list[str]:
    """The tables of the read model, quoted; not the version of their shape."""
    found = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return [f'"{name}"' for (name,) in found if name != "alembic_version"]


class LockedTables(_DatabaseFault):
    """Somebody holds a lock on the tables that sinks write."""

    kind, share = "locked tables of", 1

    def lasts(self, dice: Random) -> float:
        return dice.choice((3.0, 8.0, 15.0))

    def strike(self, plant: Plant) -> None:
        self._holders: list[psycopg.Connection] = []
        for table in ("read_position", "alert", '"case"', "event"):  # one each: nobody waits for what is locked already
            self._holders.append(self.connect(plant))
            self._holders[-1].execute(f"lock table {table} in access exclusive mode".encode())

    def heal(self, plant: Plant) -> None:
        for holder in self._holders:
            holder.close()


class MovedOffsets(Fault):
    """The offsets of the sinks' groups are moved to the end or the start of the log while no sink runs."""

    kind, share = "offsets moved of", 1

    def choose(self, dice: Random) -> str:
        self._to_end = dice.random() < 0.5
        return "sinks"

    def lasts(self, dice: Random) -> float:
        return dice.uniform(0, 3)

    @property
    def claims(self) -> frozenset[str]:
        return frozenset((BROKERS, *SINKS))

    def strike(self, plant: Plant) -> None:
        for name in SINKS:
            plant.stop(name)
        try_again(lambda: self._move_all(plant))

    def _move_all(self, plant: Plant) -> None:
        for one in WRITERS:
            self._move(plant, f"reentry-sink-{one.name}", one.topics)

    def _move(self, plant: Plant, group: str, topics: tuple[str, ...]) -> None:
        brokers = plant.cluster.bootstrap.split(",")
        consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=group, enable_auto_commit=False)
        try:
            places = [TopicPartition(topic, one) for topic in topics for one in consumer.partitions_for_topic(topic)]
            consumer.assign(places)
            (consumer.seek_to_end if self._to_end else consumer.seek_to_beginning)(*places)
            for place in places:
                consumer.position(place)
            consumer.commit()
        finally:
            consumer.close()

    def heal(self, plant: Plant) -> None:
        for name in SINKS:
            plant.start(name)

    def __str__(self) -> str:
        return f"{self.kind} {self.target} to the {'end' if self._to_end else 'start'}, {self.seconds:g} s"


class PoisonRow(Fault):
    """Somebody with a worker's mark writes alerts that the database cannot hold; somebody without one writes another."""

    kind, share = "poison row on", 2

    def choose(self, dice: Random) -> str:
        self._spoilt: Mapping[str, object] = dice.choice(
            ({"rule_id": "A\0"}, {"revision": 2**40}, {"reason": {"zh": "甲", "en": "a\0b"}})
        )
        self._partition = dice.randrange(PARTITIONS)
        return ALERT

    def lasts(self, dice: Random) -> float:
        return 0.0

    def strike(self, plant: Plant) -> None:
        brokers = plant.cluster.bootstrap.split(",")
        number = next(_numbers)
        try_again(lambda: self._send(plant, KafkaProducer(bootstrap_servers=brokers, acks="all"), number))

    def _send(self, plant: Plant, producer: KafkaProducer, number: int) -> None:
        try:
            for name, spoilt, headers in (
                ("spoilt", self._spoilt, [mark(1)]),
                ("foreign", {"revision": 1_000_000}, []),
            ):
                name = f"{POISON}{number}-{name}"
                value = _alert(name, spoilt)
                sent = producer.send(ALERT, key=name.encode(), value=value, headers=headers, partition=self._partition)
                place = sent.get(timeout=30)
                if headers:
                    plant.poison.add((place.topic, place.partition, place.offset))
        finally:
            producer.close(timeout=5)

    def heal(self, plant: Plant) -> None:
        """What was written stays; the sinks set it aside."""


def _alert(alert_id: str, spoilt: Mapping[str, object]) -> bytes:
    told = arriving(scheduled("2026-01-05 10:00"), notice("2026-02-02 09:00"))
    body = alert.event(next(iter(replay(told, load("cn-default"), load_calendar(), _END))))
    body = orjson.loads(orjson.dumps(body))
    (body["data"] if isinstance(body.get("data"), dict) else body).update({"alert_id": alert_id, **spoilt})
    return orjson.dumps(body)


def try_again(act: Callable[[], None]) -> None:
    """Do it until the brokers take it. Raise Unstartable."""
    end = time.monotonic() + _TRIED_SECONDS
    while True:
        try:
            return act()
        except KafkaError as error:
            if time.monotonic() > end:
                raise Unstartable(f"the brokers do not take it: {type(error).__name__}") from error
            time.sleep(1)
