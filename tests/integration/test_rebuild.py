"""`handover rebuild sql`: the read model is the log's again, while sinks run, and what the log has forgotten stays."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, select, update

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas import alert as alerts
from schemas import publishers
from schemas.topics import ALERT, RELEASE, SYSTEM
from sinks.readmodel import position, tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.handover.histories import arriving, told
from tests.integration.pipeline import Pipeline
from tests.integration.test_read_model import changing, config, gaps, made_anew, topics, url
from tests.integration.test_sinks import history, kept, once, revisions, running
from tests.integration.test_unwritable import send

pytestmark = pytest.mark.servers
__all__ = ("topics", "url")  # fixtures
GHOST = "/agencies/COUNTY_JUSTICE-990102-01/ghost"


def rebuilt(topics: Pipeline, url: str, *options: str, **settings: str) -> tuple[int, str]:
    """Exit status and output of the command."""
    process = topics.start("rebuild", "sql", *options, REENTRY_DATABASE_URL=url, **settings)
    status = process.wait(120)
    return status, "".join(path.read_text() for path in sorted(topics.folder.glob("rebuild-*.log")))


def standing(url: str) -> dict[str, list[tuple[str, ...]]]:
    """Every row of the tables that are the log's."""
    engine = connect(url)
    found = {}
    with engine.connect() as connection:
        for table in (tables.alert, tables.alert_history, tables.event, tables.publisher, tables.dead_letter):
            found[table.name] = sorted(tuple(map(str, row)) for row in connection.execute(select(table)))
    engine.dispose()
    return found


def behind(topics: Pipeline, url: str) -> int:
    """How many alerts, and verdicts of sinks, the sinks have not looked at."""
    engine = connect(url)
    with engine.connect() as connection:
        stored = position.read(connection, [ALERT, SYSTEM])
    engine.dispose()
    told = len(topics.records(ALERT)) + len(topics.records(SYSTEM))
    return told - sum(one.next_offset for one in stored.values())


def spoil(connection: Connection) -> None:
    """Rows lost, changed and invented."""
    connection.execute(update(tables.alert).values(state="resolved", revision=1_000_000))
    connection.execute(delete(tables.alert_history).where(tables.alert_history.c.revision == 1))
    some = connection.execute(select(tables.event.c.id).limit(5)).scalars().all()
    connection.execute(delete(tables.event).where(tables.event.c.id.in_(some)))
    connection.execute(update(tables.event).values(subject="/nobody"))


@pytest.mark.parametrize("sinks_run", [False, True])
def test_a_spoilt_read_model_becomes_the_logs_again(topics: Pipeline, url: str, sinks_run: bool) -> None:
    told = history(10)
    good = list(replay(told, load("cn-default"), load_calendar()))
    topics.publish(told)
    send(topics, ALERT, *((one.alert_id.encode(), alerts.event(one)) for one in good))
    expected = sorted((one.alert_id, one.revision) for one in good)
    names = ("alerts", "events", "cases", "dead-letters")

    def is_written() -> bool:
        return kept(url) == once(told) and revisions(url) == expected

    with running(config(topics, url), *names):
        until(is_written, seconds=60)
    right = standing(url)
    if sinks_run:
        with running(config(topics, url), *names):
            changing(url, spoil)
            assert rebuilt(topics, url)[0] == 0
            until(lambda: standing(url) == right, seconds=30)
    else:
        changing(url, spoil)
        assert standing(url) != right
        assert rebuilt(topics, url)[0] == 0
        assert standing(url) == right
    more = history(5, 10)
    topics.publish(more)
    with running(config(topics, url), *names):  # it goes on from there
        until(lambda: kept(url) == once(told + more), seconds=60)


def test_readers_see_the_old_rows_until_the_new_ones_are_there(topics: Pipeline, url: str) -> None:
    told = history(20)
    topics.publish(told)
    with running(config(topics, url), "events"):
        until(lambda: kept(url) == once(told), seconds=60)
    counts, done = set[int](), threading.Event()

    def read() -> None:
        engine = connect(url)
        while not done.is_set():
            with engine.connect() as connection:
                counts.add(connection.execute(select(func.count()).select_from(tables.event)).scalar_one())
        engine.dispose()

    reader = threading.Thread(target=read)
    reader.start()
    status = rebuilt(topics, url)[0]
    done.set()
    reader.join()
    assert (status, counts) == (0, {len(told)})


def test_after_a_lost_alert_topic_nothing_goes_without_a_word_and_then_all_is_the_logs(
    topics: Pipeline, url: str
) -> None:
    good = list(replay(history(5), load("cn-default"), load_calendar()))
    values = [(one.alert_id.encode(), alerts.event(one)) for one in good]
    send(topics, ALERT, *values)
    with running(config(topics, url), "alerts"):
        until(lambda: len(revisions(url)) == len(good), seconds=60)
        made_anew(topics, ALERT)
        send(topics, ALERT, values[0])
        until(lambda: gaps(url) == {(ALERT, "OTHER_TOPIC")}, seconds=60)
        assert len(revisions(url)) == len(good)
        status, said = rebuilt(topics, url)
        assert (status, "make a backup" in said) == (1, True)
        assert len(revisions(url)) == len(good)
        assert rebuilt(topics, url, "--yes")[0] == 0
        until(lambda: revisions(url) == [(good[0].alert_id, good[0].revision)], seconds=30)
        assert gaps(url) == set()
        send(topics, ALERT, *values[1:])
        until(lambda: len(revisions(url)) == len(good), seconds=60)


def test_what_the_log_has_forgotten_stays(topics: Pipeline, url: str) -> None:
    told = history(5)
    topics.publish(told)
    with running(config(topics, url), "events"):
        until(lambda: kept(url) == once(told), seconds=60)
    made_anew(topics, RELEASE)
    assert rebuilt(topics, url)[0] == 0
    assert kept(url) == once(told)
    engine = connect(url)
    with engine.connect() as connection:
        stored = position.read(connection, [RELEASE])
    engine.dispose()
    assert {one.next_offset for one in stored.values()} == {0}


def test_it_writes_what_the_running_sinks_write(topics: Pipeline, url: str, tmp_path: Path) -> None:
    """Nothing that no worker wrote, and of the sources outside the register no heartbeat."""
    register = tmp_path / "publishers.toml"
    register.write_text(publishers.written(["/agencies/PRISON-990001-01"]))
    ghost = told("system.heartbeat", "2026-03-01 09:00", {"expect_next_within": "PT1H"}, GHOST, GHOST)
    topics.publish([*history(2), *arriving(ghost)])
    good = list(replay(history(2), load("cn-default"), load_calendar()))
    forged = [one.model_copy(update={"revision": 1_000_000, "alert_id": f"al1_{'x' * 26}"}) for one in good[:1]]
    send(topics, ALERT, *((one.alert_id.encode(), alerts.event(one)) for one in good))
    send(topics, ALERT, *((one.alert_id.encode(), alerts.event(one)) for one in forged), marked=False)
    mine = replace(config(topics, url), publishers=register)
    with running(mine, "alerts", "events", "cases", "dead-letters"):
        until(lambda: len(revisions(url)) == len(good) and len(kept(url)) == len(once(history(2))), seconds=60)
        until(lambda: behind(topics, url) == 0, seconds=60)
    before = standing(url)
    assert rebuilt(topics, url, REENTRY_PUBLISHERS=str(register))[0] == 0
    assert standing(url) == before
