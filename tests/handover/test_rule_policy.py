"""Who sees a rule and what it counts as: said in the rule book, checked when it is read, and nowhere in Python."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from handover.rules.diff import NotTellable, as_changes, differences
from handover.rules.policy import SIGNALS, STAGES, VIEWERS, Policy
from handover.rules.rulebook import BOOKS, InvalidRuleBook, load, read, shipped

ROOT = Path(__file__).parents[2]
ROOMS = ("handover", "streams", "brokers", "sinks", "console", "cli")
WITH_RULES = (ROOT / "handover" / "rules", ROOT / "cli" / "simulation")  # of a book, of a made-up city
HEAD = 'book = "test@1"\nextends = "cn-default@2"\n'
NEW_RULE = """
[[rule]]
id = "Z01"
names = { zh = "谈话未进行", en = "Talk not held" }
kinds = ["A"]
form = "within"
anchor = "release.scheduled"
within = "2 wd"
stages = [{ at = "due", severity = "WARN" }]
owner = "sending"
cleared_by = ["release.education_completed"]
basis = { zh = "测试", en = "Test", status = "confirm_locally" }
"""
OWNER = frozenset(("owner",))


def sources() -> Iterator[Path]:
    """The Python files that may know no rule."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if not any(path.is_relative_to(one) for one in WITH_RULES):
                yield path


def test_no_python_names_a_rule() -> None:
    ids = {rule for name in shipped() for rule in load(name).ids}
    named = re.compile(rf"\b(?:{'|'.join(sorted(ids))})\b")
    paths = list(sources())
    assert len(paths) > 200
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if named.search(line)
    ]
    assert found == []


def test_an_entry_says_who_sees_it_and_what_it_counts_as() -> None:
    keys = 'shown_to = ["owner", "procurator"]\nscoreboard_stage = "notice"\nsignal = "not_arrived"\ntimed = true\n'
    policies = read(HEAD + NEW_RULE + keys).policies
    assert policies.of("Z01") == Policy(frozenset(("owner", "procurator")), "notice", "not_arrived", timed=True)
    assert "Z01" in policies.list_shown_to("procurator")
    assert policies.list_of_stage("notice") == ("A01", "Z01")
    assert policies.list_signalling("not_arrived") == ("A07", "B04", "Z01")
    assert policies.list_timed()[-1] == "Z01"
    assert "Z01" not in policies.list_hidden_from_owner()


def test_an_entry_without_the_keys_is_shown_to_its_owner_and_counts_nowhere() -> None:
    policies = read(HEAD + NEW_RULE).policies
    assert policies.of("Z01") == Policy(OWNER, "", "", timed=False)
    assert policies.of("none of that id").shown_to == OWNER


def test_a_book_from_before_the_keys_can_be_used() -> None:
    """A whole book, not an extension: its signals follow from its forms and metrics."""
    text = (BOOKS / "cn-default.toml").read_text(encoding="utf-8")
    old = read(re.sub(r"(?m)^(shown_to|scoreboard_stage|signal|timed|work|prison_line) = .*\n", "", text))
    assert {one.shown_to for one in old.policies.by_rule.values()} == {OWNER}
    assert not any(one.scoreboard_stage or one.timed for one in old.policies.by_rule.values())
    new = load("cn-default").policies
    for rule, one in old.policies.by_rule.items():
        expected = new.of(rule).signal
        assert one.signal == ("" if expected == "not_arrived" else expected), rule


def test_each_word_of_the_language_is_used_by_the_shipped_book() -> None:
    policies = load("cn-default").policies
    assert all(map(policies.list_shown_to, VIEWERS))
    assert all(map(policies.list_of_stage, STAGES))
    assert all(map(policies.list_signalling, SIGNALS))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('shown_to = ["warden"]', "rule Z01, shown_to: unknown word warden; it must be a list of owner, procurator, platform"),
        ('shown_to = "owner"', "rule Z01, shown_to: must be a list of owner, procurator, platform"),
        ("shown_to = []", "rule Z01, shown_to: must be a list of owner, procurator, platform"),
        ('scoreboard_stage = "lunch"', "rule Z01, scoreboard_stage: unknown word lunch; allowed are notice, answer, verify"),
        ('scoreboard_stage = "pickup"', "rule Z01, scoreboard_stage: pickup counts what offices of the county owe, not sending"),
        ('signal = "noise"', "rule Z01, signal: unknown word noise; allowed are not_arrived, out_of_contact"),
        ("signal = 3", "rule Z01, signal: unknown word 3; allowed are not_arrived"),
        ('signal = "feed_silent"', "rule Z01, signal: feed_silent is a signal of the kind SYSTEM"),
        ('timed = "yes"', "rule Z01, timed: must be true or false"),
        ('[[rule]]\nid = "A02"\nscoreboard_stage = "notice"', "rule A02, scoreboard_stage: notice counts what sending, deciding, deliverer owe"),
        ('[[rule]]\nid = "X03"\nsignal = "not_arrived"', "rule X03, signal: not_arrived is a signal of handovers"),
        ('[[rule]]\nid = "A01"\noff = true\nshown_to = ["nobody"]', "rule A01, shown_to: unknown word nobody"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused_in_one_line(keys: str, said: str) -> None:
    with pytest.raises(InvalidRuleBook) as refused:
        read(HEAD + NEW_RULE + keys + "\n")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_parts_of_a_rule_say_a_key_once() -> None:
    more = NEW_RULE.replace('"Z01"', '"Z01"\npart = "more"')
    policies = read(HEAD + NEW_RULE + 'shown_to = ["platform"]\n' + more + "timed = true\n").policies
    assert policies.of("Z01") == Policy(frozenset(("platform",)), timed=True)
    with pytest.raises(InvalidRuleBook, match=r"rule Z01 \(more\), shown_to: another part of the rule says otherwise"):
        read(HEAD + NEW_RULE + 'shown_to = ["platform"]\n' + more + 'shown_to = ["owner"]\n')


def test_a_rule_that_is_off_keeps_its_viewers_for_the_alerts_that_it_raised() -> None:
    policies = read(HEAD + '[[rule]]\nid = "X06"\noff = true\n').policies
    assert "X06" in policies.list_hidden_from_owner()
    assert "X06" in policies.list_shown_to("platform")


@pytest.mark.parametrize(
    ("key", "value"),
    [("shown_to", ["platform"]), ("scoreboard_stage", "notice"), ("signal", "not_arrived"), ("timed", True)],
)
def test_who_sees_a_rule_is_no_change_of_a_running_pipeline(key: str, value: object) -> None:
    book = load("cn-default")
    with pytest.raises(InvalidRuleBook, match=f"rule A04, {key}: is read when processes start"):
        book.changed("cn-default@2", [{"rule_id": "A04", "set": {key: value}}])
    line = f"{key} = {str(value).lower() if value is True else repr(value)}\n".replace("'", '"')
    draft = read(HEAD + '[[rule]]\nid = "A04"\n' + line)
    assert [(one.rule, one.key, one.after) for one in differences(book, draft) if one.rule] == [("A04", key, value)]
    with pytest.raises(NotTellable, match=f"rule A04, {key}: is read when processes start"):
        as_changes(book, draft)


def test_the_default_book_states_every_signal_that_its_forms_imply() -> None:
    entries = tomllib.loads((BOOKS / "cn-default.toml").read_text(encoding="utf-8"))["rule"]
    stated = {entry["id"]: entry.get("signal", "") for entry in entries}
    assert stated == {rule: one.signal for rule, one in load("cn-default").policies.by_rule.items()}
