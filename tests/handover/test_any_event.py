"""Any event type about any subject: nothing raises, live or at once, and both come to the same."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.analysis.obligation_history import reckon, world_of
from handover.analysis.replay import live_all
from handover.analysis.rule_impact import moves
from handover.analysis.whatif import Memory, compare
from handover.calendar import load_calendar
from handover.cases.codec import encode_case
from handover.cases.shared_state import SharedState
from handover.ids import alert_id, handover_id, obligation_id
from handover.rules.rulebook import load
from schemas import case as case_schema
from schemas.catalogue import PAYLOADS
from schemas.envelope import Event
from schemas.instants import FIRST_YEAR, LAST_YEAR
from schemas.invalid import InvalidEvent
from schemas.parse import parse
from tests.handover.histories import Told, at
from tests.handover.test_life import lived_ahead, lived_live
from tests.schemas.examples import EVENTS as OF_PUBLISHERS

BOOK, CALENDAR = load("cn-default"), load_calendar()
UNTIL = at("2026-04-15 00:00")
PERSONS = ("p1_" + "a" * 26, "p1_" + "b" * 26)
DISPUTES = ("d1_" + "c" * 26, "d1_" + "d" * 26)
MANY = [f"p1_{number:026d}".translate(str.maketrans("0189", "qrst")) for number in range(200)]
SOURCES = ("/agencies/PRISON-990100-01", "/agencies/COUNTY_JUSTICE-990102-01", "/pipeline", "990102")
SUBJECTS = (*PERSONS, *DISPUTES, *SOURCES)
FIRST = at("2026-02-01 00:00")
EVENTS = {
    type_: OF_PUBLISHERS.get(type_)
    or {
        "specversion": "1.0",
        "type": type_,
        "source": "/pipeline",
        "subject": SOURCES[0],
        "data": dict(payload.EXAMPLE),
    }
    for type_, payload in PAYLOADS.items()
}
# What fits no file and names nobody, beside what does.
_FIELDS: Mapping[str, Sequence[object]] = {
    "person_refs": ([], [PERSONS[0]], [PERSONS[0]] * 3, list(PERSONS), ["p1_" + "z" * 26], MANY),
    "survivor_ref": PERSONS,
    "removed_ref": (*PERSONS, "p1_" + "z" * 26),
    "event_ids": ([], ["e0"], ["e0", "e0", "e1", "nobody"]),
    "items": ([], [{"kind": "CALL", "cadence": "DAILY"}], [{"kind": "CALL", "cadence": "DAILY"}] * 2),
    "topics": ([], [{"topic": "nobody's", "count": 10**17, "first_sequence": "9", "last_sequence": "1"}]),
    "holidays": ([], ["2026-02-17"] * 2),
    "changes": ([], [{"rule_id": "A99", "set": {}}], [{"rule_id": "A01", "set": {"off": True}}]),
    "documents": ([],),
    "transfer_id": ("T-1", "T-2"),
    "to_agency": ("COUNTY_JUSTICE-990102-01", "TOWN_JUSTICE-990103001-01", "COURT-990102-01"),
    "successor_code": ("990102004", "990102009", "990102"),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
_FAR = (f"{FIRST_YEAR}-01-01", "2026-02-03", f"{LAST_YEAR}-12-31")
_ALERTS = [
    alert_id(obligation_id(scope, rule, key))
    for scope in (handover_id(PERSONS[0], 1), *DISPUTES, *SOURCES)
    for rule, key in (("A01", ""), ("D01", ""), ("X03", ""), ("A03", "COUNTY_JUSTICE-990102-01"))
]


def drafted(draw: st.DrawFn, number: int) -> dict[str, Any]:
    body = dict(EVENTS[draw(st.sampled_from(sorted(PAYLOADS)))])
    data = dict(body["data"])
    for name in data.keys() & _FIELDS.keys():
        data[name] = draw(st.sampled_from(_FIELDS[name]))
    if "alert_id" in data:
        data["alert_id"] = draw(st.sampled_from(_ALERTS))
    for name, value in data.items():
        if isinstance(value, str) and _DATE.fullmatch(value) and draw(st.integers(0, 3)) == 0:
            data[name] = draw(st.sampled_from(_FAR)) + value[10:]
    happened = FIRST + timedelta(hours=draw(st.integers(0, 24 * 40)))
    body |= {"id": f"e{number}", "data": data, "time": happened.isoformat()}
    body["subject"] = data.get("survivor_ref") or draw(st.sampled_from((body["subject"], *SUBJECTS)))
    for name in ("handoverid", "corrects"):
        body.pop(name, None)
        if draw(st.integers(0, 3)) == 0:
            body[name] = draw(st.sampled_from(["e0", "e1", f"e{number}", handover_id(PERSONS[0], 1), "nobody's"]))
    return body


@st.composite
def readable(draw: st.DrawFn) -> list[Told]:
    """Up to eight events that the parser takes, of any types and subjects."""
    found: list[Told] = []
    for number in range(draw(st.integers(1, 8))):
        try:
            event = parse(orjson.dumps(drafted(draw, number)))
        except InvalidEvent:
            continue
        found.append((event, event.time + timedelta(hours=draw(st.sampled_from([0, 0, 40])))))
    return found


def live_through(told: list[Told]) -> None:
    """Every way by which the product computes from recorded events."""
    lived = live_all(told, BOOK, CALENDAR, UNTIL)
    for one in lived.cases.values():
        if one.derived is not None:
            case_schema.read(encode_case(one).value)
    lived_live(told, restart=True)
    lived_ahead(told)
    world = world_of(told, BOOK, CALENDAR)
    list(reckon(told, world, UNTIL))
    list(moves(told, world, SharedState(BOOK, CALENDAR), UNTIL))
    compare(Memory(told), BOOK, BOOK, CALENDAR, lambda _: None, until=UNTIL)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(readable())
def test_whatever_the_parser_takes_nothing_raises(told: list[Told]) -> None:
    live_through(told)


def example(type_: str, subject: str, number: int, **more: Any) -> Told:
    body = {**EVENTS[type_], "subject": subject, "id": f"x{number}"}
    event = Event(body["id"], body["source"], type_, subject, FIRST + timedelta(hours=number), {**body["data"], **more})
    return event, event.time


REPORT = "reentry.dispute.reported.v1"


@pytest.mark.parametrize("type_", sorted(PAYLOADS))
def test_every_type_about_every_subject_beside_a_dispute_that_names_persons(type_: str) -> None:
    """Also about subjects that the parser would refuse: a log may hold what an older version took."""
    known = [
        example(REPORT, DISPUTES[0], 1, person_refs=list(PERSONS)),
        example("reentry.release.scheduled.v1", PERSONS[0], 2),
    ]
    for subject in SUBJECTS:
        live_through([*known, example(type_, subject, 3), example(type_, subject, 4)])


def test_of_a_dispute_persons_learn_only_its_own_facts() -> None:
    told = [
        example(REPORT, DISPUTES[0], 1, person_refs=list(PERSONS)),
        example("reentry.action.waived.v1", DISPUTES[0], 2),
        example("reentry.dispute.accepted.v1", DISPUTES[0], 3),
    ]
    for order in (told, told[::-1]):
        cases = live_all(order, BOOK, CALENDAR).cases
        known = {fact.name for fact in cases[PERSONS[0]].disputes[DISPUTES[0]].facts()}
        assert (known, cases[PERSONS[0]].entries.copies) == ({"dispute.reported", "dispute.accepted"}, {})
