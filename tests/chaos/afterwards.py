"""What must hold at the end of a run besides what the judge compares: a line for each thing that does not."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from cli.connection import read_database_url
from cli.kafka.clients import open_consumer
from cli.verify.independent import check
from handover.analysis.verification import Finding, Judgement
from sinks.readmodel import position
from sinks.readmodel.database import connect
from sinks.readmodel.tables import dead_letter, event
from tests.chaos.plant import WORKERS, Plant
from tests.chaos.readmodel import POISON
from tests.measured import measured


def wrong_things(plant: Plant, settled_ms: int) -> list[str]:
    """Gaps, records in no table, subjects in quarantine, poison that was not set aside, facts that were taken back."""
    engine = connect(read_database_url(plant.settings))
    try:
        with engine.connect() as connection, open_consumer(plant.settings) as client:
            found = check(client, connection, plant.settings, settled_ms)
            return [
                *(f"{what}: {key} {text}" for what, key, text in found.wrong),
                *_of_tables(plant, connection),
                *_in_quarantine(plant),
            ]
    finally:
        engine.dispose()


def _of_tables(plant: Plant, connection: Connection) -> Iterator[str]:
    for gap in position.open_gaps(connection):
        yield f"gap that nobody caused: {gap!r}"
    columns = dead_letter.c.original_topic, dead_letter.c.original_partition, dead_letter.c.original_offset
    aside: set[Any] = {
        tuple(row) for row in connection.execute(select(*columns).where(dead_letter.c.reason == "UNWRITABLE"))
    }
    yield from (f"poison row was not set aside: {place}" for place in sorted(plant.poison - aside))
    yield from (f"set aside, and no poison: {place}" for place in sorted(aside - plant.poison))
    known = set(connection.execute(select(event.c.id).where(event.c.id.in_(plant.taken_back))).scalars())
    yield from (f"fact of an aborted transaction: {one}" for one in sorted(known))


def _in_quarantine(plant: Plant) -> Iterator[str]:
    for name in WORKERS[:2]:
        for one in measured(plant.parts[name].web_port, "reentry_quarantined_keys"):
            if one.value:
                yield f"{one.value:g} subjects in quarantine in partition {one.labels['partition']}"


def without_poison(judgement: Judgement) -> Judgement:
    """The judgement without the alerts that were forged: they stand on the topic, and nowhere else."""
    judgement.findings = [one for one in judgement.findings if not _is_poison(one)]
    return judgement


def _is_poison(one: Finding) -> bool:
    return one.key.startswith(POISON)
