"""The servers that tests and demo start are real, keep what they were given, and leave nothing running."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from sqlalchemy import create_engine, text

from cli.stack.children import Unstartable, alive
from cli.stack.kafka import Broker, PortTaken, is_answering, libs
from cli.stack.postgres import Postgres
from cli.stack.tools import console_producer
from schemas.topics import partition_of
from tests.conditions import until

pytestmark = pytest.mark.servers


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "kafka", heap_mb=256) as node:
        yield node


def values(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=2000, group_id=None
    )
    try:
        return [record.value for record in consumer]
    finally:
        consumer.close()


def publish(bootstrap: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    try:
        producer.send(topic, value).get(timeout=20)
    finally:
        producer.close()


def test_a_restarted_broker_has_what_it_was_given(broker: Broker) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics({"kept": {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    publish(broker.bootstrap, "kept", b"before the stop")
    broker.stop()
    assert not is_answering(broker.bootstrap)
    broker.start()
    publish(broker.bootstrap, "kept", b"before the kill")
    broker.kill()
    broker.start()
    assert values(broker.bootstrap, "kept") == [b"before the stop", b"before the kill"]


def test_a_broker_does_not_take_another_one_for_itself(broker: Broker, tmp_path: Path) -> None:
    second = Broker(tmp_path / "second", port=broker.port, heap_mb=256)
    with pytest.raises(PortTaken, match=f"Port {broker.port} is taken"):
        second.start()
    assert second.process is None
    assert is_answering(broker.bootstrap)


def test_topics_are_never_made_by_accident(kafka: str, topic_prefix: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka, max_block_ms=1500)
    try:
        with pytest.raises(Exception, match=r"(?i)metadata|unknown"):
            producer.send(f"{topic_prefix}nobody-made-it", b"x").get(timeout=5)
    finally:
        producer.close()


def test_the_java_client_publishes_headers_key_and_value(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}java"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics({topic: {"num_partitions": 2}}, wait_for_metadata=True)
    admin.close()
    console_producer(kafka, topic, ["a:1,b:2\tkey\tvalue"], options=["--compression-codec", "zstd"])
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest", consumer_timeout_ms=3000)
    try:
        found = [(record.headers, record.key, record.value, record.partition) for record in consumer]
    finally:
        consumer.close()
    assert found == [([("a", b"1"), ("b", b"2")], b"key", b"value", partition_of(b"key", 2))]


STARTER = """
import sys, time
from pathlib import Path
from cli.stack.kafka import Broker
broker = Broker(Path(sys.argv[1]), heap_mb=256).start()
print(broker.process.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_broker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        broker = int(parent.stdout.readline())
        assert alive(broker)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not alive(broker))


def test_missing_jars_are_named_with_the_line_that_brings_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.stack.kafka.LIBS", tmp_path)
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    with pytest.raises(Unstartable, match="make setup"):
        libs()


def test_postgres_answers_sql(postgres: str) -> None:
    engine = create_engine(postgres)
    with engine.connect() as connection:
        assert connection.execute(text("select current_setting('server_encoding')")).scalar_one() == "UTF8"
    engine.dispose()


def test_a_crashed_postgres_recovers_what_it_committed() -> None:
    with Postgres(settings={"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}) as server:
        engine = create_engine(server.url)
        with engine.begin() as connection:
            connection.execute(text("create table kept (n int)"))
            connection.execute(text("insert into kept values (7)"))
        engine.dispose()
        server.kill()
        server.start()
        with engine.connect() as connection:
            assert connection.execute(text("select n from kept")).scalar_one() == 7
        engine.dispose()
    assert not server.folder.exists()
