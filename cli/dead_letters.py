"""Dead letters as the topic holds them, and what was decided about them as the read model holds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.settings import Settings

_OURS = ("__streams.errors.", "reentry.")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of `reentry.dlq.v1`."""

    partition: int
    offset: int
    timestamp_ms: int
    arrival: datetime  # mapped to the time that facts are judged in
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> str:
        """What names it: partition:offset."""
        return f"{self.partition}:{self.offset}"

    @property
    def reason(self) -> str:
        """Why it is here."""
        return self._told("reentry.reason") or "FAILED"

    @property
    def topic(self) -> str:
        """The topic it stood on, prefix included."""
        return self._told("__streams.errors.topic")

    @property
    def redrives(self) -> int:
        """How often it was sent again before."""
        text = self._told("reentry.redrives")
        return int(text) if text.isdecimal() else 0

    def own_headers(self) -> list[tuple[str, bytes | None]]:
        """Return the headers that its publisher gave it."""
        return [(name, value) for name, value in self.headers if not name.startswith(_OURS)]

    def row(self) -> str:
        """Return it as one line: when, why, from where."""
        from schemas.instants import show

        where = f"{self.topic}[{self._told('__streams.errors.partition')}]@{self._told('__streams.errors.offset')}"
        return f"{show(self.arrival)}  {self.reason:<15} {where}  {self._told('__streams.errors.message')}"

    def wire(self) -> dict[str, Any]:
        """Return it as plain JSON, without its value; keys shortened."""
        from schemas.instants import show
        from schemas.pii import mask

        told = {name: (text or b"").decode(errors="replace") for name, text in self.headers if name.startswith(_OURS)}
        key = None if self.key is None else mask(self.key.decode(errors="replace"))
        size = None if self.value is None else len(self.value)
        return {"place": self.place, "at": show(self.arrival), "key": key, "bytes": size, **told}

    def shape(self) -> list[str]:
        """Return the paths of its value with their types: enough to see what is missing or wrong, and nobody's data."""
        import orjson

        if self.value is None:
            return ["null"]
        try:
            return list(_shape("", orjson.loads(self.value)))
        except orjson.JSONDecodeError:
            return [f"not JSON, {len(self.value)} bytes"]

    def _told(self, name: str) -> str:
        return next(((value or b"").decode(errors="replace") for key, value in self.headers if key == name), "")


def _shape(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _shape(f"{path}.{name}" if path else str(name), one)
    else:
        length = f" of {len(value)}" if isinstance(value, str | list) else ""
        yield f"{path or 'value'}: {type(value).__name__}{length}"


def read_letters(settings: Settings) -> list[DeadLetter]:
    """Read the whole topic of dead letters, oldest first."""
    from cli.dump import read_clock
    from cli.records import consumer, recorded
    from schemas.topics import DLQ, named

    clock = read_clock(settings)
    with consumer(settings) as client:
        return [
            DeadLetter(
                one.partition,
                one.offset,
                one.timestamp,
                clock.arrival(one.timestamp),
                one.key,
                one.value,
                tuple(one.headers or ()),
            )
            for one in recorded(client, [named(settings.topic_prefix, DLQ)], "reading dead letters")
        ]


class Decisions:
    """What operators decided: `pending`, `redriven` or `dropped`, by place. Without a read model all are pending."""

    def __init__(self, settings: Settings) -> None:
        from sqlalchemy import select
        from sqlalchemy.exc import SQLAlchemyError

        from cli.records import has_read_model
        from cli.report import warn
        from sinks.database import connect
        from sinks.tables import dead_letter

        self._states: dict[str, str] = {}
        self._engine = connect(settings.database)
        self.kept = has_read_model(settings)
        if not self.kept:
            return
        try:
            with self._engine.connect() as connection:
                for row in connection.execute(
                    select(dead_letter.c.partition, dead_letter.c.offset, dead_letter.c.state)
                ):
                    self._states[f"{row.partition}:{row.offset}"] = row.state
        except SQLAlchemyError as error:
            self.kept = False
            warn(f"what was decided before is not known: {type(error).__name__}; see: handover doctor")

    def of(self, letter: DeadLetter) -> str:
        """Return what was decided about a letter."""
        return self._states.get(letter.place, "pending")

    def record(self, letters: Sequence[DeadLetter], state: str) -> None:
        """Remember a decision, also where the sink has not seen the letter yet."""
        from sinks import dead_letter_table
        from sinks.sink import Record
        from sinks.tables import dead_letter

        if not self.kept:
            return
        rows = [
            Record("", one.partition, one.offset, one.key, one.value, one.headers, one.timestamp_ms, one.arrival)
            for one in letters
        ]
        with self._engine.begin() as connection:
            dead_letter_table.write(connection, rows)
            for one in letters:
                connection.execute(
                    dead_letter.update()
                    .where(dead_letter.c.partition == one.partition, dead_letter.c.offset == one.offset)
                    .values(state=state)
                )
