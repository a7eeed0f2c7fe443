"""What officers decide stands in the chain of the audit with the decision itself: who, what, about whom, and who agreed."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select

from console.auth.users import User, find_by_login
from console.db.tables import audit_person, audit_record, pending
from console.outbox import action_events, decisions
from console.outbox.action_events import ActionEvent
from console.web.site import Site
from sinks.readmodel.tables import alert
from tests.console.conftest import NOW, OpenConsole, firing


def user(engine: Engine, login: str) -> User:
    found = find_by_login(engine, login)
    assert found is not None
    return found


def wanted(engine: Engine, by: User, action: str = "waive") -> tuple[ActionEvent, Any]:
    """An action on a firing alert."""
    with engine.connect() as connection:
        chosen = select(alert).where(alert.c.alert_id == firing(engine, "990102", rule="B04"))
        row: Any = dict(connection.execute(chosen).mappings().one())
    return action_events.build_action(action, row, by, {"note": "等法院补寄"}, NOW), row


def records(engine: Engine, action: str) -> list[Mapping[str, Any]]:
    with engine.connect() as connection:
        found = select(audit_record).where(audit_record.c.action == action).order_by(audit_record.c.number)
        return [dict(row) for row in connection.execute(found).mappings()]


@pytest.fixture
def site(console: OpenConsole) -> Site:
    found: Site = console().app.state.site
    return found


def test_a_decision_its_second_person_and_an_undo_are_in_the_chain(site: Site, engine: Engine) -> None:
    first, second = user(engine, "county"), user(engine, "city")
    asked, row = wanted(engine, first)
    batch = decisions.store(site, first, [(asked, row)], "a key of mine", second=True)
    [decided] = records(engine, "decide")
    assert (decided["login"], decided["about"]) == ("county", f"/alerts/{row['alert_id']}")
    assert decided["details"] == {
        "what": "waive", "type": asked.body["type"], "events": [asked.event_id], "count": 1, "waits_for": "second",
    }  # fmt: skip
    with engine.connect() as connection:
        whom = select(audit_person.c.subject).where(audit_person.c.number == decided["number"])
        assert list(connection.execute(whom).scalars()) == [row["subject"]]
    assert decisions.store(site, first, [(asked, row)], "a key of mine", second=True) == batch
    assert len(records(engine, "decide")) == 1, "the same key again decides nothing"
    assert not decisions.confirm(site, first, asked.event_id, row)
    assert records(engine, "confirm") == []
    assert decisions.confirm(site, second, asked.event_id, row)
    [agreed] = records(engine, "confirm")
    assert (agreed["details"]["first"], agreed["details"]["second"]) == ("county", "city")
    assert agreed["details"]["events"] == [asked.event_id]
    assert decisions.undo(site, first, batch) == 1
    assert decisions.undo(site, first, batch) == 0
    assert [one["details"]["events"] for one in records(engine, "undo")] == [[asked.event_id]]


def test_where_the_audit_cannot_be_written_nothing_is_decided(
    site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("console.audit.log.write", refuse)
    first = user(engine, "county")
    with pytest.raises(RuntimeError):
        decisions.store(site, first, [wanted(engine, first)], "a key of mine")
    with engine.connect() as connection:
        assert connection.execute(select(pending)).first() is None
