"""The share of duties that a county answered on time (domain.md 4.9): derived from the facts, as everything else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from handover.agencies import code_of, type_of
from handover.alerts.lifecycle import is_waived
from handover.cases.advance import duties_at
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.facts.fact import Fact, last
from handover.obligations.obligation import Obligation

_OF_COUNTY = frozenset(("COUNTY_JUSTICE", "TOWN_JUSTICE"))
_SIGNS = frozenset(
    ("orphan", "abolished_code", "linked_dispute")
)  # they tell of something wrong, nobody had to answer by then
_CONTESTS = frozenset(("action.contested", "action.contest_decided"))


@dataclass(slots=True)
class Answered:
    """Of the duties that fell due in a period: how many, and how many of them were answered before they were due."""

    due: int = 0
    on_time: int = 0

    @property
    def share(self) -> float:
        """From 0 to 1; 1 where nothing was due."""
        return self.on_time / self.due if self.due else 1.0


def answered(cases: Iterable[Case], world: SharedState, start: datetime, end: datetime) -> Mapping[str, Answered]:
    """By county code: the duties of its bureau and townships towards persons with start <= due < end, as known at `end`.

    What was cancelled, waived, paused or redated is left out, and what is contested; what is still open counts as late.
    """
    found: dict[str, Answered] = {}
    for case in cases:
        if case.kind != "PERSON":
            continue
        for duty, actions in duties_at(case, world, end):
            if start <= duty.due_at < end and type_of(duty.owner) in _OF_COUNTY and _counts(duty, list(actions)):
                county = found.setdefault(code_of(duty.owner)[:6], Answered())
                county.due += 1
                county.on_time += duty.met_at is not None and duty.met_at < duty.due_at
    return found


def _counts(duty: Obligation, actions: list[Fact]) -> bool:
    contest = last(one for one in actions if one.name in _CONTESTS)
    if is_waived(actions) or (contest is not None and contest.name == "action.contested"):
        return False
    if duty.rule.form in _SIGNS:
        return False
    return duty.met_at is not None or not (duty.cancelled or duty.superseded or duty.paused)
