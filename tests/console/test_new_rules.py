"""One entry of a rule book is all that a rule needs: pages, scoreboard and API show it to whom it says."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from console.accounts.demo_users import DEMO_USERS, DemoUser
from console.auth.permissions import Audience, Scope
from handover.rules.rulebook import BOOKS, load
from sinks.readmodel.sealing import is_sealed
from sinks.readmodel.tables import alert
from tests.console.conftest import OpenConsole, record

# A talk with each prisoner, owed by the prison; a gap in its data, owed by whoever runs the platform.
OF_PRISON, OF_PLATFORM = "L02-talk", "L03"
BOOK = f"""
book = "city-990100@3"
extends = "city-990100@2"
names = {{ zh = "示例市（第2版）", en = "Sample city, version 2" }}

[[rule]]
id = "{OF_PRISON}"
names = {{ zh = "谈话未进行", en = "Talk not held" }}
kinds = ["A", "A+"]
form = "within"
anchor = "release.scheduled"
within = "0 h"
stages = [{{ at = "due", severity = "WARN" }}]
owner = "sending"
cleared_by = ["release.education_completed"]
scoreboard_stage = "notice"
basis = {{ zh = "示例", en = "Sample", status = "confirm_locally" }}

[[rule]]
id = "{OF_PLATFORM}"
names = {{ zh = "数据缺口待核", en = "Gap to be looked into" }}
kinds = ["SYSTEM"]
form = "manifest_gap"
anchor = "system.publisher_manifest"
check_at = "0 h"
stages = [{{ at = "due", severity = "HIGH" }}]
owner = "platform"
shown_to = ["platform"]
basis = {{ zh = "示例", en = "Sample", status = "confirm_locally" }}
"""
SEEN: dict[str, set[str]] = {
    "town": {OF_PRISON}, "county": {OF_PRISON}, "city": {OF_PRISON, OF_PLATFORM}, "province": set(), "prison": {OF_PRISON}, "procurator": set(),
    "platform": {OF_PLATFORM},
}  # fmt: skip


@pytest.fixture(scope="module")
def book_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rule book of a city with two rules of its own."""
    path = tmp_path_factory.mktemp("book") / "city.toml"
    path.write_text(BOOK, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recorded(book_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded history under that book."""
    path = tmp_path_factory.mktemp("recorded") / "model.sqlite"
    record(path, str(book_file))
    return path


@pytest.mark.parametrize("user", [one for one in DEMO_USERS if one.login in SEEN], ids=lambda one: one.login)
def test_a_new_rule_is_seen_by_whom_its_entry_says(
    console: OpenConsole, engine: Engine, book_file: Path, user: DemoUser
) -> None:
    browser = console(user.login, rules=str(book_file))
    scope = Scope(user.role, user.agency, user.prefix, Audience.of(load(book_file).policies))  # type: ignore[arg-type]
    for rule in (OF_PRISON, OF_PLATFORM):
        with engine.connect() as connection:
            sealed = is_sealed(alert.c.subject).label("sealed")
            firing = select(alert, sealed).where(alert.c.rule_id == rule, alert.c.state == "firing")
            rows = [dict(row) for row in connection.execute(firing).mappings()]
        mine = {
            row["alert_id"] for row in rows if scope.sees(row) and not scope.is_sealed_from(row, sealed=row["sealed"])
        }
        assert bool(mine) == (rule in SEEN[user.login])
        page = browser.get(f"/today?rule={rule}")
        assert page.status_code == 200
        shown = set(re.findall(r"/alerts/([0-9a-f-]{36})", page.text))
        assert shown <= mine
        assert bool(shown) == bool(mine)
        queue = browser.get(f"/api/v1/queue?rule={rule}").json()
        assert {
            row["alert_id"] for row in queue["rows"] if row["alert_id"] in {one["alert_id"] for one in rows}
        } == mine
        assert {row["rule_id"] for row in queue["rows"]} <= {rule}
        for row in rows:
            wanted = 200 if row["alert_id"] in mine else 404
            assert browser.get(f"/alerts/{row['alert_id']}").status_code == wanted
            assert browser.get(f"/api/v1/alerts/{row['alert_id']}").status_code == wanted


def test_a_new_rule_feeds_the_column_that_its_entry_names(console: OpenConsole, book_file: Path) -> None:
    browser, before = console("county", rules=str(book_file)), console("county")
    board, old = (one.get("/api/v1/scoreboard?month=2026-03").json() for one in (browser, before))
    assert board["stages"][0] == {"name": "notice", "rules": ["A01", OF_PRISON], "of_county": False}
    listed = browser.get(f"/api/v1/obligations?rule={OF_PRISON}&month=2026-03&county=990102&result=counted").json()
    assert listed["counted"] > 0
    assert {row["rule_id"] for row in listed["rows"]} == {OF_PRISON}
    (line,), (old_line,) = ([one for one in found["places"] if one["place"] == "990102"] for found in (board, old))
    assert line["cells"][0]["bottom"] == (old_line["cells"][0]["bottom"] or 0) + listed["counted"]
    assert line["total"] == old_line["total"]
    assert f"A01 {OF_PRISON}" in browser.get("/scoreboard?month=2026-03").text
    assert browser.get(f"/obligations?rule={OF_PRISON}&month=2026-03").text.count(OF_PRISON) > 1


def test_a_new_rule_is_told_in_both_languages(console: OpenConsole, engine: Engine, book_file: Path) -> None:
    for login, language, name in (("city", "zh", "谈话未进行"), ("prison", "en", "Talk not held")):
        browser = console(login, rules=str(book_file))
        assert browser.send("/settings", {"language": language, "keys": "on"}).status_code == 303
        assert name in browser.get(f"/today?rule={OF_PRISON}").text
    rules = console("rules-1", rules=str(book_file))
    assert "谈话未进行" in rules.get(f"/rules/city-990100@3/{OF_PRISON}").text


def test_a_book_without_the_keys_has_no_columns_and_keeps_its_feeds(
    console: OpenConsole, engine: Engine, tmp_path: Path
) -> None:
    text = (BOOKS / "cn-default.toml").read_text(encoding="utf-8")
    old = tmp_path / "old.toml"
    old.write_text(re.sub(r"(?m)^(shown_to|scoreboard_stage|signal|timed) = .*\n", "", text), encoding="utf-8")
    city = console("city", rules=str(old))
    assert city.get("/scoreboard?month=2026-03").status_code == 200
    board = city.get("/api/v1/scoreboard?month=2026-03").json()
    assert board["stages"] == []
    assert (board["all"]["total"]["bottom"], board["all"]["overdue"]) == (0, 0)
    figures = city.get("/scoreboard/figures?month=2026-03")
    assert figures.status_code == 200
    feeds = console("platform", rules=str(old)).get("/feeds").text
    assert feeds.count("PRISON-990100-01") == console("platform").get("/feeds").text.count("PRISON-990100-01") > 0
    owed = console("platform", rules=str(old)).get("/api/v1/queue").json()["rows"]
    assert {row["owner_agency"] for row in owed} <= {"PLATFORM"}
    assert console("prison", rules=str(old)).get("/api/v1/queue").json()["rows"]
