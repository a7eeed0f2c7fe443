"""Files of events as a history: read once in order of arrival, then by subject, with eight bytes remembered for each event."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cli.output import fail, warn

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.envelope import Event

    Told = tuple[Event, datetime]

_FILE_BITS = 8  # a place is (offset, number of the file)


class EventFiles:
    """Files with one event a line. What is no event is named on stderr once and left out."""

    def __init__(self, files: Sequence[Path], publishers: Collection[str] | None = None) -> None:
        """`publishers`: the sources of which heartbeats are heard; None: all."""
        self._publishers = publishers
        if len(files) >= 1 << _FILE_BITS:
            fail(f"{len(files)} files are too many", f"name at most {(1 << _FILE_BITS) - 1}")
        self._files = files
        self._places: dict[str, array[int]] = {}  # by subject
        self._order: array[int] = array("Q")

    def all(self) -> Iterator[Told]:
        """Every event in order of arrival."""
        if not self._places:
            self._index()
        yield from self._read(self._order)

    def of(self, subjects: Sequence[str]) -> Iterator[Told]:
        """The events with these subjects."""
        yield from self._read(place for subject in subjects for place in self._places.get(subject, ()))

    def subjects_of(self, events: Collection[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], str]]:
        """The subjects of single events."""
        for event, _ in self.all():
            if (event.source, event.id) in events:
                yield (event.source, event.id), event.subject

    def _index(self) -> None:
        arrivals: array[int] = array("q")
        places: array[int] = array("Q")
        for number, file in enumerate(self._files):
            with open_events(str(file)) as stream:
                lines = _Places(iter(stream))
                for event, _ in parse_lines(lines, str(file), {"invalid": 0}, publishers=self._publishers):
                    arrival = event.receivedtime or event.time
                    place = lines.began << _FILE_BITS | number
                    arrivals.append(round(arrival.timestamp() * 1000))
                    places.append(place)
                    self._places.setdefault(event.subject, array("Q")).append(place)
        self._order = array("Q", (places[n] for n in sorted(range(len(places)), key=arrivals.__getitem__)))

    def _read(self, places: Iterable[int]) -> Iterator[Told]:
        from schemas.parse import parse
        from schemas.text_files import skip_mark

        with ExitStack() as stack:
            streams: dict[int, IO[bytes]] = {}
            for place in places:
                number = place & ((1 << _FILE_BITS) - 1)
                if number not in streams:
                    streams[number] = stack.enter_context(self._files[number].open("rb"))
                streams[number].seek(place >> _FILE_BITS)
                line = streams[number].readline()
                event = parse((line if place >> _FILE_BITS else skip_mark(line)).strip())
                yield event, event.receivedtime or event.time


class _Places:
    """Lines, with the place in the file at which the last one began."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines, self.began, self._next = lines, 0, 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.began, self._next = self._next, self._next + len(line)
            yield line


def open_events(file: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, or stdin for "-"; end with one line where it cannot be read."""
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", "give the path of a file with one event a line")


def parse_lines(
    stream: Iterable[bytes],
    name: str,
    counts: dict[str, int],
    *,
    stop: bool = False,
    publishers: Collection[str] | None = None,
) -> Iterator[tuple[Event, bytes]]:
    """Yield each event with its line; name what is none on stderr as file:line, and count it."""
    from schemas.parse import InvalidEvent, parse
    from schemas.text_files import skip_mark

    for number, line in enumerate(stream, start=1):
        text = (skip_mark(line) if number == 1 else line).strip()
        if not text:
            continue
        try:
            event = parse(text, publishers=publishers)
            yield (event if event.receivedtime is None else parse(text, arrival=event.receivedtime)), text
        except InvalidEvent as error:
            counts["invalid"] += 1
            warn(f"{name}:{number}: {error.reason}: {error}; correct this line")
            if stop:
                return
