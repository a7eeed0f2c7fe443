"""The notifier's round on SQLite and PostgreSQL, with a real mail server and a real web server."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from sinks.notifications import tables
from sinks.notifications.channels.smtp import SmtpSender
from sinks.notifications.duty_list import DutyEntry
from tests.handover.histories import at
from tests.sinks.notifications.conftest import SECRET, Desk
from tests.sinks.notifications.making import CITY, COUNTY, TOWN, alert, changed, entry, over
from tests.sinks.notifications.receivers import Hook, Mailbox, serve_mail, text_of

Make = Callable[..., Desk]


def test_a_critical_alert_is_one_mail_in_the_recipients_language(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "zh"), entry(COUNTY, "en", language="en"))
    one = alert(severity="CRIT", due_at=at("2026-03-03 00:00"))
    desk.read(one)
    for _ in range(3):
        desk.at("2026-03-03 10:00")
    (zh,), (en,) = mailbox.to("zh@example.org"), mailbox.to("en@example.org")
    number = one.alert_id[:8]
    assert zh["Subject"] == f"【紧急】A02 释放通知未签收 · {number} · 县司法局 990102"
    assert en["Subject"] == f"[Critical] A02 Release notice unanswered · {number} · County justice 990102"
    link = f"https://console.example.org/alerts/{one.alert_id}"
    for mail in (zh, en):
        for kind in ("plain", "html"):
            text = text_of(mail, kind)
            assert link in text
            assert number in text
            assert "2026-03-03 00:00" in text
            assert one.subject not in text
    assert "责任单位: 县司法局 990102" in text_of(zh)
    assert desk.states() == {"zh/mail": ["sent"], "en/mail": ["sent"]}


def test_mails_of_one_alert_are_one_thread_with_an_id_each(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    one = alert(severity="CRIT")
    second = changed(one, "2026-03-03 12:00", step=1)
    for when, revision in (("10:00", one), ("12:00", second), ("12:30", over(second, "2026-03-03 12:30"))):
        desk.now = at(f"2026-03-03 {when}")
        desk.read(revision)
        desk.at(f"2026-03-03 {when}")
    assert len({str(mail["References"]) for mail in mailbox.mails}) == 1
    assert len(set(mailbox.ids())) == 3
    assert "已结束" in mailbox.mails[-1]["Subject"]
    for raw in mailbox.raw:  # a long id is no encoded word, which no client would find
        assert f"References: <alert.{one.alert_id}.".encode() in raw.replace(b"\r\n ", b" ").replace(b":  ", b": ")
    other = alert(severity="CRIT")
    desk.read(other)
    desk.at("2026-03-03 12:31")
    assert mailbox.mails[-1]["References"] != mailbox.mails[0]["References"]


def test_the_digest_of_an_office_is_one_mail_the_worst_first(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first", steps=(0,)), entry(TOWN, "town"))
    mild, bad = alert(severity="WARN"), alert(severity="HIGH", rule_id="A03")
    desk.read(mild, bad, alert(owner_agency=TOWN))
    desk.at("2026-03-03 10:00")
    assert mailbox.mails == []
    desk.at("2026-03-04 08:30")
    (mail,) = mailbox.to("first@example.org")
    text = text_of(mail)
    assert text.index(bad.alert_id) < text.index(mild.alert_id)
    assert "待办 2 条" in mail["Subject"]
    assert len(mailbox.to("town@example.org")) == 1
    desk.at("2026-03-04 09:30")
    assert len(mailbox.mails) == 2


def test_many_urgent_notices_at_once_are_one_mail(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk(bundle_above=3)
    desk.assign(entry(COUNTY, "first"))
    desk.read(*(alert(severity="CRIT") for _ in range(4)))
    desk.at("2026-03-03 10:00")
    (mail,) = mailbox.mails
    assert mail["Subject"] == "【紧急】4 条告警待办"


def test_a_webhook_is_a_signed_cloudevent_that_keeps_its_id(make_desk: Make, hook: Hook) -> None:
    desk = make_desk()
    desk.assign(DutyEntry(COUNTY, "first", "hook"))
    one = alert(severity="CRIT")
    desk.read(one)
    hook.answers = [503, 429]
    for minute in ("10:00", "10:01", "10:03"):
        desk.at(f"2026-03-03 {minute}")
    assert len({each.headers["webhook-id"] for each in hook.posted}) == 1
    assert len({each.body for each in hook.posted}) == 1
    assert len(hook.posted) == 3
    for each in hook.posted:
        Webhook(SECRET).verify(each.body, dict(each.headers))
    event = hook.posted[-1].json()
    assert hook.posted[-1].headers["content-type"].startswith("application/cloudevents+json")
    assert (event["type"], event["id"]) == ("reentry.notice.v1", hook.posted[0].headers["webhook-id"])
    (line,) = event["data"]["alerts"]
    assert line["link"] == f"https://console.example.org/alerts/{one.alert_id}"
    assert one.subject not in hook.posted[-1].body.decode()
    assert desk.states() == {"first/hook": ["sent"]}


def test_alertmanagers_receivers_are_given_what_they_know(make_desk: Make, hook: Hook) -> None:
    desk = make_desk()
    desk.assign(DutyEntry(COUNTY, "first", "prometheus"))
    one = alert(severity="CRIT")
    desk.read(one)
    desk.at("2026-03-03 10:00")
    desk.now = at("2026-03-03 11:00")
    desk.read(over(one, "2026-03-03 11:00"))
    desk.at("2026-03-03 11:00")
    firing, resolved = [each.json() for each in hook.posted]
    assert hook.posted[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (firing["version"], firing["status"], resolved["status"]) == ("4", "firing", "resolved")
    assert firing["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]
    assert firing["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert resolved["alerts"][0]["endsAt"] == "2026-03-03T11:00:00+08:00"
    assert firing["alerts"][0]["labels"]["severity"] == "critical"


def test_a_mail_server_that_is_away_is_waited_for(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    mailbox.answers["first@example.org"] = "451 later"
    desk.read(alert(severity="CRIT"))
    desk.at("2026-03-03 10:00")
    assert desk.states() == {"first/mail": ["waiting"]}
    desk.at("2026-03-03 10:00")  # its time has not come
    mailbox.answers.clear()
    desk.at("2026-03-03 10:01")
    assert len(mailbox.mails) == 1
    assert desk.states() == {"first/mail": ["sent"]}


def test_what_is_answered_while_the_server_is_away_is_not_sent_and_its_end_is_not_told(
    make_desk: Make, mailbox: Mailbox
) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    mailbox.answers["first@example.org"] = "451 later"
    one, two = alert(severity="CRIT"), alert(severity="CRIT")
    desk.read(one, two)
    desk.at("2026-03-03 10:00")
    mailbox.answers.clear()
    desk.now = at("2026-03-03 10:10")
    desk.read(over(one, "2026-03-03 10:05"), changed(two, "2026-03-03 10:05", acknowledged_by="O-1"))
    for minute in ("10:10", "10:11"):
        desk.at(f"2026-03-03 {minute}")
    assert mailbox.mails == []
    assert desk.states() == {}


def test_a_snoozed_notice_is_dropped_and_told_when_the_snooze_ends(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    mailbox.answers["first@example.org"] = "451 later"
    one = alert(severity="CRIT")
    desk.read(one)
    desk.at("2026-03-03 10:00")
    mailbox.answers.clear()
    desk.now = at("2026-03-03 10:01")
    desk.read(changed(one, "2026-03-03 10:00", snoozed_until=at("2026-03-03 12:00")))
    desk.at("2026-03-03 10:02")
    desk.at("2026-03-03 11:59")
    assert mailbox.mails == []
    desk.at("2026-03-03 12:00")
    assert len(mailbox.mails) == 1


def test_an_address_that_is_refused_goes_to_the_next_and_the_operators_are_told_once(
    make_desk: Make, mailbox: Mailbox
) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"), entry(COUNTY, "second", deputy=True), entry(CITY, "city"))
    mailbox.answers = {"first@example.org": "550 unknown", "second@example.org": "550 unknown"}
    desk.read(alert(severity="CRIT"), alert(severity="CRIT"))
    for second in range(6):
        desk.at(f"2026-03-03 10:0{second}")
    assert len(mailbox.to("city@example.org")) == 2
    told = mailbox.to("ops@example.org")
    assert len(told) == 2  # one for each recipient of that day
    assert "SMTP 550" in text_of(told[0])
    assert desk.states() == {
        "first/mail": ["failed"] * 2,
        "second/mail": ["failed"] * 2,
        "city/mail": ["sent"] * 2,
    }


def test_a_message_is_given_up_after_a_day_and_goes_to_the_next(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk(give_up_hours=2)
    desk.assign(entry(COUNTY, "first"), entry(COUNTY, "second", deputy=True))
    mailbox.answers["first@example.org"] = "451 later"
    desk.read(alert(severity="CRIT"))
    for minute in range(0, 60, 5):
        for hour in (10, 11, 12):
            desk.now = max(desk.now, at(f"2026-03-03 {hour}:{minute:02}"))
    desk.at("2026-03-03 10:00")
    for text in ("10:30", "11:00", "11:30", "12:00", "12:31", "12:32"):
        desk.at(f"2026-03-03 {text}")
    assert len(mailbox.to("second@example.org")) == 1
    assert desk.states()["first/mail"] == ["failed"]


def test_an_office_without_anybody_on_duty_is_answered_for_by_the_operators(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.read(alert(severity="CRIT"))
    desk.at("2026-03-03 10:00")
    (mail,) = mailbox.mails
    assert mail["To"] == "ops@example.org"


def test_a_channel_sends_no_more_than_its_rate_also_after_a_restart(make_desk: Make, hook: Hook) -> None:
    desk = make_desk()
    rate = {"per_minute": 2}
    channels = {**desk.policy.channels, "hook": desk.policy.channels["hook"].model_copy(update=rate)}
    desk.policy = desk.policy.model_copy(update={"channels": channels, "bundle_above": 100})
    desk.assign(DutyEntry(COUNTY, "first", "hook"))
    desk.read(*(alert(severity="CRIT") for _ in range(5)))
    sent = []
    for text in ("10:00", "10:00", "10:01", "10:01", "10:02", "10:03"):
        desk.at(f"2026-03-03 {text}")
        sent.append(len(hook.posted))
    assert sent[:2] == [2, 2]
    assert sent[-1] == 5
    assert all(later - before <= 2 for before, later in itertools.pairwise(sent))


def test_a_wrong_secret_of_a_receiver_is_waited_for_and_a_refused_body_is_not(make_desk: Make, hook: Hook) -> None:
    desk = make_desk()
    desk.assign(DutyEntry(COUNTY, "first", "hook"))
    hook.answers = [401, 422]
    desk.read(alert(severity="CRIT"))
    desk.at("2026-03-03 10:00")
    assert desk.states()["first/hook"] == ["waiting"]
    desk.at("2026-03-03 10:01")
    assert desk.states()["first/hook"] == ["failed"]


def test_a_receiver_says_when_to_come_back(make_desk: Make, hook: Hook) -> None:
    desk = make_desk()
    desk.assign(DutyEntry(COUNTY, "first", "hook"))
    hook.answers, hook.headers = [429], {"Retry-After": "600"}
    desk.read(alert(severity="CRIT"))
    for text in ("10:00", "10:09"):
        desk.at(f"2026-03-03 {text}")
    assert len(hook.posted) == 1
    desk.at("2026-03-03 10:10")
    assert len(hook.posted) == 2


def test_a_lost_connection_to_a_mail_server_repeats_the_same_mail(make_desk: Make, mailbox: Mailbox) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    desk.policy = desk.policy.model_copy(
        update={
            "channels": {**desk.policy.channels, "mail": desk.policy.channels["mail"].model_copy(update={"port": 9})}
        }
    )
    desk.read(alert(severity="CRIT"))
    desk.at("2026-03-03 10:00")
    assert desk.states() == {"first/mail": ["waiting"]}
    with serve_mail() as box:
        channel = desk.policy.channels["mail"].model_copy(update={"port": box.port})
        desk.policy = desk.policy.model_copy(update={"channels": {**desk.policy.channels, "mail": channel}})
        desk.at("2026-03-03 10:01")
        assert len(box.mails) == 1


@pytest.mark.parametrize("state", ["killed before the server had it", "killed after the server had it"])
def test_a_process_killed_while_it_sends_repeats_the_same_message(
    make_desk: Make, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    desk = make_desk()
    desk.assign(entry(COUNTY, "first"))
    one = alert(severity="CRIT")
    desk.read(one)
    real = SmtpSender.send

    def killed(self: SmtpSender, message: Any) -> None:
        if "after" in state:
            real(self, message)
        raise KeyboardInterrupt  # nothing of ours runs any more

    monkeypatch.setattr(SmtpSender, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.at("2026-03-03 10:00")
    monkeypatch.undo()
    assert desk.states() == {"first/mail": ["trying"]}
    desk.now = at("2026-03-03 10:02")
    desk.read(over(one, "2026-03-03 10:01"))
    for text in ("10:02", "10:03"):
        desk.at(f"2026-03-03 {text}")
    ids = mailbox.ids()
    assert len(set(ids)) == 2  # it fires, it is over
    assert len(ids) == (3 if "after" in state else 2)
    assert "已结束" in mailbox.mails[-1]["Subject"]


def test_messages_and_notices_are_removed_when_they_have_been_kept_long_enough(make_desk: Make) -> None:
    desk = make_desk(keep_days=31)
    desk.assign(entry(COUNTY, "first"))
    ended, stays = alert(severity="CRIT"), alert(severity="CRIT")
    desk.read(ended, stays)
    desk.at("2026-03-03 10:00")
    desk.now = at("2026-03-03 11:00")
    desk.read(over(ended, "2026-03-03 11:00"))
    desk.at("2026-03-03 11:00")
    desk.at("2026-04-04 11:01")
    with desk.engine.connect() as connection:
        left = [row.alert_id for row in connection.execute(select(tables.notice))]
        messages = connection.execute(select(tables.notice_message)).all()
    assert left == [stays.alert_id]
    assert len(messages) == 1
