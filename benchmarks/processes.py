"""What a process costs, and clocks for runs over recorded history."""

import json
import os
from pathlib import Path

from schemas.instants import from_millis, show

_TICKS, _PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
_STILL = 1e-9  # judged seconds per second of the broker


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory that one process holds."""
    return int(_stat(pid)[21]) * _PAGE_BYTES


def usage_of_session(leader: int) -> tuple[float, float]:
    """CPU seconds and resident MB of a process and its children: all of its session."""
    cpu = memory = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = _stat(int(path.name))
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == leader:
            cpu += (int(fields[11]) + int(fields[12])) / _TICKS
            memory += int(fields[21]) * _PAGE_BYTES / 2**20
    return cpu, memory


def _stat(pid: int) -> list[str]:
    """The fields after the name: state is the first."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def standing_clock(folder: Path, end_ms: int) -> Path:
    """A clock file by which time stands still after the last record: a history is judged to its end and no further."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "clock.json"
    starts = ((0, 1.0), (end_ms + 1, _STILL))  # the last record lies before the instant at which time stands still
    rows = [{"log_start": at, "time_start": show(from_millis(at)), "rate": rate} for at, rate in starts]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path
