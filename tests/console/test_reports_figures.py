"""Re-offending, monitoring, stock, load and publishers: counted by hand in a small past, told to whom may know them."""

import csv
import io
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from console.reports import load, monitoring, publishers, reconciliation, reoffending
from console.reports.indicator import Indicator
from console.reports.month import Month
from console.reports.registry import NAMES
from sinks.readmodel.tables import alert, dead_letter, duty, event, handover, tie
from tests.console.conftest import NOW, OpenConsole
from tests.console.past import BOOK, COUNTY, FROZEN_AT, PRISON, PROVINCE, TOWN, at, home, known, merge, release, tell
from tests.console.world import row

FEBRUARY = Month.of(at("2026-02-10"))
OTHER_TOWN = "TOWN_JUSTICE-990102005-01"


def test_of_nothing_every_figure_is_nothing(past: Connection) -> None:
    nothing = known(past)
    for figure in (
        *reoffending.compute(nothing),
        monitoring.compute(nothing),
        reconciliation.compute(nothing),
        load.compute(nothing),
    ):
        assert (figure.top or 0, figure.bottom or 0, figure.percent, list(figure.parts)) == (0, 0, None, []), (
            figure.name
        )
    assert publishers.compute(past, BOOK, FEBRUARY, FROZEN_AT, "9901").parts == []
    assert all(one.withheld == 50 for one in reoffending.compute(known(past, "990102"))[:4])


# --- re-offending


def again(
    connection: Connection, subject: str, offence_on: str, day: str, *, confirmed: bool = True, **more: Any
) -> str:
    """A new offence becomes known."""
    data = {"offence_on": offence_on, "confirmed": confirmed}
    return tell(connection, subject, "intake.reoffence_recorded", day, data, **more)


def released(connection: Connection, subject: str, day: str) -> None:
    """A person of 990102 who left the prison."""
    home(connection, subject, day)
    release(connection, subject, day)


def twelve(connection: Connection, **more: Any) -> Indicator:
    """Re-offending over twelve months."""
    return reoffending.compute(known(connection, **more))[0]


def shares(connection: Connection, **more: Any) -> list[tuple[int | None, int | None]]:
    """Numerator and denominator for 12, 36 and 60 months."""
    return [(one.top, one.bottom) for one in reoffending.compute(known(connection, **more))[:3]]


def test_only_a_confirmed_offence_after_the_release_and_within_the_window_counts(past: Connection) -> None:
    for name in ("yes", "before", "doubted", "taken_back", "after", "nothing"):
        released(past, f"p1_{name}", "2026-01-10")
    released(past, "p1_long_ago", "2024-06-01")
    released(past, "p1_too_late", "2026-03-01")
    again(past, "p1_yes", "2026-02-28", "2026-03-02")
    again(past, "p1_before", "2026-01-09", "2026-02-01")
    again(past, "p1_doubted", "2026-02-01", "2026-02-05", confirmed=False)
    again(past, "p1_taken_back", "2026-02-01", "2026-02-05")
    again(past, "p1_taken_back", "2026-02-01", "2026-02-20", confirmed=False)
    again(past, "p1_after", "2026-03-01", "2026-03-02")
    again(past, "p1_long_ago", "2024-12-01", "2025-01-05")
    assert shares(past) == [(1, 6), (2, 7), (2, 7)]
    assert {one.subject for one in twelve(past).rows if one.holds} == {"p1_yes"}
    assert twelve(past).oldest == at("2026-01-10")
    assert twelve(past).percent is None, "too few"
    assert shares(past, kinds=("B1",)) == [(0, 0)] * 3


def test_who_was_released_twice_counts_once_and_whose_release_was_taken_back_not_at_all(past: Connection) -> None:
    released(past, "p1_twice", "2025-05-01")
    release(past, "p1_twice", "2026-01-20")
    again(past, "p1_twice", "2025-06-01", "2025-06-10")
    home(past, "p1_never", "2026-01-10")
    id_ = release(past, "p1_never", "2026-01-10")
    tell(past, "p1_never", "release.reversed", "2026-01-11", {"reverses_event_id": id_, "cause": "MISTAKE"}, PRISON)
    assert shares(past)[0] == (1, 1)


def test_a_later_correction_changes_what_is_known_now_but_not_what_was_known_then(past: Connection) -> None:
    released(past, "p1_a", "2026-01-10")
    id_ = again(past, "p1_a", "2026-02-01", "2026-02-05")
    again(
        past, "p1_a", "2026-02-01", "2026-02-05", confirmed=False, corrects=id_, arrival=FROZEN_AT + timedelta(days=1)
    )
    assert shares(past)[0] == (1, 1)
    assert shares(past, at=FROZEN_AT + timedelta(days=2))[0] == (0, 1)
    assert shares(past, at=at("2026-02-04"))[0] == (0, 1)


def test_what_was_told_of_a_ref_that_was_merged_is_the_survivors(past: Connection) -> None:
    released(past, "p1_c", "2025-05-01")
    release(past, "p1_a", "2025-06-01")
    release(past, "p1_stranger", "2025-06-01")
    again(past, "p1_b", "2026-02-01", "2026-02-05")
    assert shares(past)[0] == (0, 1)
    first = merge(past, "p1_a", "p1_b", "2026-02-06")
    merge(past, "p1_b", "p1_c", "2026-02-07", arrival=FROZEN_AT + timedelta(days=1))
    assert shares(past)[0] == (1, 1), "over two merges, each person once"
    assert [(one.subject, one.at) for one in twelve(past).rows] == [("p1_c", at("2025-05-01"))]
    tell(
        past, "p1_b", "release.person_merged", "2026-02-06",
        {"survivor_ref": "p1_elsewhere", "removed_ref": "p1_a", "cause": "SAME_PERSON"}, PROVINCE, corrects=first,
    )  # fmt: skip
    assert shares(past)[0] == (1, 1), "the offence was told of another ref than the one that went elsewhere"


def test_what_a_split_takes_away_is_the_other_persons_again(past: Connection) -> None:
    released(past, "p1_a", "2025-05-01")
    released(past, "p1_b", "2025-06-01")
    id_ = again(past, "p1_a", "2026-02-01", "2026-02-05")
    assert {one.subject for one in twelve(past).rows if one.holds} == {"p1_a"}
    data = {"survivor_ref": "p1_a", "removed_ref": "p1_b", "event_ids": [id_], "cause": "WRONG_MATCH"}
    tell(past, "p1_a", "release.person_split", "2026-02-08", data, PROVINCE)
    past.execute(insert(tie), {"subject": "p1_a", "other": "p1_b"})
    assert {one.subject for one in twelve(past).rows if one.holds} == {"p1_b"}


def test_persons_who_share_a_dispute_stay_two(past: Connection) -> None:
    home(past, "p1_a", "2026-02-10")
    release(past, "p1_b", "2026-02-10")
    past.execute(insert(tie), [{"subject": "d1_x", "other": "p1_a"}, {"subject": "d1_x", "other": "p1_b"}])
    assert shares(past)[0] == (0, 0)
    assert reconciliation.compute(known(past)).top == 0


def test_a_county_is_not_told_of_fewer_than_fifty_and_a_city_is(past: Connection) -> None:
    for number in range(49):
        released(past, f"p1_{number:02}", "2026-01-10")
    again(past, "p1_00", "2026-02-01", "2026-02-05")
    county = twelve(past, prefix="990102")
    assert (county.top, county.bottom, county.rows, county.oldest, county.withheld) == (None, None, (), None, 50)
    assert shares(past)[0] == (1, 49)
    released(past, "p1_49", "2026-01-10")
    assert shares(past, prefix="990102")[0] == (1, 50)
    assert twelve(past, prefix="990102").percent == 2.0


# --- terms of electronic monitoring


def test_a_term_is_over_where_its_last_day_is_past_and_nothing_was_told(past: Connection) -> None:
    def term(subject: str, fact: str, on: str, until: str) -> None:
        tell(past, subject, f"checkin.em_{fact}", on, {"on": on, "until": until})

    for name in ("runs", "last_day", "over", "extended", "ended", "again", "closed", "coming"):
        home(past, f"p1_{name}", "2025-11-01", "2026-02-20" if name == "closed" else None)
    for name in ("over", "extended", "ended", "again", "closed"):
        term(f"p1_{name}", "started", "2025-11-20", "2026-02-18")
    term("p1_runs", "started", "2026-02-01", "2026-04-30")
    term("p1_last_day", "started", "2025-12-05", "2026-03-03")
    term("p1_extended", "extended", "2026-02-18", "2026-05-18")
    for name in ("ended", "again"):
        tell(past, f"p1_{name}", "checkin.em_ended", "2026-02-16", {"on": "2026-02-16"})
    term("p1_again", "started", "2026-02-25", "2026-03-02")
    tell(past, "p1_coming", "checkin.em_started", "2026-03-01", {"on": "2026-03-10", "until": "2026-06-09"})
    found = monitoring.compute(known(past))
    assert {one.subject: one.holds for one in found.rows} == {
        "p1_runs": False, "p1_last_day": False, "p1_extended": False, "p1_over": True, "p1_again": True,
    }  # fmt: skip
    assert (found.top, found.bottom) == (2, 5)
    assert {one.at for one in found.rows if one.subject == "p1_over"} == {at("2026-02-18", "00:00")}
    earlier = monitoring.compute(known(past, at=at("2026-02-17")))
    assert (earlier.top, earlier.bottom) == (0, 5), "one whose handover had not ended, one that had not begun"


# --- stock


def counted(figure: Indicator) -> dict[str, tuple[Any, ...]]:
    """By county: opening, in, out, closing, difference."""
    return {one.name: tuple(one.values.values()) for one in figure.parts}


def test_opening_and_what_came_less_what_went_is_closing(past: Connection) -> None:
    home(past, "p1_stays", "2025-05-01")
    home(past, "p1_gone", "2025-05-01", "2026-01-31")
    for subject, opened, closed in (
        ("p1_new", "2026-02-10", None), ("p1_leaves", "2025-05-01", "2026-02-11"), ("p1_short", "2026-02-02", "2026-02-12"),
        ("p1_first", "2026-02-01", None), ("p1_march", "2026-03-01", None),
    ):  # fmt: skip
        home(past, subject, opened, closed)
        release(past, subject, opened)
        if closed:
            tell(past, subject, "intake.closed", closed, {"cause": "HELP_END"})
    home(past, "p1_other", "2026-02-10", jurisdiction="990103001")
    release(past, "p1_other", "2026-02-10")
    found = reconciliation.compute(known(past))
    assert counted(found) == {"990102": (2, 3, 2, 3, 0), "990103": (0, 1, 0, 1, 0)}
    assert (found.top, found.bottom) == (6, 6)
    assert counted(reconciliation.compute(known(past, "990103"))) == {"990103": (0, 1, 0, 1, 0)}
    assert counted(reconciliation.compute(known(past, at=at("2026-02-11", "08:00")))) == {
        "990102": (2, 3, 0, 5, 0),
        "990103": (0, 1, 0, 1, 0),
    }


def test_a_move_that_no_event_tells_of_is_flagged(past: Connection) -> None:
    home(past, "p1_a", "2026-02-10")
    home(past, "p1_b", "2025-05-01", "2026-02-11")
    home(past, "p1_c", "2026-02-12")
    release(past, "p1_c", "2026-02-12")
    found = reconciliation.compute(known(past))
    assert (found.top, found.bottom) == (1, 3), "though the two that are missing cancel out below"
    assert counted(found) == {"990102": (1, 1, 0, 2, 0)}
    home(past, "p1_d", "2026-02-13")
    assert counted(reconciliation.compute(known(past))) == {"990102": (1, 1, 0, 3, 1)}


def test_what_was_told_later_was_not_there_then(past: Connection) -> None:
    later = FROZEN_AT + timedelta(days=3)
    home(past, "p1_a", "2026-02-10")
    release(past, "p1_a", "2026-02-10", arrival=later)
    home(past, "p1_b", "2025-05-01", "2026-02-11")
    tell(past, "p1_b", "intake.closed", "2026-02-11", {"cause": "HELP_END"}, arrival=later)
    assert counted(reconciliation.compute(known(past))) == {"990102": (1, 0, 0, 1, 0)}
    assert counted(reconciliation.compute(known(past, at=later))) == {"990102": (1, 1, 1, 1, 0)}


def test_the_word_of_a_ref_that_was_merged_is_one_of_the_survivor(past: Connection) -> None:
    home(past, "p1_a", "2026-02-10")
    release(past, "p1_removed", "2026-02-10")
    assert reconciliation.compute(known(past)).top == 0
    past.execute(insert(tie), {"subject": "p1_a", "other": "p1_removed"})
    assert (reconciliation.compute(known(past)).top, reconciliation.compute(known(past)).bottom) == (1, 1)


# --- load


def owed(connection: Connection, subject: str, n: int, **more: Any) -> None:
    """Open duties about a person."""
    duties = [row(subject=subject, standing="open", due_at=FROZEN_AT + timedelta(days=1), **more) for _ in range(n)]
    connection.execute(insert(duty), duties)


def take_over(connection: Connection, subject: str, day: str, officer: str, town: str = TOWN) -> None:
    """The county names the office and officer."""
    tell(connection, subject, "intake.assigned", day, {"town_agency": town, "officer_ref": officer})


def test_duties_and_people_are_with_the_office_that_took_them_over_last(past: Connection) -> None:
    for name in ("a", "b", "c", "d", "nobody"):
        home(past, f"p1_{name}", "2026-01-05")
        owed(past, f"p1_{name}", 2)
    home(past, "p1_closed", "2026-01-05", "2026-02-01")
    take_over(past, "p1_closed", "2026-01-06", "O-9")
    tell(past, "p1_a", "intake.acknowledged", "2026-01-06", {"accepted": True, "officer_ref": "O-1"})
    tell(past, "p1_nobody", "intake.acknowledged", "2026-01-06", {"accepted": False, "officer_ref": "O-1"})
    take_over(past, "p1_a", "2026-01-07", "O-2")
    take_over(past, "p1_b", "2026-01-07", "O-3")
    take_over(past, "p1_c", "2026-01-07", "O-4", OTHER_TOWN)
    take_over(past, "p1_d", "2026-01-07", "O-4", OTHER_TOWN)
    take_over(past, "p1_d", "2026-02-07", "O-3")
    owed(past, "p1_c", 1, owner_agency=TOWN)
    owed(past, "p1_c", 7, owner_agency=PRISON)
    past.execute(insert(duty), row(subject="p1_c"))
    found = load.compute(known(past))
    assert {one.name: dict(one.values) for one in found.parts} == {
        "": {"people": 1, "duties": 2, "officers": None, "people_each": None, "duties_each": None},
        TOWN: {"people": 3, "duties": 6, "officers": 2, "people_each": 1.5, "duties_each": 3.0},
        OTHER_TOWN: {"people": 1, "duties": 3, "officers": None, "people_each": None, "duties_each": None},
    }
    assert (found.top, found.bottom, len(found.rows)) == (9, 11, 11)
    assert not [one for one in map(repr, found.rows) if "O-" in one], "no officer is in a row"
    then = load.compute(known(past, at=at("2026-01-31")))
    assert {one.name: one.values["people"] for one in then.parts} == {"": 1, TOWN: 3, OTHER_TOWN: 2}


# --- publishers


def rejected(number: int, source: str, received: str, state: str = "pending") -> dict[str, Any]:
    """A dead letter."""
    return {
        "partition": 0, "offset": number, "reason": "SCHEMA_INVALID", "original_topic": "reentry.intake.v1", "original_partition": 0,
        "original_offset": number, "message": "", "source": source, "type": "", "field": "", "headers": [], "key": None, "value": None,
        "received_at": at(received), "redrives": 0, "state": state,
    }  # fmt: skip


def test_a_publisher_has_its_lags_its_rejects_and_its_silence(engine: Engine) -> None:
    mine, still, other = f"/agencies/{COUNTY}", "/agencies/POLICE-990102-01", "/agencies/COUNTY_JUSTICE-980201-01"
    hour = timedelta(hours=1)
    with engine.begin() as connection:
        sample = dict(connection.execute(select(alert).limit(1)).mappings().one())
        silences = [
            (mine, FEBRUARY.begins - hour, FEBRUARY.begins + 2 * hour), (mine, FEBRUARY.begins + 9 * hour, FEBRUARY.begins + 10 * hour),
            (still, FEBRUARY.ends - 5 * hour, None), (other, FEBRUARY.begins, None), (mine, FEBRUARY.begins - 2 * hour, FEBRUARY.begins),
        ]  # fmt: skip
        for number, (source, raised_at, resolved_at) in enumerate(silences):
            one = {
                "alert_id": f"s{number}",
                "subject": source,
                "rule_id": "X03",
                "raised_at": raised_at,
                "resolved_at": resolved_at,
            }
            connection.execute(insert(alert), sample | one)
        letters = [
            rejected(1, mine, "2026-02-03"), rejected(2, mine, "2026-02-04", "redriven"), rejected(3, mine, "2026-01-31"),
            rejected(4, "", "2026-02-03"), rejected(5, other, "2026-02-03"),
        ]  # fmt: skip
        connection.execute(insert(dead_letter), letters)
        for seconds in (10, 20, 30):
            told = at("2026-02-05")
            tell(connection, "p1_x", "intake.closed", "2026-02-05", {}, arrival=told + timedelta(seconds=seconds))
        found = publishers.compute(connection, BOOK, FEBRUARY, FROZEN_AT, "990102")
        then = publishers.compute(connection, BOOK, FEBRUARY, FEBRUARY.begins + 4 * hour, "990102")
    assert {one.name: dict(one.values) for one in found.parts} == {
        mine: {"n": 3, "median": timedelta(seconds=20), "p95": timedelta(seconds=30), "rejects": 2, "silent": 3 * hour},
        still: {"n": 0, "median": None, "p95": None, "rejects": 0, "silent": 5 * hour},
    }
    assert found.top == 3
    assert [(one.name, one.values["rejects"], one.values["silent"]) for one in then.parts] == [(mine, 0, 2 * hour)]


def test_a_publisher_is_of_the_place_that_its_agencys_code_begins_with(past: Connection) -> None:
    def heard(source: str) -> None:
        tell(past, "p1_x", "intake.closed", "2026-02-05", {}, source)

    ours = [
        "COUNTY_JUSTICE-990102-01", "PRISON_ADMIN-990000-01", "TOWN_JUSTICE-990102004-01", "LEGAL_AID-990201-01/desk",
        "COUNTY_JUSTICE-990102-01/console-980102",
    ]  # fmt: skip
    others = ["PRISON-980100-99", "COUNTY_JUSTICE-980201-01/desk-9901", "COUNTY-JUSTICE-9901-01"]
    for source in (*ours, *others):
        heard(source)

    def named(prefix: str) -> set[str]:
        return {
            one.name.removeprefix("/agencies/")
            for one in publishers.compute(past, BOOK, FEBRUARY, FROZEN_AT, prefix).parts
        }

    assert named("99") == set(ours)
    assert named("9901") == {ours[0], ours[2], ours[4]}
    assert named("9801") == {others[0]}
    assert named("01") == set()


# --- as users see them


def figures(console: OpenConsole, user: str, query: str = "") -> dict[str, Any]:
    """All figures by name, from the API."""
    told = console(user).client.get(f"/api/v1/figures?month=2026-03{query}").json()
    return {one["name"]: one for one in told["figures"]}


def test_the_recorded_history_adds_up_and_loses_no_duty(console: OpenConsole, engine: Engine) -> None:
    found = figures(console, "city")
    assert list(found) == list(NAMES)
    assert (found["stock"]["numerator"], found["stock"]["denominator"]) == (14, 14)
    assert {one["values"]["differs"] for one in found["stock"]["parts"]} == {0}
    assert found["stock"]["parts"][1] == {
        "name": "990102",
        "values": {"opening": 458, "in": 3, "out": 1, "closing": 460, "differs": 0},
    }
    assert sum(one["values"]["duties"] for one in found["load"]["parts"]) == found["load"]["denominator"] == 1299
    assert (found["em_over"]["numerator"], found["em_over"]["denominator"]) == (0, 4)
    assert [found[f"reoffended_{months}"]["denominator"] for months in (12, 36, 60)] == [153, 448, 715]
    with engine.connect() as connection:
        told = connection.execute(select(event.c.source).where(event.c.arrival <= NOW)).scalars().all()
    parts = {one["name"]: one["values"]["n"] for one in found["publishers"]["parts"]}
    assert parts[f"/agencies/{COUNTY}"] == told.count(f"/agencies/{COUNTY}")


def test_rows_behind_them_are_as_many_as_they_say_and_in_scope(console: OpenConsole, engine: Engine) -> None:
    found = figures(console, "county")
    with engine.connect() as connection:
        ours = set(
            connection.execute(select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102"))).scalars()
        )
    for name in ("stock", "load", "em_over", "reoffended_12"):
        told = console("county").client.get(f"/api/v1/figures/{name}?month=2026-03").json()
        assert len(told["rows"]) + told["outside"] == found[name]["denominator"], name
        assert {one["subject"] for one in told["rows"]} <= ours, name
        assert sum(one["in_numerator"] for one in told["rows"]) <= found[name]["numerator"], name


def test_what_is_withheld_is_told_nowhere(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        moved = update(handover).where(handover.c.jurisdiction.startswith("990102"))
        connection.execute(moved.where(handover.c.subject > "p1_b").values(jurisdiction="990103001"))
    found = figures(console, "county")["reoffended_12"]
    assert (found["hidden"], found["numerator"], found["denominator"], found["oldest"]) == (True, None, None, None)
    browser = console("county")
    assert "&lt;50" in browser.get("/scoreboard/figures?month=2026-03").text
    assert "/scoreboard/figures/reoffended_12" not in browser.get("/scoreboard/figures?month=2026-03").text
    assert browser.client.get("/api/v1/figures/reoffended_12?month=2026-03").json()["rows"] == []
    lines = table(browser.client.get("/scoreboard/figures/export?month=2026-03&format=csv"))
    assert [line[4] for line in lines if line[0] == "reoffended_12"] == ["<50"]


def test_who_sees_no_rows_is_not_told_of_fewer_than_five_people(console: OpenConsole) -> None:
    province, city = figures(console, "province", "&prefix=9901"), figures(console, "city")
    few = {one["name"] for one in city["load"]["parts"] if 0 < one["values"]["people"] < 5}
    assert few
    assert {one["name"] for one in province["load"]["parts"]} == {one["name"] for one in city["load"]["parts"]} - few
    assert {one["name"] for one in province["stock"]["parts"]} == {"990100"}
    assert province["em_over"]["hidden"]
    told = console("province").client.get("/api/v1/figures/em_over?month=2026-03&prefix=9901").json()
    assert (told["rows"], told["outside"]) == ([], 0)
    assert province["publishers"]["parts"] == city["publishers"]["parts"]
    for name in ("load", "stock", "reoffended_60"):
        assert "p1_" not in console("province").get(f"/scoreboard/figures/{name}?month=2026-03&prefix=9901").text


def table(answer: Any) -> list[list[str]]:
    """The lines of a CSV file below its heads."""
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    return lines[lines.index([]) + 2 :]


def test_the_file_of_figures_says_what_the_api_says(console: OpenConsole) -> None:
    found = figures(console, "city")
    lines = table(console("city").client.get("/scoreboard/figures/export?month=2026-03&format=csv"))
    whole = {(line[0], line[3]): line[4] for line in lines if not line[2]}
    for name, one in found.items():
        for measure, title in (("numerator", "分子"), ("denominator", "分母")):
            assert whole.get((name, title)) == (None if one[measure] is None else str(one[measure])), (name, measure)
    parts = [line for line in lines if line[0] == "stock" and line[2] == "县 990102"]
    assert [(line[3], line[4]) for line in parts] == [
        ("月初", "458"),
        ("进入", "3"),
        ("结束", "1"),
        ("月末", "460"),
        ("差数", "0"),
    ]
    assert all(line[5] for line in lines)


def test_a_difference_is_marked_and_an_unknown_average_left_out(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        home(connection, "p1_" + "k" * 26, "2026-03-04")
    page = console("county").get("/scoreboard/figures?month=2026-03").text
    assert "+1，对不上" in page
    assert "尚无经办人" in page
    assert "—" in page


def test_all_parts_of_a_figure_stand_on_its_own_page(console: OpenConsole) -> None:
    browser = console("city")
    n = len(figures(console, "city")["publishers"]["parts"])
    assert n > 30
    assert browser.get("/scoreboard/figures/publishers?month=2026-03").text.count('<th scope="row">') == n
    assert f"另有 {n - 30} 个没有列出" in browser.get("/scoreboard/figures?month=2026-03").text
