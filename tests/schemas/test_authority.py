"""Who may say what: event types by agency types, changes of codes, and actions on alerts."""

from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.agencies import AGENCY_TYPES
from schemas.authority import may_act
from schemas.catalogue import PAYLOADS
from schemas.examples import event_of
from schemas.export.json_schema import schemas
from schemas.export.senders import senders, table
from schemas.invalid import InvalidEvent
from schemas.parse import parse
from schemas.payload import PIPELINE
from tests.schemas.examples import EVENTS

DUTY, WORK = "reentry.work.duty_set.v1", "reentry.work.reported.v1"
REGISTRY, RULES = "reentry.system.registry_changed.v1", "reentry.system.rules_changed.v1"


def reason(type_: str, source: str, **data: Any) -> str:
    body = event_of(type_)
    subject = source if type_.startswith("reentry.system.") else body["subject"]
    changed = {**body, "source": source, "subject": subject, "data": {**body["data"], **data}}
    try:
        parse(orjson.dumps(changed))
    except InvalidEvent as error:
        return error.reason
    return ""


@pytest.mark.parametrize("type_", EVENTS)
def test_an_event_is_heard_from_its_senders_and_from_nobody_else(type_: str) -> None:
    allowed = PAYLOADS[type_].SENT_BY
    assert PAYLOADS[type_].BY.partition("-")[0] in allowed
    for kind in AGENCY_TYPES:
        if type_ not in (REGISTRY, DUTY, WORK):
            assert reason(type_, f"/agencies/{kind}-990000-01") == ("" if kind in allowed else "NOT_ALLOWED"), kind


def test_the_pipelines_own_verdicts_are_heard_from_no_agency() -> None:
    ours = [type_ for type_, payload in PAYLOADS.items() if payload.BY == PIPELINE]
    assert all(not PAYLOADS[one].SENT_BY for one in ours)
    assert {reason(*pair) for pair in product(ours, ["/agencies/PROVINCE_JUSTICE-990000-01"])} == {"SCHEMA"}


def test_what_one_kind_of_office_may_say_its_like_may_say_too() -> None:
    for payload in PAYLOADS.values():
        if payload.TYPE == DUTY:
            continue  # nobody sets what he owes himself
        assert len({kind in payload.SENT_BY for kind in ("PRISON", "DETENTION", "PRISON_ADMIN")}) == 1
        assert len({kind in payload.SENT_BY for kind in ("COUNTY_JUSTICE", "TOWN_JUSTICE")}) == 1


@pytest.mark.parametrize(
    ("agency", "code", "successor", "expected"),
    [
        ("PROVINCE_JUSTICE-990000-01", "990102004", "990203001", ""),
        ("PROVINCE_JUSTICE-980000-01", "990102004", None, "NOT_ALLOWED"),
        ("CITY_JUSTICE-990100-01", "990102", "990103", ""),
        ("CITY_JUSTICE-990100-01", "990202", None, "NOT_ALLOWED"),
        ("CITY_JUSTICE-990000-01", "990102", None, "NOT_ALLOWED"),
        ("COUNTY_JUSTICE-990102-01", "990102004", "990102009", ""),
        ("COUNTY_JUSTICE-990102-01", "990102004", "990103001", "NOT_ALLOWED"),
        ("COUNTY_JUSTICE-990100-01", "990102", None, "NOT_ALLOWED"),
        ("TOWN_JUSTICE-990102004-01", "990102004", None, ""),
        ("TOWN_JUSTICE-990102-01", "990102004", None, "NOT_ALLOWED"),
        ("PRISON-990000-01", "990102004", None, "NOT_ALLOWED"),
    ],
)
def test_a_code_is_changed_by_who_has_it_or_stands_above(
    agency: str, code: str, successor: str | None, expected: str
) -> None:
    assert reason(REGISTRY, f"/agencies/{agency}", code=code, successor_code=successor) == expected


@pytest.mark.parametrize(
    ("type_", "agency", "expected"),
    [
        (DUTY, "COUNTY_JUSTICE-990102-01", ""),
        (DUTY, "CITY_JUSTICE-990100-01", ""),
        (DUTY, "COUNTY_JUSTICE-990103-01", "NOT_ALLOWED"),
        (DUTY, "CITY_JUSTICE-990200-01", "NOT_ALLOWED"),
        (DUTY, "TOWN_JUSTICE-990102004-01", "NOT_ALLOWED"),
        (DUTY, "PRISON-990100-01", "NOT_ALLOWED"),
        (WORK, "TOWN_JUSTICE-990102004-01", ""),
        (WORK, "COUNTY_JUSTICE-990102-01", ""),
        (WORK, "TOWN_JUSTICE-990102005-01", "NOT_ALLOWED"),
        (WORK, "TOWN_JUSTICE-990102004-02", "NOT_ALLOWED"),
        (WORK, "COUNTY_JUSTICE-990103-01", "NOT_ALLOWED"),
        (WORK, "CITY_JUSTICE-990100-01", "NOT_ALLOWED"),
        (WORK, "POLICE-990102-01", "NOT_ALLOWED"),
    ],
)
def test_work_is_set_from_above_and_reported_by_the_office_or_its_county(
    type_: str, agency: str, expected: str
) -> None:
    assert reason(type_, f"/agencies/{agency}") == expected


def test_rules_are_the_provinces() -> None:
    assert reason(RULES, "/agencies/PROVINCE_JUSTICE-990000-01/console") == ""
    assert reason(RULES, "/agencies/TOWN_JUSTICE-990102004-01") == "NOT_ALLOWED"
    assert reason(RULES, "/agencies/CITY_JUSTICE-990100-01") == "NOT_ALLOWED"


TOWN, COUNTY, CITY = "TOWN_JUSTICE-990102004-01", "COUNTY_JUSTICE-990102-01", "CITY_JUSTICE-990100-01"
PROVINCE, PRISON, ADMIN = "PROVINCE_JUSTICE-990000-01", "PRISON-990100-01", "PRISON_ADMIN-990000-01"
PLACE, WAIVED, DECIDED = "990102004", "action.waived", "action.contest_decided"


@pytest.mark.parametrize(
    ("actor", "fact", "owner", "place", "allowed"),
    [
        # the owner, and who stands above
        *((one, WAIVED, TOWN, PLACE, True) for one in (TOWN, COUNTY, CITY, PROVINCE)),
        ("COUNTY_JUSTICE-990102-02", WAIVED, COUNTY, "990102", True),
        ("TOWN_JUSTICE-990102005-01", WAIVED, TOWN, PLACE, False),
        ("COUNTY_JUSTICE-990103-01", WAIVED, TOWN, PLACE, False),
        ("CITY_JUSTICE-990200-01", WAIVED, TOWN, PLACE, False),
        ("CITY_JUSTICE-990000-01", WAIVED, TOWN, PLACE, False),
        ("PROVINCE_JUSTICE-980000-01", WAIVED, TOWN, PLACE, False),
        ("COUNTY_JUSTICE-990100-01", WAIVED, COUNTY, "990102", False),
        # a township: where the person is its own, not what is the county's
        (TOWN, WAIVED, COUNTY, PLACE, True),
        (TOWN, WAIVED, COUNTY, "990102", False),
        ("TOWN_JUSTICE-990102-01", WAIVED, TOWN, PLACE, False),
        # a prison's code says where it stands, not whom it commands
        (PRISON, WAIVED, PRISON, PLACE, True),
        (PRISON, WAIVED, COUNTY, "990102", False),
        (PRISON, WAIVED, TOWN, PLACE, False),
        ("PRISON-990100-02", WAIVED, PRISON, PLACE, False),
        (ADMIN, WAIVED, PRISON, PLACE, True),
        ("PRISON_ADMIN-980000-01", WAIVED, PRISON, PLACE, False),
        (ADMIN, WAIVED, COUNTY, "990102", False),
        (COUNTY, WAIVED, PRISON, PLACE, True),  # the county that waits
        (COUNTY, WAIVED, PRISON, "990103001", False),
        # others: what they owe themselves
        ("POLICE-990102-01", WAIVED, COUNTY, "990102", False),
        ("LEGAL_AID-990102-01", WAIVED, "LEGAL_AID-990102-01", PLACE, True),
        # what the platform owes
        (PROVINCE, WAIVED, "PLATFORM", "", True),
        (CITY, WAIVED, "PLATFORM", "", False),
        # the decision on an objection: above the owner
        (COUNTY, DECIDED, TOWN, PLACE, True),
        (COUNTY, DECIDED, COUNTY, "990102", False),
        ("COUNTY_JUSTICE-990102-02", DECIDED, COUNTY, "990102", False),
        (CITY, DECIDED, COUNTY, "990102", True),
        ("CITY_JUSTICE-990200-01", DECIDED, COUNTY, "990102", False),
        (COUNTY, DECIDED, PRISON, PLACE, False),
        (CITY, DECIDED, PRISON, PLACE, True),
        (ADMIN, DECIDED, PRISON, PLACE, True),
        (PROVINCE, DECIDED, CITY, PLACE, True),
        (PROVINCE, DECIDED, PROVINCE, PLACE, False),
    ],
)
def test_who_may_act(actor: str, fact: str, owner: str, place: str, *, allowed: bool) -> None:
    assert may_act(actor, fact, owner, place) == allowed


def test_the_page_for_publishers_says_what_the_classes_say() -> None:
    page = Path("docs/reference/senders.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in page if line.startswith(("| event", "| `reentry."))] == [
        line for line in table() if not line.startswith("|--")
    ]


@pytest.mark.parametrize("type_", PAYLOADS)
def test_the_exported_schema_names_the_senders(type_: str) -> None:
    assert senders(PAYLOADS[type_]) in schemas()[type_]["properties"]["source"]["description"]
