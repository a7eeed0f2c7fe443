"""`handover verify` on a pipeline that goes on."""

import os
import subprocess
import sys

from tests.conditions import until
from tests.integration.pipeline import Pipeline


def verified(running: Pipeline) -> subprocess.CompletedProcess[str]:
    """The first run that finds nothing once the last seconds have settled, or the last one after a minute and a half."""
    command = [sys.executable, "-m", "cli", "verify"]
    found: list[subprocess.CompletedProcess[str]] = []

    def equal() -> bool:
        found.append(
            subprocess.run(command, env={**os.environ, **running.env}, capture_output=True, text=True, check=False)
        )
        return found[-1].returncode == 0

    try:
        until(equal, seconds=90, every=3)
    except AssertionError:
        return found[-1]
    return found[-1]
