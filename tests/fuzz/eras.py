"""Fuzzing in eras: each begins with an empty worker, other persons and other dice; what must hold is checked at its end."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import orjson

from handover.cases.authority import WITHOUT_AUTHORITY
from schemas.dead_letter import MESSAGE
from schemas.instants import from_millis, show
from schemas.topics import CHECKIN, RELEASE, partition_of
from tests.fuzz.loop import Loop
from tests.fuzz.records import PARTITIONS, STRANGER, Draft, base32, drafts
from tests.schemas.examples import EVENTS

HOT = 150  # records of one person beside each chunk
CHUNK = 500  # records between two that must be applied
STEP_SECONDS = 10.0  # of processor time: a worker that does not come back for so long loses its partitions
_SCHEDULED, _CHECKED = EVENTS["reentry.release.scheduled.v1"], EVENTS["reentry.checkin.location_checked.v1"]
_RESULTS = ("IN_AREA", "IN_AREA", "OUT_OF_AREA", "NO_FIX")


@dataclass
class Result:
    """What one or several eras have shown."""

    records: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    refused: int = 0  # actions on alerts by agencies without authority
    longest_seconds: float = 0.0  # the longest step, processor time
    seconds: float = 0.0  # processor time of all steps and of making the records
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Take another era in."""
        self.records += other.records
        self.outcomes += other.outcomes
        self.alerts += other.alerts
        self.refused += other.refused
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)
        self.seconds += other.seconds
        self.failures += other.failures


def run_era(folder: Path, seed: int, era: int, limit: int | None = None) -> Result:
    """Run one era. Whatever the worker raises is a failure that says where."""
    began = time.process_time()
    loop, result = Loop(folder), Result()
    witnesses: list[str] = []
    records = islice(drafts(seed, era), limit)
    while chunk := [(at, draft) for at, draft, _ in islice(records, CHUNK)]:
        first, last = witness(era, len(witnesses), chunk[0][0]), witness(era, len(witnesses) + 1, chunk[-1][0])
        witnesses += [_subject(first), _subject(last)]
        try:
            hot = [(chunk[-1][0], one) for one in flood(era, result.records, chunk[-1][0])]
            asyncio.run(loop.feed([(chunk[0][0], first), *chunk, *hot, (chunk[-1][0], last)]))
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            result.failures.append(
                f"seed {seed}, era {era}, records {result.records} to {result.records + len(chunk)}: {type(error).__name__}: {error}"
            )
            break
        result.records += len(chunk) + len(hot) + 2
    result.failures += [f"seed {seed}, era {era}: {one}" for one in _wrong(loop, witnesses)]
    for outcomes in loop.counted().values():
        result.outcomes += outcomes
    message = WITHOUT_AUTHORITY.encode()
    result.refused = sum(dict(one.headers).get(MESSAGE) == message for one in loop.dead_letters)
    result.alerts, result.longest_seconds = len(loop.alerts), loop.longest_seconds
    result.seconds = time.process_time() - began
    return result


def witness(era: int, number: int, at_ms: int) -> Draft:
    """A record as it should be, of a person of its own."""
    subject = f"p1_{base32(era, 6)}{base32(number, 20)}"
    event = {**_SCHEDULED, "subject": subject, "id": f"witness-{number}", "time": show(from_millis(at_ms))}
    return Draft(RELEASE, subject.encode(), orjson.dumps(event))


def flood(era: int, number: int, at_ms: int) -> Iterator[Draft]:
    """What the bracelet of one person says each minute of the last hours; it is the same person in all of an era."""
    subject = f"p1_{base32(era, 6)}{'h' * 20}"
    for minute in range(HOT):
        happened = show(from_millis(at_ms - minute * 60_000))
        data = {"result": _RESULTS[(number + minute) // 7 % len(_RESULTS)], "checked_at": happened}
        event = {**_CHECKED, "subject": subject, "id": f"hot-{number}-{minute}", "time": happened, "data": data}
        yield Draft(CHECKIN, subject.encode(), orjson.dumps(event))


def _subject(draft: Draft) -> str:
    return (draft.key or b"").decode()


def _wrong(loop: Loop, witnesses: Sequence[str]) -> Iterator[str]:
    """Each thing that does not hold."""
    for topic, number in loop.uncounted().items():
        yield f"{topic}: {number} records have no outcome (below zero: several)"
    counted = sum(loop.counted().values(), Counter[str]())
    if counted["bug"]:
        yield f"{counted['bug']} records met a bug"
    refused = counted["invalid"] + counted["bug"] + counted["quarantined"]
    if len(loop.dead_letters) != refused:
        yield f"{len(loop.dead_letters)} dead letters for {refused} refused records"
    if loop.longest_seconds > STEP_SECONDS:
        yield f"a step took {loop.longest_seconds:.1f} s"
    told = [one.value or b"" for one in (*loop.alerts, *loop.cases)]
    heard = sum(
        f'_by":"{STRANGER}'.encode() in one or b'"state":"waived"' in one or b'"waived",' in one for one in told
    )
    if heard:
        yield f"{heard} alerts and cases say what a stranger decided"
    for number, subject in enumerate(witnesses):
        case = loop.table.data.parts[partition_of(subject.encode(), PARTITIONS)].get(subject.encode())
        if case is None or f'"witness-{number}"'.encode() not in case:
            yield f"the case of {subject} does not know witness-{number}"
