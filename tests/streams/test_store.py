"""What the table keeps of a changelog record without reading its case."""

from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from handover.awaited import ANY
from streams.app import WorkerConfig, create_app
from streams.engine.store import HEAD, NEVER, headers
from tests.fuzz.loop import Record

CHANGES, KEY = TP("reentry.case.v1", 0), b"p1_" + b"a" * 26


def kept(folder: Path, told: Any) -> tuple[int, int, int]:
    """Epoch, next instant and feeds of a case whose record has these headers."""
    [table] = create_app(WorkerConfig("127.0.0.1:1", folder)).tables.values()
    table.data.apply(CHANGES, [Record(CHANGES.topic, CHANGES.partition, 0, 0, KEY, b"{}", tuple(told))])
    found: tuple[int, int, int] = HEAD.unpack_from(table.data.parts[0][KEY])
    return found


@pytest.mark.parametrize(("at", "feeds"), [(NEVER, 0), (1_772_380_800_000, 1), (0, 2**63 | 5), (5, ANY)])
def test_it_keeps_what_the_headers_say(tmp_path: Path, at: int, feeds: int) -> None:
    assert kept(tmp_path, headers(3, at, 2, feeds)) == (3, at, feeds)


@pytest.mark.parametrize(("firing", "feeds"), [(b"1", ANY), (b"", 0)])
def test_a_record_of_an_earlier_version_may_be_held_by_any_feed(tmp_path: Path, firing: bytes, feeds: int) -> None:
    told = [("epoch", b"2"), ("next", b"7"), ("firing", firing), ("kept", b"2")]
    assert kept(tmp_path, told) == (2, 7, feeds)
