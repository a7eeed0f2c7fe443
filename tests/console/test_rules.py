"""The pages of rules: each rule as a sentence, books compared, both languages."""

import re

import pytest
from sqlalchemy import Engine

from console.auth.users import User
from console.rules.whatif_store import ask
from console.web.config import real_time
from handover.rules.rulebook import load, read
from tests.console.conftest import OpenConsole

CJK = re.compile(r"[\u4e00-\u9fff]")
TAGS = re.compile(r"<[^>]+>")
DRAFT = 'book = "draft@1"\nextends = "cn-default@2"\nnames = { zh = "草案", en = "Draft" }\n[[rule]]\nid = "A02"\nwithin = "5 wd"\n'


@pytest.fixture
def draft(engine: Engine, console: OpenConsole) -> str:
    """A draft that somebody has tried."""
    console()  # makes the tables
    user = User("u1", "rules-1", "rules", "PROVINCE_JUSTICE-990000-01", "", "rules-1", None, True)
    ask(engine, user, read(DRAFT), "cn-default@2", real_time(), file="draft.toml", toml=DRAFT, since=None, until=None)
    return "draft@1"


def test_the_first_page_is_the_book_in_force(console: OpenConsole) -> None:
    answer = console("rules-1").client.get("/rules")
    assert answer.url.path in ("/rules/cn-default%402/A01", "/rules/cn-default@2/A01")
    assert "cn-default@2（生效）" in answer.text


def test_a_rule_says_sentence_clock_levels_ladder_and_ground(console: OpenConsole) -> None:
    page = console("province").get("/rules/cn-default@2/A02").text
    for said in (
        "“释放通知书已发出”之后 3 个工作日内，县级司法局没有给出“县司法局的回应”",
        "3 个工作日",
        "到期后 3 个工作日",
        "1 个工作日后：所在县",
        "reentry.intake.acknowledged.v1",
        "请在本地确认",
    ):
        assert said in page
    english = console("province").get("/rules/cn-default@2/A02", **{"accept-language": "en"}).text
    assert "Within 3 working days of “Release notice sent”" in english
    assert "Confirm locally" in english


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_rule_of_every_book_has_a_page_in_both_languages(console: OpenConsole, language: str) -> None:
    browser = console("rules-1")
    for rule in dict.fromkeys(rule.id for rule in load("cn-default").rules):
        answer = browser.get(f"/rules/cn-default@2/{rule}", **{"accept-language": language})
        assert answer.status_code == 200, rule
        if language == "en":
            main = answer.text.partition("<main")[2].partition("</main>")[0]
            assert not CJK.search(TAGS.sub("", main)), rule


def test_a_verified_ground_has_another_tag_than_one_to_confirm(console: OpenConsole) -> None:
    browser = console("rules-1")
    assert 'class="tag law"' in browser.get("/rules/cn-default@2/A01").text
    assert 'class="tag loc"' in browser.get("/rules/cn-default@2/A02").text


def test_parts_of_a_rule_stand_on_one_page(console: OpenConsole) -> None:
    page = console("rules-1").get("/rules/cn-default@2/A11").text
    assert all(f'<span class="tag">{part}</span>' in page for part in ("decide", "assign", "other"))


def test_two_books_are_compared_line_by_line(console: OpenConsole, draft: str) -> None:
    page = console("rules-1").get(f"/rules/diff/cn-default@2/{draft}").text
    assert '<span class="del">- within = 3 wd</span>' in page
    assert '<span class="add">+ within = 5 wd</span>' in page
    assert "A02 释放通知未签收" in page
    same = console("rules-1").get("/rules/diff/cn-default@2/cn-default@2").text
    assert "两个规则库没有差别" in same
    chosen = console("rules-1").client.get(
        "/rules/diff", params={"a": "cn-default@2", "b": draft}, follow_redirects=False
    )
    assert chosen.headers["location"] == "/rules/diff/cn-default%402/draft%401"


@pytest.mark.parametrize("path", ["/rules/nowhere@1/A01", "/rules/cn-default@2/Z99", "/rules/diff/cn-default@2/none@1"])
def test_what_is_not_there_is_not_found(console: OpenConsole, path: str) -> None:
    assert console("rules-1").get(path).status_code == 404


def test_others_see_no_rules(console: OpenConsole) -> None:
    for login in ("county", "town", "procurator", "platform", "prison", "auditor"):
        assert console(login).get("/rules/cn-default@2/A02").status_code == 403
        assert "/rules" not in console(login).get("/settings").text


def test_rules_as_json(console: OpenConsole, draft: str) -> None:
    client = console("rules-1").client
    known = {one["book"]: one["state"] for one in client.get("/api/v1/rules").json()}
    assert known["cn-default@2"] == "force"
    assert known[draft] == "other"
    (entry,) = client.get("/api/v1/rules/cn-default@2/A02").json()
    assert entry["within"] == "3 wd"
    assert entry["say"]["en"].startswith("Within 3 working days")
    changes = client.get(f"/api/v1/rules/diff/cn-default@2/{draft}").json()
    assert {"rule": "A02", "part": "", "key": "within", "before": "3 wd", "after": "5 wd"} in changes
    assert client.get("/api/v1/rules/none@1/A02").status_code == 404
    assert console("county").client.get("/api/v1/rules").status_code == 403
