"""How far the owned partitions are known: bounds are exclusive, in ms of the judged time (docs/architecture.md, "Time")."""

from collections.abc import Iterable, Sequence

from faust.types import TP

from streams.clock import Clock
from streams.engine.transport import App
from streams.input_buffer import InputBuffer
from streams.shared_topic import SystemReader
from streams.watermark import Marks, least

HOPS = 2  # a dispute tells a person's case, which tells that of the survivor of a merge; what goes further comes late


class PartitionWatermarks:
    """What is read, taken and told below which instant. `topics`: those that publishers write to."""

    def __init__(
        self,
        app: App,
        inbox: InputBuffer,
        system: SystemReader,
        clock: Clock,
        topics: Sequence[str],
        grace_seconds: float,
    ) -> None:
        self._app, self._inbox, self._system, self._clock = app, inbox, system, clock
        self._topics, self._grace_ms = topics, round(grace_seconds * 1000)

    def read(self, partitions: Iterable[int]) -> dict[int, int]:
        """Per partition: all facts of its own topics with a smaller arrival have been read, and parsed, and routed."""
        found = {}
        for partition in partitions:
            bound = least(self._of(TP(topic, partition)) for topic in self._topics)
            if bound is not None:
                found[partition] = self._clock.millis_at(bound)
        return found

    def _of(self, tp: TP) -> int | None:
        until = self._app.consumer.read_until(tp)
        return self._inbox.frontiers[tp].bound(None if until is None else int(until * 1000), self._grace_ms)

    def marks(self, partition: int, read: int) -> tuple[Marks, int | None]:
        """What others are told of a partition after its facts have been taken, and the bound below which all facts are in."""
        marks = [read]
        for hop in range(HOPS + 1):
            known = least((marks[-1], self._inbox.markers.bound(partition, hop)))
            if known is None:
                return tuple(marks), None
            first = self._inbox.waiting[partition].first_ms
            marks.append(known if first is None else min(known, first))
        return tuple(marks[:-1]), marks[-1]

    def told(self) -> int | None:
        """The world knows everything below it."""
        until = self._system.told_until
        return None if until is None else self._clock.millis_at(until)
