"""Who may do what to whose obligation: role × owner × action, and what stands in the list of the office that decides."""

import pytest
from sqlalchemy import Engine, update

from console.auth.permissions import ROLES, Audience, Role, Scope
from handover.rules.rulebook import load
from sinks.readmodel.tables import alert
from tests.console.conftest import OpenConsole, firing

TOWN, COUNTY, CITY = "TOWN_JUSTICE-990102001-01", "COUNTY_JUSTICE-990102-01", "CITY_JUSTICE-990100-01"
PRISON, COURT, PROVINCE = "PRISON-990100-01", "COURT-990102-01", "PROVINCE_JUSTICE-990000-01"
OTHER_TOWN, OTHER_COUNTY, PEACE = "TOWN_JUSTICE-990102002-01", "COUNTY_JUSTICE-990103-01", "MEDIATION-990102001-01"
OWNERS = (TOWN, COUNTY, CITY, PRISON, COURT, OTHER_TOWN, PEACE)
AUDIENCE = Audience.of(load("cn-default").policies)
SCOPES: dict[Role, Scope] = {
    "township": Scope("township", TOWN, "990102001"),
    "county": Scope("county", COUNTY, "990102"),
    "city": Scope("city", CITY, "9901"),
    "province": Scope("province", PROVINCE, "99"),
    "prison": Scope("prison", PRISON, "", AUDIENCE),
    "procurator": Scope("procurator", "PROCURATORATE-990100-01", "9901", AUDIENCE),
    "platform": Scope("platform", "PLATFORM", "", AUDIENCE),
    "rules": Scope("rules", PROVINCE, ""),
    "auditor": Scope("auditor", PROVINCE, ""),
}
EVERYBODY = frozenset(OWNERS)
TAKE = ("acknowledge", "unacknowledge", "comment", "snooze", "resume")
ACTS_ON: dict[Role, dict[str, frozenset[str]]] = {  # for each role, whose obligations an action is allowed on
    "township": dict.fromkeys(TAKE, frozenset((TOWN,))),
    "county": dict.fromkeys((*TAKE, "assign", "contest"), frozenset((TOWN, COUNTY, OTHER_TOWN, PEACE))),
    "city": {
        **dict.fromkeys((*TAKE, "assign", "contest", "waive", "reopen"), EVERYBODY),
        "decide": EVERYBODY - {CITY},
    },
    "province": dict.fromkeys((*TAKE, "assign", "contest", "waive", "reopen", "decide"), EVERYBODY),
    "prison": dict.fromkeys(("acknowledge", "unacknowledge", "comment"), frozenset((PRISON,))),
}


def row_of(owner: str, *, step: int = 3, rule: str = "A04", contest: str | None = None) -> dict[str, object]:
    """An alert about a person of township 990102001."""
    return {
        "owner_agency": owner, "jurisdiction": "990102001", "rule_id": rule, "step": step, "contest": contest,
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_a_role_acts_on_its_own_obligations_and_on_those_below_it(role: Role) -> None:
    scope = SCOPES[role]
    for action in (*TAKE, "assign", "contest", "waive", "reopen", "decide"):
        allowed = {owner for owner in OWNERS if scope.may(action, row_of(owner))}
        assert allowed == ACTS_ON.get(role, {}).get(action, frozenset()), action


def test_nobody_acts_on_what_is_out_of_sight() -> None:
    for role, scope in SCOPES.items():
        elsewhere = {**row_of(OTHER_COUNTY), "jurisdiction": "980103001", "owner_agency": "COUNTY_JUSTICE-980103-01"}
        assert not any(scope.may(action, elsewhere) for action in scope.actions), role


def test_the_province_acts_on_what_has_reached_it_alone() -> None:
    scope = SCOPES["province"]
    assert [step for step in range(5) if scope.may("acknowledge", row_of(CITY, step=step))] == [3, 4]


@pytest.mark.parametrize("rule", ["A01", "X03"])
def test_a_prison_acts_on_its_own_rules_alone(rule: str) -> None:
    assert SCOPES["prison"].may("acknowledge", row_of(PRISON, rule=rule)) == (rule == "A01")


def test_an_open_contest_is_in_the_list_of_the_office_that_decides_on_it() -> None:
    deciding: tuple[tuple[str, Role], ...] = (TOWN, "city"), (COUNTY, "city"), (PRISON, "city"), (CITY, "province")
    for owner, role in deciding:
        decides = SCOPES[role]
        contested = row_of(owner, step=0, contest="open")
        assert decides.sees(contested), owner
        assert decides.may("decide", contested), owner
    assert not SCOPES["province"].sees(row_of(COUNTY, step=0, contest="open")), "the city decides on it"
    assert not SCOPES["province"].sees(row_of(CITY, step=0))


def test_a_contest_to_what_a_city_owes_is_a_row_of_the_province(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    wanted = update(alert).where(alert.c.alert_id == alert_id)
    with engine.begin() as connection:
        connection.execute(wanted.values(owner_agency=CITY, step=0))
    browser = console("province", page_rows=5000)
    assert alert_id not in browser.get("/today").text
    with engine.begin() as connection:
        connection.execute(wanted.values(contest="open"))
    assert f"a-{alert_id}" in console("province", page_rows=5001).get("/today?state=contest").text


def test_a_township_cannot_stop_the_ladder_of_its_county(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102")
    with engine.begin() as connection:
        change = update(alert).where(alert.c.alert_id == alert_id)
        connection.execute(change.values(jurisdiction="990102001", owner_agency=COUNTY, severity="CRIT"))
    browser = console("town")
    page = browser.get(f"/alerts/{alert_id}").text
    for action in ("acknowledge", "snooze", "comment"):
        assert f"/alerts/{alert_id}/{action}" not in page
        assert browser.send(f"/alerts/{alert_id}/{action}", {"note": "x"}).status_code == 403
    assert f'value="{alert_id}"' not in browser.get("/today").text, "it cannot be selected for several at once"
