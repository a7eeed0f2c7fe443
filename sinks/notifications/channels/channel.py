"""What a channel is: something that sends one message, and says what became of it."""

from typing import Protocol

from sinks.notifications.message import Message


class Unreachable(Exception):
    """Not sent this time: try again later. `why`: the kind of failure, never a text of the other side.

    `may_have_arrived`: the answer was lost after the message had been handed over; `is_channel`: others would fail as well.
    """

    def __init__(
        self, why: str, *, may_have_arrived: bool = False, is_channel: bool = True, after: float | None = None
    ) -> None:
        super().__init__(why)
        self.why, self.may_have_arrived, self.is_channel = why, may_have_arrived, is_channel
        self.after = after  # seconds that the other side asks for


class Undeliverable(Exception):
    """The other side refuses this message for good. `why` as above."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Channel(Protocol):
    """Sends messages one at a time."""

    def send(self, message: Message) -> None:
        """Send, and return once the other side has taken it over. Raise Unreachable, Undeliverable."""
        ...

    def close(self) -> None:
        """Release what is kept between messages."""
        ...
