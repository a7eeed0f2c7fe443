"""The toy job on `streams/engine`: its consumer, store, heap and sends; only what stands in this file is the job's own."""

import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Any

import orjson
from faust.types import TP

from benchmarks.peers.jobs.place import ALERTS, BROKERS, FOLDER, PARTITIONS, RUN, TOY_SOURCES
from benchmarks.peers.jobs.toy import due, expire, take
from schemas.provenance import EPOCH
from streams.engine.heap import TimerQueue
from streams.engine.store import HEAD, NEVER, NEXT, URL, packed
from streams.engine.transport import App, Output
from streams.watermark import Frontier, least

GRACE_MS = 500
LONGEST = 10_000  # records of one partition of one topic that may wait before it is not fetched for a while


class Toy:
    """What `streams/step.py` is for the product: takes polls, fires what is due, writes alerts, then state."""

    def __init__(self, app: App, table: Any) -> None:
        self.app, self.table, self.sources = app, table, TOY_SOURCES
        self.deadlines: dict[int, TimerQueue] = {}
        self.ready = self.stale = self.busy = False
        self._frontiers: dict[TP, Frontier] = defaultdict(Frontier)
        self._waiting: dict[TP, deque[Any]] = defaultdict(deque)  # records, as read
        self._following: dict[TP, int] = {}
        table.on_recover(self.rebuild)
        app.on_partitions_revoked.connect(self.stop)

    async def stop(self, app: Any, revoked: Any, **_: Any) -> None:
        self.ready = False
        self.deadlines.clear()
        self._waiting.clear()
        self._frontiers.clear()

    def forget(self, partition: int) -> None:
        self.deadlines.pop(partition, None)
        self.stale = True

    async def rebuild(self) -> None:
        self.stale = False
        for tp in self.app.assignor.assigned_actives():
            if tp.topic == self.sources[0] and tp.partition not in self.deadlines:
                part = self.table.data.parts[tp.partition]
                known = ((HEAD.unpack_from(value)[1], key) for key, value in part.items())
                self.deadlines[tp.partition] = TimerQueue([one for one in known if one[0] != NEVER])
                self.table.data.claim(tp.partition, self.app.consumer_generation_id)
        self.ready = True

    def wanted(self, places: Iterable[TP]) -> set[TP]:
        return {tp for tp in places if len(self._waiting[tp]) < LONGEST}

    def take(self, work: dict[TP, list[Any]]) -> None:
        for tp, records in work.items():
            self._waiting[tp].extend(records)
            self._frontiers[tp].last_ms = records[-1].timestamp
            self._following[tp] = records[-1].offset + 1

    def offsets(self) -> dict[TP, int]:
        return self._following | {tp: waiting[0].offset for tp, waiting in self._waiting.items() if waiting}

    def _bound(self, tp: TP) -> int | None:
        until = self.app.consumer.read_until(tp)
        return self._frontiers[tp].bound(None if until is None else int(until * 1000), GRACE_MS)

    async def step(self) -> bool:
        alerts: dict[int, list[Output]] = {}
        changed: dict[int, dict[bytes, dict[str, Any]]] = {}
        for partition in self.deadlines:
            until = least(self._bound(TP(topic, partition)) for topic in self.sources)
            if until is None:
                continue
            changed[partition] = self._taken(partition, until)
            alerts[partition] = self._fired(partition, until, changed[partition])
        return await self._write(alerts, changed)

    def _state(self, partition: int, key: bytes, changed: dict[bytes, dict[str, Any]]) -> dict[str, Any]:
        found = changed.get(key)
        if found is None:
            value = self.table.data.parts[partition].get(key)
            found = changed[key] = orjson.loads(value[HEAD.size :]) if value else {"seen": {}, "held": {}}
        return found

    def _taken(self, partition: int, until: int) -> dict[bytes, dict[str, Any]]:
        """Everything before the watermark, both topics interleaved by timestamp; what the table knows already is passed over."""
        changed: dict[bytes, dict[str, Any]] = {}
        known = chain.from_iterable(self._before(TP(topic, partition), until) for topic in self.sources)
        for record in sorted(known, key=attrgetter("timestamp")):
            state = self._state(partition, record.key, changed)
            is_release = record.topic == self.sources[0]
            source = "r" if is_release else "c"
            if record.offset > state["seen"].get(source, -1):
                state["seen"][source] = record.offset
                take(state["held"], record.value, record.timestamp, is_release=is_release)
        return changed

    def _before(self, tp: TP, until: int) -> Iterator[Any]:
        waiting = self._waiting[tp]
        while waiting and waiting[0].timestamp < until:
            yield waiting.popleft()

    def _fired(self, partition: int, until: int, changed: dict[bytes, dict[str, Any]]) -> list[Output]:
        part = self.table.data.parts[partition]
        found: list[Output] = []
        for key, state in changed.items():
            found += [Output(*alert) for alert in expire(state["held"], key.decode(), until - 1)]
        for key in self.deadlines[partition].due(until, lambda key: HEAD.unpack_from(part[key])[1], 1_000_000):
            if key not in changed:
                held = self._state(partition, key, changed)["held"]
                found += [Output(*alert) for alert in expire(held, key.decode(), until - 1)]
        return found

    async def _write(self, alerts: dict[int, list[Output]], changed: dict[int, dict[bytes, dict[str, Any]]]) -> bool:
        store, topic = self.table.data, self.table.changelog_topic_name
        outputs: dict[int, list[Output]] = {}
        kept = []
        for partition, states in changed.items():
            epoch = store.own[partition]
            for key, state in states.items():
                at, value = due(state["held"]) or NEVER, orjson.dumps(state)
                head = [(EPOCH, b"%d" % epoch), (NEXT, b"" if at == NEVER else b"%d" % at)]
                outputs.setdefault(partition, []).append(Output(key, value, head))
                kept.append((partition, key, at, packed(epoch, at, 0, value)))
        told = {partition: some for partition, some in alerts.items() if some}
        for where, what in ((ALERTS, told), (topic, outputs)):
            if not what:
                continue
            if not await self.app.consumer.lease():
                self.ready = False
                return False
            for written in await self.app.send_batches(where, what):
                if where == topic:
                    store.wrote(TP(topic, written.partition), written.base + written.number - 1)
        for partition, key, at, value in kept:
            store.parts[partition][key] = value
            if at != NEVER:
                self.deadlines[partition].push(at, key)
        return True


def app() -> App:
    """The app, configured as `streams/app.py` configures the product's."""
    made = App(
        f"{RUN}.ours",
        broker=[f"kafka://{BROKERS}"],
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        table_standby_replicas=0,
        recovery_consistency_check=True,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=1.0,
        broker_commit_interval=1.0,
        broker_max_poll_records=5000,
        consumer_max_fetch_size=4 * 1024 * 1024,
        consumer_auto_offset_reset="earliest",
        producer_max_batch_size=900_000,
        producer_max_request_size=2_000_000,
        producer_acks=-1,
        stream_recovery_delay=0.0,
        web_enabled=False,
        datadir=FOLDER,
    )
    sources = made.topic(*TOY_SOURCES, key_type=bytes, value_type=bytes, value_serializer="raw")
    table = made.Table("persons", partitions=PARTITIONS, key_type=bytes, value_type=bytes, store=URL)
    made.engine = Toy(made, table)

    @made.agent(sources)  # type: ignore[untyped-decorator]
    async def subscribe(stream: Any) -> None:
        async for _ in stream:
            pass

    return made


if __name__ == "__main__":
    sys.argv = ["ours", "worker", "-l", "warn", "--without-web"]
    app().main()
