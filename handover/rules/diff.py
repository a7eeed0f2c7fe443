"""What differs between two rule books, and the same as an event that turns the one into the other (semantics.md 6.10)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handover.rules.policy import KEYS as POLICY_KEYS
from handover.rules.rulebook import FIXED, RuleBook


class NotTellable(ValueError):
    """A difference that no `rules_changed` can say: such an event sets keys of rules and adds rules. The text names it."""


_FOR_PEOPLE = frozenset(("book", "names", "roles", "codes"))  # they move no obligation


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that differs; `rule` is empty for keys of the book, `key` is None where a whole rule comes or goes."""

    rule: str
    part: str
    key: str | None
    before: Any  # None: not set
    after: Any

    @property
    def label(self) -> str:
        """The rule with its part."""
        return self.rule + (f" ({self.part})" if self.part else "")

    def wire(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"rule": self.rule, "part": self.part, "key": self.key, "before": self.before, "after": self.after}


def differences(before: RuleBook, after: RuleBook) -> Iterator[Difference]:
    """Yield what differs, key by key, first what is of the whole book. A rule that is off is none."""
    for key in dict.fromkeys((*before.raw, *after.raw)):
        if key not in ("rule", "extends") and before.raw.get(key) != after.raw.get(key):
            yield Difference("", "", key, before.raw.get(key), after.raw.get(key))
    old, new = _entries(before), _entries(after)
    for name in dict.fromkeys((*old, *new)):
        if name not in new or name not in old:
            yield Difference(*name, None, old.get(name), new.get(name))
            continue
        for key in dict.fromkeys((*old[name], *new[name])):
            if old[name].get(key) != new[name].get(key):
                yield Difference(*name, key, old[name].get(key), new[name].get(key))


def as_changes(before: RuleBook, after: RuleBook) -> list[dict[str, Any]]:
    """The `changes` of the event that makes `before` into `after`, names of the book aside. Raise NotTellable."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in differences(before, after):
        if not one.rule:
            if one.key in _FOR_PEOPLE:
                continue
            raise NotTellable(f"{one.key}: only keys of rules can be changed while the pipeline runs")
        if one.key is not None and one.after is None:
            raise NotTellable(f"rule {one.label}, {one.key}: a key can be set to another value, not taken away")
        if one.key in POLICY_KEYS:
            raise NotTellable(f"rule {one.label}, {one.key}: {FIXED}")
        change = found.setdefault((one.rule, one.part), {"rule_id": one.rule, "set": {}})
        if one.part:
            change["part"] = one.part
        if one.key is not None:
            change["set"][one.key] = one.after
        elif one.after is None:
            change["set"]["off"] = True
        else:
            change["set"] = {key: value for key, value in one.after.items() if key not in ("id", "part")}
    return list(found.values())


def _entries(book: RuleBook) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(one["id"], one.get("part", "")): one for one in book.raw["rule"] if not one.get("off")}
