"""Subjects whose facts fail: set aside, so that all others go on (docs/adr/0017)."""

import logging
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from schemas.parse import InvalidEvent
from streams import metrics
from streams.engine.transport import TooLarge

log = logging.getLogger(__name__)

JUDGED = 200  # distinct subjects; fewer say nothing about the program
TRIED_EACH_SECONDS = 60.0  # a subject whose facts are redriven
_SHOWN = 8  # characters of a subject


class TooManyBugs(RuntimeError):
    """Most subjects fail: stop instead of emptying the topics into the dead letters."""


class Unreadable(ValueError):
    """The kept case of a subject cannot be decoded."""

    def __init__(self, key: bytes, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.key = key


class _Aside(NamedTuple):
    why: str
    since: float  # of a clock that never jumps


class Quarantine:
    """The subjects set aside, by partition. It ends with the assignment: whoever owns a partition next tries each subject once.

    `limit`: the share of the last `JUDGED` distinct subjects that may fail.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since: dict[int, dict[bytes, _Aside]] = defaultdict(dict)
        self._said: dict[int, set[bytes]] = defaultdict(set)
        self._judged: OrderedDict[bytes, bool] = OrderedDict()  # whether each lived, the latest last

    def why(self, partition: int, key: bytes) -> str | None:
        """Why a subject is set aside, without values; None: it is not."""
        found = self._since[partition].get(key)
        return found.why if found else None

    def release(self, partition: int, key: bytes) -> None:
        """A fact of a subject was redriven: try the subject again, but seldom: its facts may be many and fail again."""
        found = self._since[partition].get(key)
        if found and time.monotonic() >= found.since + TRIED_EACH_SECONDS:
            del self._since[partition][key]
            self.tell((partition,))

    def add(self, partition: int, key: bytes, error: Exception) -> str:
        """Set a subject aside, say so once, and return why. Raise TooManyBugs where most subjects fail."""
        why = f"{type(error).__name__}: {error}" if isinstance(error, TooLarge) else type(error).__name__
        if key not in self._said[partition]:
            log.error(
                "quarantined %s… of partition %s, its facts go to the dead letters from now on: %s",
                key[:_SHOWN].decode(errors="replace"),
                partition,
                why,
                exc_info=None if isinstance(error, TooLarge) else error,
            )
        self._said[partition].add(key)
        self._since[partition][key] = _Aside(why, time.monotonic())
        self.tell((partition,))
        self._judge(key, lived=False)
        failed = sum(not lived for lived in self._judged.values())
        if len(self._judged) == JUDGED and failed > self._limit * JUDGED:
            raise TooManyBugs(f"{failed} of the last {JUDGED} subjects failed; the worker stops") from error
        return why

    def lived(self, keys: Iterable[bytes]) -> None:
        """Remember subjects that lived."""
        for key in keys:
            self._judge(key, lived=True)

    def _judge(self, key: bytes, *, lived: bool) -> None:
        self._judged[key] = lived
        self._judged.move_to_end(key)
        if len(self._judged) > JUDGED:
            self._judged.popitem(last=False)

    def tell(self, partitions: Iterable[int]) -> None:
        """Say of each owned partition how many of its subjects are set aside: 0 is told too."""
        for partition in partitions:
            metrics.QUARANTINED.labels(partition).set(len(self._since[partition]))

    def clear(self) -> None:
        """Let everybody be tried again."""
        self._since.clear()
        self._said.clear()


def feed_failed(source: str, error: Exception) -> None:
    """Say that the state of a feed is not followed any more until the worker starts again; it counts as it was last."""
    log.error("set aside the feed of %s, its state stays as it was: %s", source, type(error).__name__, exc_info=error)


def refusal(why: str) -> InvalidEvent:
    """What the dead letters of a subject say that is set aside."""
    return InvalidEvent("FAILED", why)
