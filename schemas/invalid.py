"""Why a record is no event."""

from typing import Literal

# FAILED and UNWRITABLE are never raised here: a bug of ours made the dead letter, or a database that cannot hold the record.
Reason = Literal[
    "MALFORMED",
    "SCHEMA",
    "UNKNOWN_TYPE",
    "UNKNOWN_VERSION",
    "PII_IN_TEXT",
    "CLOCK_AHEAD",
    "NOT_ALLOWED",
    "FAILED",
    "UNWRITABLE",
]


class InvalidEvent(Exception):
    """A record that no retry can make an event. The message names places and rules, never values."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["InvalidEvent"], tuple[Reason, str]]:
        return InvalidEvent, (self.reason, self.message)
