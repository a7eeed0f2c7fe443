"""Waiting for what does not answer: said once, then waited for, and said once that it goes on."""

import logging
import threading
import time
from collections.abc import Callable

from kafka.errors import KafkaError

from sinks import metrics
from sinks.consumer import SinkUnavailable

log = logging.getLogger(__name__)
WAIT_SECONDS = 1.0
REST = 4.0  # what is done beside writing takes a fifth of a core at most
KAFKA, DATABASE = "Kafka", "the database"


class Refused(RuntimeError):
    """A broker does not let us in. The text says why."""


class Outage:
    """Who waits, and for what."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._away: set[str] = set()
        metrics.UNAVAILABLE.labels(name).set(0)

    def wait(self, what: str, error: Exception, stop: threading.Event) -> None:
        """`what` does not answer: say so the first time, and wait a moment."""
        if what not in self._away:
            log.error("%s does not answer; waiting", what, extra={"sink": self._name, "error": name_error(error)})
        self._away.add(what)
        metrics.UNAVAILABLE.labels(self._name).set(1)
        stop.wait(WAIT_SECONDS)

    def over(self, what: str) -> None:
        """`what` answers."""
        if what not in self._away:
            return
        self._away.remove(what)
        log.warning("%s answers, goes on", what, extra={"sink": self._name})
        metrics.UNAVAILABLE.labels(self._name).set(len(self._away) > 0)


def repeat(step: Callable[[], None], seconds: float, outage: Outage, stop: threading.Event) -> None:
    """Do a step every so many seconds until told to stop; while Kafka or the database is away, say so once and wait.

    A long step rests longer: beside it others write what people wait for. One that failed is tried again soon, however long it waited.
    """
    pause = seconds
    while not stop.wait(pause):
        began = time.monotonic()
        try:
            step()
        except SinkUnavailable as error:
            outage.wait(DATABASE, error, stop)
            pause = seconds
        except KafkaError as error:
            outage.wait(KAFKA, error, stop)
            pause = seconds
        else:
            outage.over(DATABASE)
            outage.over(KAFKA)
            pause = max(seconds, REST * (time.monotonic() - began))


def name_error(error: Exception) -> str:
    """What kind of error it was; its text may hold an address with a password."""
    return str(error) if isinstance(error, (SinkUnavailable, Refused)) else type(error).__name__
