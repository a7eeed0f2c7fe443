"""Why a record is no event."""

from typing import Literal

# FAILED is never raised here: it marks a dead letter that a bug of ours made.
Reason = Literal["MALFORMED", "SCHEMA", "UNKNOWN_TYPE", "UNKNOWN_VERSION", "PII_IN_TEXT", "CLOCK_AHEAD", "FAILED"]


class InvalidEvent(Exception):
    """A record that no retry can make an event. The message names places and rules, never values."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["InvalidEvent"], tuple[Reason, str]]:
        return InvalidEvent, (self.reason, self.message)
