"""What the table keeps of a changelog record without reading its case."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers.connection import KafkaConnection
from handover.cases.agency_filter import ANY
from streams.app import WorkerConfig, create_app
from streams.engine.store import HEAD, NEVER, PartitionStore, headers, packed
from tests.fuzz.loop import Record

CHANGES, KEY = TP("reentry.case.v1", 0), b"p1_" + b"a" * 26


def store(folder: Path) -> PartitionStore:
    """The table of one worker."""
    [table] = create_app(WorkerConfig(KafkaConnection("127.0.0.1:1"), folder)).tables.values()
    found: PartitionStore = table.data
    return found


def kept(folder: Path, told: Any) -> tuple[int, int, int]:
    """Epoch, next instant and feeds of a case whose record has these headers."""
    one = store(folder)
    one.apply(CHANGES, [Record(CHANGES.topic, CHANGES.partition, 0, 0, KEY, b"{}", tuple(told))])
    epoch, at, feeds, _ = HEAD.unpack_from(one.parts[0][KEY])
    return epoch, at, feeds


@pytest.mark.parametrize(("at", "feeds"), [(NEVER, 0), (1_772_380_800_000, 1), (0, 2**63 | 5), (5, ANY)])
def test_it_keeps_what_the_headers_say(tmp_path: Path, at: int, feeds: int) -> None:
    assert kept(tmp_path, headers(3, at, 2, feeds)) == (3, at, feeds)


@pytest.mark.parametrize(("firing", "feeds"), [(b"1", ANY), (b"", 0)])
def test_a_record_of_an_earlier_version_may_be_held_by_any_feed(tmp_path: Path, firing: bytes, feeds: int) -> None:
    told = [("epoch", b"2"), ("next", b"7"), ("firing", firing), ("kept", b"2")]
    assert kept(tmp_path, told) == (2, 7, feeds)


# --- whose records count


def record(epoch: int, offset: int) -> Record:
    """A case as its owner of that epoch writes it."""
    value = b'{"offset":%d}' % offset
    told = headers(epoch, NEVER, len(value) - 1, 0)
    return Record(CHANGES.topic, CHANGES.partition, offset, 0, KEY, value, tuple(told))


def seen(one: PartitionStore) -> bytes | None:
    value = one.parts[0].get(KEY)
    return None if value is None else value[HEAD.size :]


def test_a_standby_that_owned_often_and_wrote_nothing_believes_the_next_owner(tmp_path: Path) -> None:
    standby, owner = store(tmp_path), store(tmp_path)
    for generation in (1, 2, 4, 5, 7):
        standby.claim(0, generation)
    owner.claim(0, 8)
    standby.apply(CHANGES, [record(owner.own[0], 0)])
    assert (seen(standby), standby.epoch[0]) == (b'{"offset":0}', owner.own[0])


def test_what_a_zombie_writes_late_is_passed_over_though_the_owner_after_it_wrote_nothing(tmp_path: Path) -> None:
    zombie, idle, owner = store(tmp_path), store(tmp_path), store(tmp_path)
    for generation, one in enumerate((zombie, idle, owner), 1):
        one.claim(0, generation)
    owner.apply(CHANGES, [record(owner.own[0], 0), record(zombie.own[0], 1)])
    assert (seen(owner), owner.persisted_offset(CHANGES)) == (b'{"offset":0}', 1)


def test_an_owner_is_above_its_changelog_though_the_group_was_forgotten_and_counts_anew(tmp_path: Path) -> None:
    owner = store(tmp_path)
    owner.apply(CHANGES, [record(900, 0)])
    owner.claim(0, 1)
    assert owner.own[0] > 900


class Group:
    """Workers that own one partition in turn. All but the owner read its changelog; `newest`: the record that counts."""

    def __init__(self, folder: Path) -> None:
        self.stores = [store(folder) for _ in range(3)]
        self.log: list[Record] = []
        self.owned_in = [0, 0, 0]  # the last generation in which each owned it
        self.generation = self.owner = self.written_in = 0
        self.newest: bytes | None = None
        self.own(0)

    def own(self, worker: int) -> None:
        self.read()
        self.generation += 1
        self.owner, self.owned_in[worker] = worker, self.generation
        self.stores[worker].claim(0, self.generation)

    def write(self, _: int) -> None:
        one = self.stores[self.owner]
        written = self._append(self.owner)
        one.parts[0][KEY] = packed(one.own[0], NEVER, 0, written.value or b"")
        one.wrote(CHANGES, written.offset)

    def write_late(self, worker: int) -> None:
        """By a former owner; the owner of now finds it at its next write, dies and begins anew."""
        if worker != self.owner and self.owned_in[worker]:
            self._append(worker)
            self.own(self.owner)

    def _append(self, worker: int) -> Record:
        self.log.append(record(self.stores[worker].own[0], len(self.log)))
        if self.owned_in[worker] >= self.written_in:
            self.written_in, self.newest = self.owned_in[worker], self.log[-1].value
        return self.log[-1]

    def read(self) -> None:
        for one in self.stores:
            unread = self.log[one.persisted_offset(CHANGES) + 1 :]
            if unread:
                one.apply(CHANGES, unread)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from((Group.own, Group.own, Group.write, Group.write_late)), st.integers(0, 2))))
def test_every_worker_knows_what_the_newest_owner_wrote(
    tmp_path: Path, turns: list[tuple[Callable[[Group, int], None], int]]
) -> None:
    group = Group(tmp_path)
    for turn, worker in turns:
        turn(group, worker)
    group.read()
    assert [seen(one) for one in group.stores] == [group.newest] * 3


# --- what no worker wrote


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"{}", ()),
        (b"{}", (("epoch", b""),)),
        (b"{}", (("epoch", b"x"),)),
        (b"{}", (("epoch", "²".encode()),)),
        (b"{}", (("epoch", b"-7"),)),
        (b"{}", (("epoch", b"9" * 10),)),
        (b"{}", (("epoch", b"9" * 9_999),)),
        (b"{}", (("epoch", b"7"), ("epoch", b"8"))),
        (b"{}", (("epoch", b"7"), ("next", b"soon"))),
        (b"{}", (("epoch", b"7"), ("next", b"9" * 40))),
        (b"{}", (("epoch", b"7"), ("kept", b"3"))),
        (b"{}", (("epoch", b"7"), ("feeds", b"f" * 17))),
        (None, ()),
        (None, (("epoch", b"x"),)),
    ],
)
def test_what_no_worker_wrote_changes_no_case_and_no_epoch(tmp_path: Path, value: bytes | None, told: Any) -> None:
    one = store(tmp_path)
    foreign = Record(CHANGES.topic, CHANGES.partition, 1, 0, KEY, value, tuple(told))
    one.apply(CHANGES, [record(3, 0), foreign])
    assert (seen(one), one.epoch[0], one.persisted_offset(CHANGES)) == (b'{"offset":0}', 3, 1)
    one.apply(CHANGES, [record(3, 2)])
    assert seen(one) == b'{"offset":2}'


def test_a_workers_tombstone_ends_a_case_and_a_zombies_does_not(tmp_path: Path) -> None:
    one = store(tmp_path)
    for offset, epoch in ((1, b"2"), (2, b"3")):
        ended = Record(CHANGES.topic, CHANGES.partition, offset, 0, KEY, None, (("epoch", epoch),))
        one.apply(CHANGES, [record(3, 0), ended] if offset == 1 else [ended])
        assert (seen(one) is None) == (epoch == b"3")
