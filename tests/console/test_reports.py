"""Figures: counted by hand in a small world, equal to replay in a recorded one, kept once frozen, silent where few."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select

from console.auth.permissions import Scope
from console.reports.indicator import compute_quantile, find_nearest_rank
from console.reports.month import Month
from console.reports.obligation_base import RESULTS, ObligationFilter, find_corrections, read_base
from console.reports.scoreboard import Scoreboard, Share, compute_scoreboard, limit_to_reader, sort_lines
from console.reports.scoreboard_access import ScoreboardQuery, find_reader, read_view
from console.reports.stages import ScoreboardStage, list_rules, select_stages
from handover.analysis.replay import live_all
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import instant
from sinks.readmodel.tables import duty
from tests.console.conftest import NOW, history
from tests.console.world import DUE, FROZEN_AT, KNOWN, row, rows, write

FEBRUARY = Month.of(DUE)
BOOK = load("cn-default")
CITY, COUNTY = Scope("city", "CITY_JUSTICE-990100-01", "9901"), Scope("county", "COUNTY_JUSTICE-990102-01", "990102")
DAY = timedelta(days=1)


def board(engine: Engine, prefix: str = "9901", kind: str = "") -> Scoreboard:
    with engine.connect() as connection:
        ground = read_base(connection, FEBRUARY)
        assert ground is not None
        return compute_scoreboard(connection, ground, BOOK, prefix, kind)


def share(found: Scoreboard, place: str, stage: str) -> Share:
    line = next(line for line in found.lines if line.place == place)
    return line.shares[[one.name for one in found.stages].index(stage)]


def small_world() -> list[dict[str, Any]]:
    """990102: answers 18 in time, 2 late, 2 unanswered, and one of each that does not count; 990103: 3 of 4; prison notices 1 of 2."""
    return [
        *rows(18), *rows(2, standing="late"), *rows(2, standing="open"),
        *(row(standing=one) for one in ("waived", "cancelled", "redated", "paused")),
        row(standing="late", contest="open"), row(standing="late", contest="rejected"),
        *rows(3, "990103"), row("990103", standing="open"),
        row(rule="A01", owner_agency="PRISON-990100-01"), row(rule="A01", standing="late", owner_agency="PRISON-990100-01"),
        row(due_at=KNOWN + DAY), row(standing="open", due_at=KNOWN + DAY),  # not due yet, answered or not
        row(due_at=DUE - 31 * DAY), row(standing="open", due_at=DUE - 31 * DAY),  # of January
        row(rule="B03", standing="late"),
    ]  # fmt: skip


def test_a_small_world_is_counted_as_by_hand(engine: Engine) -> None:
    write(engine, small_world(), KNOWN)
    found = board(engine)
    assert share(found, "990102", "answer") == Share(18, 23)
    assert share(found, "990103", "answer") == Share(3, 4)
    assert share(found, "990102", "notice") == Share(1, 2)
    line = next(line for line in found.lines if line.place == "990102")
    assert line.total == Share(18, 24), "the prison's duties are not the county's"
    assert (line.overdue.n, line.overdue.oldest) == (3, DUE - 31 * DAY)
    assert found.all.total == Share(21, 28)
    assert found.left_out == {"contested": 1, "paused": 1, "waived": 1, "cancelled": 1, "redated": 1}
    assert found.contested == {"A02": 1}
    assert [one.percent for one in found.all.months] == [None] * 5 + [75.0]
    assert found.before == Share(1, 2)


def test_every_number_is_the_number_of_rows_behind_it(engine: Engine) -> None:
    write(engine, small_world(), KNOWN)
    found = board(engine)
    with engine.connect() as connection:
        for line in found.lines:
            for stage, one in zip(found.stages, line.shares, strict=True):
                d = found.ground.rows()
                wanted = ObligationFilter(stage.rules, line.place).of(d)
                counted = connection.execute(select(d.c.standing).where(wanted, found.ground.result(d, "counted")))
                standings = counted.scalars().all()
                assert (standings.count("in_time"), len(standings)) == (one.top, one.bottom)


def test_every_duty_of_the_month_has_one_result_and_no_other(engine: Engine) -> None:
    write(engine, small_world(), KNOWN)
    apart = [name for name in RESULTS if name not in ("counted", "missed", "soon")]
    with engine.connect() as connection:
        ground = read_base(connection, FEBRUARY)
        assert ground is not None
        d = ground.rows()
        found = [
            key
            for name in apart
            for key in connection.execute(select(d.c.obligation_id).where(ground.result(d, name))).scalars()
        ]
        every = connection.execute(select(d.c.obligation_id)).scalars().all()
    assert sorted(found) == sorted(every)


def test_a_kind_counts_its_own_rules(engine: Engine) -> None:
    write(engine, small_world(), KNOWN)
    assert board(engine, kind="B").all.total == Share(0, 1)
    assert list_rules(select_stages(BOOK, "B")) == ("B03", "B04", "B08")
    assert not {rule for rule in list_rules(select_stages(BOOK, "A")) if not rule.startswith("A")}
    assert select_stages(BOOK) == [
        ScoreboardStage("notice", ("A01",), of_county=False),
        ScoreboardStage("answer", ("A02",)),
        ScoreboardStage("verify", ("A03",)),
        ScoreboardStage("pickup", ("A05", "A06")),
        ScoreboardStage("receipt", ("B03",)),
        ScoreboardStage("arrival", ("A07", "B04")),
        ScoreboardStage("intake", ("B08",)),
        ScoreboardStage("visit", ("A10",)),
    ]


def test_a_frozen_month_keeps_its_figures_and_corrections_stand_apart(engine: Engine) -> None:
    corrected, later = row(standing="late"), row()
    until = FROZEN_AT + 10 * DAY
    write(engine, [*rows(20), corrected], until, frozen=True)
    assert board(engine).all.total == Share(20, 21)
    told = FROZEN_AT + DAY
    with engine.begin() as connection:
        connection.execute(
            duty.update().where(duty.c.obligation_id == corrected["obligation_id"]).values(known_until=told)
        )
        connection.execute(
            insert(duty), [corrected | {"standing": "in_time", "known_from": told}, later | {"known_from": told}]
        )
    found = board(engine)
    assert found.ground.frozen
    assert found.ground.at == FROZEN_AT
    assert found.all.total == Share(20, 21)
    with engine.connect() as connection:
        listed = find_corrections(connection, FEBRUARY, ObligationFilter(("A02",), "9901"))
        now = read_base(connection, FEBRUARY, until)
        assert now is not None
        assert compute_scoreboard(connection, now, BOOK, "9901", "").all.total == Share(22, 22)
    assert {(one.obligation_id, one.before, one.now) for one in listed} == {
        (corrected["obligation_id"], "late", "in_time"),
        (later["obligation_id"], None, "in_time"),
    }
    with engine.begin() as connection:
        connection.execute(delete(duty))
    assert board(engine).all.total == Share(20, 21)


def test_as_known_at_an_instant_later_news_is_not_there(engine: Engine) -> None:
    answered = row(standing="late")
    told = answered["met_at"] + 3 * DAY
    before = answered | {"standing": "open", "met_at": None, "known_until": told}
    write(engine, [before, answered | {"known_from": told}], KNOWN)
    with engine.connect() as connection:
        results = {}
        for at in (told - timedelta(seconds=1), told):
            ground = read_base(connection, FEBRUARY, at)
            assert ground is not None
            d = ground.rows()
            results[at] = [name for name in ("overdue", "late") if connection.execute(select(d.c.alert_id).where(ground.result(d, name))).all()]  # fmt: skip
    assert list(results.values()) == [["overdue"], ["late"]]


@pytest.mark.parametrize(("top", "bottom", "heat", "percent"), [
    (0, 0, "none", None), (4, 4, "few", None), (19, 19, "few", None), (20, 20, "", 100.0), (19, 20, "", 95.0), (18, 20, "g1", 90.0),
    (16, 20, "g2", 80.0), (14, 20, "g3", 70.0), (13, 20, "g4", 65.0),
])  # fmt: skip
def test_fewer_than_twenty_show_no_percentage(top: int, bottom: int, heat: str, percent: float | None) -> None:
    assert (Share(top, bottom).heat, Share(top, bottom).percent) == (heat, percent)


def test_fewer_than_five_are_hidden_outside_their_county(engine: Engine) -> None:
    write(engine, [*rows(4), *rows(30, "990103"), *rows(6, "990104")], KNOWN)
    found = board(engine)
    city = limit_to_reader(found, "", alone=False, sees_rows=True)
    assert share(city, "990102", "answer").hidden
    assert (share(city, "990102", "answer").top, share(city, "990102", "answer").bottom) == (0, 0)
    assert share(city, "990104", "answer") == Share(6, 6)
    own = limit_to_reader(found, "990102", alone=True, sees_rows=True)
    assert [line.place for line in own.lines] == ["990102"]
    assert share(own, "990102", "answer") == Share(4, 4)
    assert own.all.total == Share(40, 40)


def test_what_the_city_less_ones_own_would_tell_is_hidden_too(engine: Engine) -> None:
    write(engine, [*rows(25), *rows(3, "990103")], KNOWN)
    assert limit_to_reader(board(engine), "990102", alone=True, sees_rows=True).all.total.hidden
    assert not limit_to_reader(board(engine), "", alone=False, sees_rows=True).all.total.hidden


def test_the_worst_stand_first_and_those_with_few_after_them(engine: Engine) -> None:
    write(
        engine,
        [*rows(24), *rows(20, "990103"), *rows(5, "990103", standing="late"), *rows(10, "990101", standing="late")],
        KNOWN,
    )
    found = board(engine).lines
    assert [line.place for line in sort_lines(found, "rank")] == ["990103", "990102", "990101"]
    assert [line.place for line in sort_lines(found, "name")] == ["990101", "990102", "990103"]


def test_a_county_sees_its_line_and_the_citys_whatever_it_asks_for(engine: Engine) -> None:
    write(engine, [*rows(24), *rows(24, "990103")], KNOWN)
    with engine.connect() as connection:
        asked = ScoreboardQuery.read({"prefix": "9802", "month": "2026-02"})
        county, city = (read_view(connection, scope, BOOK, asked, KNOWN) for scope in (COUNTY, CITY))
    assert county is not None
    assert city is not None
    assert [line.place for line in county.board.lines] == ["990102"]
    assert county.board.all.total == Share(48, 48)
    assert city.reader.prefix == "9901"
    assert find_reader(Scope("province", "X", "99"), "9901").prefix == "9901"
    assert not find_reader(Scope("province", "X", "99"), "9901").sees_rows


def test_the_province_has_cities_for_places(engine: Engine) -> None:
    write(engine, [*rows(24), *rows(24, "990201")], KNOWN)
    assert [line.place for line in board(engine, "99").lines] == ["9901", "9902"]


@pytest.mark.slow
def test_the_ledger_of_the_recorded_history_is_what_replay_says(engine: Engine) -> None:
    alerts = live_all((one for one in history() if one[1] <= NOW), load("cn-default"), load_calendar(), NOW).alerts
    last = {one.alert_id: one for one in alerts if one.handover_kind != "SYSTEM"}
    with engine.connect() as connection:
        ground = read_base(connection, None)
        assert ground is not None
        d = ground.rows()
        known = {one["alert_id"]: one for one in connection.execute(select(d)).mappings()}
        late = set(connection.execute(select(d.c.alert_id).where(ground.result(d, "overdue"))).scalars())
    firing = {key for key, one in last.items() if one.state == "firing"}
    assert late == {key for key in firing if last[key].contest != "open"}
    said = {"met_late": "late", "late_delivery": "in_time", "met": "in_time"}
    for key, one in last.items():
        if one.outcome in said:
            assert known[key]["standing"] == said[one.outcome], one.rule_id
    assert len(last) > 20
    assert sum(one["standing"] == "in_time" and key not in last for key, one in known.items()) > 1000


def test_half_is_answered_within_the_median_though_some_are_open() -> None:
    days = [timedelta(days=n) for n in range(1, 11)]
    assert compute_quantile(days, [], 0.5) == timedelta(days=5)
    assert compute_quantile(days, [], 0.9) == timedelta(days=9)
    assert compute_quantile(days[:4], [timedelta(days=20)] * 6, 0.5) is None
    assert compute_quantile([timedelta(days=2), timedelta(days=6)], [timedelta(days=1)], 0.5) == timedelta(days=2)
    assert find_nearest_rank(days, 0.5) == timedelta(days=5)
    assert find_nearest_rank([], 0.5) is None


def test_months_follow_one_another_and_hold_the_end_of_their_last_day() -> None:
    assert Month.read("2026-13") is None
    assert Month.of(instant("2026-03-01T00:00:00+08:00")) == FEBRUARY
    assert str(Month.of(NOW).on(-3)) == "2025-12"
