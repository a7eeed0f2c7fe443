"""Group chats by Apprise: a real request to a web server, and what a failure means."""

from pathlib import Path

import pytest

from sinks.notifications.channels.apprise_services import AppriseSender
from sinks.notifications.channels.channel import Unreachable
from sinks.notifications.channels.registry import read_secret
from sinks.notifications.message import Message, gather_lines, line_of
from sinks.notifications.policy import AppriseChannel
from tests.handover.histories import at
from tests.sinks.notifications.conftest import NAMES
from tests.sinks.notifications.making import alert, standing
from tests.sinks.notifications.receivers import Hook


def message(count: int = 1) -> Message:
    lines = [line_of(standing(alert(severity="CRIT")), "urgent", 0, NAMES) for _ in range(count)]
    content, made = gather_lines(lines), at("2026-03-03 10:00")
    office = "COUNTY_JUSTICE-990102-01"
    url = "https://console.example.org"
    return Message("m1", "urgent", "group", "wecom", "", "zh", office, content, url, made)


def sender(folder: Path, address: str) -> AppriseSender:
    path = folder / "address"
    path.write_text(address + "\n")
    return AppriseSender(AppriseChannel(kind="apprise", url_file=path), read_secret)


def test_the_text_is_posted(hook: Hook, tmp_path: Path) -> None:
    one = message()
    sender(tmp_path, hook.url.replace("http://", "json://")).send(one)
    (posted,) = hook.posted
    body = posted.json()
    assert body["title"] == one.subject
    assert one.content.lines[0].alert_id in body["message"]


def test_a_long_text_is_cut_and_ends_with_the_link(hook: Hook, tmp_path: Path) -> None:
    one = message(100)
    sender(tmp_path, hook.url.replace("http://", "json://")).send(one)
    text = hook.posted[0].json()["message"]
    assert len(text) < 2_000
    assert text.rstrip().endswith(one.link)


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_is_tried_again(hook: Hook, tmp_path: Path, status: int) -> None:
    hook.answers = [status]
    with pytest.raises(Unreachable):
        sender(tmp_path, hook.url.replace("http://", "json://")).send(message())


@pytest.mark.parametrize("address", ["wecombot://", "no address", ""])
def test_an_address_that_is_none_of_apprises_is_said(tmp_path: Path, address: str) -> None:
    with pytest.raises(Unreachable, match="none of Apprise's"):
        sender(tmp_path, address).send(message())


@pytest.mark.parametrize(
    "address",
    ["wecombot://00000000-0000-4000-8000-000000000000", "dingtalk://token0000000000/", "feishu://token0000000000/"],
)
def test_the_services_that_are_meant_are_known(address: str) -> None:
    from apprise import Apprise

    assert Apprise().add(address)
