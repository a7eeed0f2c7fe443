import orjson
import pytest

from schemas.envelope import Event
from schemas.parse import parse, trusted
from tests.schemas.examples import EVENTS, LINES, NOTICE, changed, read


@pytest.mark.parametrize("line", LINES, ids=lambda line: orjson.loads(line)["id"])
def test_an_event_is_written_as_it_was_read(line: bytes) -> None:
    assert parse(line).wire() == orjson.loads(line)


def test_an_event_knows_its_fact_its_topic_and_its_agency() -> None:
    event = read(EVENTS[NOTICE])
    assert (event.fact, event.topic, event.agency) == ("release.notice_sent", "reentry.release.v1", "PRISON-990100-01")


def test_the_agency_is_the_second_segment_also_where_a_system_follows() -> None:
    assert read(changed(source="/agencies/PRISON-990100-01/mis")).agency == "PRISON-990100-01"


def test_unknown_attributes_and_fields_are_carried_through() -> None:
    sent = changed(
        data={"detail": {"of": [1, None, 2.5]}}, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", priority=3
    )
    assert read(sent).wire() == sent


def test_the_canonical_text_leaves_out_when_an_event_arrived_and_the_order_of_names() -> None:
    sent = changed(receivedtime="2026-02-27T09:00:00+08:00")
    turned = dict(reversed(sent.items())) | {"receivedtime": "2026-02-28T09:00:00+08:00"}
    assert read(sent).canonical() == read(turned).canonical()
    assert read(sent).canonical() != read(sent | {"sequence": "1"}).canonical()
    assert "receivedtime" not in read(sent).canonical()


def test_an_event_that_we_wrote_is_read_again_without_its_payload_being_checked() -> None:
    bare = Event(
        "e-1",
        "/agencies/MEDIATION-990102004-01",
        "reentry.dispute.agreed.v1",
        "d1_" + "a" * 26,
        read(changed()).time,
        {},
    )
    assert trusted(orjson.dumps(bare.wire())) == bare
