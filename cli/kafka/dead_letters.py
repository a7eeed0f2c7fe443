"""Dead letters as the topic holds them, and what was decided about them as the read model holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.runtime import open_database

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.dead_letter import DeadLetter
    from sinks.readmodel.dead_letters import State


def read_letters(settings: Settings) -> list[DeadLetter]:
    """Read the whole topic of dead letters, oldest first."""
    from cli.kafka.clients import open_consumer
    from cli.kafka.log_reader import read_records
    from cli.runtime import read_clock
    from schemas.dead_letter import DeadLetter
    from schemas.topics import DLQ, named

    clock = read_clock(settings)
    with open_consumer(settings) as client:
        return [
            DeadLetter(
                one.partition,
                one.offset,
                clock.arrival(one.timestamp),
                one.key,
                one.value,
                tuple(one.headers or ()),
            )
            for one in read_records(client, [named(settings.topic_prefix, DLQ)], "reading dead letters")
        ]


class Decisions:
    """What operators decided: `pending`, `redriven` or `dropped`, by place. Without a read model all are pending."""

    def __init__(self, settings: Settings) -> None:
        from sqlalchemy import select
        from sqlalchemy.exc import SQLAlchemyError

        from cli.output import warn
        from cli.runtime import has_read_model
        from sinks.readmodel.tables import dead_letter

        self._states: dict[str, str] = {}
        self._engine = open_database(settings)
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

    def record(self, letters: Sequence[DeadLetter], state: State) -> None:
        """Remember a decision, also where the sink has not seen the letter yet."""
        from sinks.readmodel.dead_letters import decide, keep

        if not self.kept:
            return
        with self._engine.begin() as connection:
            keep(connection, letters)
            decide(connection, [(one.partition, one.offset) for one in letters], state)
