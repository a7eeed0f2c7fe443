"""Disputes (domain.md 4.9): those reported in a place in a month, and what became of them, as known at an instant."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from console.reports.events import read_standing
from console.reports.indicator import (
    DrillDownRow,
    Indicator,
    IndicatorPart,
    PartValue,
    compute_quantiles,
    group_by_name,
    make_count,
    make_share,
)
from console.reports.person_base import PersonBase
from handover.facts.fact import Fact

_REPORTED, _ACCEPTED, _ESCALATED = "dispute.reported", "dispute.accepted", "dispute.escalated"
_SOLVED, _CLOSED = "dispute.agreed", ("dispute.agreed", "dispute.failed", "dispute.withdrawn", "dispute.referred")


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it was reported first, and what was told of it since, in order of time."""

    reported: Fact
    later: Sequence[Fact]

    @property
    def level(self) -> str:
        """Where it was reported: VILLAGE, TOWN or COUNTY."""
        return str(self.reported.data["level"])

    @property
    def closed_at(self) -> datetime | None:
        """When it was first agreed, given up, withdrawn or sent elsewhere; None: not yet."""
        return next((one.time for one in self.later if one.name in _CLOSED), None)

    @property
    def moves(self) -> set[tuple[str, str]]:
        """From which level to which it went, each move once."""
        levels = ((one.data["from_level"], one.data["to_level"]) for one in self.later if one.name == _ESCALATED)
        return {(before, after) for before, after in levels if before != after}

    def has(self, fact: str) -> bool:
        """Whether this was told of it."""
        return any(one.name == fact for one in self.later)


def compute(known: PersonBase) -> list[Indicator]:
    """All of them: the month's disputes, what share was accepted, solved, named special persons or changed its level, how long they took."""
    found = _read_disputes(known)
    closed = [one for one in found if one.closed_at is not None]
    return [
        make_count("disputes_found", _make_rows(found, lambda _: True)),
        make_share("disputes_accepted", _make_rows(found, lambda one: one.has(_ACCEPTED))),
        make_share("disputes_solved_closed", _make_rows(closed, lambda one: one.has(_SOLVED))),
        make_share("disputes_solved_found", _make_rows(found, lambda one: one.has(_SOLVED))),
        make_share(
            "disputes_time",
            _make_rows(found, lambda one: one.closed_at is not None),
            _compute_by_level(found, known.at),
        ),
        make_share("disputes_moved", _make_rows(found, lambda one: bool(one.moves)), _count_by_move(found)),
        make_share("disputes_special", _make_rows(found, lambda one: bool(one.reported.data["person_refs"]))),
    ]


def _read_disputes(known: PersonBase) -> list[Dispute]:
    first: dict[str, Fact] = {}
    month = known.month
    for one in read_standing(known.connection, (_REPORTED,), known.at, begins=month.begins, ends=month.ends):
        if one.data["place_code"].startswith(known.prefix):
            first.setdefault(one.subject, one)
    later: dict[str, list[Fact]] = {subject: [] for subject in first}
    for one in read_standing(known.connection, (_ACCEPTED, _ESCALATED, *_CLOSED), known.at, begins=month.begins):
        if one.subject in first and one.time >= first[one.subject].time:
            later[one.subject].append(one)
    return [Dispute(reported, later[subject]) for subject, reported in first.items()]


def _make_rows(disputes: Sequence[Dispute], holds: Callable[[Dispute], bool]) -> list[DrillDownRow]:
    told = [(one.reported, holds(one)) for one in disputes]
    return [
        DrillDownRow(one.subject, one.data["place_code"], one.agency, one.time, one.name, is_in) for one, is_in in told
    ]


def _compute_by_level(disputes: Sequence[Dispute], at: datetime) -> list[IndicatorPart]:
    """How long they took to close, all together and by the level at which they were reported; with none, nothing."""
    groups = group_by_name(disputes, lambda one: one.level)
    return [IndicatorPart(name, _compute_times(group, at), len(group)) for name, group in groups.items()]


def _compute_times(disputes: Sequence[Dispute], at: datetime) -> Mapping[str, PartValue]:
    closed = [one.closed_at - one.reported.time for one in disputes if one.closed_at is not None]
    unclosed = [at - one.reported.time for one in disputes if one.closed_at is None]
    return {"n": len(disputes), "unclosed": len(unclosed), **compute_quantiles(closed, unclosed)}


def _count_by_move(disputes: Sequence[Dispute]) -> list[IndicatorPart]:
    """How many went from one level to another; named by both."""
    moves = Counter(move for one in disputes for move in one.moves)
    return [IndicatorPart(" ".join(move), {"n": n}, n) for move, n in sorted(moves.items())]
