"""The toy job on Quix Streams: both topics merged by timestamp, keyed state with changelog.

There is no timer per key and no way to go over the keys. A deadline is seen only when the person's next event comes, by its
timestamp: at the end of the data alerts are still owed. That is its fast form; `session` is the form that closes by the
partition's time: a session window, the nearest built-in thing, with a fixed silence instead of each release's own deadline.
"""

import sys
from typing import Any

import orjson
from quixstreams import Application
from quixstreams.dataframe.windows import Reduce

from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, RUN, TOY_SOURCES
from benchmarks.peers.jobs.toy import UNANSWERED_MS, expire, take

SILENCE_MS = 10_000


def _first(told: list[Any]) -> dict[str, list[int]]:
    return take({}, told[1].encode(), told[2], is_release=told[0])


def _more(held: dict[str, list[int]], told: list[Any]) -> dict[str, list[int]]:
    return take(held, told[1].encode(), told[2], is_release=told[0])


def _owed(window: dict[str, Any]) -> list[bytes]:
    return [
        orjson.dumps({"alert": f"{name}:{at}"}) for name, (at, is_answer) in window["held"].items() if not is_answer
    ]


def _step(told: list[Any], key: bytes, timestamp: int, _headers: Any, state: Any) -> list[list[str]]:
    held = state.get("held", {})
    found = expire(held, key.decode(), timestamp)
    state.set("held", take(held, told[1].encode(), timestamp, is_release=told[0]))
    return [[name.decode(), body.decode()] for name, body in found]


def main(form: str) -> None:
    app = Application(
        broker_address=BROKERS,
        consumer_group=f"{RUN}.quix",
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=FOLDER,
        loglevel="WARNING",
    )
    release, answer = (
        app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes")) for name in TOY_SOURCES
    )
    out = app.topic(ALERTS, key_serializer="bytes", value_serializer="bytes")
    one = release.apply(lambda value, key, at, headers: [True, value.decode(), at], metadata=True)
    other = answer.apply(lambda value, key, at, headers: [False, value.decode(), at], metadata=True)
    both = one.concat(other)  # merged by timestamp
    if form == "session":
        held = Reduce(_more, _first, merger=lambda first, second: first | second)
        closed = (
            both.session_window(SILENCE_MS, grace_ms=UNANSWERED_MS).agg(held=held).final(closing_strategy="partition")
        )
        closed.apply(_owed, expand=True).to_topic(out)
    else:
        told = both.apply(_step, stateful=True, metadata=True, expand=True)
        told.apply(lambda pair: pair[1].encode()).to_topic(out)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "state")
