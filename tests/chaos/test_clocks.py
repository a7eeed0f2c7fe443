"""The wall clock that is laid under a process: it is off, its other clocks and its sleep go on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.clocks import WallClock, library

_PROGRAM = "import time; began = time.monotonic(); time.sleep(0.2); print(time.time(), time.monotonic() - began)"


@pytest.mark.skipif(library() is None, reason="there is no libfaketime (Debian: faketime)")
def test_a_process_whose_wall_clock_is_ahead_sleeps_as_long_as_it_is_told(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "clock")
    clock.step(600)
    told = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, **clock.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, slept = map(float, told.stdout.split())
    assert 595 < wall - time.time() < 605
    assert 0.2 <= slept < 2
