"""Loaded by Python before anything else in a process under libfaketime, which refuses the call that `time.sleep` makes."""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
