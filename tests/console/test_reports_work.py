"""Steps of what is late, alarms, help and disputes: counted by hand in a small past, and again from the recorded events."""

import uuid
from collections import Counter
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Connection, Engine, Integer, String, insert, select

from console.reports import aftercare, alarms, disputes, obligations
from console.reports.indicator import Indicator
from console.reports.month import Month
from console.reports.obligation_base import ObligationBase
from console.reports.registry import is_about_few, is_too_few
from sinks.readmodel.tables import UtcDateTime, alert, alert_history, duty, event, handover
from tests.console.conftest import NOW, OpenConsole
from tests.console.past import BOOK, PRISON, TOWN, at, home, known, tell
from tests.console.world import DUE, row, write

FEBRUARY = Month.of(at("2026-02-10"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GPS, COMMITTEE = "LOCATION-990100-01", "MEDIATION-990102004-01"


def parts(figure: Indicator) -> dict[str, dict[str, Any]]:
    """The values of each part by its name."""
    return {one.name: dict(one.values) for one in figure.parts}


def behind(figure: Indicator) -> dict[str, bool]:
    """Who is behind a figure, and whether in its numerator; everybody once."""
    assert len({row.subject for row in figure.rows}) == len(figure.rows)
    return {row.subject: row.holds for row in figure.rows}


def test_of_nothing_every_figure_is_nothing(past: Connection) -> None:
    for figure in (alarms.compute(known(past)), *aftercare.compute(known(past)), *disputes.compute(known(past))):
        assert (figure.top, figure.bottom or 0, figure.percent, list(figure.parts)) == (0, 0, None, []), figure.name


# --- late, by step


def late(engine: Engine, as_of: datetime, name: str = "overdue") -> Indicator:
    """What is late in the city."""
    with engine.connect() as connection:
        found = obligations.compute(connection, ObligationBase(FEBRUARY, as_of, False), BOOK, "9901", ())
    return next(one for one in found if one.name == name)


def test_what_is_late_stands_at_the_step_that_its_alert_had_reached_then(engine: Engine) -> None:
    known_at = DUE + 20 * DAY
    owed = [row(standing="open", due_at=DUE + n * DAY, rule="D01" if n > 2 else "A02") for n in range(5)]
    write(engine, [*owed, row(standing="open", contest="open"), row(), row(standing="late")], known_at)
    with engine.begin() as connection:
        sample = dict(connection.execute(select(alert).limit(1)).mappings().one())

        def reached(n: int, *steps: tuple[int, datetime], state: str = "firing") -> None:
            for revision, (step, changed_at) in enumerate(steps):
                told = {"alert_id": owed[n]["alert_id"], "revision": revision, "step": step, "state": state}
                connection.execute(insert(alert_history), sample | told | {"changed_at": changed_at})

        reached(0, (0, DUE), (1, known_at - HOUR), (2, known_at + HOUR))
        reached(1, (1, known_at))
        reached(2, (0, DUE), state="resolved")
        reached(3, (3, DUE + 4 * DAY))
    assert parts(late(engine, known_at)) == {
        "1": {"n": 2, "age": 20 * DAY}, "3": {"n": 1, "age": 17 * DAY}, "": {"n": 2, "age": 18 * DAY},
    }  # fmt: skip
    assert (late(engine, known_at).top, late(engine, known_at).oldest) == (5, DUE)
    assert parts(late(engine, known_at - 2 * HOUR))["0"] == {"n": 1, "age": 20 * DAY - 2 * HOUR}
    assert parts(late(engine, known_at, "disputes_overdue")) == {
        "3": {"n": 1, "age": 17 * DAY},
        "": {"n": 1, "age": 16 * DAY},
    }


def test_steps_of_the_recorded_history_are_those_of_its_alerts(engine: Engine) -> None:
    with engine.connect() as connection:
        overdue = select(duty.c.alert_id).where(
            duty.c.known_until.is_(None), duty.c.standing == "open", duty.c.due_at <= NOW, duty.c.jurisdiction.startswith("9901")
        )  # fmt: skip
        ids = connection.execute(overdue).scalars().all()
        steps = connection.execute(select(alert.c.step).where(alert.c.alert_id.in_(ids), alert.c.state == "firing"))
        counted = Counter(map(str, steps.scalars()))
    found = late(engine, NOW)
    assert {name: values["n"] for name, values in parts(found).items()} == counted
    assert len(counted) > 2
    assert found.top == len(ids)


# --- alarms


def check(connection: Connection, subject: str, result: str, day: str, **more: Any) -> str:
    """A location check."""
    return tell(connection, subject, "checkin.location_checked", day, {"result": result}, GPS, **more)


def act(connection: Connection, subject: str, fact: str, day: str, clock: str, **data: Any) -> None:
    """An office does something about a person."""
    tell(connection, subject, fact, day, data, clock=clock)


def acknowledge(connection: Connection, subject: str, rule: str, day: str, clock: str) -> None:
    """An officer takes an alert of a rule."""
    plain = {String: "", Integer: 0, Boolean: False, JSON: [], UtcDateTime: at(day)}
    made: dict[str, Any] = {one.name: None if one.nullable else plain[type(one.type)] for one in alert.c}
    named = {"alert_id": str(uuid.uuid4()), "subject": subject, "rule_id": rule}
    connection.execute(insert(alert), made | named)
    act(connection, subject, "action.acknowledged", day, clock, alert_id=named["alert_id"], by="O-1")


def test_an_alarm_is_confirmed_by_what_the_office_finds_within_a_week(past: Connection) -> None:
    for name in "abcdef":
        home(past, f"p1_{name}", "2025-12-01", kind="B3")
    home(past, "p1_elsewhere", "2025-12-01", jurisdiction="990201001")
    check(past, "p1_a", "OUT_OF_AREA", "2026-02-03")
    act(past, "p1_a", "intake.search_opened", "2026-02-03", "10:30", cause="LOST_CONTACT")
    check(past, "p1_b", "NO_FIX", "2026-02-10")
    act(past, "p1_b", "intake.measure_applied", "2026-02-17", "08:59", measure="WARNING", on="2026-02-17")
    check(past, "p1_c", "NO_FIX", "2026-02-10")
    act(past, "p1_c", "intake.measure_applied", "2026-02-17", "09:00", measure="WARNING", on="2026-02-17")
    check(past, "p1_d", "DEVICE_OFF", "2026-02-05")
    acknowledge(past, "p1_d", "A10", "2026-02-05", "09:10")
    acknowledge(past, "p1_d", "B10", "2026-02-05", "09:20")
    check(past, "p1_e", "SEPARATED", "2026-02-28")
    act(past, "p1_e", "intake.search_opened", "2026-02-28", "08:59", cause="LOST_CONTACT")
    check(past, "p1_f", "NO_FIX", "2026-02-06")
    act(past, "p1_f", "checkin.excused", "2026-02-06", "09:30", kind="CALL")
    act(past, "p1_f", "checkin.excused", "2026-02-06", "12:00", kind="LOCATION")
    check(past, "p1_a", "IN_AREA", "2026-02-04")
    check(past, "p1_a", "NO_FIX", "2026-01-31")
    check(past, "p1_elsewhere", "NO_FIX", "2026-02-05")
    mistaken = check(past, "p1_a", "NO_FIX", "2026-02-07")
    check(past, "p1_a", "IN_AREA", "2026-02-07", corrects=mistaken)
    found = alarms.compute(known(past))
    assert behind(found) == {"p1_a": True, "p1_b": True, "p1_c": False, "p1_d": False, "p1_e": False, "p1_f": False}
    assert (found.top, found.bottom) == (2, 6)
    together = parts(found)[""]
    assert together == {"n": 6, "confirmed": 2, "waiting": 1, "median": 3 * HOUR, "p90": 7 * DAY}
    assert parts(found)["NO_FIX"]["p90"] == 7 * DAY
    assert parts(found)["DEVICE_OFF"]["median"] == timedelta(minutes=20)
    assert parts(found)["SEPARATED"] == {"n": 1, "confirmed": 0, "waiting": 1, "median": None, "p90": None}
    earlier = alarms.compute(known(past, at=at("2026-02-10", "09:00")))
    assert (earlier.top, earlier.bottom) == (1, 5)
    assert alarms.compute(known(past, kinds=("A",))).bottom == 0


# --- help


def register(connection: Connection, subject: str, day: str, **more: bool) -> None:
    """The township puts a person on its list."""
    data = {"group_formed": True, "plan_made": True, "agreement_signed": True} | more
    tell(connection, subject, "intake.registered", day, data, TOWN)


def test_help_is_in_place_where_the_last_registration_says_all_three(past: Connection) -> None:
    for name in ("whole", "half", "later", "worse", "closed", "absent"):
        home(past, f"p1_{name}", "2025-06-01", "2026-01-01" if name == "closed" else None)
    home(past, "p1_other_kind", "2025-06-01", kind="B3")
    for name in ("whole", "closed", "other_kind", "worse"):
        register(past, f"p1_{name}", "2025-06-05")
    register(past, "p1_half", "2025-06-05", agreement_signed=False)
    register(past, "p1_later", "2025-06-05", group_formed=False, plan_made=False)
    register(past, "p1_later", "2025-06-15")
    register(past, "p1_worse", "2026-02-01", group_formed=False)
    helped, _ = aftercare.compute(known(past))
    assert behind(helped) == {"p1_whole": True, "p1_half": False, "p1_later": True, "p1_worse": False}
    assert (helped.top, helped.bottom) == (2, 4)
    assert behind(aftercare.compute(known(past, at=at("2025-12-01")))[0])["p1_closed"] is True
    assert behind(aftercare.compute(known(past, at=at("2026-01-31")))[0])["p1_worse"] is True


def test_somebody_is_settled_where_every_need_that_was_told_is_met(past: Connection) -> None:
    def needs(subject: str, *kinds: str) -> None:
        tell(past, subject, "release.assessment_shared", "2025-05-20", {"needs": list(kinds)}, PRISON)

    def answer(subject: str, kind: str, outcome: str, day: str = "2026-02-10") -> None:
        tell(
            past,
            subject,
            "intake.help_answered",
            day,
            {"referral_id": f"R-{subject}", "kind": kind, "outcome": outcome},
        )

    for name in ("met", "half", "referred", "declined", "law", "none"):
        home(past, f"p1_{name}", "2025-05-01")
    needs("p1_met", "EMPLOYMENT", "LEGAL_AID", "HOUSING")
    answer("p1_met", "EMPLOYMENT", "COMPLETED")
    answer("p1_met", "HOUSING", "ACCEPTED")
    answer("p1_met", "HOUSING", "COMPLETED", "2026-02-20")
    needs("p1_half", "EMPLOYMENT", "SCHOOL")
    answer("p1_half", "SCHOOL", "COMPLETED")
    data = {"referral_id": "R-1", "kind": "RELIEF", "to_agency": "CIVIL-990102-01"}
    tell(past, "p1_referred", "intake.help_referred", "2026-02-01", data, TOWN)
    needs("p1_declined", "HOUSING")
    answer("p1_declined", "HOUSING", "DECLINED")
    needs("p1_law", "LEGAL_AID", "PSYCH")
    answer("p1_law", "LEGAL_AID", "COMPLETED")
    needs("p1_none")
    _, settled = aftercare.compute(known(past))
    assert behind(settled) == {"p1_met": True, "p1_half": False, "p1_referred": False, "p1_declined": False}
    assert parts(settled) == {
        "EMPLOYMENT": {"people": 2, "met": 1}, "HOUSING": {"people": 2, "met": 1}, "SCHOOL": {"people": 1, "met": 1}, "RELIEF": {"people": 1, "met": 0},
    }  # fmt: skip
    assert behind(aftercare.compute(known(past, at=at("2026-02-15")))[1])["p1_met"] is False


# --- disputes


def report(connection: Connection, key: str, day: str, **more: Any) -> None:
    """A dispute is reported in a village."""
    data = {"level": "VILLAGE", "place_code": "990102004", "person_refs": [], "kind": "LAND", "found_by": "SCREENING"}
    tell(connection, key, "dispute.reported", day, data | more, COMMITTEE)


def of_dispute(connection: Connection, key: str, fact: str, day: str, **data: Any) -> None:
    """Something is told of it."""
    tell(connection, key, f"dispute.{fact}", day, data, COMMITTEE)


def figures(connection: Connection, **more: Any) -> dict[str, Indicator]:
    """The figures of disputes by name."""
    return {one.name: one for one in disputes.compute(known(connection, **more))}


def test_disputes_are_counted_by_what_became_of_them(past: Connection) -> None:
    for number, key in enumerate("abcde"):
        report(past, f"d1_{key}", f"2026-02-0{number + 1}", level="TOWN" if key == "e" else "VILLAGE")
    report(past, "d1_person", "2026-02-10", person_refs=["p1_a"])
    report(past, "d1_january", "2026-01-31")
    report(past, "d1_elsewhere", "2026-02-10", place_code="990201001")
    for key in ("d1_a", "d1_b", "d1_january"):
        of_dispute(past, key, "accepted", "2026-02-04")
    of_dispute(past, "d1_a", "agreed", "2026-02-11", written=True)
    of_dispute(past, "d1_a", "failed", "2026-02-20", cause="NOT_PERFORMED")
    of_dispute(past, "d1_b", "agreed", "2026-02-22", written=True)
    of_dispute(past, "d1_c", "referred", "2026-02-05", to="COURT")
    for day in ("2026-02-12", "2026-02-13"):
        of_dispute(past, "d1_d", "escalated", day, from_level="VILLAGE", to_level="TOWN", police_told=True)
    of_dispute(past, "d1_d", "escalated", "2026-02-20", from_level="TOWN", to_level="COUNTY", police_told=True)
    of_dispute(past, "d1_e", "escalated", "2026-02-20", from_level="TOWN", to_level="TOWN", police_told=True)
    found = figures(past)
    assert {name: (one.top, one.bottom) for name, one in found.items()} == {
        "disputes_found": (6, None), "disputes_accepted": (2, 6), "disputes_solved_closed": (2, 3), "disputes_solved_found": (2, 6),
        "disputes_time": (3, 6), "disputes_moved": (1, 6), "disputes_special": (1, 6),
    }  # fmt: skip
    assert parts(found["disputes_moved"]) == {"TOWN COUNTY": {"n": 1}, "VILLAGE TOWN": {"n": 1}}
    assert parts(found["disputes_time"]) == {
        "": {"n": 6, "unclosed": 3, "median": 20 * DAY, "p90": None},
        "VILLAGE": {"n": 5, "unclosed": 2, "median": 20 * DAY, "p90": None},
        "TOWN": {"n": 1, "unclosed": 1, "median": None, "p90": None},
    }
    assert {key for key, is_in in behind(found["disputes_special"]).items() if is_in} == {"d1_person"}
    then = figures(past, at=at("2026-02-12"))
    assert (then["disputes_time"].top, parts(then["disputes_moved"])) == (2, {"VILLAGE TOWN": {"n": 1}})
    assert figures(past, prefix="990201")["disputes_found"].top == 1


def test_where_all_are_closed_the_median_is_the_plain_one(past: Connection) -> None:
    days = [3, 9, 4, 20, 7, 12, 5]
    for number, length in enumerate(days):
        report(past, f"d1_{number}", "2026-02-01")
        of_dispute(past, f"d1_{number}", "agreed", f"2026-02-{1 + length:02}", written=True)
    assert parts(figures(past)["disputes_time"])[""]["median"] == median(days) * DAY


# --- as users see them


NEW = (
    "helped", "settled", "alarms", "disputes_time", "disputes_overdue", "disputes_moved", "disputes_special",
)  # fmt: skip


def test_the_recorded_events_counted_again_give_the_same(console: OpenConsole, engine: Engine) -> None:
    found = {one["name"]: one for one in console("city").client.get("/api/v1/figures?month=2026-03").json()["figures"]}
    with engine.connect() as connection:
        told = [
            (row.type.removeprefix("reentry.").removesuffix(".v1"), row.subject, row.time, row.body["data"])
            for row in connection.execute(select(event).where(event.c.arrival <= NOW))
        ]
        homes = connection.execute(select(handover.c.subject, handover.c.kind, handover.c.closed_at)).all()
    people = {one.subject for one in homes}
    outside = [
        data["result"]
        for fact, subject, time, data in told
        if fact == "checkin.location_checked" and data["result"] != "IN_AREA" and subject in people and time.month == 3
    ]
    assert found["alarms"]["denominator"] == len(outside) > 20
    assert {one["name"]: one["values"]["n"] for one in found["alarms"]["parts"] if one["name"]} == Counter(outside)
    reports = [data for fact, _, time, data in told if fact == "dispute.reported" and time.month == 3]
    special = sum(bool(one["person_refs"]) for one in reports)
    assert (found["disputes_special"]["numerator"], found["disputes_special"]["denominator"]) == (special, len(reports))
    levels = Counter(one["level"] for one in reports)
    assert {one["name"]: one["values"]["n"] for one in found["disputes_time"]["parts"] if one["name"]} == levels
    released = {one.subject for one in homes if one.kind in ("A", "A+", "U") and one.closed_at is None}
    merged = {data["removed_ref"]: data["survivor_ref"] for fact, _, _, data in told if fact == "release.person_merged"}
    registered = {merged.get(subject, subject) for fact, subject, *_ in told if fact == "intake.registered"} & released
    assert merged.keys() & {subject for fact, subject, *_ in told if fact == "intake.registered"}
    assert found["helped"]["denominator"] == len(registered) > 500
    for name in ("helped", "settled", "alarms", "disputes_time"):
        answer = console("city").client.get(f"/api/v1/figures/{name}?month=2026-03").json()
        rows, sealed = answer["rows"], answer["outside"]  # a minor is counted, and not listed
        assert sealed <= 1
        assert len(rows) + sealed == found[name]["denominator"], name
        assert 0 <= found[name]["numerator"] - sum(one["in_numerator"] for one in rows) <= sealed, name


def test_every_row_of_what_is_late_on_disputes_can_be_opened(console: OpenConsole) -> None:
    browser = console("city", page_rows=500)
    found = {one["name"]: one for one in browser.client.get("/api/v1/figures?month=2026-03").json()["figures"]}
    answer = browser.client.get("/api/v1/obligations?rule=D01,D02,D03,D04,D05&county=9901&result=overdue").json()
    assert answer["counted"] == found["disputes_overdue"]["numerator"] > 0
    assert sum(one["values"]["n"] for one in found["disputes_overdue"]["parts"]) == answer["counted"]


@pytest.mark.parametrize(("language", "together"), [("zh", "合计"), ("en", "Together")])
def test_parts_are_named_in_words(console: OpenConsole, language: str, together: str) -> None:
    browser = console("county")
    browser.client.cookies.set("console_language", language)
    page = browser.get("/scoreboard/figures?month=2026-03").text
    assert f'<th scope="row">{together}</th>' in page
    for code in ("NO_FIX", "VILLAGE", "EMPLOYMENT"):
        assert code not in page
    for name in NEW:
        path = f"/scoreboard/figures/{name}?month=2026-03"
        assert browser.get(path).status_code == 200, path


def test_many_alarms_of_few_people_are_few(past: Connection) -> None:
    for number in range(4):
        home(past, f"p1_{number}", "2025-12-01", kind="B3")
        for day in range(1, 8):
            check(past, f"p1_{number}", "NO_FIX", f"2026-02-0{day}")
    found = alarms.compute(known(past))
    assert (found.bottom, is_too_few(found)) == (28, True)
    assert all(is_about_few(one) for one in found.parts)
    home(past, "p1_5", "2025-12-01", kind="B3")
    check(past, "p1_5", "NO_FIX", "2026-02-01")
    assert not is_too_few(alarms.compute(known(past)))


def test_few_are_not_told_to_who_sees_no_rows(console: OpenConsole) -> None:
    told = console("province").client.get("/api/v1/figures?month=2026-03&prefix=9901").json()["figures"]
    city = console("city").client.get("/api/v1/figures?month=2026-03").json()["figures"]
    for mine, theirs in zip(told, city, strict=True):
        if mine["name"] in ("overdue", "disputes_overdue"):
            few = {one["name"] for one in theirs["parts"] if one["values"]["n"] < 5}
            assert few
            assert {one["name"] for one in mine["parts"]} == {one["name"] for one in theirs["parts"]} - few
