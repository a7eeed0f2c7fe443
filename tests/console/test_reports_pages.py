"""Scoreboard, figures and exports as users see them: every number opens its rows, files are safe and numbered, both languages."""

import csv
import io
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, delete, insert, select

from console.accounts.demo_users import DEMO_USERS
from console.app import PAGES
from console.auth.permissions import Scope
from console.db.tables import audit_record
from console.reports.sheets import Sheet, as_csv, as_xlsx, clean_cell
from schemas.instants import instant
from sinks.readmodel.tables import duty, event, handover, ledger
from tests.console.conftest import NOW, Browser, OpenConsole
from tests.console.test_pages import CJK, Text
from tests.console.world import row, rows, write

PATHS = ("/scoreboard", "/scoreboard?kind=A&sort=name", "/scoreboard/figures", "/scoreboard/figures/registered",
         "/scoreboard/figures/notice_lead", "/scoreboard/figures/load", "/scoreboard/figures/publishers", "/obligations?result=in_time", "/obligations?rule=A05,A06&month=2026-02&result=counted&kind=A")  # fmt: skip
MAY_SEE = {one.login for one in DEMO_USERS if "scoreboard" in PAGES[one.role]}  # type: ignore[index]


def a_month(engine: Engine) -> None:
    """February, frozen: two counties, one of them with a contest."""
    duties = [*rows(30), *rows(3, standing="late"), row(standing="late", contest="open"), *rows(40, "990103"), *rows(2, "990103", standing="open"),
              *rows(4, rule="A05"), row(rule="A01", owner_agency="PRISON-990100-01")]  # fmt: skip
    write(engine, duties, NOW, frozen=True)


def counted(browser: Browser, path: str) -> int:
    """How many duties a page of /obligations lists, all its pages together."""
    return len(set(re.findall(r'id="a-([0-9a-f-]{36})"', browser.get(path).text)))


def test_every_cell_of_the_scoreboard_opens_exactly_its_rows(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    browser = console("city", page_rows=500)
    page = browser.get("/scoreboard?month=2026-02").text
    cells = re.findall(r'<a href="(/obligations[^"]+)" aria-label="[^"]*?(\d+) 件，共 (\d+) 件"', page)
    assert len(cells) == 6
    for href, top, n in cells:
        path = href.replace("&amp;", "&")
        assert counted(browser, path) == int(n), path
        assert counted(browser, path.replace("result=counted", "result=in_time")) == int(top), path


def test_the_scoreboard_says_what_it_counts_and_that_it_is_frozen(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    page = console("city").get("/scoreboard").text
    for part in (
        "2月数字已于 3月3日 12:00 冻结",
        "1 件有异议",
        "分母",
        "分子",
        "责任在监狱",
        "90.9%",
        "n=33",
        "少于5件",
        "2026-03-03 12:00",
        "冻结以后的更正",
    ):
        assert part in page, part
    assert page.index("县 990102") < page.index("县 990103"), "the worst stands first"
    assert 'class="wide-page"' in page
    assert page.count('aria-sort="ascending"') == 1


def test_a_cell_of_fewer_than_five_is_told_to_its_county_alone(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    path = "/scoreboard?month=2026-02"
    city, county = console("city").get(path).text, console("county").get(path).text
    assert "&lt;5" in city
    assert "4/4" not in city
    assert "4/4" in county
    assert "990103" not in county
    figures = console("city").client.get(f"/api/v1{path}").json()
    assert any(one["hidden"] and one["bottom"] is None for place in figures["places"] for one in place["cells"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_figures_is_whole_in_both_languages(console: OpenConsole, engine: Engine, language: str) -> None:
    browser = console("county")
    browser.client.cookies.set("console_language", language)
    for path in PATHS:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        text = Text(answer.text)
        assert not text.inline, (path, text.inline)
        assert len(text.ids) == len(set(text.ids)), path
        if language == "en":
            assert not [word for word in text.words if CJK.search(word) and word not in ("中文", "中文 (Chinese)")], (
                path
            )


def test_without_a_ledger_pages_say_that_they_wait(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(ledger))
    browser = console("county")
    for path in ("/scoreboard", "/scoreboard/figures", "/obligations"):
        assert "时限台账还没有算好" in browser.get(path).text, path
    for path in ("/api/v1/scoreboard", "/api/v1/figures", "/api/v1/obligations"):
        assert browser.client.get(path).status_code == 404, path
    assert browser.client.get("/obligations/export").status_code == 404


@pytest.mark.parametrize("user", [one.login for one in DEMO_USERS])
def test_who_may_see_figures_and_who_may_take_them_away(console: OpenConsole, user: str) -> None:
    role = next(one.role for one in DEMO_USERS if one.login == user)
    browser = console(user)
    for path in (
        "/scoreboard",
        "/scoreboard/figures",
        "/scoreboard/figures/returns",
        "/api/v1/scoreboard",
        "/api/v1/figures",
    ):
        assert browser.client.get(path).status_code == (200 if user in MAY_SEE else 403), path
    for what, path in (
        ("today", "/today/export"),
        ("obligations", "/obligations/export"),
        ("scoreboard", "/scoreboard/export"),
        ("scoreboard", "/scoreboard/figures/export"),
    ):
        may = {"export", what} <= PAGES[role]  # type: ignore[index]
        assert browser.client.get(path).status_code == (200 if may else 403), path


def test_the_province_sees_sums_and_nobody(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    browser = console("province", page_rows=500)
    assert "市 9901" in browser.get("/scoreboard?prefix=99&month=2026-02").text
    assert counted(browser, "/obligations?month=2026-02&result=counted") == 0
    assert "不在你的范围内" in browser.get("/obligations?month=2026-02&result=counted").text
    assert "p1_" not in browser.get("/scoreboard/figures/registered").text


def test_odd_values_in_an_address_are_left_out(console: OpenConsole) -> None:
    browser = console("city")
    for query in (
        "month=2026-99&kind=Z&prefix=%27&sort=x&at=never",
        "prefix=9802",
        "prefix=990102",
        "month=2099-01",
        "at=2020-01-01T00:00:00%2B08:00",
    ):
        for path in ("/scoreboard", "/scoreboard/figures", "/api/v1/scoreboard"):
            assert browser.client.get(f"{path}?{query}").status_code == 200, (path, query)
    assert browser.client.get("/scoreboard/figures/nothing").status_code == 404
    assert browser.client.get("/api/v1/figures/nothing").status_code == 404


# --- figures


def test_each_figure_has_as_many_rows_as_it_says(console: OpenConsole) -> None:
    browser = console("city")
    found = browser.client.get("/api/v1/figures?month=2026-03").json()
    assert found["known_at"] == NOW.isoformat()
    named = {one["name"]: one for one in found["figures"]}
    for name in (
        "registered",
        "handed_over",
        "disputes_accepted",
        "disputes_found",
        "returns",
        "dates_moved",
        "notice_lead",
    ):
        told = browser.client.get(f"/api/v1/figures/{name}?month=2026-03").json()
        n = named[name]["denominator"] if named[name]["denominator"] is not None else named[name]["numerator"]
        assert len(told["rows"]) + told["outside"] == n, name
        assert named[name]["definition"], name
    assert named["disputes_found"]["numerator"] > 10
    assert named["publishers"]["numerator"] > 1000
    assert {part["name"] for part in named["answer_time"]["parts"]} >= {"A02", "B02"}


def test_a_release_without_a_receiver_is_told_on_its_day(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        home = connection.execute(
            select(handover).where(handover.c.jurisdiction.startswith("990102"), handover.c.closed_at.is_(None)).limit(1)
        ).mappings().one()  # fmt: skip
        connection.execute(
            delete(event).where(event.c.subject == home["subject"], event.c.type.startswith("reentry.intake"))
        )
        today = NOW.date().isoformat()
        connection.execute(
            handover.update().where(handover.c.subject == home["subject"]).values(release_date=today, key_person=True)
        )
    browser = console("county")
    rows_ = browser.client.get("/api/v1/figures/today_no_receiver").json()["rows"]
    assert home["subject"] in {one["subject"] for one in rows_}
    coming = browser.client.get("/api/v1/figures/key_releases").json()["rows"]
    assert {one["subject"]: one["in_numerator"] for one in coming}[home["subject"]] is False


# --- files


def table(answer: Any) -> tuple[dict[str, str], list[list[str]]]:
    """What stands above the table of a CSV file, and the table with its heads."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    empty = lines.index([])
    return {line[0]: line[1] for line in lines[:empty]}, lines[empty + 1 :]


def test_a_file_has_the_filters_and_rows_of_its_page_and_a_number_of_its_own(
    console: OpenConsole, engine: Engine
) -> None:
    browser = console("county", page_rows=500)
    query = "bucket=over&sev=WARN"
    above, lines = table(browser.client.get(f"/today/export?{query}&format=csv"))
    page = set(re.findall(r'id="a-([0-9a-f-]{36})"', browser.get(f"/today?{query}").text))
    assert {line[-1] for line in lines[1:]} == page
    assert page
    assert above["筛选"] == "sev=WARN&bucket=over"
    assert re.fullmatch(r"EXP-\d{6}", above["编号"])
    due_at = lines[0].index("到期时刻")
    assert all(instant(line[due_at]).utcoffset() is not None and "+08:00" in line[due_at] for line in lines[1:])
    answer = browser.client.get("/obligations/export?format=csv&rule=B08")
    with engine.connect() as connection:
        wanted = select(audit_record).where(audit_record.c.action == "export").order_by(audit_record.c.number)
        kept = connection.execute(wanted).mappings().all()
    assert [one["about"] for one in kept] == ["/today?sev=WARN&bucket=over", "/obligations?rule=B08"]
    assert f"EXP-{kept[0]['number']:06d}" == above["编号"]
    assert f"EXP-{kept[1]['number']:06d}.csv" in answer.headers["content-disposition"]
    assert kept[0]["details"]["rows"] == len(page)


def test_heads_of_files_are_in_the_users_language(console: OpenConsole) -> None:
    browser = console("county")
    browser.client.cookies.set("console_language", "en")
    for path in ("/today/export", "/obligations/export", "/scoreboard/export", "/scoreboard/figures/export"):
        above, lines = table(browser.client.get(f"{path}?format=csv"))
        assert "Number" in above
        assert not [one for one in lines[0] if CJK.search(one)], path
        page = load_workbook(io.BytesIO(browser.client.get(path).content), read_only=True).worksheets[0]
        found = [[value if value is not None else "" for value in line] for line in page.iter_rows(values_only=True)]
        heads = next(line for line in found if [one for one in line if one] == lines[0])
        assert len(heads) >= len(lines[0])


def test_the_scoreboard_as_a_file_has_the_numbers_of_the_page(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    above, lines = table(console("city").client.get("/scoreboard/export?month=2026-02&format=csv"))
    first = dict(zip(lines[0], lines[1], strict=True))
    assert first["代码"] == "990102"
    assert (first["回应通知 A02 按时"], first["回应通知 A02 件数"], first["回应通知 A02 %"]) == ("30", "33", "90.9")
    assert (first["接送落实 A05 A06 按时"], first["接送落实 A05 A06 件数"]) == ("", "<5")
    assert above["数据截至"] == "2026-03-03T12:00:00+08:00"
    assert "到期日落在2026年2月" in above["分母"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", '=HYPERLINK("http://x")'])
def test_no_cell_starts_a_formula(text: str) -> None:
    assert clean_cell(text) == f"'{text}"
    sheet = Sheet("=x", [(text, text)], [text], [[text, -5, 1.5, None, NOW, True]])
    shown = next(csv.reader(io.StringIO(b"".join(as_csv(sheet)).decode("utf-8-sig").splitlines(keepends=True)[-1])))
    assert shown[1:] == ["-5", "1.5", "", NOW.isoformat(), "1"] or "\r" in text
    page = load_workbook(io.BytesIO(as_xlsx(sheet))).worksheets[0]
    for line in page.iter_rows():
        for one in line:
            assert one.data_type != "f"
            assert not (isinstance(one.value, str) and one.value[0] in "=+-@\t\r")


def test_a_note_that_would_be_a_formula_is_text_in_the_file(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    _, lines = table(browser.client.get("/today/export?format=csv"))
    alert_id, subject = lines[1][-1], lines[1][lines[0].index("代号")]
    body = {"data": {"alert_id": alert_id, "note": '=cmd|"/c calc"!A1'}}
    with engine.begin() as connection:
        connection.execute(insert(event), {
            "source": "/agencies/X/console", "id": "n1", "topic": "reentry.action.v1", "type": "reentry.action.commented.v1", "subject": subject,
            "time": NOW, "arrival": NOW, "day": "2026-03-06", "sequence": None, "body": body,
        })  # fmt: skip
    _, lines = table(browser.client.get("/today/export?format=csv"))
    found = next(line for line in lines if line[-1] == alert_id)
    assert found[lines[0].index("备注")] == "'" + body["data"]["note"]


def test_the_scoreboard_is_printed_across_the_page_with_room_for_its_number(console: OpenConsole) -> None:
    browser = console("city")
    page = browser.get("/scoreboard?month=2026-02").text
    assert "only-print ph" in page
    assert 'class="print-no"' in page
    css = browser.client.get("/static/console.css").text
    assert "@page wide{size:A4 landscape" in css


# --- the API


def test_the_api_says_what_the_pages_say(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    browser = console("county", page_rows=20)
    found = browser.client.get("/api/v1/scoreboard?month=2026-02").json()
    assert (found["month"], found["frozen"], found["known_at"]) == ("2026-02", True, "2026-03-03T12:00:00+08:00")
    answers = found["places"][0]["cells"][[one["name"] for one in found["stages"]].index("answer")]
    assert (answers["top"], answers["bottom"], round(answers["percent"], 1)) == (30, 33, 90.9)
    assert browser.get("/scoreboard?month=2026-02").text.count("90.9%") >= 1
    query = {"rule": "A02", "county": "990102", "month": "2026-02", "result": "counted"}
    seen, after = set(), ""
    while True:
        part = browser.client.get(f"/api/v1/obligations?{urlencode(query | {'after': after})}").json()
        seen |= {one["obligation_id"] for one in part["rows"]}
        if part["after"] is None:
            break
        after = part["after"]
    assert len(seen) == part["in_scope"] == part["counted"] == 33
    assert browser.client.get("/api/v1/exports/duties?format=csv").headers["content-type"].startswith("text/csv")
    assert browser.client.get("/api/v1/exports/people").status_code == 422


def test_rows_behind_a_figure_are_in_scope_only(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    with engine.connect() as connection:
        hidden = {one["alert_id"] for one in map(dict, connection.execute(select(duty)).mappings()) if not Scope("township", "TOWN_JUSTICE-990102001-01", "990102001").sees(one)}  # fmt: skip
    browser = console("town", page_rows=500)
    shown = set(re.findall(r'id="a-([0-9a-f-]{36})"', browser.get("/obligations?month=2026-02").text))
    assert shown
    assert not shown & hidden


def test_the_link_back_keeps_what_was_asked_for(console: OpenConsole, engine: Engine) -> None:
    a_month(engine)
    page = console("city").get("/scoreboard?month=2026-02&kind=A").text
    hrefs = [href.replace("&amp;", "&") for href in re.findall(r'href="(/obligations\?[^"]+)"', page)]
    for href in hrefs:
        asked = parse_qs(urlsplit(href).query)
        assert asked["kind"] == ["A"]
        assert asked.get("month", ["2026-02"]) == ["2026-02"]


def test_the_audit_as_a_file_is_for_those_who_may_read_it_and_stands_in_it(
    console: OpenConsole, engine: Engine
) -> None:
    console("county").get("/people")
    above, lines = table(console("auditor").client.get("/audit/export?format=csv&action=login"))
    assert {line[3] for line in lines[1:]} == {"登录"}
    assert {"county", "auditor"} <= {line[2] for line in lines[1:]}
    with engine.connect() as connection:
        last = connection.execute(select(audit_record).order_by(audit_record.c.number.desc()).limit(1)).mappings().one()
    assert (last["action"], last["about"], above["编号"]) == (
        "export",
        "/audit?action=login",
        f"EXP-{last['number']:06d}",
    )
    assert console("county").client.get("/audit/export").status_code == 403
