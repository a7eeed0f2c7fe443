"""The cases of the owned partitions: bytes in the table, a bounded number of them decoded."""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import timedelta

import orjson

from handover.cases.case import Case
from handover.cases.codec import decode_case
from handover.cases.compaction import ends_at, rests_at
from schemas.instants import millis
from streams.engine.store import HEAD, NEVER, PartitionStore
from streams.quarantine import Unreadable


class Cases:
    """Decoded cases by (partition, key), the least recently used given up first."""

    def __init__(self, store: PartitionStore, most: int) -> None:
        """`most`: of them are kept decoded."""
        self._store, self._most = store, most
        self._decoded: OrderedDict[tuple[int, bytes], Case] = OrderedDict()

    def load(self, partition: int, key: bytes) -> Case:
        """The case of a subject; an empty one where nothing is known. Raise Unreadable."""
        place = (partition, key)
        case = self._decoded.get(place)
        if case is not None:
            self._decoded.move_to_end(place)
            return case
        value = self._store.parts[partition].get(key)
        case = _decode(key, value) if value is not None else Case.empty(key.decode())
        self._decoded[place] = case
        if len(self._decoded) > self._most:
            self._give_up_one()
        return case

    def _give_up_one(self) -> None:
        place, case = self._decoded.popitem(last=False)
        if case.pending or case.late:  # it knows more than the table
            self._decoded[place] = case

    def drop(self, partition: int, key: bytes) -> None:
        """Forget what was decoded: what is in the table counts."""
        self._decoded.pop((partition, key), None)

    def clear(self) -> None:
        """Forget all."""
        self._decoded.clear()

    def next_of(self, partition: int, key: bytes) -> int | None:
        """The next instant of a case (ms), without decoding it."""
        value = self._store.parts[partition].get(key)
        return HEAD.unpack_from(value)[1] if value is not None else None

    def instants(self, partition: int) -> Iterator[tuple[int, bytes]]:
        """The next instant (ms) and the key of each case."""
        return ((HEAD.unpack_from(value)[1], key) for key, value in self._store.parts[partition].items())

    def feeds_of(self, partition: int, key: bytes) -> int:
        """Whose feeds may hold its alerts (`handover.cases.agency_filter.sieve`), as the table has it."""
        value = self._store.parts[partition].get(key)
        return int(HEAD.unpack_from(value)[2]) if value is not None else 0

    def digest_of(self, partition: int, key: bytes) -> int:
        """A checksum of what the table shows of a case."""
        value = self._store.parts[partition].get(key)
        return int(HEAD.unpack_from(value)[3]) if value is not None else 0

    def holding(self, partition: int, source: str, id_: str) -> bytes | None:
        """The key of the case that holds an event as its own; None: there is none here. Looks at every case: corrections only."""
        part, needle = self._store.parts[partition], orjson.dumps(id_)
        decoded = [key for place, key in self._decoded if place == partition]
        known = set(decoded)
        likely = [*decoded, *(key for key, value in part.items() if key not in known and needle in value)]
        return next((key for key in likely if self.load(partition, key).holds(source, id_)), None)

    def awaiting(self, partition: int, feeds: int) -> list[bytes]:
        """The keys of cases with a firing alert that one of these feeds may hold (`handover.cases.agency_filter.sieve`)."""
        return [key for key, value in self._store.parts[partition].items() if HEAD.unpack_from(value)[2] & feeds]


def _decode(key: bytes, value: bytes) -> Case:
    try:
        return decode_case(value[HEAD.size :])
    except Exception as error:  # whoever wrote it, and whatever is in it
        raise Unreadable(key, error) from error


def next_ms(case: Case, retention: timedelta) -> int:
    """When a case must be looked at without news, in ms: it can change, or may forget. NEVER: only news can change it."""
    found = [at for at in (case.next_at, rests_at(case), ends_at(case, retention)) if at is not None]
    return millis(min(found)) if found else NEVER
