"""One person whose bracelet reports beside every record of the city: what a hot key does to the others is judged with them."""

from collections.abc import Iterable, Iterator
from itertools import count

import orjson

from cli.simulation.record import Record
from schemas.instants import from_millis, show
from schemas.topics import CHECKIN, RELEASE
from tests.schemas.examples import EVENTS

SUBJECT = "p1_" + "h" * 26
_RUN = 60  # checks with the same result, about
_RESULTS = ("IN_AREA", "IN_AREA", "OUT_OF_AREA", "IN_AREA", "NO_FIX")


def flooded(records: Iterable[Record]) -> Iterator[Record]:
    """The records, and one of the hot person after each."""
    numbers = count()
    for record in records:
        yield record
        yield _beside(record.received, next(numbers))


def _beside(received: int, number: int) -> Record:
    at = show(from_millis(received))
    if number == 0:
        body = {**EVENTS["reentry.release.decision_effective.v1"], "time": at, "id": "hot"}
        return _record(RELEASE, body, received)
    data = {"result": _RESULTS[number // _RUN % len(_RESULTS)], "checked_at": at}
    body = {**EVENTS["reentry.checkin.location_checked.v1"], "time": at, "id": f"hot-{number}", "data": data}
    return _record(CHECKIN, body, received)


def _record(topic: str, body: dict[str, object], received: int) -> Record:
    return Record(received, topic, SUBJECT, orjson.dumps({**body, "subject": SUBJECT}), misplaced=False)
