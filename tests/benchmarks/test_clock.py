"""The clock of a run over recorded history stands still just after its last record: all of it is judged, and nothing later."""

from pathlib import Path

from benchmarks.processes import standing_clock
from schemas.instants import millis
from streams.clock import Clock
from tests.handover.histories import at


def test_time_stands_still_after_the_last_record(tmp_path: Path) -> None:
    end = millis(at("2026-03-09 23:45"))
    clock = Clock.load(standing_clock(tmp_path, end))
    assert [clock.millis_at(end + more) for more in (-1000, 0, 1, 1000, 365 * 86_400_000)] == [
        end - 1000,
        end,
        end + 1,
        end + 1,
        end + 1 + 32,  # a year on the wall is 32 ms
    ]
