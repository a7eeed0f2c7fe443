"""The city on Bytewax: stateful logic per subject, the encoded case in its recovery. Reads to the end and stops.

It merges no topics by time: facts come in the order in which the topics are read, and a case that has lived further lives again.
Deadlines wait for the case's next record; what is left at the end is judged by the newest arrival.
"""

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.peers.jobs.city import CITY_SOURCES, City
from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case

city = City()


class Subject(StatefulLogic):
    newest = 0

    def __init__(self, state: bytes | None) -> None:
        self.case = decode_case(state) if state else None

    def on_item(self, message: Any) -> tuple[Any, bool]:
        if self.case is None:
            self.case = Case.empty(message.key.decode())
        timestamp = message.timestamp[1]
        Subject.newest = max(Subject.newest, timestamp)
        return city.take(self.case, message.topic, message.value, message.headers, timestamp) or (), False

    def on_eof(self) -> tuple[Any, bool]:
        return city.live(self.case, Subject.newest) if self.case is not None and self.case.derived else (), False

    def snapshot(self) -> bytes | None:
        return encode_case(self.case).value if self.case is not None and self.case.derived is not None else None


def flow() -> Dataflow:
    made = Dataflow("city")
    read = kop.input("in", made, brokers=[BROKERS], topics=CITY_SOURCES, tail=False, batch_size=1000)
    keyed = op.filter("keyed", read.oks, lambda message: message.key is not None)
    alerts = op.stateful("cases", op.key_on("subject", keyed, lambda message: message.key.decode()), Subject)
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
