"""Record once which classes a broker loads, so that every later start takes half the time (Java's shared archive)."""

import sys
import tempfile
from pathlib import Path

from cli.stack.children import Unstartable
from cli.stack.kafka import ARCHIVE, Broker, libs


def main() -> int:
    """Run a broker for one record, so that the JVM writes the archive beside the jars. Failing does no harm."""
    try:
        archive = libs() / ARCHIVE
        archive.unlink(missing_ok=True)
        record = (f"-XX:ArchiveClassesAtExit={archive}",)
        with tempfile.TemporaryDirectory() as folder, Broker(Path(folder), jvm=record) as broker:
            _one_record(broker.bootstrap)
    except (Unstartable, OSError) as error:
        print(f"setup: Kafka will start a little slower: {error}", file=sys.stderr)
    return 0


def _one_record(bootstrap: str) -> None:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({"warm": {"num_partitions": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    producer.send("warm", b"-").get(timeout=30)
    producer.close()
    consumer = KafkaConsumer("warm", bootstrap_servers=bootstrap, group_id="warm", auto_offset_reset="earliest")
    consumer.poll(timeout_ms=5000)
    consumer.commit()
    consumer.close()


if __name__ == "__main__":
    sys.exit(main())
