"""Who sees what the sinks measured, and how its subject is named."""

import pytest

from console.auth.permissions import Role, Scope
from console.text.formatter import Words
from handover.rules.rulebook import load
from tests.console.conftest import AUDIENCE

COUNTY = {"rule_id": "X01", "jurisdiction": "990102", "owner_agency": "COUNTY_JUSTICE-990102-01", "step": 0}
LATE = {"rule_id": "X06", "jurisdiction": "990100", "owner_agency": "PRISON-990100-01", "step": 0}
REJECTED = {"rule_id": "X07", "jurisdiction": "", "owner_agency": "PLATFORM", "step": 0}
SCOPES: dict[Role, tuple[str, str]] = {
    "township": ("TOWN_JUSTICE-990102004-01", "990102004"),
    "county": ("COUNTY_JUSTICE-990102-01", "990102"),
    "city": ("CITY_JUSTICE-990100-01", "9901"),
    "province": ("PROVINCE_JUSTICE-990000-01", "99"),
    "prison": ("PRISON-990100-01", "990100"),
    "procurator": ("PROCURATORATE-990102-01", "990102"),
    "platform": ("PLATFORM", ""),
}


@pytest.mark.parametrize(
    ("row", "seen"),
    [(COUNTY, {"county", "city"}), ({**COUNTY, "step": 3}, {"county", "city", "province"}),
     ({**COUNTY, "rule_id": "X02"}, {"county", "city"}), (LATE, {"city", "platform"}), (REJECTED, {"platform"})],
    ids=["X01", "X01 at the province", "X02", "X06", "X07"],
)  # fmt: skip
def test_a_measure_is_seen_where_it_can_be_mended(row: dict[str, object], seen: set[str]) -> None:
    assert {
        role for role, (agency, prefix) in SCOPES.items() if Scope(role, agency, prefix, AUDIENCE).sees(row)
    } == seen


def test_another_county_does_not_see_it() -> None:
    assert not Scope("county", "COUNTY_JUSTICE-990103-01", "990103").sees(COUNTY)


def test_its_subject_is_named_as_a_place_a_publisher_or_the_platform() -> None:
    zh, en = Words("zh", load("cn-default")), Words("en", load("cn-default"))
    assert zh.person("990102") == zh.place("990102") != "990102"
    assert en.person("/pipeline") == en.agency("PLATFORM")
    assert en.person("/agencies/PRISON-990100-01") == en.agency("PRISON-990100-01")
