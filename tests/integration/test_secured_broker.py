"""A broker that allows nothing but the table of rights: each may do its part over TLS under its own name, and nothing else."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as Place
from kafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from sqlalchemy import select

from brokers.connection import KafkaConnection
from brokers.rights import ROLES
from cli.stack.provision import connect as admin_of
from console.outbox.publisher import make_producer as console_producer
from schemas.instants import from_millis
from schemas.topics import ACTION, ALERT, CASE, CHECKIN, INTAKE, RECEIPT, RELEASE, SYSTEM, TOPICS, WORK, named
from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.handover.histories import notice, scheduled
from tests.integration.pipeline import Pipeline
from tests.integration.secured import Authority, Secured, secured

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
MATRIX, LIVE = "matrix.", "live."  # garbage is written under the first; a pipeline lives under the second
NAMES = {role: f"{role}-1" for role in ROLES}
WRITES = {  # spelt out here: a slip in the table is not believed
    "prison": {RELEASE, SYSTEM}, "court": {RELEASE, "reentry.dispute.v1", SYSTEM}, "office": {INTAKE, CHECKIN, WORK, SYSTEM}, "help": {INTAKE, WORK, SYSTEM},
    "location": {CHECKIN, SYSTEM}, "mediation": {"reentry.dispute.v1", WORK, SYSTEM}, "administrator": {SYSTEM}, "transactional": set(),
    "worker": {CASE, ALERT, "reentry.dlq.v1", "reentry.routed.v1", "reentry.world.v1", "reentry.progress.v1"}, "sink": {SYSTEM},
    "console": {RELEASE, INTAKE, CHECKIN, "reentry.dispute.v1", WORK, ACTION, SYSTEM}, "reader": set(),
    "redriver": {RELEASE, INTAKE, CHECKIN, "reentry.dispute.v1", WORK, ACTION, SYSTEM}, "auditor": set(), "operator": set(),
    "gateway": {RELEASE, INTAKE, CHECKIN, "reentry.dispute.v1", WORK, ACTION, SYSTEM, RECEIPT}, "recipient": set(), "notifier": set(),
}  # fmt: skip
SOURCES = {RELEASE, INTAKE, CHECKIN, "reentry.dispute.v1", WORK, ACTION, SYSTEM}
READS = {
    "worker": SOURCES | {CASE, "reentry.routed.v1", "reentry.world.v1", "reentry.progress.v1"},
    "sink": SOURCES | {CASE, ALERT, "reentry.dlq.v1", "reentry.progress.v1"},
    "reader": {ALERT}, "redriver": {"reentry.dlq.v1"}, "auditor": {topic.name for topic in TOPICS},
    "gateway": SOURCES | {"reentry.dlq.v1", "reentry.progress.v1", RECEIPT}, "recipient": {RECEIPT}, "notifier": {ALERT, "reentry.progress.v1"},
}  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Its rights are those of the table, and `root` has set them."""
    folder = tmp_path_factory.mktemp("secured")
    with secured(folder, superusers=["root"]) as found:
        found.enrol(NAMES.values())
        (folder / "principals.toml").write_text(principals(), encoding="utf-8")
        for prefix in (MATRIX, LIVE):
            done = handover(found, "root", prefix, "topics", "apply", "--acls", str(folder / "principals.toml"))
            assert done.returncode == 0, done.stderr
        yield found


def principals() -> str:
    told = {
        **{role: [name] for role, name in NAMES.items()},
        "transactional": [NAMES["transactional"], NAMES["prison"]],
    }
    return "".join(f"{role} = {orjson.dumps(names).decode()}\n" for role, names in told.items())


def variables(broker: Secured, name: str, prefix: str) -> dict[str, str]:
    own = {"REENTRY_TOPIC_PREFIX": prefix, "REENTRY_PARTITIONS": "4", "REENTRY_REPLICATION": "1"}
    return {**broker.variables(name), **own}


def handover(broker: Secured, name: str, prefix: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **variables(broker, name, prefix), **more}
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=90)


def client(broker: Secured, role: str, **more: Any) -> dict[str, Any]:
    """Another library than ours: what it may not do, nobody may."""
    return {
        "bootstrap.servers": f"127.0.0.1:{broker.port}",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(broker.authority.ca_file),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": NAMES[role],
        "sasl.password": NAMES[role][::-1],
        "log_level": 0,
        **more,
    }


@pytest.fixture(scope="module")
def producers(broker: Secured) -> dict[str, Producer]:
    """One of each role, for its tests."""
    return {role: Producer(client(broker, role, acks="all")) for role in ROLES}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
@pytest.mark.parametrize("role", ROLES)
def test_who_may_write_a_topic(producers: dict[str, Producer], role: str, topic: str) -> None:
    said: list[int] = []

    def write() -> None:
        producers[role].produce(f"{MATRIX}{topic}", b"x", b"k", on_delivery=lambda error, _: said.append(code(error)))

    said += refused_by(write)  # at once, where it has heard before that it may not
    producers[role].flush(20)
    assert said == [KafkaError.NO_ERROR if topic in WRITES[role] else KafkaError.TOPIC_AUTHORIZATION_FAILED]


def code(error: KafkaError | None) -> int:
    return KafkaError.NO_ERROR if error is None else int(error.code())


@pytest.fixture(scope="module")
def filled(broker: Secured) -> None:
    """A record on each topic."""
    producer = KafkaProducer(**broker.connection("root").client(), acks="all")
    for topic in TOPICS:
        producer.send(f"{MATRIX}{topic.name}", b"x", b"k", partition=0).get(timeout=20)
    producer.close()


@pytest.mark.parametrize("role", ROLES)
def test_who_may_read_which_topics(broker: Secured, filled: None, role: str) -> None:
    consumer = KafkaConsumer(**broker.connection(NAMES[role]).reader(), group_id=None)
    admin = AdminClient(client(broker, role))
    readable = {
        topic.name
        for topic in TOPICS
        if is_shown(admin, f"{MATRIX}{topic.name}") and is_readable(consumer, Place(f"{MATRIX}{topic.name}", 0))
    }
    consumer.close()
    assert readable == READS.get(role, set())


def is_shown(admin: AdminClient, topic: str) -> bool:
    """Whether a broker tells where the topic is: without that nobody reads it."""
    error = admin.list_topics(topic, timeout=20).topics[topic].error
    assert error is None or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    return error is None


def is_readable(consumer: KafkaConsumer, place: Place) -> bool:
    """Whether its first record comes; the other answer is a refusal, not a silence."""
    consumer.assign([place])
    consumer.seek(place, 0)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if consumer.poll(timeout_ms=500):
                return True
        except TopicAuthorizationFailedError:
            return False
    raise AssertionError(f"no answer: {place}")


@pytest.mark.parametrize(
    ("role", "group", "allowed"),
    [
        ("worker", f"{MATRIX}reentry-worker", True),
        ("sink", f"{MATRIX}reentry-sink-events", True),
        ("sink", f"{MATRIX}reentry-worker", False),  # it would take partitions from the workers
        ("notifier", f"{MATRIX}reentry-sink-notifications", True),
        ("notifier", f"{MATRIX}reentry-sink-alerts", False),
        ("reader", "reader-1.desk", True),
        ("reader", "reader-10.desk", False),
        ("reader", f"{MATRIX}reentry-sink-alerts", False),
        ("auditor", f"{MATRIX}reentry-sink-alerts", False),
    ],
)
def test_who_may_join_a_group(broker: Secured, role: str, group: str, allowed: bool) -> None:
    topic = ALERT if role != "worker" else CASE
    consumer = KafkaConsumer(f"{MATRIX}{topic}", **broker.connection(NAMES[role]).reader(), group_id=group)
    try:
        assert joins(consumer) == allowed
    finally:
        consumer.close(timeout_ms=500)


def joins(consumer: KafkaConsumer) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            consumer.poll(timeout_ms=500)
        except GroupAuthorizationFailedError:
            return False
        if consumer.assignment():
            return True
    raise AssertionError("no answer")


def refused_by(act: Callable[[], object]) -> list[int]:
    """The code with which an act was refused, or nothing."""
    try:
        act()
    except KafkaException as error:
        return [error.args[0].code()]
    return []


@pytest.mark.parametrize(
    ("role", "name", "allowed"),
    [("prison", "prison-1.a", True), ("prison", "prison-10.a", False), ("office", "office-1.a", False)],
)
def test_who_may_use_transactions(broker: Secured, role: str, name: str, allowed: bool) -> None:
    producer = Producer(client(broker, role, **{"transactional.id": name}))
    refusals = refused_by(lambda: producer.init_transactions(20))
    assert refusals == ([] if allowed else [KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED])


def test_applied_again_changes_nothing_and_what_differs_is_shown_and_mended(broker: Secured, tmp_path: Path) -> None:
    file, fewer = tmp_path / "principals.toml", tmp_path / "fewer.toml"
    file.write_text(principals(), encoding="utf-8")
    fewer.write_text(principals().replace('help = ["help-1"]\n', ""), encoding="utf-8")
    for command in ("check", "apply", "plan"):
        done = handover(broker, NAMES["operator"], MATRIX, "topics", command, "--acls", str(file))
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    shown = handover(broker, NAMES["operator"], MATRIX, "topics", "check", "--acls", str(fewer))
    assert shown.returncode == 1
    surplus = [line for line in shown.stdout.splitlines() if line.startswith("- ")]
    assert len(surplus) == 6  # to write and to see three topics
    assert "User:help-1 may WRITE on topic matrix.reentry.intake.v1" in shown.stdout
    kept = handover(broker, NAMES["operator"], MATRIX, "topics", "apply", "--acls", str(fewer))
    assert kept.returncode == 1  # nothing is taken back unasked
    taken = handover(broker, NAMES["operator"], MATRIX, "topics", "apply", "--acls", str(fewer), "--revoke")
    assert taken.returncode == 0, taken.stderr
    missing = handover(broker, NAMES["operator"], MATRIX, "topics", "check", "--acls", str(file))
    assert len([line for line in missing.stdout.splitlines() if line.startswith("+ ")]) == 6
    given = handover(broker, NAMES["operator"], MATRIX, "topics", "apply", "--acls", str(file))
    assert given.returncode == 0, given.stderr


def test_a_file_of_principals_that_cannot_be_used_is_one_line(broker: Secured, tmp_path: Path) -> None:
    file = tmp_path / "principals.toml"
    file.write_text('king = ["king-1"]\n', encoding="utf-8")
    done = handover(broker, NAMES["operator"], MATRIX, "topics", "check", "--acls", str(file))
    assert done.returncode == 2
    assert "king is no role" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_pipeline_runs_with_each_part_under_its_own_name(broker: Secured, tmp_path: Path) -> None:
    now = from_millis(round(time.time() * 1000))
    late = notice("2026-03-01 15:00")  # told long after: measured by a sink, raised by a worker
    soon = scheduled(f"{now - timedelta(days=2):%Y-%m-%d %H:%M}", f"{now + timedelta(days=3):%Y-%m-%d}")
    running = Pipeline(f"127.0.0.1:{broker.port}", LIVE, tmp_path)
    try:
        running.start("worker", **variables(broker, NAMES["worker"], LIVE), REENTRY_PURGE_SECONDS="2")
        running.start("sink", **variables(broker, NAMES["sink"], LIVE))
        events = tmp_path / "events.jsonl"
        events.write_bytes(b"".join(orjson.dumps(one.wire()) + b"\n" for one in (late, soon)))
        sent = handover(broker, NAMES["prison"], LIVE, "publish", str(events))
        assert sent.returncode == 0, sent.stderr
        model = tmp_path / "handover.sqlite"
        until(lambda: model.exists() and len(rules(model)) > 1 and "X06" in rules(model), seconds=90, every=0.5)
        by_console = console_producer(broker.connection(NAMES["console"]))
        by_console.send(named(LIVE, ACTION), b"{}", b"k").get(timeout=20)
        with pytest.raises(TopicAuthorizationFailedError):
            by_console.send(named(LIVE, ALERT), b"{}", b"k").get(timeout=20)
        by_console.close()
        refused = handover(broker, NAMES["office"], LIVE, "publish", str(events))
        assert refused.returncode == 2
        assert "TopicAuthorizationFailed" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        found = handover(broker, NAMES["auditor"], LIVE, "dump", "--out", str(tmp_path / "dumped.jsonl"))
        assert found.returncode == 0, found.stderr
        written = (tmp_path / "dumped.jsonl").read_text(encoding="utf-8")
        assert all(f'"id":"{one.id}"' in written for one in (late, soon))
        assert not [line for line in logs(tmp_path) if "AuthorizationFailed" in line or "Traceback" in line]
    finally:
        running.stop()
    secrets = {NAMES[role][::-1] for role in ("worker", "sink")}
    assert not [line for line in logs(tmp_path) if any(secret in line for secret in secrets)]


def rules(model: Path) -> set[str]:
    engine = connect(f"sqlite:///{model}")
    with engine.connect() as connection:
        found = set(connection.execute(select(tables.alert.c.rule_id)).scalars())
    engine.dispose()
    return found


def logs(folder: Path) -> list[str]:
    return [line for log in folder.glob("*.log") for line in log.read_text().splitlines()]


WRONG = {
    "host": "is not trusted: IP address mismatch",
    "authority": "is not trusted: ",
    "password": "does not take user worker-1 with this password",
    "protocol": "it wants TLS",
}


def wrong(broker: Secured, what: str, folder: Path) -> dict[str, str]:
    given = variables(broker, NAMES["worker"], MATRIX)
    if what == "host":
        return given | {"REENTRY_BROKERS": f"127.0.0.1:{broker.wrong_host_port}"}
    if what == "authority":
        return given | {"REENTRY_KAFKA_CA_FILE": str(Authority.make(folder / "other").ca_file)}
    if what == "password":
        (folder / "password").write_text("guessed", encoding="utf-8")
        return given | {"REENTRY_KAFKA_PASSWORD_FILE": str(folder / "password")}
    return {name: value for name, value in given.items() if not name.startswith("REENTRY_KAFKA_")}


@pytest.mark.parametrize("what", WRONG)
def test_whoever_is_refused_is_told_why_in_one_line(broker: Secured, what: str, tmp_path: Path) -> None:
    given = wrong(broker, what, tmp_path)
    running = Pipeline(given["REENTRY_BROKERS"], MATRIX, tmp_path)
    try:
        worker = running.start("worker", **given)
        sink = running.start("sink", **given)
        commands = (("topics", "check"), ("doctor", "--json"))
        asked = [spoken(given, *command) for command in commands]
        (said, told), (findings, _) = (one.communicate(timeout=90) for one in asked)
        assert (asked[0].returncode, said) == (2, "")
        assert WRONG[what] in told
        assert len(told.splitlines()) == 1
        [problem] = [one for one in map(orjson.loads, findings.splitlines()) if one["what"] == "broker"]
        assert (asked[1].returncode, problem["state"]) == (1, "problem")
        assert WRONG[what] in problem["text"]
        assert problem["fix"]
        for log in tmp_path.glob("*.log"):
            until(lambda log=log: is_said(log, WRONG[what]), 60)  # type: ignore[misc]
        assert worker.poll() is None  # both wait: their broker may be mended
        assert sink.poll() is None
        assert "guessed" not in "".join(logs(tmp_path))
        assert not [line for line in logs(tmp_path) if "Traceback" in line]
    finally:
        running.stop()


def spoken(given: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    command, pipe = [sys.executable, "-m", "cli", *arguments], subprocess.PIPE
    return subprocess.Popen(command, env={**os.environ, **given}, stdout=pipe, stderr=pipe, text=True)


def is_said(log: Path, reason: str) -> bool:
    return any(reason in line and "waiting" in line for line in log.read_text().splitlines())


def test_a_client_may_show_a_certificate_whose_key_has_a_password(broker: Secured) -> None:
    key, certificate = broker.authority.sign("prison", password="of the key")
    one = replace(broker.connection("root"), certificate_file=certificate, key_file=key, key_password="of the key")
    assert "of the key" not in repr(one)
    assert root_password() not in repr(one)
    admin = admin_of(one)
    assert f"{MATRIX}{ALERT}" in admin.list_topics()
    admin.close()


def root_password() -> str:
    return "root"[::-1]


def test_an_open_broker_is_told_when_rights_are_asked_of_it(kafka: str, tmp_path: Path) -> None:
    file = tmp_path / "principals.toml"
    file.write_text('reader = ["reader-1"]\n', encoding="utf-8")
    env = {**os.environ, "REENTRY_BROKERS": KafkaConnection(kafka).servers[0]}
    command = [sys.executable, "-m", "cli", "topics", "check", "--acls", str(file)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "has no authorizer" in done.stderr
