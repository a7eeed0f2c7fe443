"""What-if in the console: a known book or a file, computed in a process of its own, kept with every number and its list."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import Engine, select

from console.accounts.demo_users import make_demo_users
from console.auth.users import User
from console.db import database
from console.db.tables import whatif_alert, whatif_cell, whatif_run
from console.rules import whatif_store
from console.rules.whatif_worker import INTERRUPTED, Runs, compute
from console.web.config import real_time
from console.web.uploads import LARGEST, find_line
from handover.calendar import load_calendar
from handover.rules.rulebook import load, read
from schemas.envelope import Event
from sinks.readmodel.database import connect, prepare
from sinks.readmodel.tables import alert, event
from tests.console.conftest import NOW, Browser, OpenConsole
from tests.console.model import fill
from tests.handover.histories import acknowledged, arriving, notice, told

HEAD = 'book = "draft@1"\nextends = "cn-default@2"\nnames = { zh = "草案", en = "Draft" }\n'
SHORTER = HEAD + '\n[[rule]]\nid = "A10"\nwithin = "1 d"\n\n[[rule]]\nid = "A02"\noff = true\n'
OFF = HEAD + "".join(f'\n[[rule]]\nid = "{rule}"\noff = true\n' for rule in ("A01", "A02", "A05", "A06", "A07", "A08"))
USER = User("u1", "rules-1", "rules", "PROVINCE_JUSTICE-990000-01", "", "rules-1", None, True)
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def asked(engine: Engine, text: str | None, **limits: Any) -> str:
    """A run that has been claimed, as the thread would claim it."""
    book = read(text) if text is not None else load("cn-default")
    values: dict[str, Any] = {"since": None, "until": NOW, **limits}
    file = "draft.toml" if text is not None else "cn-default"
    run_id = whatif_store.ask(engine, USER, book, "cn-default@2", real_time(), file=file, toml=text, **values)
    with engine.begin() as connection:
        connection.execute(whatif_run.update().where(whatif_run.c.run_id == run_id).values(state="running"))
    return run_id


def row(engine: Engine, run_id: str) -> dict[str, Any]:
    with engine.connect() as connection:
        found = whatif_store.find(connection, run_id)
    assert found is not None
    return dict(found)


def person(letter: str, county: str, *, key: bool = False, answered: bool = False) -> list[Event]:
    """Someone whose notice came and was not answered in time (A02); a key person nobody plans to collect (A01, A05, too)."""
    subject = "p1_" + letter * 26
    data = {
        "custody_episode_id": "E1",
        "release_kind": "EXPIRY",
        "release_date": "2026-03-10" if key else "2026-03-31",
        "home_code": f"{county}004",
        "key_person": key,
        "minor": False,
    }
    found = [
        told("release.scheduled", "2026-01-05 10:00", data, subject=subject),
        notice("2026-02-23 10:00", f"COUNTY_JUSTICE-{county}-01", subject=subject),
    ]
    return [*found, acknowledged("2026-03-02 10:00", subject=subject)] if answered else found


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    """A small read model with two runs in it, computed once: by name, their ids."""
    path = tmp_path_factory.mktemp("whatif") / "model.sqlite"
    engine = connect(f"sqlite:///{path}")
    prepare(engine)
    database.prepare(engine)
    people = [person(letter, "990102", answered=letter < "d") for letter in "abcdef"]
    people += [person("g", "990102", key=True), person("h", "990103"), person("i", "990103", key=True)]
    fill(engine, arriving(*(one for some in people for one in some)), load("cn-default"), load_calendar(), NOW)
    make_demo_users(engine)
    runs = {}
    for name, text in (("off", OFF), ("same", None)):
        runs[name] = asked(engine, text)
        compute(str(engine.url), runs[name], "cn-default", None)
        assert row(engine, runs[name])["state"] == "done", row(engine, runs[name])["failure"]
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path, runs


@pytest.fixture
def engine(tried: tuple[Path, Mapping[str, str]], tmp_path: Path) -> Iterator[Engine]:
    """A read model of one's own, with the runs in it."""
    path = tmp_path / "model.sqlite"
    shutil.copyfile(tried[0], path)
    found = connect(f"sqlite:///{path}")
    yield found
    found.dispose()


@pytest.fixture
def runs(tried: tuple[Path, Mapping[str, str]]) -> Mapping[str, str]:
    """The ids of the runs: "off" without some rules, "same" with the book in force."""
    return tried[1]


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(whatif_run.c.run_id)).all())


def sent(browser: Browser, content: bytes | None, name: str = "draft.toml", **fields: str) -> Response:
    """Send the form of /whatif."""
    token = _CSRF.search(browser.get("/whatif").text)
    assert token is not None
    files = {"file": (name, content)} if content is not None else {"file": ("", b"")}
    return browser.client.post("/whatif", data={"csrf": token[1], **fields}, files=files, follow_redirects=False)


def ended(engine: Engine, run_id: str, seconds: float = 90) -> dict[str, Any]:
    """Wait until a run has ended."""
    end = time.monotonic() + seconds
    while row(engine, run_id)["state"] in whatif_store.OPEN:
        assert time.monotonic() < end, "it did not end"
        time.sleep(0.05)
    return row(engine, run_id)


def test_a_file_is_computed_in_a_process_of_its_own(console: OpenConsole, engine: Engine) -> None:
    browser = console("rules-1")
    answer = sent(browser, OFF.encode())
    assert answer.status_code == 303
    path = answer.headers["location"]
    assert browser.get(path).status_code == 200  # while it goes on
    run = ended(engine, path.rpartition("/")[2])
    assert (run["state"], run["book"], run["file"]) == ("done", "draft@1", "draft.toml")
    with engine.connect() as connection:
        raised = set(connection.execute(select(alert.c.alert_id)).scalars())
        mine = whatif_alert.c.run_id == run["run_id"]
        gone = set(
            connection.execute(select(whatif_alert.c.alert_id).where(mine, whatif_alert.c.kind == "gone")).scalars()
        )
        events = len(
            connection.execute(select(event.c.id).where(event.c.type != "reentry.system.manifest_judged.v1")).all()
        )
    figures = run["figures"]
    assert figures["events"] == events
    assert figures["gone"] == len(gone) > 0
    assert gone <= raised
    assert figures["after"] == figures["before"] - figures["gone"] + figures["new"]
    page = browser.get(path).text
    assert f'<dd class="n">{figures["gone"]}</dd>' in page
    assert "等待开始" not in page


def test_the_same_book_is_no_difference(console: OpenConsole, engine: Engine, runs: Mapping[str, str]) -> None:
    run_id = runs["same"]
    figures = row(engine, run_id)["figures"]
    with engine.connect() as connection:
        raised = len(connection.execute(select(alert.c.alert_id)).all())
        counted = connection.execute(
            select(whatif_cell.c.rule_id, whatif_cell.c.before).where(whatif_cell.c.run_id == run_id)
        ).all()
    assert not any(figures[kind] for kind in ("gone", "new", "later", "earlier", "other"))
    assert sum(n for _, n in counted) == figures["before"] == figures["after"] == raised > 0
    page = console("province").get(f"/whatif/{run_id}").text
    assert "没有任何差别" in page
    english = console("province").get(f"/whatif/{run_id}", **{"accept-language": "en"}).text
    assert "No difference: every alert is as it is now." in english


def test_every_number_opens_its_list(console: OpenConsole, engine: Engine, runs: Mapping[str, str]) -> None:
    run_id = runs["off"]
    browser = console("province", page_rows=5000)
    page = browser.get(f"/whatif/{run_id}").text
    links = dict(re.findall(rf'<a class="link" href="(/whatif/{run_id}/alerts\?[^"]+)">(\d+)</a>', page))
    assert len(links) >= 3
    for link, number in links.items():
        shown = browser.get(link.replace("&amp;", "&")).text
        assert shown.count("<tr><td>") == int(number), link
    by_rule = browser.get(f"/whatif/{run_id}?by=rule").text
    assert re.search(r'<th scope="row">A\d\d ', by_rule)


def test_key_persons_are_warned_of_with_their_list(
    console: OpenConsole, engine: Engine, runs: Mapping[str, str]
) -> None:
    run_id = runs["off"]
    figures = row(engine, run_id)["figures"]
    assert 0 < figures["key_persons"] <= figures["key_alerts"]
    browser = console("province", page_rows=5000)
    assert (
        f"有 {figures['key_alerts']} 条关于重点帮教对象，涉及 {figures['key_persons']} 人"
        in browser.get(f"/whatif/{run_id}").text
    )
    assert browser.get(f"/whatif/{run_id}/alerts?key=1").text.count("<tr><td>") == figures["key_alerts"]


def test_the_list_pages_to_its_end(console: OpenConsole, engine: Engine, runs: Mapping[str, str]) -> None:
    run_id = runs["off"]
    browser, path, rows = console("province", page_rows=7), f"/whatif/{run_id}/alerts", 0
    while path:
        page = browser.get(path).text
        rows += page.count("<tr><td>")
        more = re.search(r'<a class="btn sm" href="(/whatif/[^"]+after=[^"]+)"', page)
        path = more[1].replace("&amp;", "&") if more else ""
    with engine.connect() as connection:
        assert rows == len(connection.execute(select(whatif_alert.c.alert_id)).all())


def test_a_person_is_named_only_where_the_alert_has_climbed(
    console: OpenConsole, engine: Engine, runs: Mapping[str, str]
) -> None:
    run_id = runs["off"]
    with engine.begin() as connection:
        rows = connection.execute(select(whatif_alert.c.alert_id, whatif_alert.c.subject, whatif_alert.c.step)).all()
        climbed = rows[0]
        connection.execute(whatif_alert.update().where(whatif_alert.c.alert_id == climbed.alert_id).values(step=3))
        connection.execute(whatif_alert.update().where(whatif_alert.c.alert_id != climbed.alert_id).values(step=0))
    browser = console("province", page_rows=5000)
    page = browser.get(f"/whatif/{run_id}/alerts").text
    assert f"/alerts/{climbed.alert_id}" in page
    assert not any(f"/alerts/{one.alert_id}" in page for one in rows[1:])
    listed = browser.client.get(f"/api/v1/whatif/{run_id}/alerts").json()
    assert [one["subject"] for one in listed if one["subject"]] == [climbed.subject]


def test_who_sees_counts_only_sees_no_person_and_no_small_number(
    console: OpenConsole, engine: Engine, runs: Mapping[str, str]
) -> None:
    run_id = runs["off"]
    browser = console("rules-1")
    page = browser.get(f"/whatif/{run_id}").text
    assert "/alerts?" not in page
    assert browser.get(f"/whatif/{run_id}/alerts").status_code == 403
    table = browser.client.get(f"/api/v1/whatif/{run_id}/table").json()
    full = console("province").client.get(f"/api/v1/whatif/{run_id}/table").json()
    for mine, theirs in zip(table, full, strict=True):
        for name in ("before", "after", "gone", "later", "new"):
            assert mine[name] == (None if 0 < theirs[name] < 5 else theirs[name])
    assert any(None in one.values() for one in table)
    assert "少于 5" in page
    csv = browser.get(f"/whatif/{run_id}/table.csv").text
    assert csv.startswith("\ufeff县区,规则,现在的告警,改后")
    assert "少于 5" in csv


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SHORTER.replace('"1 d"', '"5 moons"').encode(), "draft.toml, 第 7 行: rule A10, within: &#39;5 moons&#39; is no duration; write for example"),
        (b'book = "x@1"\nname = [', "draft.toml, 第 2 行: not TOML in UTF-8: "),
        (b"\xff\xfe\x00", "draft.toml 不是 UTF-8 文本"),
        (b"hello", "draft.toml, 第 1 行: not TOML in UTF-8: "),
        (b'book = "x@1"\nextends = "/etc/passwd"', "draft.toml, 第 2 行: extends: only a book by its name can be extended here; known are"),
        (HEAD.replace("draft@1", "cn-default@2").encode(), "draft.toml, 第 1 行: book cn-default@2: "),
        ((HEAD + "#" * LARGEST).encode(), "draft.toml 有 257 KB，最大 256 KB"),
    ],
    ids=["duration", "syntax", "binary", "text", "path", "name", "size"],
)  # fmt: skip
def test_what_is_no_rule_book_is_refused_with_its_line(
    console: OpenConsole, engine: Engine, content: bytes, said: str
) -> None:
    answer = sent(console("rules-1"), content)
    assert answer.status_code == 422
    assert said in answer.text
    assert count(engine) == 2


def test_a_refusal_is_said_in_english_too(console: OpenConsole) -> None:
    browser = console("rules-1")
    browser.client.cookies.set("console_language", "en")
    answer = sent(browser, b"hello", name="C:\\drafts\\mine.toml")
    assert "mine.toml is no usable rule book; nothing was started." in answer.text
    assert "mine.toml, line 1: not TOML" in answer.text


def test_a_request_that_is_far_too_large_is_not_read(console: OpenConsole) -> None:
    answer = sent(console("rules-1"), b"#" * (5 * LARGEST))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"book": "nowhere@1"}, "请选一个规则库"),
        ({"book": "cn-default@2", "from": "2026-03-05T00:00", "to": "2026-03-04T00:00"}, "起止时间不对"),
        ({"book": "cn-default@2", "to": "2030-01-01T00:00"}, "起止时间不对"),
        ({"book": "cn-default@2", "from": "0001-01-01T00:00"}, "起止时间不对"),
        ({"book": "cn-default@2", "from": "soon"}, "起止时间不对"),
    ],
)
def test_what_cannot_be_asked_is_said(console: OpenConsole, fields: dict[str, str], said: str) -> None:
    answer = sent(console("rules-1"), None, **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_without_a_token_or_the_right_nothing_starts(console: OpenConsole, engine: Engine) -> None:
    assert console("rules-1").client.post("/whatif", data={"book": "cn-default@2"}).status_code == 400
    browser = console("county")
    token = _CSRF.search(browser.get("/settings").text)
    assert token is not None
    assert browser.client.post("/whatif", data={"csrf": token[1], "book": "cn-default@2"}).status_code == 403
    assert count(engine) == 2


def test_a_run_can_be_stopped_and_leaves_no_half_result(console: OpenConsole, engine: Engine) -> None:
    browser = console("rules-1")
    run_id = asked(engine, OFF)
    browser.get(f"/whatif/{run_id}")
    assert browser.send(f"/whatif/{run_id}/cancel").status_code == 303
    assert "这次试算已停止" in browser.get(f"/whatif/{run_id}").text
    with engine.begin() as connection:  # its process has just begun to write
        connection.execute(whatif_run.update().where(whatif_run.c.run_id == run_id).values(state="running"))
    engine_url = str(engine.url)

    def stopped(*_: object) -> None:
        whatif_store.cancel(engine, run_id, real_time())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.rules.whatif_worker._TELL_SECONDS", -1.0)
        patch.setattr("console.rules.whatif_worker._Job.flush", stopped)
        compute(engine_url, run_id, "cn-default", None)
    assert row(engine, run_id)["state"] == "cancelled"
    with engine.connect() as connection:
        for table in (whatif_alert, whatif_cell):
            assert not connection.execute(select(table).where(table.c.run_id == run_id)).all()


def test_a_run_that_cannot_be_computed_says_so(console: OpenConsole, engine: Engine, tmp_path: Path) -> None:
    console()
    run_id = asked(engine, OFF)
    compute(str(engine.url), run_id, "cn-default", tmp_path / "no-calendar.toml")
    run = row(engine, run_id)
    assert (run["state"], run["failure"]) == ("failed", "FileNotFoundError")
    assert "没有算完：FileNotFoundError" in console("rules-1").get(f"/whatif/{run_id}").text


def test_a_run_of_a_server_that_died_is_named_interrupted(console: OpenConsole, engine: Engine) -> None:
    console()
    run_id = asked(engine, OFF)
    with engine.begin() as connection:
        connection.execute(whatif_run.update().where(whatif_run.c.run_id == run_id).values(seen_at=None))
    started = Runs(engine, str(engine.url), "cn-default", None, real_time)
    started.start()
    started.stop()
    assert row(engine, run_id)["failure"] == INTERRUPTED
    assert "服务重新启动过" in console("rules-1").get(f"/whatif/{run_id}").text


def test_more_than_some_runs_do_not_wait(console: OpenConsole, engine: Engine) -> None:
    browser = console("rules-1")
    for _ in range(whatif_store.MOST_WAITING):
        asked(engine, OFF)
    answer = sent(browser, None, book="cn-default@2")
    assert answer.status_code == 409
    assert "已有 3 次试算在等待" in answer.text


def test_old_runs_are_forgotten(console: OpenConsole, engine: Engine) -> None:
    console()
    with engine.begin() as connection:
        first = asked_rows(connection, 60)
    asked(engine, None)
    with engine.connect() as connection:
        kept = set(connection.execute(select(whatif_run.c.run_id)).scalars())
    assert len(kept) == 50
    assert first not in kept


def asked_rows(connection: Any, count: int) -> str:
    """Many runs that have ended; the id of the oldest."""
    base = {
        "user_id": "u1", "login": "x", "book": "b", "file": "f", "base": "a", "seconds": 0.0, "state": "done", "done": 0, "total": 0,
    }  # fmt: skip
    at = real_time().replace(year=2020)
    rows = [{**base, "run_id": f"r{n:02}", "asked_at": at.replace(minute=n)} for n in range(count)]
    connection.execute(whatif_run.insert(), rows)
    return "r00"


def test_the_api_starts_and_tells(console: OpenConsole, engine: Engine) -> None:
    client = console("rules-1").client
    headers = {"x-csrf-token": client.get("/api/v1/me").json()["csrf"]}
    wrong = client.post("/api/v1/whatif", json={"toml": "hello", "file": "x.toml"}, headers=headers)
    assert wrong.status_code == 422
    assert "x.toml, 第 1 行: not TOML" in wrong.json()["errors"]["toml"]
    assert client.post("/api/v1/whatif", json={"book": "none"}, headers=headers).status_code == 422
    limits = {"until": NOW.isoformat(), "since": "2026-02-01T00:00:00+08:00"}
    started = client.post("/api/v1/whatif", json={"toml": SHORTER, **limits}, headers=headers)
    assert started.status_code == 202
    run_id = started.json()["run_id"]
    ended(engine, run_id)
    found = client.get(f"/api/v1/whatif/{run_id}").json()
    assert (found["state"], found["book"]) == ("done", "draft@1")
    assert found["figures"]["before"] >= found["figures"]["gone"] > 0
    assert client.get("/api/v1/whatif").json()[0]["run_id"] == run_id
    assert client.get("/api/v1/whatif/none").status_code == 404
    assert client.get(f"/api/v1/whatif/{run_id}/alerts").status_code == 403


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ("rule A10, within: '5 moons' is no duration", 7),
        ("rule A02, off: x", 11),
        ("rule A02, owner: is needed", 9),
        ("names: must have zh and en", 3),
        ("not TOML: Invalid value (at line 12, column 3)", 12),
        ("rule Z99, within: x", None),
        ("something else", None),
    ],
)
def test_the_line_of_a_refusal_is_found(why: str, line: int | None) -> None:
    assert find_line(SHORTER, why) == line
