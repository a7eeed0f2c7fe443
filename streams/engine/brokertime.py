"""What time it is by the brokers' clocks: records are stamped by them, and our own clock may be wrong, or jump."""

import time

from aiokafka.structs import RecordMetadata


class BrokerTime:
    """The least that the brokers' clocks can say now, from the stamps with which they acknowledge what we write.

    A record was stamped before its acknowledgement came, and from then on our monotonic clock counts. Of several brokers the
    one whose clock is behind counts. Where topics keep their writers' timestamps (recorded histories) nobody stamps: then it
    is our own clock.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._offsets: dict[tuple[str, int], float] = {}  # per partition: the broker's clock minus our monotonic one, s
        self._unstamped = False

    def heard(self, written: RecordMetadata) -> None:
        """Take an acknowledgement that has just come."""
        if written.timestamp_type == 1:  # LogAppendTime
            place = (written.topic, written.partition)
            self._offsets[place] = written.timestamp / 1000 - time.monotonic()
        elif not self._offsets:
            self._unstamped = True

    def now(self) -> float | None:
        """Seconds since 1970; None: not yet known."""
        if self._offsets:
            return time.monotonic() + min(self._offsets.values())
        return time.time() if self._unstamped else None
