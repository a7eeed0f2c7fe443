"""The mark that workers put on what they write to the pipeline's own topics: the epoch of their ownership of the partition.

It keeps mistakes and ignorance out. Whoever can write to these topics and copies the mark is kept out by the broker alone.
"""

from collections.abc import Iterable

EPOCH = "epoch"
LARGEST_EPOCH = 2**31 - 1  # epochs are generations of a consumer group: nobody counts so far


def epoch_of(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    """The epoch of the worker that wrote a record; None where no worker did."""
    told = [value for name, value in headers if name == EPOCH]
    if len(told) != 1 or not told[0] or not told[0].isdigit() or len(told[0]) > len(str(LARGEST_EPOCH)):
        return None
    epoch = int(told[0])
    return epoch if epoch <= LARGEST_EPOCH else None


def mark(epoch: int) -> tuple[str, bytes]:
    """The header."""
    return EPOCH, b"%d" % epoch
