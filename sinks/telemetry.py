"""What a consumer shows in its metrics and says in its log of lags and gaps."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import TopicPartition

from sinks import metrics
from sinks.takeover import OpenGap

log = logging.getLogger(__name__)
MEANING = {
    "REMOVED": "records were removed before they were read: they are missing in SQL",
    "SHRUNK": "the log ends before what was read: the broker has lost records; nothing of it is written any more",
    "OTHER_TOPIC": "the topic was made anew; nothing of it is written any more",
    "OTHER_CLUSTER": "this is another Kafka cluster; nothing of it is written any more",
}


class Telemetry:
    """Of one consumer. Gauges of partitions that go to another process are removed."""

    def __init__(self, sink: str, group: str) -> None:
        self._sink, self._group = sink, group
        self._lagging: set[TopicPartition] = set()
        self._said: set[tuple[Any, ...]] = set()
        self._kinds: set[tuple[str, str]] = set()

    def show_lags(self, lags: Mapping[TopicPartition, int]) -> None:
        """Show how many records of each partition are not yet delivered."""
        for place in self._lagging - lags.keys():
            metrics.LAG.remove(self._group, place.topic, str(place.partition))
        self._lagging = set(lags)
        for place, lag in lags.items():
            metrics.LAG.labels(self._group, place.topic, str(place.partition)).set(lag)

    def show_gaps(self, gaps: Sequence[OpenGap]) -> None:
        """Say each gap once, and count those that are open."""
        counts = Counter((one.topic, one.kind) for one in gaps)
        for topic, kind in self._kinds - counts.keys():
            metrics.GAPS.labels(topic, kind).set(0)
        self._kinds = set(counts)
        for (topic, kind), count in counts.items():
            metrics.GAPS.labels(topic, kind).set(count)
        for one in gaps:
            key = (one.topic, one.partition, one.kind, one.found_at)
            if key not in self._said:
                self._said.add(key)
                place = {"topic": one.topic, "partition": one.partition}
                offsets = {"kind": one.kind, "first": one.first_offset, "next": one.next_offset}
                text = f"gap: {MEANING[one.kind]}; handover rebuild sql"
                log.error(text, extra={"sink": self._sink, **place, **offsets})

    def show_halted(self, count: int) -> None:
        """Show how many partitions are not delivered until the read model is rebuilt."""
        metrics.HALTED.labels(self._sink).set(count)
