"""A read model filled as the pipeline fills it: told events through the rules, the outcome through the sinks' own writers."""

from collections.abc import Iterable
from datetime import datetime

import orjson
from sqlalchemy import Engine

from handover.analysis.replay import Cases, Told, share, verdicts
from handover.calendar import MILLISECOND, Calendar
from handover.cases.advance import advance
from handover.cases.codec import encode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import RuleBook
from schemas import alert as alerts
from schemas.instants import millis
from schemas.topics import ALERT, CASE
from sinks.consumer import Record
from sinks.obligation_ledger import ledger
from sinks.readmodel import alerts as alert_table
from sinks.readmodel import cases as case_table
from sinks.readmodel import events as event_table


def fill(engine: Engine, events: Iterable[Told], book: RuleBook, calendar: Calendar, until: datetime) -> None:
    """Write the events that arrived up to `until`, every alert they raised, and each case as it is then."""
    told = sorted((one for one in events if one[1] <= until), key=lambda one: one[1])
    world, cases = SharedState(book, calendar), Cases(told)
    for event, arrival in (*told, *verdicts(told)):
        share(world, event, arrival)
        cases.take(event, arrival)
    found = [alert for case in cases.by_subject.values() for alert in advance(case, world, until + MILLISECOND)]
    found.sort(key=lambda one: (one.changed_at, one.alert_id, one.revision))
    with engine.begin() as connection:
        rows = [(event.topic, event.subject, event.wire(), arrival) for event, arrival in told]
        assert not event_table.write(connection, [_record(*row) for row in rows])
        shown = [(ALERT, one.alert_id, alerts.event(one), one.changed_at) for one in found]
        assert not alert_table.write(connection, [_record(*row) for row in shown])
        lived = [case for case in cases.by_subject.values() if case.derived is not None]
        snapshots = [(CASE, case.subject, orjson.loads(encode_case(case).value), until) for case in lived]
        assert not case_table.write(connection, [_record(*row) for row in snapshots])
    ledger.catch_up(engine, ledger.Rules(book, calendar), until)


def _record(topic: str, key: str, value: object, arrival: datetime) -> Record:
    return Record(topic, 0, 0, key.encode(), orjson.dumps(value), (), millis(arrival), arrival)
