from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas import alert, case, examples
from schemas.alert import Alert
from schemas.instants import CHINA

CONTRACT = """
alert_id obligation_id subject handover_id handover_kind rule_id occurrence rule_book severity state outcome step stage
held owner_agency jurisdiction anchor_at due_at raised_at changed_at resolved_at acknowledged_by assigned_to
snoozed_until contest provisional reason basis seen missing computation ladder revision
"""


def test_an_alert_has_exactly_the_fields_of_the_contract() -> None:
    assert list(Alert.model_fields) == CONTRACT.split()


def test_an_alert_is_read_as_it_was_written() -> None:
    wire = examples.alert().wire()
    assert Alert.model_validate(wire) == examples.alert()
    assert orjson.loads(orjson.dumps(wire)) == wire
    assert alert.read(orjson.dumps(alert.event(examples.alert()))) == examples.alert()


def test_the_event_of_an_alert_is_named_by_its_revision() -> None:
    event = alert.event(examples.alert())
    assert event["id"] == "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d:1"
    assert (event["type"], event["source"]) == ("reentry.alert.changed.v1", "/pipeline")
    assert (event["subject"], event["time"]) == (event["data"]["subject"], event["data"]["changed_at"])


def test_instants_of_an_alert_are_of_china_whoever_made_it() -> None:
    at = datetime(2026, 2, 4, 16, 0, 0, 123_456, tzinfo=UTC)
    made = Alert.model_validate({**examples.alert().wire(), "due_at": at})
    assert made.due_at.tzinfo is CHINA
    assert made.wire()["due_at"] == "2026-02-05T00:00:00.123+08:00"


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b'{"type": "reentry.alert.changed.v1"}', b'{"type": "other", "data": {}}']
)
def test_what_is_no_alert_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        alert.read(value)
    assert "input_value" not in str(refused.value)


@pytest.mark.parametrize(
    "change", [{"severity": "LOUD"}, {"state": "quiet"}, {"due_at": "2026-02-05"}, {"outcome": "lost"}]
)
def test_an_alert_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Alert.model_validate({**examples.alert().wire(), **change})


def test_a_case_is_read_whatever_the_pipeline_remembers_beside_it() -> None:
    found = case.read(orjson.dumps({**examples.case(), "facts": [1, 2], "log": {"x": 1}}))
    assert found.obligations[0].rule_id == "A02"
    assert found.handovers[0].milestones[0].fact == "release.notice_sent"
    assert found.model_dump(mode="json") == examples.case()
