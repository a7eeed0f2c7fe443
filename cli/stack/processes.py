"""A set of child processes that live and die together: started in order, watched, started again, stopped in reverse."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.stack.children import last_lines, spawn, stop

RESTARTS = 5  # of one process within RESTART_SECONDS; then it is left dead and said so
RESTART_SECONDS = 60.0
_REMEMBERED = 9


@dataclass(slots=True)
class Child:
    """One process of the set."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    log: Path
    restart: bool
    process: subprocess.Popen[bytes]
    started: list[float] = field(default_factory=list)
    restarted_at: list[float] = field(default_factory=list)
    given_up: bool = False

    def row(self) -> dict[str, Any]:
        """What `handover status` shows. `restarted_at`: Unix seconds of each time it was started again, the last ten."""
        return {"name": self.name, "pid": self.process.pid, "log": str(self.log), "restarted_at": self.restarted_at}


class Processes:
    """The children. Leave the `with` block and none of them runs."""

    def __init__(self, logs: Path) -> None:
        """Each child's output goes to `logs`/name.log."""
        self._logs = logs
        self.children: list[Child] = []

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, *, restart: bool = True
    ) -> Child:
        """Start one; `env` is put over ours. With `restart` it is started again when it dies."""
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}
        log = self._logs / f"{name}.log"
        child = Child(name, tuple(command), env, log, restart, spawn(command, log, env=env), [time.monotonic()])
        self.children.append(child)
        return child

    def restart_dead(self) -> Iterator[str]:
        """Look once: say of every process that ended how it ended, and start again what may be."""
        for child in self.children:
            code = child.process.poll()
            if code is None or child.given_up:
                continue
            recent = [moment for moment in child.started if time.monotonic() - moment < RESTART_SECONDS]
            child.given_up = not child.restart or len(recent) > RESTARTS
            what = "is left so" if child.given_up else "started again"
            yield f"{child.name} ended ({_reason(code)}), {what}; {child.log} ends with: {last_lines(child.log, 1)}"
            if not child.given_up:
                child.process = spawn(child.command, child.log, env=child.env)
                child.started = [*recent, time.monotonic()]
                child.restarted_at = [*child.restarted_at[-_REMEMBERED:], time.time()]

    def stop(self, seconds: float = 15) -> None:
        """Stop all, the last started first, each waited for; kill what takes too long."""
        while self.children:
            stop(self.children.pop().process, seconds=seconds)

    def __enter__(self) -> Self:
        """Nothing runs yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all."""
        self.stop()


def handover(*arguments: str) -> tuple[str, ...]:
    """The command line that runs our own command with this very Python."""
    return (sys.executable, "-m", "cli.main", *arguments)


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"
