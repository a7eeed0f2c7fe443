"""Ids are the UUIDs of RFC 9562 that anybody can compute from the same text."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from handover.ids import NS, alert_id, handover_id, obligation_id, transfer_handover_id

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(subject=_text, number=st.integers(0, 10**6), rule=_text, occurrence=_text)
def test_every_id_is_the_uuid_of_its_text(subject: str, number: int, rule: str, occurrence: str) -> None:
    handover = handover_id(subject, number)
    assert handover == str(uuid5(NS, f"handover|{subject}|{number}"))
    assert transfer_handover_id(subject, rule) == str(uuid5(NS, f"handover|{subject}|T|{rule}"))
    obligation = obligation_id(handover, rule, occurrence)
    assert obligation == str(uuid5(NS, f"obligation|{handover}|{rule}|{occurrence}"))
    assert alert_id(obligation) == str(uuid5(NS, f"alert|{obligation}"))
