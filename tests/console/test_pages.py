"""Pages on a recorded history: what stands on them, in both languages, in every state, without scripts."""

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import Engine, select

from console.accounts.demo_users import DEMO_USERS
from console.text.case_number import write_case_number
from console.text.formatter import Words
from console.text.i18n import catalogue
from handover.rules.rulebook import load
from sinks.readmodel.tables import alert, handover
from tests.console.conftest import OpenConsole, firing

PAGES = {
    "county": (
        "/today",
        "/today?bucket=later",
        "/today?q=nobody",
        "/today?scope=mine",
        "/people",
        "/people?q=zz",
        "/obligations",
        "/settings",
    )
}
CJK = re.compile(r"[\u4e00-\u9fff]")


class Text(HTMLParser):
    """What people read on a page, and what would be inline style or script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inline: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self._chinese = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.inline += [name for name, _ in attributes if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if values.get("lang") != "zh-CN" or tag == "html":
            self.words += [
                str(values[name]) for name in ("title", "aria-label", "placeholder", "alt") if values.get(name)
            ]

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def every_page(engine: Engine) -> list[str]:
    """All kinds of pages that a county officer has."""
    with engine.connect() as connection:
        person = connection.execute(
            select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102")).limit(1)
        ).scalar_one()
        ended = connection.execute(
            select(alert.c.alert_id)
            .where(alert.c.state != "firing", alert.c.jurisdiction.startswith("990102"))
            .limit(1)
        ).scalar_one()
    return [*PAGES["county"], f"/people/{person}", f"/alerts/{firing(engine, '990102')}", f"/alerts/{ended}"]


def test_every_page_is_whole_and_holds_to_the_policy_in_both_languages(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    for path in every_page(engine):
        for language in ("zh-CN", "en"):
            browser.client.cookies.set("console_language", language[:2])
            answer = browser.get(path)
            assert answer.status_code == 200, path
            text = Text(answer.text)
            assert not text.inline, (path, text.inline)
            assert len(text.ids) == len(set(text.ids)), (
                path,
                sorted(one for one in text.ids if text.ids.count(one) > 1),
            )
            assert f'<html lang="{language}">' in answer.text
            assert "</html>" in answer.text
            assert answer.headers["cache-control"] == "no-store"


def test_no_chinese_is_left_on_an_english_page(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    browser.client.cookies.set("console_language", "en")
    for path in (*every_page(engine), "/alerts/nothing-there", "/scoreboard-of-nothing"):
        left = [
            word
            for word in Text(browser.get(path).text).words
            if CJK.search(word) and word not in ("中文", "中文 (Chinese)")
        ]
        assert not left, (path, left)


def test_no_english_sentence_is_left_on_a_chinese_page(console: OpenConsole, engine: Engine) -> None:
    english = {
        texts[1] for texts in catalogue().values() if texts[0] != texts[1] and " " in texts[1] and "{" not in texts[1]
    }
    browser = console("county")
    for path in every_page(engine):
        assert not english & set(Text(browser.get(path).text).words), path


def test_the_language_follows_the_browser_then_the_user_then_the_switch(console: OpenConsole) -> None:
    browser = console("county")
    assert '<html lang="en">' in browser.get("/today", **{"accept-language": "de, en;q=0.9, zh;q=0.8"}).text
    assert '<html lang="zh-CN">' in browser.get("/today", **{"accept-language": "fr"}).text
    browser.send("/settings", {"language": "en", "keys": "off"})
    assert '<html lang="en">' in browser.get("/today", **{"accept-language": "zh"}).text
    assert 'data-keys="off"' in browser.seen
    browser.client.get("/language?to=zh&next=/today")
    assert '<html lang="zh-CN">' in browser.get("/today", **{"accept-language": "en"}).text


def test_the_switch_keeps_the_address_and_leads_nowhere_else(console: OpenConsole) -> None:
    browser = console("county")
    page = browser.get("/today?sev=CRIT&bucket=over").text
    assert "next=%2Ftoday%3Fsev%3DCRIT%26bucket%3Dover" in page
    for bad in ("https://evil.example", "//evil.example", "/\\evil.example"):
        answer = browser.client.get("/language", params={"to": "en", "next": bad}, follow_redirects=False)
        assert answer.headers["location"] == "/"


def test_an_alert_says_why_who_and_by_when(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", rule="B08")
    page = console("county").get(f"/alerts/{alert_id}").text
    words = " ".join(Text(page).words)
    for part in (
        "司法所 990102006",
        "登记接收",
        "reentry.intake.registered.v1",
        "为什么有这条告警",
        "cn-default@2",
        "工作日",
    ):
        assert part in words, part
    assert 'class="cal"' in page
    assert 'class="ladder"' in page


def test_an_alert_that_has_ended_asks_for_nothing_by_its_rule_s_name(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        wanted = select(alert.c.alert_id, alert.c.rule_id).where(
            alert.c.state == "resolved", alert.c.jurisdiction.startswith("990102"), alert.c.outcome == "met_late"
        )
        alert_id, rule = connection.execute(wanted.limit(1)).one()
    page = console("county").get(f"/alerts/{alert_id}").text
    words = " ".join(Text(page).words)
    assert "前办理。" in words
    assert f"给出“{Words('zh', load('cn-default')).rule(rule)}" not in words


def test_a_search_says_how_many_it_found_and_nothing_of_the_rest(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102")
    words = " ".join(Text(console("county").get(f"/today?q={alert_id}").text).words)
    assert "找到 1 件" in words
    assert "以后还有" not in words
    assert "其中" not in words
    whole = " ".join(Text(console("county").get("/today").text).words)
    assert "以后还有" in whole
    assert "其中" in whole


def test_the_same_alert_as_json(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102")
    found = console("county").get(f"/alerts/{alert_id}.json").json()
    assert found["alert_id"] == alert_id
    assert found["state"] == "firing"
    assert "written_at" not in found


def test_a_person_has_what_was_expected_beside_what_happened(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        late = connection.execute(
            select(alert.c.subject, alert.c.alert_id)
            .join(handover, handover.c.subject == alert.c.subject)
            .where(
                alert.c.state == "firing",
                handover.c.jurisdiction.startswith("990102"),
                alert.c.jurisdiction.startswith("990102"),
            )
            .limit(1)
        ).one()
    page = console("county").get(f"/people/{late.subject}").text
    assert "没有收到" in page
    assert f"/alerts/{late.alert_id}" in page
    assert 'class="svg ovw"' in page
    assert late.subject in Text(page).words  # whole, to be selected and copied, beside the short number
    assert str(write_case_number(late.subject)) in page


def test_an_empty_list_says_what_was_checked(console: OpenConsole) -> None:
    page = console("county").get("/today?scope=mine").text
    for part in ("你名下没有要办的事", "条规则，逐条算过", "个数据源", "2026-12-31"):
        assert part in page, part


def test_unknown_pages_and_ids_are_404_in_the_users_language(console: OpenConsole) -> None:
    browser = console("county")
    for path in (
        "/nothing",
        "/alerts/00000000-0000-0000-0000-000000000000",
        "/people/p1_" + "z" * 26,
        "/static/none.js",
    ):
        answer = browser.get(path, **{"accept-language": "en"})
        assert answer.status_code == 404, path
        assert "Not found" in answer.text


def test_wrong_values_in_an_address_are_left_out(console: OpenConsole) -> None:
    browser = console("county")
    for query in (
        "sev=WORST",
        "after=rubbish",
        "after=1~2026~x",
        "bucket=x&scope=y",
        "town=%27%3B--",
        "sev=CRIT&sev=CRIT",
        "q=%25_",
    ):
        assert browser.get(f"/today?{query}").status_code == 200, query
    for query in ("month=2026-13", "county=99%27", "rule=zz", "result=x", "after=x"):
        assert browser.get(f"/obligations?{query}").status_code == 200, query


@pytest.mark.parametrize("user", [one.login for one in DEMO_USERS])
def test_each_role_comes_to_a_first_page_of_its_own(console: OpenConsole, user: str) -> None:
    assert console(user).client.get("/").status_code == 200


def test_what_is_printed_has_a_head_and_no_controls(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    for path in ("/today", f"/alerts/{firing(engine, '990102')}"):
        page = browser.get(path).text
        assert 'class="only-print ph"' in page
        assert "内部资料" in page
    css = browser.client.get("/static/console.css").text
    assert "@media print" in css
    assert "A4" in css


def test_static_files_are_ours_and_kept_for_ever(console: OpenConsole) -> None:
    browser = console()
    page = browser.client.get("/login").text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert files
    for one in files:
        answer = browser.client.get(one)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
