import re

import pytest

from schemas import examples
from schemas.catalogue import PAYLOADS, PAYLOADS_BY_FACT, SAME_WHEN, codes_of, fields_of, labels_of
from schemas.payload import PIPELINE
from tests.schemas.examples import EVENTS, read

OURS = ["reentry.system.manifest_judged.v1", "reentry.system.metric_judged.v1"]


def test_the_catalogue_is_the_contracts_and_two_internal_types() -> None:
    assert list(PAYLOADS) == [*EVENTS, *OURS]
    assert len(EVENTS) == 83
    assert {PAYLOADS[one].BY for one in OURS} == {PIPELINE}


@pytest.mark.parametrize("type_", EVENTS)
def test_the_examples_are_those_of_the_contract(type_: str) -> None:
    assert examples.event_of(type_) == EVENTS[type_]
    assert list(examples.event_of(type_)["data"]) == list(EVENTS[type_]["data"])


@pytest.mark.parametrize("type_", PAYLOADS)
def test_every_example_is_an_event(type_: str) -> None:
    assert read(examples.event_of(type_)).type == type_


@pytest.mark.parametrize("fact", PAYLOADS_BY_FACT)
def test_what_makes_two_facts_the_same_are_required_fields(fact: str) -> None:
    required = {
        field.alias or name for name, field in PAYLOADS_BY_FACT[fact].model_fields.items() if field.is_required()
    }
    assert set(SAME_WHEN[fact] or ()) <= required


def test_actions_system_events_and_single_check_ins_are_never_merged() -> None:
    never = {fact for fact, fields in SAME_WHEN.items() if fields is None}
    expected = {fact for fact in SAME_WHEN if fact.startswith(("action.", "system."))}
    assert never == expected | {"checkin.completed", "checkin.location_checked"}


@pytest.mark.parametrize("fact", PAYLOADS_BY_FACT)
def test_every_field_is_described(fact: str) -> None:
    assert PAYLOADS_BY_FACT[fact].__doc__
    for field in PAYLOADS_BY_FACT[fact].model_fields.values():
        assert field.description


@pytest.mark.parametrize("fact", PAYLOADS_BY_FACT)
def test_every_code_has_a_label_in_both_languages(fact: str) -> None:
    for field in fields_of(fact):
        for code, label in labels_of(fact, field).items():
            assert re.search("[一-鿿]", label.zh), (field, code)
            assert label.en.isascii()
            assert label.en


def test_codes_are_found_by_the_names_of_the_wire() -> None:
    assert codes_of("checkin.plan_set", "class") == {"STRICT", "ORDINARY", "RELAXED", "INITIAL"}
    assert "HOUSING" in codes_of("release.assessment_shared", "needs")
    assert codes_of("release.assessment_shared", "risk_band") == {"LOW", "MID", "HIGH"}
    assert (
        codes_of("release.scheduled", "release_date") == codes_of("release.scheduled", "no_such_field") == frozenset()
    )
    assert labels_of("release.occurred", "reason")["RELEASED"] == ("释放", "released")


def test_fields_are_named_as_on_the_wire() -> None:
    assert fields_of("checkin.plan_set") == {"items", "class", "from"}


def test_where_a_field_repeats_the_time_it_does_so_in_the_example() -> None:
    repeats = {fact: payload.REPEATS_TIME for fact, payload in PAYLOADS_BY_FACT.items() if payload.REPEATS_TIME}
    assert repeats == {
        "release.occurred": "released_at",
        "intake.pickup_completed": "handed_over_at",
        "intake.person_reported": "reported_at",
        "checkin.completed": "at",
        "checkin.location_checked": "checked_at",
        "checkin.leave_returned": "returned_at",
    }
