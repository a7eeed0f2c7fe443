"""How the command line speaks: one line for what went wrong, one for each record, a bar for what takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

CHECK_FAILED, BAD_INPUT = 1, 2
_PATIENCE_SECONDS = 2.0


def fail(message: str, todo: str, status: int = BAD_INPUT) -> NoReturn:
    """Say in one line what was wrong and what to do, and end with a status: 2 bad usage or input, 1 a failed check."""
    warn(f"{message}; {todo}")
    raise typer.Exit(status)


def warn(line: str) -> None:
    """Say one line on stderr."""
    print(f"handover: {' '.join(line.split())}", file=sys.stderr, flush=True)


def json_line(value: Any) -> None:
    """Print one record as one line of JSON."""
    import orjson

    print(orjson.dumps(value).decode())


def say(text: str) -> None:
    """Print a line for people."""
    print(text)


class Bar:
    """A progress bar on stderr: only on a terminal, and only when work takes longer than two seconds."""

    def __init__(self, what: str, total: int | None, stream: IO[str] | None = None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._stream = stream if stream is not None else sys.stderr
        self._since = time.monotonic()
        self._bar: tuple[Progress, TaskID] | None = None

    def advance(self, count: int = 1) -> None:
        """Count work done; cheap enough for every record."""
        self._done += count
        if self._done & 0xFF and count == 1:
            return
        if self._bar is None and self._stream.isatty() and time.monotonic() - self._since > _PATIENCE_SECONDS:
            self._bar = _rich_bar(self._what, self._total)
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar[0].stop()


def _rich_bar(what: str, total: int | None) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task(what, total=total)


@contextmanager
def output(path: str) -> Iterator[IO[bytes]]:
    """Give the stream of `--out`: a file, or stdout for "-". A file appears only when it is whole."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from pathlib import Path

    unfinished = Path(f"{path}.part")
    try:
        stream = unfinished.open("wb")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}", "name a file in a folder that can be written")
    try:
        with stream:
            yield stream
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
