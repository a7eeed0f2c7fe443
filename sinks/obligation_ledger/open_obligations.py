"""Open obligations as the read model knows them, under the rules as they are and as they might become."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlalchemy import Engine, select

from handover.analysis.rule_impact import Move, moves
from handover.analysis.whatif import linked
from handover.cases.shared_state import SharedState
from sinks.obligation_ledger.history import Recorded
from sinks.readmodel.tables import alert, obligation

_AT_ONCE = 400  # subjects
_LINKS = ("reentry.release.person_merged.v1", "reentry.release.person_split.v1", "reentry.dispute.reported.v1")


def find_moves(
    engine: Engine, before: SharedState, after: SharedState, rules: Collection[str], at: datetime
) -> Iterator[Move]:
    """The open obligations of these rules that are due at another instant in the other world, found at `at` by what is known now."""
    history = Recorded(engine)
    for group in group_linked(history, find_open_subjects(engine, rules)):
        yield from (one for one in moves(history.of(group), before, after, at) if one.rule_id in rules)


def find_open_subjects(engine: Engine, rules: Collection[str]) -> list[str]:
    """The subjects that have an obligation of one of these rules, open or overdue."""
    tables = ((obligation, obligation.c.state == "open"), (alert, alert.c.state == "firing"))
    found: dict[str, None] = {}
    with engine.connect() as connection:
        for table, is_open in tables:
            wanted = select(table.c.subject).where(table.c.rule_id.in_(sorted(rules)), is_open).distinct()
            found |= dict.fromkeys(connection.execute(wanted.order_by(table.c.subject)).scalars())
    return list(found)


def group_linked(history: Recorded, subjects: Iterable[str]) -> Iterator[list[str]]:
    """These subjects in groups of some hundred, each group with all whose facts theirs depend on: merges, disputes that name them.

    A correction that stands under another subject than what it corrects is not followed.
    """
    links = _links(history)
    seen: set[str] = set()
    batch: list[str] = []
    for subject in subjects:
        if subject in seen:
            continue
        group = _reach(subject, links)
        seen |= group
        batch += sorted(group)
        if len(batch) >= _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _links(history: Recorded) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for told, _ in history.types(_LINKS):
        for other in linked(told):
            if other != told.subject:
                found.setdefault(told.subject, set()).add(other)
                found.setdefault(other, set()).add(told.subject)
    return found


def _reach(subject: str, links: dict[str, set[str]]) -> set[str]:
    found, waiting = {subject}, [subject]
    while waiting:
        for other in links.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
