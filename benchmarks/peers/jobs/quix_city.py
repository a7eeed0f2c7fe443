"""The city on Quix Streams: six topics merged by timestamp, the encoded case as keyed state. Deadlines wait for the case's next record."""

from typing import Any

from quixstreams import Application

from benchmarks.peers.jobs.city import CITY_SOURCES, City
from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, RUN
from handover.cases.codec import encode_case

city = City()


def _step(told: list[Any], key: bytes, timestamp: int, headers: Any, state: Any) -> list[bytes]:
    topic, value = told
    stored = state.get("case")
    case = city.case(key, stored.encode() if stored else None)
    found = city.take(case, topic, value, headers, timestamp)
    if found is None:
        return []
    state.set("case", encode_case(case).value.decode())
    return [body for _, body in found]


def main() -> None:
    app = Application(
        broker_address=BROKERS,
        consumer_group=f"{RUN}.quix",
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=FOLDER,
        loglevel="WARNING",
        consumer_extra_config={"fetch.max.bytes": 8_000_000},
    )
    all_: Any = None
    for name in CITY_SOURCES:
        frame = app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes"))
        told = frame.apply(lambda value, key, at, headers, name=name: [name, value], metadata=True)
        all_ = told if all_ is None else all_.concat(told)
    alerts = all_.apply(_step, stateful=True, metadata=True, expand=True)
    alerts.to_topic(app.topic(ALERTS, key_serializer="bytes", value_serializer="bytes"))
    app.run()


if __name__ == "__main__":
    main()
