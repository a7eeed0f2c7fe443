"""The policy and the duty list: every error is one line that says where and what, and never quotes a value."""

from pathlib import Path

import pytest

from sinks.notifications.duty_list import InvalidDutyList, read_csv, read_toml
from sinks.notifications.policy import InvalidPolicy, Policy, load_policy, read_policy

MAIL = """
[channels.mail]
kind = "smtp"
host = "mail.example.org"
sender = "handover@example.org"
"""
HEAD = """
console_url = "https://console.example.org"
operators = [{ recipient = "ops", channel = "mail", address = "ops@example.org" }]
"""
GOOD = HEAD + MAIL


def policy() -> Policy:
    return read_policy(GOOD)


def errors(text: str) -> list[str]:
    with pytest.raises(InvalidPolicy) as caught:
        read_policy(text)
    return caught.value.lines


def test_a_small_policy_is_enough() -> None:
    one = policy()
    assert (f"{one.digest_at:%H:%M}", one.at_once) == ("08:30", frozenset(("CRIT",)))


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (GOOD.replace("https://console", "http://console"), "console_url", "https://"),
        (GOOD.replace("https://console.example.org", "https://user:pw@console.example.org"), "console_url", "https://"),
        ('digest_at = "8:30"' + GOOD, "digest_at", '"08:30"'),
        ('digest_at = "19:00"' + GOOD, "", "digest_until must be later"),
        ('at_once = ["URGENT"]' + GOOD, "at_once", "INFO"),
        ("kep_days = 3" + GOOD, "kep_days", "unknown key"),
        (GOOD.replace('"smtp"', '"sms"'), "channels.mail", "kind must be one of smtp"),
        (GOOD.replace('kind = "smtp"', ""), "channels.mail", "kind is needed"),
        (GOOD + "port = 0\n", "channels.mail.port", "greater than or equal to 1"),
        (GOOD + "pasword_file = 'x'\n", "channels.mail.pasword_file", "unknown key"),
        (GOOD + "user = 'x'\n", "channels.mail", "user and password_file belong together"),
        (GOOD + "user = 'x'\npassword_file = 'y'\nsecurity = 'none'\n", "channels.mail", "never sent in the clear"),
        (GOOD.replace("handover@example.org", "Office <handover@example.org>"), "channels.mail.sender", "one mail address"),
        (GOOD.replace('channel = "mail"', 'channel = "post"'), "", "operators, entry 1: no channel is called post"),
        (GOOD.replace("ops@example.org", "ops"), "", "operators, entry 1: address must be one mail address"),
        (HEAD, "channels", "is needed"),
        (MAIL, "console_url", "is needed"),
        ("= 3", "", "no TOML"),
        (GOOD + "[channels.hook]\nkind='webhook'\nurl='http://hooks.example.org/x'\nsecret_file='s'\n", "channels.hook.url", "https://"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what(text: str, where: str, what: str) -> None:
    lines = errors(text)
    assert any(line.startswith(where) and what in line for line in lines), lines
    assert all("\n" not in line and "pw" not in line for line in lines)


def test_all_errors_are_told_at_once() -> None:
    assert len(errors("kep_days = 3\n" + GOOD + "port = 0\n")) == 2


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPolicy, match="UTF-8"):
        load_policy(path)


CSV = """单位,级次,值班人,渠道,地址,语言,代理,开始,结束,缺勤
COUNTY_JUSTICE-990102-01,0 1,O-1,mail,o1@example.org,zh,,2026-03-01,2026-03-31,2026-03-10..2026-03-12 2026-03-20
COUNTY_JUSTICE-990102-01,,O-2,mail,o2@example.org,en,是,,,
"""


def test_a_duty_list_of_a_spreadsheet_is_read() -> None:
    first, second = read_csv(CSV, policy())
    assert (first.steps, first.deputy, second.steps, second.deputy) == ((0, 1), False, (0, 1, 2, 3), True)
    days = [day for day in range(1, 32) if not first.is_on_duty(first.days.first.replace(day=day))]
    assert days == [10, 11, 12, 20]
    assert not first.is_on_duty(first.days.first.replace(month=4))


def test_toml_says_the_same() -> None:
    text = """
[[duty]]
office = "COUNTY_JUSTICE-990102-01"
steps = [0, 1]
recipient = "O-1"
channel = "mail"
address = "o1@example.org"
from = 2026-03-01
until = 2026-03-31
absent = ["2026-03-10..2026-03-12", "2026-03-20"]
[[duty]]
office = "COUNTY_JUSTICE-990102-01"
recipient = "O-2"
channel = "mail"
address = "o2@example.org"
language = "en"
deputy = true
"""
    assert read_toml(text, policy()) == read_csv(CSV, policy())


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("COUNTY-990102,0,O-1,mail,o1@example.org", "office: must be an agency like"),
        ("COUNTY_JUSTICE-990102-01,0,张某,mail,o1@example.org", "recipient: must be a staff id"),
        ("COUNTY_JUSTICE-990102-01,0,13900000000,mail,o1@example.org", "recipient: must be a staff id"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,sms,o1@example.org", "no channel is called sms"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,", "address must be one mail address"),
        ("COUNTY_JUSTICE-990102-01,4,O-1,mail,o1@example.org", "steps: must be steps from 0 to 3"),
        ("COUNTY_JUSTICE-990102-01,0,,mail,o1@example.org", "recipient: is needed"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,o1@example.org,fr", "language: must be one of zh, en"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,o1@example.org,zh,maybe", "deputy: must be yes or no"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,o1@example.org,zh,,2026-04-01,2026-03-01", "from, until: must be dates"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,o1@example.org,zh,,1.3.2026", "from, until: must be dates"),
        ("COUNTY_JUSTICE-990102-01,0,O-1,mail,o1@example.org,zh,,,,2026-03", "absent: must be dates or ranges"),
    ],
)
def test_a_bad_line_says_where_and_what_and_quotes_nothing(line: str, what: str) -> None:
    with pytest.raises(InvalidDutyList) as caught:
        read_csv(CSV.splitlines()[0] + "\n" + line + "\n", policy())
    assert any(one.startswith("line 2: ") and what in one for one in caught.value.lines), caught.value.lines
    assert "张某" not in str(caught.value)
    assert "13900000000" not in str(caught.value)


def test_all_bad_lines_are_told_and_nothing_is_taken() -> None:
    with pytest.raises(InvalidDutyList) as caught:
        read_csv(CSV + "x,0,O-3,mail,o3@example.org\ny,0,O-4,mail,o4@example.org\n", policy())
    assert [one.partition(":")[0] for one in caught.value.lines] == ["line 4", "line 5"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "holds no entry"),
        ("a,b\n1,2\n", "no column is called 'a'"),
        (CSV + CSV.splitlines()[1] + "\n", "the same as line 2"),
    ],
)
def test_a_table_that_is_none(text: str, what: str) -> None:
    with pytest.raises(InvalidDutyList, match=what):
        read_csv(text, policy())


def test_the_samples_can_be_used() -> None:
    samples = Path(__file__).parents[3] / "deploy" / "notices"
    policy = load_policy(samples / "policy.toml")
    entries = read_csv((samples / "duty-list.csv").read_text(encoding="utf-8"), policy)
    assert {one.deputy for one in entries} == {True, False}
    assert {step for one in entries for step in one.steps} == {0, 1, 2, 3}
