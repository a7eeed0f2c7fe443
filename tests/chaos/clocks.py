"""Wall clocks that step: libfaketime lays one under a process, and a file says how far it is off."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_PRELOAD = Path(__file__).parent / "preload"
_PLACES = ("/usr/lib", "/usr/local/lib", "/usr/lib64")


@cache
def library() -> Path | None:
    """libfaketime for programs with threads; None where it is not installed (Debian: faketime)."""
    found = (path for place in _PLACES for path in Path(place).glob("**/faketime/libfaketimeMT.so.1"))
    return next(found, None)


class WallClock:
    """The wall clock of one process; clocks that measure lengths go on as they do when a machine's clock is set."""

    def __init__(self, file: Path) -> None:
        """As the machine's, until it steps."""
        self._file = file
        self.step(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process must be started with; empty where there is no libfaketime."""
        if library() is None:
            return {}
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_PRELOAD), os.environ.get("PYTHONPATH")))),
        }

    def step(self, seconds: float) -> None:
        """Be so far ahead of the machine's clock from now on (below zero: behind); noticed within a second."""
        partly = self._file.with_suffix(".new")
        partly.write_text(f"{seconds:+.1f}\n", encoding="ascii")
        partly.replace(self._file)
