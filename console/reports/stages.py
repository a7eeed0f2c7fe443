"""The columns of the scoreboard: stages of a handover, each with the rules whose obligations it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handover.rules.policy import NOTICE, STAGES
from handover.rules.rulebook import RuleBook

KINDS: Mapping[str, tuple[str, ...]] = {"A": ("A", "A+", "U"), "B": ("B1", "B2", "B3")}


@dataclass(frozen=True, slots=True)
class ScoreboardStage:
    """One column. `of_county`: the county's own offices owe it; else it stands apart and is left out of the county's total."""

    name: str
    rules: tuple[str, ...]
    of_county: bool = True


def select_stages(book: RuleBook, kind: str = "") -> Sequence[ScoreboardStage]:
    """The stages that rules of a book feed, of a kind of handover: A released, B community corrections, else all."""
    others = _list_rules_of_other_kinds(book, kind)
    own = [(name, [rule for rule in book.policies.list_of_stage(name) if rule not in others]) for name in STAGES]
    return [ScoreboardStage(name, tuple(rules), of_county=name != NOTICE) for name, rules in own if rules]


def _list_rules_of_other_kinds(book: RuleBook, kind: str) -> frozenset[str]:
    if kind not in KINDS:
        return frozenset()
    kinds: dict[str, set[str]] = {}
    for rule in book.rules:
        kinds.setdefault(rule.id, set()).update(rule.kinds)
    return frozenset(rule for rule, own in kinds.items() if own.isdisjoint(KINDS[kind]))


def list_rules(stages: Sequence[ScoreboardStage]) -> tuple[str, ...]:
    """All rules of these stages."""
    return tuple(rule for stage in stages for rule in stage.rules)
