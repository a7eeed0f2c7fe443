"""What a thread of a sink process shows of itself: that it advances, and who has answered it lately."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LIVE_SECONDS = 60.0  # without a step, and not waiting for the destination: hung
READY_SECONDS = 15.0  # since Kafka and the destination last answered
_NEVER = float("-inf")


class Pulse:
    """Of one consumer. Written by its thread, read by the web server: single values, no lock."""

    def __init__(self, name: str, destination: str) -> None:
        self.name, self.destination = name, destination
        self.kafka_at = self.destination_at = _NEVER
        self.gaps = 0
        self._beaten_at = time.monotonic()
        self._asking = False

    def beat(self) -> None:
        """A step was made."""
        self._beaten_at = time.monotonic()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, the destination is waited for: that takes as long as it takes, and starting the process again would not help."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False
            self.beat()

    def is_live(self, now: float) -> bool:
        """Whether it advances, or would if the destination answered."""
        return self._asking or now - self._beaten_at < LIVE_SECONDS

    def lacks(self, now: float) -> list[str]:
        """What keeps it from doing its job."""
        lines = []
        if now - self.kafka_at > READY_SECONDS:
            lines.append(f"{self.name}: Kafka does not answer")
        if now - self.destination_at > READY_SECONDS:
            lines.append(f"{self.name}: {self.destination} does not answer")
        if self.gaps:
            lines.append(f"{self.name}: the read model does not equal the log ({self.gaps} gaps; see: handover doctor)")
        return lines


class Health:
    """Of the process: its threads, the pulses of its consumers, and whether it has begun."""

    def __init__(self) -> None:
        self.pulses: Sequence[Pulse] = ()
        self.threads: Sequence[threading.Thread] = ()

    def is_live(self) -> bool:
        """Whether every thread lives and advances; before they are started the process waits for its database."""
        now = time.monotonic()
        return all(one.is_alive() for one in self.threads) and all(one.is_live(now) for one in self.pulses)

    def lacks(self) -> list[str]:
        """Why it is not ready; empty when it is."""
        if not self.threads:
            return ["the tables are not prepared yet"]
        now = time.monotonic()
        return [line for pulse in self.pulses for line in pulse.lacks(now)]
