"""The ledger in SQL: kept step by step it is what one reckoning finds, ties are followed, a frozen month stays as it was."""

from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, delete, select

from handover.analysis.obligation_history import freezes_at, reckon, world_of
from handover.analysis.replay import Told
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import instant, millis
from sinks.consumer import Record
from sinks.obligation_ledger.ledger import Rules, catch_up
from sinks.obligation_ledger.months import as_of, due_in
from sinks.readmodel import events
from sinks.readmodel.tables import duty, event, frozen_duty, frozen_month, ledger, reckoned
from tests.golden.timelines import FOLDERS, read

RULES = Rules(load("cn-default"), load_calendar())
TOLD = {folder.name: folder for folder in FOLDERS}
STEPPED = ("03-released-without-notice", "08-spring-festival", "12-detained-on-day-6", "15-merge", "20-township-abolished", "21-rule-change",
           "23-check-ins-missed", "26-referrals", "27-dispute")  # fmt: skip


def tell(engine: Engine, told: list[Told]) -> None:
    """Write events as their sink does."""
    records = [
        Record(one.topic, 0, 0, one.subject.encode(), orjson.dumps(one.wire()), (), millis(at), at) for one, at in told
    ]
    with engine.begin() as connection:
        assert not events.write(connection, records)


def kept(engine: Engine) -> list[dict[str, Any]]:
    """Every row of the ledger."""
    with engine.connect() as connection:
        rows = connection.execute(select(duty).order_by(duty.c.obligation_id, duty.c.known_from)).mappings()
        return [dict(row) for row in rows]


def replayed(told: list[Told], until: datetime) -> list[dict[str, Any]]:
    """The same by the pure ledger."""
    world = world_of(told, RULES.book, RULES.calendar)
    rows = [
        {**entry.duty._asdict(), "known_from": entry.known_from, "known_until": entry.known_until, "computation": list(entry.computation)}
        for one in reckon(told, world, until)
        for entry in one.entries
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["obligation_id"], row["known_from"]))


@pytest.mark.parametrize("name", STEPPED)
def test_kept_step_by_step_it_is_what_one_reckoning_finds(engine: Engine, name: str) -> None:
    timeline = read(TOLD[name])
    told = sorted(timeline.events, key=lambda one: one[1])
    for at in sorted({arrival for _, arrival in told})[::2]:
        tell(engine, [one for one in told if one[1] <= at])
        catch_up(engine, RULES, at)
    tell(engine, told)
    catch_up(engine, RULES, timeline.until)
    assert kept(engine) == replayed(told, timeline.until)


def test_only_those_with_news_live_again(engine: Engine) -> None:
    timeline = read(TOLD["09-prison-delivers-day-11"])
    tell(engine, list(timeline.events))
    assert catch_up(engine, RULES, timeline.until) > 0
    with engine.connect() as connection:
        moves = [at for at in connection.execute(select(reckoned.c.next_at)).scalars() if at is not None]
    quiet = min([*moves, timeline.until + timedelta(hours=1)]) - timedelta(milliseconds=1)
    assert catch_up(engine, RULES, quiet) == 0
    assert catch_up(engine, RULES, timeline.until) == 0


def test_an_answer_that_comes_later_is_known_from_when_it_came(engine: Engine) -> None:
    timeline = read(TOLD["02-notice-one-day-late"])
    tell(engine, list(timeline.events))
    catch_up(engine, RULES, timeline.until)
    rows = [row for row in kept(engine) if row["rule_id"] == "A01"]
    assert [row["standing"] for row in rows] == ["open", "late"]
    assert rows[0]["known_until"] == rows[1]["known_from"]
    with engine.connect() as connection:
        before = select(duty.c.standing).where(
            as_of(rows[1]["known_from"] - timedelta(seconds=1)), duty.c.rule_id == "A01"
        )
        assert connection.execute(before).scalars().all() == ["open"]


def test_another_rule_book_makes_everybody_live_again(engine: Engine) -> None:
    timeline = read(TOLD["01-happy-release"])
    tell(engine, list(timeline.events))
    first = catch_up(engine, RULES, timeline.until)
    later = timeline.until + timedelta(minutes=1)
    assert catch_up(engine, Rules(load("city-990100"), RULES.calendar), later) >= first
    with engine.connect() as connection:
        assert connection.execute(select(ledger.c.rule_book)).scalar_one() == load("city-990100").book


def test_a_frozen_month_keeps_what_was_known_then(engine: Engine) -> None:
    timeline = read(TOLD["02-notice-one-day-late"])
    told = list(timeline.events)
    tell(engine, told)
    catch_up(engine, RULES, timeline.until)
    due_at = next(row["due_at"] for row in kept(engine) if row["rule_id"] == "A01")
    first = (due_at - timedelta(milliseconds=1)).date().replace(day=1)
    catch_up(engine, RULES, freezes_at(first) + timedelta(days=70))
    name = f"{first:%Y-%m}"
    with engine.connect() as connection:
        known_at = connection.execute(select(frozen_month.c.known_at).where(frozen_month.c.month == name)).scalar_one()
        columns = [column for column in duty.c if column.name in frozen_duty.c]
        then = connection.execute(select(*columns).where(as_of(known_at), due_in(duty.c.due_at, first))).mappings()
        expected = sorted((dict(row) for row in then), key=lambda row: str(row["obligation_id"]))
        assert known_at == freezes_at(first)
    assert expected
    with engine.begin() as connection:
        connection.execute(delete(event).where(event.c.type == "reentry.release.notice_sent.v1"))
        connection.execute(ledger.update().values(rule_book="another"))
    catch_up(engine, RULES, freezes_at(first) + timedelta(days=80))
    with engine.connect() as connection:
        rows = connection.execute(select(frozen_duty).where(frozen_duty.c.month == name)).mappings()
        frozen = sorted((dict(row) for row in rows), key=lambda row: str(row["obligation_id"]))
    assert [{key: value for key, value in row.items() if key != "month"} for row in frozen] == expected
    assert expected != [row for row in kept(engine) if row["rule_id"] == "A01"]


def test_a_month_is_frozen_at_noon_of_the_third_day_after_it() -> None:
    assert freezes_at(date(2026, 9, 1)) == instant("2026-10-03T12:00:00+08:00")
    assert freezes_at(date(2026, 12, 1)) == instant("2027-01-03T12:00:00+08:00")
