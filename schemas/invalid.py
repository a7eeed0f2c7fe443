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
    "CLOCK_BEHIND",
    "NOT_ALLOWED",
    "FAILED",
    "UNWRITABLE",
]
MOST_ERRORS, LONGEST_ERROR = 20, 240  # of one record; a header of a dead letter carries them
BETWEEN = "; "  # errors of one message


class InvalidEvent(Exception):
    """A record that no retry can make an event, with all that is wrong with it, the first thing first.

    An error is `path: rule`. It names places and rules, never values.
    """

    def __init__(self, reason: Reason, *errors: str) -> None:
        told = tuple(one[:LONGEST_ERROR] for one in errors[: MOST_ERRORS + 1])
        if len(errors) > len(told):
            told = (*told[:MOST_ERRORS], f"and {len(errors) - MOST_ERRORS} more")
        self.reason: Reason = reason
        self.errors: tuple[str, ...] = told
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """All errors in one line."""
        return BETWEEN.join(self.errors)

    def __reduce__(self) -> tuple[type["InvalidEvent"], tuple[Reason, *tuple[str, ...]]]:
        return InvalidEvent, (self.reason, *self.errors)
