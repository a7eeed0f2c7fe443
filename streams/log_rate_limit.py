"""What libraries say again and again is logged once a minute: while brokers are away a client tells of it hundreds of times a second."""

import logging
import time
from asyncio import CancelledError
from collections.abc import Callable

AGAIN_SECONDS = 60.0


class RateLimit(logging.Filter):
    """Lets each line of some loggers pass once a minute, whatever its values, with how many like it were left out."""

    def __init__(self, *names: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._names, self._clock = names, clock
        self._told: dict[tuple[str, str], float] = {}
        self._left: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged."""
        if record.name.partition(".")[0] not in self._names:
            return True
        line, now = (record.name, str(record.msg)), self._clock()
        if now - self._told.get(line, float("-inf")) < AGAIN_SECONDS:
            self._left[line] = self._left.get(line, 0) + 1
            return False
        self._told[line] = now
        if left := self._left.pop(line, 0):
            record.msg = f"{record.msg} (and {left} times more)"
        return True


class OneLine(logging.Filter):
    """Says what ends a worker on purpose once and without a traceback: whoever started the worker says what to do.

    That Faust's agent, which does nothing, is cancelled at each end is not said at all.
    """

    def __init__(self, *kinds: type[Exception]) -> None:
        super().__init__()
        self._kinds, self._told = kinds, set[int]()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, CancelledError):
            return False
        if not isinstance(error, self._kinds):
            return True
        if id(error) in self._told:
            return False
        self._told.add(id(error))
        record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        return True
