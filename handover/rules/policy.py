"""Who sees the alerts of a rule, and what they count as: the keys of an entry that decide nothing about obligations (semantics.md 12.3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handover.rules.rulebook_parser import InvalidEntry
from handover.rules.works import KEYS as WORK_KEYS
from handover.rules.works import Works, read_works

OWNER = "owner"
VIEWERS = (OWNER, "procurator", "platform")
NOTICE = "notice"
STAGES = (NOTICE, "answer", "verify", "pickup", "receipt", "arrival", "intake", "visit")
SENDERS = ("sending", "deciding", "deliverer")  # owners that stand before the county in a handover
_BESIDE_COUNTY = (*SENDERS, "city", "committee", "publisher", "platform")  # owners that are no office of the county
_SYSTEM = ("feed_silent", "manifest_gap", "late_data", "dead_letters", "lag", "read_model_gap")
SIGNALS = ("not_arrived", "out_of_contact", "out_of_area", "missed_check_in", *_SYSTEM)
_OF_RULE = ("shown_to", "scoreboard_stage", "signal", "timed")
KEYS = (*_OF_RULE, *WORK_KEYS)
# The signal of an entry that names none.
_SIGNAL_OF_FORM = {
    "lost_contact": "out_of_contact",
    "two_fixes": "out_of_area",
    "windows": "missed_check_in",
    "feed_silent": "feed_silent",
    "manifest_gap": "manifest_gap",
}
_SIGNAL_OF_METRIC = {
    "arrival_lag": "late_data",
    "dead_letters": "dead_letters",
    "pipeline_lag": "lag",
    "read_model_gaps": "read_model_gap",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a rule says beside its obligation. It holds for all parts of the rule: an alert names its rule by id alone."""

    shown_to: frozenset[str] = frozenset(
        (OWNER,)
    )  # beside the justice offices of the place, which see everything there
    scoreboard_stage: str = ""  # the column that counts its obligations; empty: none
    signal: str = ""  # what its alerts mean to the product; empty: nothing more than that somebody owes something
    timed: bool = False  # the reports measure how long its answers take


@dataclass(frozen=True)
class Policies:
    """The policies of a book by rule id, in the order of the book, also of rules that are off: their alerts remain."""

    by_rule: Mapping[str, Policy] = field(default_factory=dict)
    works: Works = field(default_factory=Works)

    def of(self, rule_id: str) -> Policy:
        """The policy of a rule; of one that the book does not know, that its owner sees it."""
        return self.by_rule.get(rule_id, _NONE)

    def list_signalling(self, *signals: str) -> tuple[str, ...]:
        """Ids of the rules with one of these signals."""
        return self._list(lambda one: one.signal in signals)

    def list_shown_to(self, viewer: str) -> tuple[str, ...]:
        """Ids of the rules that a viewer sees."""
        return self._list(lambda one: viewer in one.shown_to)

    def list_hidden_from_owner(self) -> tuple[str, ...]:
        """Ids of the rules whose owner does not see them by owing."""
        return self._list(lambda one: OWNER not in one.shown_to)

    def list_of_stage(self, stage: str) -> tuple[str, ...]:
        """Ids of the rules that a column of the scoreboard counts."""
        return self._list(lambda one: one.scoreboard_stage == stage)

    def list_timed(self) -> tuple[str, ...]:
        """Ids of the rules whose time to an answer is measured."""
        return self._list(lambda one: one.timed)

    def _list(self, holds: Callable[[Policy], bool]) -> tuple[str, ...]:
        return tuple(rule_id for rule_id, one in self.by_rule.items() if holds(one))


_NONE = Policy()


def read_policies(entries: Iterable[Mapping[str, Any]]) -> Policies:
    """Read and check the keys of all entries. What one part of a rule says holds for the others. Raise InvalidEntry."""
    every, by_rule = list(entries), dict[str, list[Mapping[str, Any]]]()
    for entry in every:
        by_rule.setdefault(entry["id"], []).append(entry)
    return Policies({rule_id: _read_rule(rule_id, parts) for rule_id, parts in by_rule.items()}, read_works(every))


def _read_rule(rule_id: str, parts: Sequence[Mapping[str, Any]]) -> Policy:
    values: dict[str, Any] = {}
    for entry in parts:
        label = f"rule {rule_id}" + (f" ({entry['part']})" if entry.get("part") else "")
        for key in _OF_RULE:
            if key not in entry:
                continue
            try:
                value = _READERS[key](entry[key], key, entry)
            except InvalidEntry as error:
                raise InvalidEntry(f"{label}, {error}") from error
            if values.setdefault(key, value) != value:
                raise InvalidEntry(f"{label}, {key}: another part of the rule says otherwise; say it once")
    values.setdefault("signal", next(filter(None, map(_find_default, parts)), ""))
    return Policy(**values)


def _find_default(entry: Mapping[str, Any]) -> str:
    if entry.get("form") == "metric":
        return _SIGNAL_OF_METRIC.get(str(entry.get("metric")), "")
    if entry.get("kinds") == ["WORK"]:  # the windows of an office's work are no person's check-ins
        return ""
    return _SIGNAL_OF_FORM.get(str(entry.get("form")), "")


def _read_viewers(value: Any, key: str, _: Mapping[str, Any]) -> frozenset[str]:
    allowed = f"must be a list of {', '.join(VIEWERS)}"
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise InvalidEntry(f"{key}: {allowed}")
    if unknown := sorted(set(value) - set(VIEWERS)):
        raise InvalidEntry(f"{key}: unknown word {unknown[0]}; it {allowed}")
    return frozenset(value)


def _read_stage(value: Any, key: str, entry: Mapping[str, Any]) -> str:
    stage, owner = _read_word(value, key, STAGES), entry.get("owner")
    if stage == NOTICE and owner not in SENDERS:
        raise InvalidEntry(f"{key}: {stage} counts what {', '.join(SENDERS)} owe, not {owner}")
    if stage != NOTICE and owner in _BESIDE_COUNTY:
        raise InvalidEntry(f"{key}: {stage} counts what offices of the county owe, not {owner}")
    return stage


def _read_signal(value: Any, key: str, entry: Mapping[str, Any]) -> str:
    signal = _read_word(value, key, SIGNALS)
    if (entry.get("kinds") == ["SYSTEM"]) != (signal in _SYSTEM):
        raise InvalidEntry(f"{key}: {signal} is a signal of {'the kind SYSTEM' if signal in _SYSTEM else 'handovers'}")
    return signal


def _read_word(value: Any, key: str, words: Sequence[str]) -> str:
    if value not in words:
        raise InvalidEntry(f"{key}: unknown word {value}; allowed are {', '.join(words)}")
    return str(value)


def _read_flag(value: Any, key: str, _: Mapping[str, Any]) -> bool:
    if not isinstance(value, bool):
        raise InvalidEntry(f"{key}: must be true or false")
    return value


_READERS: Mapping[str, Callable[[Any, str, Mapping[str, Any]], Any]] = {
    "shown_to": _read_viewers,
    "scoreboard_stage": _read_stage,
    "signal": _read_signal,
    "timed": _read_flag,
}
