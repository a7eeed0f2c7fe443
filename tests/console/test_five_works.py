"""The five works: each cell counts what the rule book says and opens exactly its rows; what is few, frozen or in contest."""

import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, insert

from handover.rules.rulebook import InvalidRuleBook, load, read
from handover.rules.works import LINES, WORKS, Counted
from sinks.readmodel.tables import duty, event
from tests.console.conftest import NOW, Browser, OpenConsole
from tests.console.test_reports_pages import counted
from tests.console.world import row, rows, write

PRISON = "PRISON-990100-01"
MONTH = "month=2026-02"


def a_city(engine: Engine) -> None:
    """February, frozen: two counties that are good at different works, and one prison."""
    aid, other = {"owner_agency": "LEGAL_AID-990100-01", "occurrence": "decide:R-1"}, {"occurrence": "other:R-2"}
    duties = [
        *rows(20, "990102"), *rows(5, "990102", standing="late"), *rows(20, "990102", "B08", occurrence="plan"),
        *rows(21, "990103"), *rows(20, "990103", "B08", occurrence="file", standing="late"),
        *rows(3, "990102", "A11", **aid), *rows(6, "990103", "A11", **aid), *rows(2, "990103", "A11", **other),
        *rows(7, "990102", "W01", occurrence="PUBLICITY:2026-01-01", handover_kind="WORK"),
        *rows(6, "990102", "A01", owner_agency=PRISON), *rows(5, "990102", "A13", owner_agency=PRISON, standing="open"),
        row("990102", standing="late", contest="open"),
    ]  # fmt: skip
    write(engine, [*duties, *surveys(engine, 6)], NOW, frozen=True)


def surveys(engine: Engine, n: int) -> list[dict[str, Any]]:
    """Surveys that the prison asked the county for."""
    asked = rows(n, "990102", "S01", handover_kind="S", occurrence="normal")
    with engine.begin() as connection:
        for number, one in enumerate(asked):
            body: dict[str, Any] = {"data": {}}
            connection.execute(insert(event), {
                "source": f"/agencies/{PRISON}", "id": f"works-{number}-{one['subject']}", "topic": "reentry.release.v1",
                "type": "reentry.release.survey_requested.v1", "subject": one["subject"], "time": one["anchor_at"],
                "arrival": one["anchor_at"], "day": "2026-02-05", "sequence": None, "body": body,
            })  # fmt: skip
    return asked


def told(browser: Browser, query: str = MONTH) -> dict[str, Any]:
    """The API's answer."""
    answer = browser.client.get(f"/api/v1/five-works?{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def shares(column: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of the works of a column that have any."""
    return {name: (one["top"], one["bottom"]) for name, one in column["works"].items() if one["bottom"]}


def test_each_work_counts_what_the_rule_book_says(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    found = told(console("city"))
    places = {one["place"]: one for one in found["places"]}
    assert shares(places["990102"]) == {
        "prison": (6, 11),
        "corrections": (26, 26),
        "aftercare": (20, 25),
        "publicity": (7, 7),
    }
    assert shares(places["990103"]) == {"corrections": (0, 20), "aftercare": (23, 23), "legal_aid": (6, 6)}
    assert shares(found["all"])["legal_aid"] == (9, 9)
    assert places["990102"]["works"]["legal_aid"]["hidden"], "three are too few outside their county"
    assert (places["990102"]["total"]["top"], places["990102"]["total"]["bottom"]) == (56, 61), (
        "without the prison's work"
    )
    assert found["left_out"]["contested"] == 1
    assert found["frozen"]


def test_the_worst_county_is_first_and_each_says_how_uneven_it_is(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    found = told(console("city"))
    assert [one["place"] for one in found["places"]] == ["990103", "990102"]
    assert found["places"][0]["imbalance"] == {"worst": "corrections", "best": "aftercare", "points": 100.0}
    assert found["places"][1]["imbalance"] == {"worst": "aftercare", "best": "corrections", "points": 20.0}
    assert found["spread"]["corrections"] == pytest.approx(80.0), "nine tenths less one tenth of the way from 0 to 100"
    assert found["spread"]["publicity"] is None
    assert [one["place"] for one in told(console("city"), f"{MONTH}&sort=name")["places"]] == ["990102", "990103"]


def test_a_prison_has_its_own_line(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    (prison,) = told(console("city"))["prisons"]
    assert prison["agency"] == PRISON
    assert {name: (one["top"], one["bottom"]) for name, one in prison["lines"].items()} == {
        "notice": (6, 6), "education": (0, 5), "surveys": (6, 6), "admission": (0, 0),
    }  # fmt: skip


def test_every_number_opens_exactly_its_rows(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    browser = console("city", page_rows=500)
    page = browser.get(f"/five-works?{MONTH}").text
    cells = re.findall(r'<a href="(/obligations[^"]+)" aria-label="[^"]*?(\d+) 件，共 (\d+) 件"', page)
    assert len(cells) == 12 + 3 + 3, "of works, their totals, the prison's lines"
    for href, top, n in cells:
        path = href.replace("&amp;", "&")
        assert counted(browser, path) == int(n), path
        assert counted(browser, path.replace("result=counted", "result=in_time")) == int(top), path


def test_a_county_sees_its_own_column_and_the_city_together(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    found = told(console("county"))
    assert [one["place"] for one in found["places"]] == ["990102"]
    assert shares(found["places"][0])["legal_aid"] == (3, 3)
    assert found["all"]["works"]["publicity"]["bottom"] == 7
    write(engine, [*rows(9), *rows(2, "990103")], NOW, frozen=True)
    hidden = told(console("county"))["all"]["works"]["aftercare"]
    assert hidden["hidden"], "all together less its own would tell the other county's two"


def test_the_file_has_the_page_s_numbers(console: OpenConsole, engine: Engine) -> None:
    a_city(engine)
    answer = console("city").client.get(f"/five-works/export?{MONTH}")
    assert answer.status_code == 200
    lines = [tuple(one) for one in load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True)]
    assert ("五项工作", "社区矫正", "990103", "县 990103", 0, 20, 0, None) in lines
    assert ("监狱", "释放通知", PRISON) in [one[:3] for one in lines]
    assert ("五项工作", "法律援助", "990102", "县 990102", None, "<5", None, None) in lines
    assert [one for one in lines if one[0] == "工作不平衡" and one[7] == 100]


@pytest.mark.parametrize("login", ["town", "prison", "procurator", "platform"])
def test_roles_without_the_scoreboard_have_no_five_works(console: OpenConsole, engine: Engine, login: str) -> None:
    assert console(login).client.get("/five-works").status_code == 403
    assert console(login).client.get("/api/v1/five-works").status_code == 403


def test_later_corrections_do_not_change_a_frozen_month(console: OpenConsole, engine: Engine) -> None:
    write(engine, rows(30), NOW, frozen=True)
    before = told(console("city"))["all"]
    with engine.begin() as connection:
        connection.execute(duty.update().values(standing="late"))
    assert told(console("city"))["all"] == before


# --- the rule book

ENTRY = """
book = "test@1"
extends = "cn-default@2"

[[rule]]
id = "Z01"
names = {{ zh = "测试", en = "Test" }}
kinds = ["A"]
form = "within"
anchor = "release.scheduled"
within = "2 wd"
stages = [{{ at = "due", severity = "WARN" }}]
owner = "{owner}"
cleared_by = ["release.education_completed"]
basis = {{ zh = "测试", en = "Test", status = "confirm_locally" }}
{keys}
"""


def test_the_default_book_feeds_every_work_and_every_line() -> None:
    works = load("cn-default").policies.works
    assert tuple(works.by_work) == WORKS
    assert tuple(works.by_line) == LINES
    once = [one for several in works.by_work.values() for one in several]
    assert len(once) == len(set(once)), "an obligation counts in one work"


def test_one_entry_is_all_that_a_work_needs() -> None:
    works = read(ENTRY.format(owner="town", keys='work = "publicity"')).policies.works
    assert Counted("Z01", "") in works.by_work["publicity"]


@pytest.mark.parametrize(
    ("owner", "keys", "said"),
    [
        ("town", 'work = "other"', "work: unknown word other; allowed are prison, corrections"),
        ("town", 'work = "prison"', "work: prison counts what sending owes"),
        ("sending", 'work = "aftercare"', "work: prison counts what sending owes"),
        ("town", 'work = { PUBLICITY = "publicity" }', "work: a table of kinds of work needs the kind WORK"),
        ("town", 'prison_line = "walls"', "prison_line: unknown word walls; allowed are notice"),
    ],
)
def test_a_wrong_work_is_refused(owner: str, keys: str, said: str) -> None:
    with pytest.raises(InvalidRuleBook, match=f"rule Z01, {re.escape(said)}"):
        read(ENTRY.format(owner=owner, keys=keys))
