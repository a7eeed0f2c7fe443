"""Whether the topics that the workers write still hold what the workers say they wrote."""

from collections.abc import Iterator, Mapping

from kafka import TopicPartition

from brokers.connection import KafkaConnection
from brokers.holdings import Holding, holdings
from schemas.progress import Progress, Wrote
from schemas.topics import ALERT, CASE, named

ADVICE = "stop all workers, then: handover rebuild cases"


class LostRecords(RuntimeError):
    """Records that workers wrote are gone: going on would forget cases, or leave alerts untold. The text says what to do."""

    def __init__(self, losses: list[str]) -> None:
        more = f" (and {len(losses) - 1} more partitions)" if len(losses) > 1 else ""
        super().__init__(f"{losses[0]}{more}; {ADVICE}")


def written(kafka: KafkaConnection, prefix: str) -> Mapping[TopicPartition, Holding]:
    """What the topics of cases and alerts hold now. Raise KafkaError, OSError."""
    return holdings(kafka, [named(prefix, topic) for topic in (CASE, ALERT)])


def losses(newest: Mapping[int, Progress], held: Mapping[TopicPartition, Holding], prefix: str) -> list[str]:
    """One line for each partition that lacks what a worker has reported, the newest report of each partition given."""
    return [
        f"{topic}[{number}] {why}"
        for number, told in sorted(newest.items())
        for topic, end, known in (
            (named(prefix, CASE), told.cases_end, told.cases),
            (named(prefix, ALERT), told.alerts_end, told.alerts),
        )
        for why in _losses(end, known, held.get(TopicPartition(topic, number)))
    ]


def _losses(end: int, known: Wrote | None, held: Holding | None) -> Iterator[str]:
    if held is None:
        yield "is not there, though workers wrote to it"
    elif known is not None and known.topic_id != held.topic_id:
        yield "was made anew: what workers wrote is gone"
    elif held.end < end:
        yield f"ends at {held.end}, though workers wrote up to {end}"
    elif known is not None and held.first > known.first:
        yield f"begins at {held.first}, no longer at {known.first}: records were removed"
