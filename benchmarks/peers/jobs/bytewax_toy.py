"""The toy job on Bytewax: stateful logic per person, recovery in SQLite with a snapshot each second. Reads to the end and stops.

It knows the wall clock only. Deadlines are asked of `notify_at` as far from now as they are from the event; on a backlog the topics do
not keep step, so alerts can be raised for what is answered a little further on. What is left at the end is judged by event time.
"""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, TOY_SOURCES
from benchmarks.peers.jobs.toy import due, expire, take


class Person(StatefulLogic):
    newest = 0  # event time; one worker, so all persons share it

    def __init__(self, state: Any) -> None:
        self.held, self.at, self.key = state or ({}, None, "")

    def on_item(self, message: Any) -> tuple[Any, bool]:
        timestamp = message.timestamp[1]
        Person.newest, self.key = max(Person.newest, timestamp), message.key.decode()
        take(self.held, message.value, timestamp, is_release=message.topic == TOY_SOURCES[0])
        at = due(self.held)
        self.at = datetime.now(UTC) + timedelta(milliseconds=at - timestamp) if at else None
        return (), not self.held

    def _fire(self, until_ms: int) -> tuple[Any, bool]:
        found = expire(self.held, self.key, until_ms)
        self.at = None
        return found, not self.held

    def on_notify(self) -> tuple[Any, bool]:
        return self._fire(due(self.held))

    def on_eof(self) -> tuple[Any, bool]:
        return self._fire(Person.newest)

    def notify_at(self) -> datetime | None:
        return self.at

    def snapshot(self) -> Any:
        return dict(self.held), self.at, self.key


def flow() -> Dataflow:
    made = Dataflow("toy")
    read = kop.input("in", made, brokers=[BROKERS], topics=TOY_SOURCES, tail=False, batch_size=1000)
    alerts = op.stateful("persons", op.key_on("person", read.oks, lambda message: message.key.decode()), Person)
    told = op.map("told", alerts, lambda alert: KafkaSinkMessage(key=alert[1][0], value=alert[1][1]))
    kop.output("out", told, brokers=[BROKERS], topic=ALERTS)
    return made


def main() -> None:
    folder = Path(FOLDER) / "recovery"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    init_db_dir(folder, 1)
    started = time.time()
    cli_main(flow(), recovery_config=RecoveryConfig(str(folder)), epoch_interval=timedelta(seconds=1))
    print(f"SECONDS {time.time() - started:.3f}", flush=True)


if __name__ == "__main__":
    main()
