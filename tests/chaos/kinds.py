"""All kinds of faults, and the plan of a run."""

from collections.abc import Iterator, Sequence
from random import Random

from tests.chaos.clocks import library
from tests.chaos.disks import can_mount
from tests.chaos.faults import (
    AddWorker,
    CutWorker,
    Fault,
    KillBroker,
    KillPostgres,
    KillSink,
    KillWorker,
    Outage,
    RollBrokers,
    RollWorkers,
    StopBroker,
    StopPostgres,
    StopSink,
    StopWorker,
)
from tests.chaos.machines import FullBrokerDisk, FullDatabaseDisk, StepClock
from tests.chaos.readmodel import LockedTables, LostReadModel, MovedOffsets, OldReadModel, PoisonRow
from tests.chaos.silence import HungTransaction, OpenTransaction, WorkersGone

KINDS: Sequence[type[Fault]] = (
    KillWorker, StopWorker, KillSink, StopSink, AddWorker, RollWorkers, KillBroker, StopBroker, RollBrokers, Outage, CutWorker,
    KillPostgres, StopPostgres, FullDatabaseDisk, FullBrokerDisk, StepClock,
    LostReadModel, OldReadModel, LockedTables, MovedOffsets, PoisonRow, WorkersGone, OpenTransaction, HungTransaction,
)  # fmt: skip


def left_out() -> dict[type[Fault], str]:
    """The kinds that cannot be had on this machine, each with the reason."""
    found: dict[type[Fault], str] = {}
    if not can_mount():
        found |= dict.fromkeys((FullDatabaseDisk, FullBrokerDisk), "only root may mount a disk")
    if library() is None:
        found[StepClock] = "there is no libfaketime (Debian: faketime)"
    return found


def planned(seed: int, count: int, kinds: Sequence[type[Fault]] = KINDS) -> Iterator[tuple[float, Fault]]:
    """The faults of a run, each with the seconds before it: equal arguments give equal plans. The first ones are one of each kind."""
    dice = Random(seed)
    first = list(kinds)
    dice.shuffle(first)
    for number in range(count):
        kind = first[number] if number < len(first) else dice.choices(kinds, [kind.share for kind in kinds])[0]
        yield round(dice.uniform(0.3, 4.0), 1), kind(dice)
