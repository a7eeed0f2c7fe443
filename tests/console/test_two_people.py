"""Two people, or two tabs of one, within the time for an undo: each sees what the other has asked for."""

import re
from collections.abc import Mapping

import pytest
from sqlalchemy import Engine, select, update

from console.accounts.demo_users import DEMO_PASSWORD
from console.auth.users import create
from console.db.tables import console_user, pending
from console.outbox import outbox
from console.outbox.action_events import ActionEvent
from console.web.config import real_time
from sinks.readmodel.tables import alert
from tests.console.conftest import NOW, Browser, OpenConsole, firing
from tests.console.test_snoozes import SOON


@pytest.fixture
def colleague(console: OpenConsole, engine: Engine) -> Browser:
    """Another officer of the same office."""
    create(engine, "county-2", DEMO_PASSWORD, "county", "COUNTY_JUSTICE-990102-01", "990102")
    return console("county-2")


def ask(
    engine: Engine,
    alert_id: str,
    action: str,
    login: str = "county",
    state: str = "waiting",
    data: Mapping[str, object] | None = None,
) -> str:
    """Somebody has just pressed a button."""
    wanted = select(console_user.c.user_id).where(console_user.c.login == login)
    with engine.connect() as connection:
        user_id = connection.execute(wanted).scalar_one()
        row = dict(connection.execute(select(alert).where(alert.c.alert_id == alert_id)).mappings().one())
    type_ = f"reentry.action.{action}d.v1"
    event = ActionEvent(
        f"e-{action}-{login}", action, {"type": type_, "recordedtime": NOW.isoformat(), "data": data or {"by": login}}
    )
    outbox.store(engine, [(event, row)], user_id, f"key-{login}", real_time(), SOON - NOW)  # type: ignore[list-item]
    with engine.begin() as connection:
        connection.execute(update(pending).where(pending.c.event_id == event.event_id).values(state=state))
    return str(event.event_id)


def test_an_answer_that_is_on_its_way_names_nobody(console: OpenConsole, engine: Engine) -> None:
    """It is the office's own event, which says nothing of its user."""
    alert_id = firing(engine, "990102", severity="WARN")
    ask(engine, alert_id, "record", data={"accepted": True, "officer_ref": "O-1"})
    page = console("county").get(f"/alerts/{alert_id}")
    assert page.status_code == 200
    assert "补录" in page.text
    assert "等待回应" in page.text


@pytest.mark.parametrize("state", ["waiting", "sending", "published"])
def test_a_second_acknowledgement_is_told_of_the_first(colleague: Browser, engine: Engine, state: str) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    before = colleague.get(f"/alerts/{alert_id}").text
    ask(engine, alert_id, "acknowledge", state=state)
    answer = colleague.send(f"/alerts/{alert_id}/acknowledge", {"seen": seen_of(before)})
    assert answer.status_code == 409
    assert "county 刚提交了确认，还在路上" in answer.text
    again = colleague.send(f"/alerts/{alert_id}/acknowledge", {"seen": seen_of(answer.text)})
    assert again.status_code != 409, "pressed again, having seen it"


def seen_of(page: str) -> str:
    """What a form on a page says it shows."""
    return str(re.findall(r'name="seen" value="([^"]*)"', page)[0])


def test_the_queues_own_button_is_told_too(colleague: Browser, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    row = colleague.get("/today").text.split(f'id="a-{alert_id}"')[1].split("</tr>")[0]
    ask(engine, alert_id, "acknowledge")
    assert colleague.send(f"/alerts/{alert_id}/acknowledge", {"seen": seen_of(row)}).status_code == 409
    after = colleague.get("/today").text.split(f'id="a-{alert_id}"')[1].split("</tr>")[0]
    assert "确认：等待回应（county）" in after


def test_a_form_that_says_nothing_of_what_it_showed_is_told(colleague: Browser, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    ask(engine, alert_id, "acknowledge")
    assert colleague.send(f"/alerts/{alert_id}/acknowledge").status_code == 409
    token = colleague.client.get("/api/v1/me").json()["csrf"]
    answer = colleague.client.post(
        f"/api/v1/alerts/{alert_id}/acknowledge", json={"key": "12345678"}, headers={"x-csrf-token": token}
    )
    assert answer.status_code == 409


def test_another_action_and_one_that_was_undone_are_no_conflict(colleague: Browser, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    ask(engine, alert_id, "acknowledge", state="undone")
    ask(engine, alert_id, "contest", login="county-2")
    assert colleague.send(f"/alerts/{alert_id}/acknowledge").status_code != 409


def test_several_at_once_leave_out_what_a_colleague_has_just_taken(colleague: Browser, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    ask(engine, alert_id, "acknowledge")
    answer = colleague.send("/today/bulk", {"action": "acknowledge", "id": alert_id})
    assert answer.status_code in (422, 503)
    assert "county 刚提交了确认" in answer.text


def test_the_same_form_sent_twice_by_one_person_is_no_conflict(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    ask(engine, alert_id, "acknowledge")
    own = console("county").send(f"/alerts/{alert_id}/acknowledge", {"key": "key-county"})
    assert own.status_code != 409
    create(engine, "county-3", DEMO_PASSWORD, "county", "COUNTY_JUSTICE-990102-01", "990102")
    other = console("county-3").send(f"/alerts/{alert_id}/acknowledge", {"key": "key-county"})
    assert other.status_code == 409
