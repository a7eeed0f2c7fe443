"""The last acts of a run: the log itself loses something. Nothing can be whole then; what must hold is that it is told."""

import shutil
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from sqlalchemy.exc import SQLAlchemyError

from cli.connection import read_database_url
from cli.stack.children import Unstartable
from cli.stack.local import provision
from cli.stack.processes import handover
from schemas.topics import ALERT, RELEASE
from sinks.readmodel import position
from sinks.readmodel.database import connect
from tests.chaos.plant import PARTITIONS, SINKS, WORKERS, Plant
from tests.measured import measured

_TOLD_SECONDS, _START_SECONDS = 180, 300
Say = Callable[[str], None]


def lose(plant: Plant, say: Say) -> list[str]:
    """Lose more and more; return a line for each loss that is not told."""
    acts = (
        (_remove_unread, RELEASE, "REMOVED", "removed before they were read"),
        (_make_anew, ALERT, "OTHER_TOPIC", "made anew"),
        (_lose_brokers, ALERT, "OTHER_CLUSTER", "another Kafka cluster"),
    )
    wrong = []
    for act, topic, kind, words in acts:
        say(f"     last act: {act.__name__.strip('_').replace('_', ' ')}")
        act(plant)
        wrong += [f"{act.__name__}: {one}" for one in _untold(plant, topic, kind, words)]
    return wrong


def _remove_unread(plant: Plant) -> None:
    """Retention takes records of a source topic that no sink has read."""
    with _stopped(plant, SINKS), _admin(plant) as admin:
        producer = KafkaProducer(bootstrap_servers=plant.cluster.bootstrap.split(","), acks="all")
        for number in range(PARTITIONS):
            producer.send(RELEASE, value=b"{}", partition=number).get(timeout=60)
        producer.close()
        admin.delete_records({TopicPartition(RELEASE, number): -1 for number in range(PARTITIONS)})


def _make_anew(plant: Plant) -> None:
    """Somebody deletes the topic of alerts and makes it again."""
    with _stopped(plant, (*WORKERS, *SINKS)), _admin(plant) as admin:
        admin.delete_topics([ALERT])
        _until(lambda: ALERT not in admin.list_topics(), "the topic stays")
        provision(plant.settings)


def _lose_brokers(plant: Plant) -> None:
    """All disks of the brokers are gone; somebody sets up new ones at the old addresses."""
    with _stopped(plant, (*WORKERS, *SINKS)):
        plant.cluster.kill()
        identity = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        for node in plant.cluster.nodes:
            node.cluster = identity
            for path in (node.folder / "data").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        plant.cluster.start(seconds=_START_SECONDS)
        provision(plant.settings)


def _untold(plant: Plant, topic: str, kind: str, words: str) -> Iterator[str]:
    if not _comes(lambda: (topic, kind) in _gaps(plant)):
        yield f"no gap {kind} of {topic}"
    if not _comes(lambda: _is_measured(plant, topic, kind)):
        yield "no sink measures the gap"
    said = subprocess.run(handover("doctor"), env=plant.env, capture_output=True, text=True, check=False)
    if said.returncode != 1 or words not in said.stdout + said.stderr:
        yield f"doctor ends with {said.returncode} and does not say {words!r}"


def _gaps(plant: Plant) -> set[tuple[str, str]]:
    engine = connect(read_database_url(plant.settings))
    try:
        with engine.connect() as connection:
            return {(one.topic, one.kind) for one in position.open_gaps(connection)}
    except SQLAlchemyError:
        return set()
    finally:
        engine.dispose()


def _is_measured(plant: Plant, topic: str, kind: str) -> bool:
    samples = [one for name in SINKS for one in measured(plant.parts[name].web_port, "reentry_sink_gaps", seconds=2)]
    return any((one.labels["topic"], one.labels["kind"]) == (topic, kind) and one.value for one in samples)


@contextmanager
def _stopped(plant: Plant, names: tuple[str, ...]) -> Iterator[None]:
    for name in names:
        plant.stop(name)
    yield
    for name in names:
        if name != WORKERS[-1]:
            plant.start(name)


@contextmanager
def _admin(plant: Plant) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=plant.cluster.bootstrap.split(","))
    try:
        yield admin
    finally:
        admin.close()


def _comes(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + _TOLD_SECONDS
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(1)
    return holds


def _until(condition: Callable[[], bool], what: str) -> None:
    if not _comes(condition):
        raise Unstartable(what)
