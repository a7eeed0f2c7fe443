"""The columns of the scoreboard: stages of a handover, each with the rules whose obligations it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ScoreboardStage:
    """One column. `of_county`: the county's own offices owe it; else it stands apart and is left out of the county's total."""

    name: str
    rules: tuple[str, ...]
    of_county: bool = True


STAGES = (
    ScoreboardStage("notice", ("A01",), of_county=False),
    ScoreboardStage("answer", ("A02",)),
    ScoreboardStage("verify", ("A03",)),
    ScoreboardStage("pickup", ("A05", "A06")),
    ScoreboardStage("receipt", ("B03",)),
    ScoreboardStage("arrival", ("A07", "B04")),
    ScoreboardStage("intake", ("B08",)),
    ScoreboardStage("visit", ("A10",)),
)
KINDS: Mapping[str, tuple[str, ...]] = {"A": ("A", "A+", "U"), "B": ("B1", "B2", "B3")}


def select_stages(kind: str) -> Sequence[ScoreboardStage]:
    """The stages of a kind of handover: A released, B community corrections, else all."""
    if kind not in KINDS:
        return STAGES
    own = [(stage, tuple(rule for rule in stage.rules if rule.startswith(kind))) for stage in STAGES]
    return [replace(stage, rules=rules) for stage, rules in own if rules]


def list_rules(stages: Sequence[ScoreboardStage]) -> tuple[str, ...]:
    """All rules of these stages."""
    return tuple(rule for stage in stages for rule in stage.rules)
