"""The value of `reentry.progress.v1`: how far a partition has been processed, and what its worker runs with."""

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.alert import At


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Setup(_Read):
    """What the workers of one pipeline must have in common, or they would raise different alerts. Digests are SHA-256, 16 hex digits."""

    book: str
    book_digest: str
    calendar_digest: str
    clock_digest: str
    partitions: int
    version: str  # major and minor: releases that differ in more may run side by side during an update
    cluster: str  # the Kafka cluster's own id
    publishers_digest: str | None = None  # of the register of publishers; None: a release that did not tell it

    def differences(self, other: "Setup") -> list[str]:
        """The names of the fields that differ, with both values: `book cn-default@2, not city@1`."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in Setup.model_fields}
        return [
            f"{name} {mine}, not {theirs}"
            for name, (mine, theirs) in pairs.items()
            if mine != theirs and None not in (mine, theirs)
        ]


class Wrote(_Read):
    """The partition of a topic as its worker knows it: records between `first` and the reported end stand in the topic with this id."""

    topic_id: str
    first: int = Field(ge=0)


class Progress(_Read):
    """One partition's watermark. All alerts before `processed_until` stand below `alerts_end`, all cases below `cases_end`."""

    partition: int = Field(ge=0)
    processed_until: At  # in the time that facts are judged in
    alerts_end: int = Field(ge=0)  # offset after the last alert of the partition
    cases_end: int = Field(ge=0)  # offset after the last case of the partition
    alerts: Wrote | None = None  # None: a release that did not tell it
    cases: Wrote | None = None
    worker: str  # names one worker process
    setup: Setup

    @property
    def key(self) -> bytes:
        """The record's key."""
        return b"%d" % self.partition

    def encode(self) -> bytes:
        """The JSON of the record."""
        return orjson.dumps(self.model_dump(mode="json"))


def read(value: bytes | None) -> Progress:
    """Read what `encode` wrote. Raise ValueError for anything else."""
    try:
        return Progress.model_validate(orjson.loads(value or b""))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise ValueError("no progress of a worker") from error
