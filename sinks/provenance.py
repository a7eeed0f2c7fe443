"""What consumers take from the pipeline's own topics: records that a worker wrote, and no others (schemas/provenance.py)."""

from collections.abc import Sequence

from schemas.provenance import epoch_of
from schemas.topics import ALERT, CASE
from sinks.consumer import Record

MARKED = frozenset((ALERT, CASE))  # topics on which workers mark what they write


def split_foreign(batch: Sequence[Record], *, unmarked: bool) -> tuple[Sequence[Record], Sequence[Record]]:
    """The records that may be delivered, and those of the pipeline's own topics that no worker wrote. `unmarked`: take these too."""
    if unmarked:
        return batch, ()
    foreign = [one for one in batch if one.topic in MARKED and epoch_of(one.headers) is None]
    if not foreign:
        return batch, ()
    refused = {(one.topic, one.partition, one.offset) for one in foreign}
    return [one for one in batch if (one.topic, one.partition, one.offset) not in refused], foreign
